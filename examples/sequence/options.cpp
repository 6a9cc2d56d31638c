#include "sequence/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "sequence/seed.h"

namespace sequence {

namespace {

// What a task starts from where nothing else is asked for. With these each learns something within a minute, except
// temporal-order: it is the hard one, and its defaults are those of the tamed way.
struct TaskDefaults {
  std::string_view task;
  Index shortest;  // time
  Index time, hidden, batch;
  std::string_view activation, init, optimizer;
  double learning_rate, clip;
  Index updates;
  std::optional<double> input_std, readout_std;
};
constexpr std::array<TaskDefaults, 4> task_defaults{{
    {"temporal-order", 10, 100, 50, 20, "tanh", "orthogonal", "sgd", 0.01, 1, 1000, 0.01, 0.5},
    {"adding", 2, 100, 64, 32, "relu", "identity", "adam", 0.001, 1, 3000, {}, {}},
    {"copy", 3, 30, 64, 32, "tanh", "orthogonal", "adam", 0.002, 1, 2000, {}, {}},
    {"text", 1, 50, 128, 32, "tanh", "orthogonal", "adam", 0.002, 1, 1500, {}, {}},
}};

// For several threads: as many as many a machine has cores, and at the tasks' batches still of a few rows each.
constexpr Index default_shards = 4;
constexpr std::string_view default_text = "/usr/share/common-licenses/GPL-3";
constexpr std::array activations{ebb::Activation::tanh, ebb::Activation::logistic, ebb::Activation::relu,
                                 ebb::Activation::identity};

// What was typed; what wasn't has no value.
struct Typed {
  std::optional<std::string> task, input, activation, init, optimizer, output;
  std::optional<Index> time, hidden, batch, symbols, updates, threads, shards, log_every;
  std::optional<Index> transport_every;
  std::optional<double> gain, input_std, readout_std, learning_rate, momentum, clip, omega;
  std::uint64_t seed = 1;
  bool contributions = false;
};

// Checks of one option's value. Without descriptions: the help says it in words.
CLI::Validator number(bool is_right(double), const std::string& description) {
  auto check = [=](const std::string& text) {
    double value = 0;
    const bool passes = CLI::detail::lexical_cast(text, value) && std::isfinite(value) && is_right(value);
    return passes ? std::string() : fmt::format("{} is not {}", text, description);
  };
  return {check, ""};
}

CLI::Validator positive() {
  return number([](double value) { return value > 0; }, "a number above 0");
}

CLI::Validator count(Index most, Index least = 1) {
  auto check = [=](const std::string& text) {
    Index value = 0;
    const bool passes = CLI::detail::lexical_cast(text, value) && value >= least && value <= most;
    return passes ? std::string() : fmt::format("{} is not a whole number from {} to {}", text, least, most);
  };
  return {check, ""};
}

CLI::Validator one_of(const std::vector<std::string>& names) {
  auto check = [names](const std::string& text) {
    const bool passes = std::find(names.begin(), names.end(), text) != names.end();
    return passes ? std::string() : fmt::format("{} is none of {}", text, fmt::join(names, ", "));
  };
  return {check, ""};
}

CLI::Validator anything() {
  return {[](const std::string&) { return std::string(); }, ""};
}

std::string defaults_table() {
  constexpr std::string_view row = "  {:<15} {:>6} {:>8} {:>7} {:>12} {:>10} {:>11} {:>15} {:>6} {:>9}\n";
  std::string table = "\nWhat a task starts from:\n";
  table += fmt::format(row, "--task", "--time", "--hidden", "--batch", "--activation", "--init", "--optimizer",
                       "--learning-rate", "--clip", "--updates");
  for (const TaskDefaults& task : task_defaults)
    table += fmt::format(row, task.task, task.time, task.hidden, task.batch, task.activation, task.init, task.optimizer,
                         task.learning_rate, task.clip, task.updates);
  return table;
}

// The command line as CLI11 sees it.
void declare(CLI::App& app, Typed& typed) {
  app.get_formatter()->column_width(24);
  app.set_version_flag("--version", "train_sequence " EBB_VERSION, "Print the version");
  std::string group;
  auto add = [&](const char* name, auto& value, const char* type, const std::string& text,
                 const CLI::Validator& check) {
    app.add_option(name, value, text)->check(check)->type_name(type)->group(group);
  };

  group = "Task";
  add("--task", typed.task, "NAME", "What to learn: temporal-order, adding, copy or text",
      one_of({"temporal-order", "adding", "copy", "text"}));
  add("--time", typed.time, "T", "Steps of a sequence, or of a window of text", count(1'000'000));
  add("--batch", typed.batch, "B", "Sequences an update", count(100'000));
  add("--symbols", typed.symbols, "S", "For copy: how many of 8 symbols to remember [5]", count(1'000'000));
  add("--input", typed.input, "FILE", fmt::format("For text: the file to read [{}]", default_text), anything());

  group = "Network: s_k = activation(x_k U + s_{k-1} W + b)";
  add("--hidden", typed.hidden, "H", "Units", count(16'384));
  add("--activation", typed.activation, "NAME", "tanh, logistic, relu or identity",
      one_of({"tanh", "logistic", "relu", "identity"}));
  add("--init", typed.init, "NAME", "W at first: orthogonal, xavier, normal, uniform, identity, sparse or zeros",
      one_of({"orthogonal", "xavier", "normal", "uniform", "identity", "sparse", "zeros"}));
  add("--gain", typed.gain, "G",
      "Its factor [1]; the deviation of normal, the limit of uniform [1/sqrt(H)]; the spectral radius of sparse [0.95]",
      positive());
  add("--input-std", typed.input_std, "STD",
      "U at first: normal with this deviation [Xavier's uniform; temporal-order: 0.01]",
      number([](double value) { return value >= 0; }, "a number from 0 on"));
  add("--readout-std", typed.readout_std, "STD",
      "The readout at first: the same [Xavier's uniform; temporal-order: 0.5]",
      number([](double value) { return value >= 0; }, "a number from 0 on"));

  group = "Training";
  add("--optimizer", typed.optimizer, "NAME", "sgd, momentum, nesterov (both sgd) or adam",
      one_of({"sgd", "momentum", "nesterov", "adam"}));
  add("--learning-rate,--lr", typed.learning_rate, "RATE", "Step size", positive());
  add("--momentum", typed.momentum, "M", "For momentum and nesterov: what is kept of the last step [0.9]",
      number([](double value) { return value > 0 && value < 1; }, "a number above 0 and below 1"));
  add("--clip", typed.clip, "NORM", "Limit of the gradient's norm; 0 for none",
      number([](double value) { return value >= 0; }, "a number from 0 on"));
  add("--omega", typed.omega, "WEIGHT", "Of Pascanu's regulariser against vanishing; adds about half to a step [0]",
      number([](double value) { return value >= 0; }, "a number from 0 on"));
  add("--updates", typed.updates, "N", "How many", count(1'000'000'000));
  add("--threads", typed.threads, "N",
      "That share the work, a shard of the batch or more each; any number gives the same log [1]", count(1024));
  add("--shards", typed.shards, "S",
      fmt::format("Parts that the batch is cut into, a tape each [1; with --threads: {}]", default_shards),
      count(100'000));
  add("--seed", typed.seed, "N", "Of all random numbers: the same seed, the same log [1]", {fault_of_seed, ""});

  group = "Output";
  add("--output", typed.output, "DIR", "For log.jsonl, gradients.csv, gradients.svg; overwritten [runs/TASK]",
      anything());
  add("--log-every", typed.log_every, "N", "Updates from one line of the log to the next [a hundredth of all]",
      count(1'000'000'000));
  add("--transport", typed.transport_every, "N",
      "Also log |ds_T/ds_k| and the largest Lyapunov exponent, at every Nth line of the log and the last; each costs\n"
      "about 10 H/B updates [0: never; of the three ways: 10]",
      count(1'000'000'000, 0));
  app.add_flag("--contributions", typed.contributions,
               "Also log |C_k|, what step k contributes to dL/dW [on for the three ways in one piece]")
      ->group(group);
}

// The options that don't fit together, or not with the task.
void refuse_contradictions(const Typed& typed, const RunOptions& run, const TaskDefaults& defaults) {
  auto refuse = [](bool wrong, std::string_view reason) {
    if (wrong) throw UsageError(std::string(reason));
  };
  refuse(typed.input && run.task != "text", "--input goes with --task text only");
  refuse(typed.symbols && run.task != "copy", "--symbols goes with --task copy only");
  refuse(typed.momentum && run.optimizer != "momentum" && run.optimizer != "nesterov",
         "--momentum goes with --optimizer momentum or nesterov only");
  refuse(typed.gain && run.init == "zeros", "--gain does nothing with --init zeros");
  refuse(typed.output && typed.output->empty(), "--output needs the name of a folder");
  refuse(run.contributions && run.shards > 1,
         "--contributions needs the batch in one piece: --shards 1, or no --threads");
  refuse(run.omega > 0 && run.shards > 1, "--omega needs the batch in one piece: --shards 1, or no --threads");
  const Index shortest = run.task == "copy" ? 2 * run.symbols + 1 : defaults.shortest;
  refuse(run.time < shortest, fmt::format("--time {} is too short for {}: at least {}", run.time, run.task, shortest));
}

RunOptions resolve(const Typed& typed) {
  const std::string task = typed.task.value_or("temporal-order");
  const TaskDefaults& defaults = *std::find_if(task_defaults.begin(), task_defaults.end(),
                                               [&](const TaskDefaults& row) { return row.task == task; });
  RunOptions run{.name = task,
                 .task = task,
                 .input = task == "text" ? typed.input.value_or(std::string(default_text)) : "",
                 .time = typed.time.value_or(defaults.time),
                 .symbols = task == "copy" ? typed.symbols.value_or(5) : 0,
                 .hidden = typed.hidden.value_or(defaults.hidden),
                 .batch = typed.batch.value_or(defaults.batch),
                 .shards = typed.shards.value_or(typed.threads ? default_shards : 1),
                 .threads = typed.threads.value_or(1),
                 .init = typed.init.value_or(std::string(defaults.init)),
                 .input_std = typed.input_std ? typed.input_std : defaults.input_std,
                 .readout_std = typed.readout_std ? typed.readout_std : defaults.readout_std,
                 .optimizer = typed.optimizer.value_or(std::string(defaults.optimizer)),
                 .learning_rate = typed.learning_rate.value_or(defaults.learning_rate),
                 .clip = typed.clip.value_or(defaults.clip),
                 .omega = typed.omega.value_or(0),
                 .updates = typed.updates.value_or(defaults.updates),
                 .seed = typed.seed,
                 .transport_every = typed.transport_every.value_or(0),
                 .contributions = typed.contributions};
  const std::string activation = typed.activation.value_or(std::string(defaults.activation));
  run.activation = *std::find_if(activations.begin(), activations.end(),
                                 [&](ebb::Activation choice) { return ebb::name(choice) == activation; });
  const bool is_scale = run.init == "normal" || run.init == "uniform";
  run.gain = typed.gain.value_or(is_scale               ? 1 / std::sqrt(static_cast<double>(run.hidden))
                                 : run.init == "sparse" ? 0.95
                                                        : 1.0);
  run.momentum = run.optimizer == "momentum" || run.optimizer == "nesterov" ? typed.momentum.value_or(0.9) : 0;
  run.log_every = typed.log_every.value_or(std::max<Index>(1, run.updates / 100));
  refuse_contradictions(typed, run, defaults);
  return run;
}

// The same task and the same sequences for three networks, whose gradients vanish, explode, and stay.
std::vector<RunOptions> three_ways(RunOptions base, const Typed& typed) {
  base.transport_every = typed.transport_every.value_or(10);
  base.contributions = base.shards == 1;
  RunOptions vanishing = base, exploding = base, tamed = base;
  vanishing.name = "vanishing";
  vanishing.activation = ebb::Activation::logistic;
  vanishing.init = "normal";
  vanishing.gain = 0.01;
  vanishing.clip = 0;
  exploding.name = "exploding";
  exploding.init = "normal";
  exploding.gain = 2 / std::sqrt(static_cast<double>(base.hidden));
  // Left almost to itself: a loud input would keep the same W from exploding (Molgedey, Schuchhardt & Schuster 1992).
  exploding.input_std = 0.0001;
  exploding.clip = 0;
  tamed.name = "tamed";
  return {vanishing, exploding, tamed};
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CLI::App app(
      "Trains a vanilla recurrent network on a sequence task and logs how large the gradient is at every time step.\n"
      "\n"
      "With nothing but --time, --hidden, --batch, --updates, --threads, --shards, --seed and the output options, it\n"
      "does so three ways on temporal-order, and the gradients\n"
      "  vanish   as with --activation logistic --init normal --gain 0.01 --clip 0\n"
      "  explode  as with --init normal --gain 2/sqrt(H) --input-std 0.0001 --clip 0\n"
      "  stay     as with --task temporal-order (orthogonal, clipped at 1)\n"
      "Any other option asks for a single run.\n",
      "train_sequence");
  Typed typed;
  declare(app, typed);
  app.footer(defaults_table());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {.runs = {}, .output = "", .text = app.help()};
  } catch (const CLI::CallForVersion& version) {
    return {.runs = {}, .output = "", .text = version.what() + std::string("\n")};
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    throw UsageError(message + " (try --help)");
  }

  const RunOptions run = resolve(typed);
  const bool single = typed.task || typed.input || typed.symbols || typed.activation || typed.init || typed.gain ||
                      typed.input_std || typed.readout_std || typed.optimizer || typed.learning_rate ||
                      typed.momentum || typed.clip || typed.omega;
  const std::string folder = "runs/" + (single ? run.task : std::string("three-ways"));
  return {.runs = single ? std::vector{run} : three_ways(run, typed), .output = typed.output.value_or(folder)};
}

}  // namespace sequence
