// Trains a vanilla recurrent network on a sequence task, and shows and logs how large the gradient is at every time
// step. `train_sequence --help` says what it can be asked for; without options it shows gradients that vanish, explode
// and are tamed.
#include <fmt/core.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <vector>

#include "report/page.h"
#include "sequence/history.h"
#include "sequence/options.h"
#include "sequence/progress.h"
#include "sequence/run_log.h"
#include "sequence/summary.h"
#include "sequence/trainer.h"

namespace sequence {
namespace {

std::atomic<bool> interrupted = false;  // whichever thread the signal comes to
static_assert(std::atomic<bool>::is_always_lock_free);

// The first Ctrl-C ends training in good order, a second one the process. Where nobody reads or no more may be written,
// the write says so.
void handle_signals() {
  struct sigaction once {};
  once.sa_handler = [](int) { interrupted = true; };
  once.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &once, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

// A tape of more steps than this isn't copied into the log, nor are the units at each of them.
constexpr Index most_steps_copied = 2000;

// What an update that may be logged is looked at for.
Attention attention_at(const RunOptions& options, Index update) {
  const bool is_first = update == 0, is_last = update == options.updates - 1;
  if (update % options.log_every != 0 && !is_last) return {};
  const bool transport =
      options.transport_every > 0 && (is_last || update / options.log_every % options.transport_every == 0);
  return {.contributions = options.contributions,
          .saturation = true,
          .transport = transport,
          .tape = (is_first || is_last) && options.time <= most_steps_copied};
}

// Trains one network to its end, to Ctrl-C, or to where its gradient isn't finite any more.
History train(const RunOptions& options, std::unique_ptr<Task> task, const std::filesystem::path& folder,
              report::LineWriter& out) {
  History history(options, *task);
  Trainer trainer(options, std::move(task));
  const bool is_text = trainer.task().continues;
  RunLog log(folder, options, trainer.task());
  Progress progress(out, options);
  ebb::Rng sample_rng(options.seed);

  for (bool ends = false; !ends;) {
    const Attention attention = attention_at(options, trainer.updates());
    const Observation seen = trainer.observe(attention);
    const Index done = seen.update + 1;
    ends = done == options.updates || !seen.is_finite() || interrupted;
    history.add(seen);
    if (ends || seen.update % options.log_every == 0) {
      const Weights before = weights(trainer.model().rnn.W);
      log.add(seen, before, attention.tape);
      history.add_logged(seen, before);
    }
    progress.show(seen);
    if (!seen.is_finite()) break;
    trainer.learn();

    if (is_text && history.below_trivial == seen.update) progress.say(crossing(history, progress.seconds()));
    if (is_text && (ends_a_tenth(done, options.updates) || ends))
      progress.say("  " + quoted(trainer.task().sample(trainer.model(), /*length=*/72, sample_rng)));
  }
  progress.finish();
  if (!is_text && !interrupted && history.last().seen.is_finite()) history.tested = trainer.test();
  log.end(
      {.updates = history.updates_done, .interrupted = interrupted, .tested = history.tested, .story = story(history)});
  return history;
}

// A report for each run, and one of several side by side; what to open.
std::string report_on(const CommandLine& command, const std::vector<std::filesystem::path>& folders) {
  if (!report::has_page()) return report::no_page;
  for (std::size_t i = 0; i < folders.size(); ++i)
    report::write_report(folders[i] / "report.html", command.runs[i].name, {folders[i]});
  const std::filesystem::path whole = std::filesystem::path(command.output) / "report.html";
  if (command.runs.size() > 1)  // of those that were begun, where Ctrl-C came before the last
    report::write_report(whole, fmt::format("{} {} ways", command.runs.front().task, command.runs.size()), folders);
  return fmt::format("open {}", whole.string());
}

int run(const CommandLine& command) {
  std::vector<std::unique_ptr<Task>> tasks;  // all of them, before anything is written
  for (const RunOptions& options : command.runs) tasks.push_back(make_task(options));

  handle_signals();
  const std::filesystem::path output = command.output;
  report::LineWriter out = report::LineWriter::standard_output();
  out.write(introduction(command.runs.front(), command.runs.size(), command.output));
  std::vector<History> histories;
  std::vector<std::filesystem::path> folders;
  for (std::size_t i = 0; i < tasks.size() && !interrupted; ++i) {
    const RunOptions& options = command.runs[i];
    folders.push_back(tasks.size() == 1 ? output : output / options.name);
    histories.push_back(train(options, std::move(tasks[i]), folders.back(), out));
  }
  report::LineWriter(output / "gradients.svg").write(picture(histories));
  out.write(fmt::format("{}\n{}\n", interrupted ? "\ninterrupted\n" : "", summary(histories)));
  out.write(report_on(command, folders) + "\n");
  return interrupted ? 130 : 0;
}

}  // namespace
}  // namespace sequence

int main(int argc, char** argv) {
  try {
    const sequence::CommandLine command = sequence::parse_command_line(argc, argv);
    if (!command.text) return sequence::run(command);
    report::LineWriter::standard_output().write(*command.text);
    return 0;
  } catch (const sequence::UsageError& error) {
    fmt::print(stderr, "train_sequence: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_sequence: {}\n", error.what());
    return 1;
  }
}
