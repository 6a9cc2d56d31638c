// The main job from outside: what it writes, what it says to mistakes, and what it leaves behind when it is stopped.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A folder of its own, gone at the end.
struct Folder {
  Folder() : path(fs::temp_directory_path() / fmt::format("ebb-test-{}", getpid())) {
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

struct Outcome {
  int status;
  std::string printed;
};

// Runs a shell command in which @ is the program; what it prints, on both streams unless redirected.
Outcome shell(std::string command) {
  for (std::size_t at = 0; (at = command.find('@', at)) != std::string::npos; at += sizeof(EBB_TRAIN_SEQUENCE) - 1)
    command.replace(at, 1, EBB_TRAIN_SEQUENCE);
  Outcome outcome{-1, {}};
  FILE* pipe = popen(("exec 2>&1; " + command).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer{};
  while (std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) outcome.printed.append(buffer.data(), n);
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<json> lines_of(const fs::path& path) {
  std::vector<json> result;
  std::istringstream text(contents(path));
  for (std::string line; std::getline(text, line);) result.push_back(json::parse(line));
  return result;
}

// The header and the updates of a log, without what stands between and after them.
std::vector<json> updates_of(const fs::path& path) {
  std::vector<json> lines = lines_of(path);
  std::erase_if(lines, [](const json& line) { return !line.contains("update") && !line.contains("program"); });
  return lines;
}

// ‖∂L/∂s_1‖ / ‖∂L/∂s_T‖ of a logged update; 0 where the first is a zero with its kind.
double ratio(const json& update) {
  const json& g = update["state_gradient"];
  REQUIRE(g.back().is_number());
  if (!g[1].is_number()) {
    CHECK((g[1] == "underflow" || g[1] == "saturated"));
    return 0;
  }
  return g[1].get<double>() / g.back().get<double>();
}

}  // namespace

TEST_CASE("train_sequence: three ways, at ten seeds, do what their names say") {
  const Folder folder;
  for (int seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const int updates = seed == 1 ? 1000 : 100;  // the whole run once; how it begins ten times
    const Outcome run = shell(fmt::format("@ --seed {} --updates {} --output {}", seed, updates, folder.path.string()));
    REQUIRE(run.status == 0);
    const auto logged = [&](const char* arm) {
      std::vector<json> lines = updates_of(folder.path / arm / "log.jsonl");
      lines.erase(lines.begin());
      REQUIRE(!lines.empty());
      return lines;
    };
    for (const json& update : logged("vanishing")) CHECK(ratio(update) < 1e-20);
    CHECK(ratio(logged("exploding").front()) > 1e3);
    for (const json& update : logged("tamed")) {
      CHECK(ratio(update) > 1e-2);
      CHECK(ratio(update) < 1e2);
    }
    CHECK(run.printed.find("At update 0, exploding: ") != std::string::npos);
  }
}

TEST_CASE("train_sequence: the log tells the configuration, then each update") {
  const Folder folder;
  REQUIRE(shell("@ --task adding --time 12 --hidden 8 --batch 4 --updates 6 --log-every 2 --contributions --output " +
                folder.path.string())
              .status == 0);
  const std::vector<json> lines = updates_of(folder.path / "log.jsonl");
  REQUIRE(lines.size() == 1 + 4);  // the header; updates 0, 2, 4, and the last
  CHECK(lines[0]["task"] == "adding");
  CHECK(lines[0]["time"] == 12);
  CHECK(lines[0].contains("instruction_set"));
  CHECK(lines[0].contains("version"));
  CHECK(lines[4]["update"] == 5);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    for (const char* key : {"loss", "gradient_norm", "clipped_gradient_norm", "lambda"}) {
      CAPTURE(key);
      CHECK(lines[i][key].is_number());
    }
    CHECK(lines[i]["state_gradient"].size() == 13);
    CHECK(lines[i]["state_gradient"][0] == "no path");
    CHECK(lines[i]["contribution"].size() == 13);
    CHECK(lines[i]["contribution"][5].get<double>() > 0);
  }
  std::istringstream csv(contents(folder.path / "gradients.csv"));
  std::string row;
  std::getline(csv, row);
  CHECK(row == "update,step,state_gradient,state_gradient_kind,contribution,contribution_kind");
  int rows = 0;
  while (std::getline(csv, row)) ++rows;
  CHECK(rows == 4 * 13);
  CHECK(contents(folder.path / "gradients.svg").find("</svg>") != std::string::npos);
}

TEST_CASE("train_sequence: the log tells of W, of saturation, of the tape and of the end") {
  const Folder folder;
  const Outcome run =
      shell("@ --task temporal-order --time 12 --hidden 8 --batch 4 --updates 5 --log-every 1 --transport 2 --output " +
            folder.path.string());
  REQUIRE(run.status == 0);
  std::vector<json> updates, tapes, results;
  for (const json& line : lines_of(folder.path / "log.jsonl")) {
    if (line.contains("update")) updates.push_back(line);
    if (line.contains("tape")) tapes.push_back(line["tape"]);
    if (line.contains("result")) results.push_back(line["result"]);
  }
  REQUIRE(updates.size() == 5);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const json& update = updates[i];
    // Orthogonal at first.
    if (i == 0) CHECK(update["sigma_min"].get<double>() == doctest::Approx(1).epsilon(1e-6));
    CHECK(update["rho"].get<double>() <= update["lambda"].get<double>() * (1 + 1e-12));
    CHECK(update["sigma_min"].get<double>() <= update["sigma_mean"].get<double>());
    CHECK(update["sigma_mean"].get<double>() <= update["lambda"].get<double>());
    REQUIRE(update["saturation"].size() == 13);
    CHECK(update["saturation"][0].is_null());
    CHECK(update["saturation"][12].get<double>() > 0);
    CHECK(update["shut"][12].get<double>() <= 1);
    // Every second logged update and the last.
    CHECK(update.contains("log10_transport") == (i % 2 == 0));
    CHECK(update.contains("saturation_by_unit") == (i == 0 || i == 4));
    if (i % 2 == 1) continue;
    REQUIRE(update["log10_transport"].size() == 13);
    CHECK(update["log10_transport"][12] == 0.0);
    CHECK(update["log10_transport"][3].get<double>() <= update["log10_product"][3].get<double>() + 1e-12);
    CHECK(update["log10_product"][3].get<double>() <= 9 * std::log10(update["lambda"].get<double>()) + 1e-9);  // γ is 1
    CHECK(update["lyapunov"].is_number());
  }
  REQUIRE(updates[4]["saturation_by_unit"].size() == 12);
  CHECK(updates[4]["saturation_by_unit"][0].size() == 8);

  REQUIRE(tapes.size() == 2);
  CHECK(tapes[0]["update"] == 0);
  CHECK(tapes[1]["update"] == 4);
  int steps = 0;
  for (const json& record : tapes[1]["records"]) {
    if (record["op"] != "rnn_step") continue;
    ++steps;
    CHECK(record["step"] == steps);
    CHECK(record["gradient_norm"].get<double>() ==
          doctest::Approx(updates[4]["state_gradient"][static_cast<std::size_t>(steps)].get<double>()).epsilon(1e-12));
    CHECK(record["value_norm"].get<double>() > 0);
  }
  CHECK(steps == 12);

  REQUIRE(results.size() == 1);
  CHECK(results[0]["updates"] == 5);
  CHECK(results[0]["interrupted"] == false);
  CHECK(results[0]["test_loss"].is_number());
  // The terminal says the same.
  for (const json& sentence : results[0]["story"])
    CHECK(run.printed.find(sentence.get<std::string>()) != std::string::npos);
}

TEST_CASE("train_sequence: Ω is part of what is minimised, and logged") {
  const Folder folder;
  const auto log = [&](const std::string& options) {
    const fs::path output = folder.path / std::to_string(options.size());
    REQUIRE(shell("@ --task temporal-order --time 12 --hidden 8 --batch 4 --updates 3 --log-every 1 --init sparse " +
                  options + " --output " + output.string())
                .status == 0);
    return updates_of(output / "log.jsonl");
  };
  const std::vector<json> with = log("--omega 2"), without = log("");
  CHECK(with[0]["omega"] == 2.0);
  CHECK(with[1]["omega"].get<double>() > 0);
  CHECK(!without[1].contains("omega"));
  CHECK(with[1]["loss"] == without[1]["loss"]);  // the loss itself is without it
  CHECK(with[1]["gradient_norm"] != without[1]["gradient_norm"]);
}

TEST_CASE("train_sequence: the same seed gives the same bytes, another one others") {
  const Folder folder;
  const auto log = [&](const std::string& name, int seed) {
    for (const char* task : {"adding", "copy", "temporal-order", "text"})
      REQUIRE(shell(fmt::format("@ --task {} --time 20 --updates 5 --seed {} --output {}/{}-{}", task, seed,
                                folder.path.string(), name, task))
                  .status == 0);
    std::string all;
    for (const char* task : {"adding", "copy", "temporal-order", "text"})
      all += contents(folder.path / (name + "-" + task) / "log.jsonl");
    return all;
  };
  const std::string first = log("a", 3);
  CHECK(first == log("b", 3));
  CHECK(first != log("c", 4));
}

TEST_CASE("train_sequence: one, two and three threads write the same bytes, close to those of one tape") {
  const Folder folder;
  for (const std::string task : {"adding", "copy", "temporal-order", "text"}) {
    CAPTURE(task);
    const auto run = [&](const std::string& name, const std::string& options) {
      const fs::path output = folder.path / task / name;
      REQUIRE(shell(fmt::format("@ --task {} --time 20 --batch 7 --updates 5 {} --output {}", task, options,
                                output.string()))
                  .status == 0);
      return output;
    };
    const fs::path one_tape = run("off", ""), one = run("1", "--threads 1");
    for (const char* threads : {"2", "3", "8"}) {
      const fs::path several = run(threads, std::string("--threads ") + threads);
      for (const char* file : {"log.jsonl", "gradients.csv", "gradients.svg"})
        CHECK(contents(several / file) == contents(one / file));
    }
    CHECK(contents(run("two-shards", "--shards 2 --threads 2") / "log.jsonl") != contents(one / "log.jsonl"));
    CHECK(contents(run("one-shard", "--shards 1 --threads 2") / "log.jsonl") == contents(one_tape / "log.jsonl"));

    const std::vector<json> expected = updates_of(one_tape / "log.jsonl"), lines = updates_of(one / "log.jsonl");
    REQUIRE(lines.size() == expected.size());
    CHECK(lines[0]["shards"] == 4);
    CHECK(!expected[0].contains("shards"));
    CHECK(lines[1]["state_gradient"].size() == 21);
    // Float32 sums in another order, five updates of them.
    const auto close = [](const json& a, const json& b) {
      if (!a.is_number() || !b.is_number()) return a == b;
      return a.get<double>() == doctest::Approx(b.get<double>()).epsilon(1e-4);
    };
    for (std::size_t i = 1; i < lines.size(); ++i) {
      CHECK(close(lines[i]["loss"], expected[i]["loss"]));
      CHECK(close(lines[i]["gradient_norm"], expected[i]["gradient_norm"]));
      for (std::size_t k = 0; k <= 20; ++k)
        CHECK(close(lines[i]["state_gradient"][k], expected[i]["state_gradient"][k]));
    }
  }
}

TEST_CASE("train_sequence: a model of a text falls below the entropy of its bytes") {
  const Folder folder;
  const fs::path file = folder.path / "text.txt";
  {
    std::ofstream text(file);
    for (int i = 0; i < 400; ++i) text << "the quick brown fox jumps over the lazy dog " << i << '\n';
  }
  const Outcome run = shell(fmt::format("@ --task text --input {} --hidden 48 --updates 300 --output {}", file.string(),
                                        (folder.path / "run").string()));
  REQUIRE(run.status == 0);
  std::array<double, 256> counts{};
  const std::string text = contents(file);
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double entropy = 0;  // nats a byte
  for (const double count : counts)
    if (count > 0)
      entropy -= count / static_cast<double>(text.size()) * std::log(count / static_cast<double>(text.size()));
  const std::vector<json> lines = updates_of(folder.path / "run" / "log.jsonl");
  CHECK(lines.back()["loss"].get<double>() < entropy);
  CHECK(lines.back()["state_gradient"].back().is_number());
}

TEST_CASE("fault 25: a closed pipe, a full disk or a folder that can't be written is one line and an error") {
  const Folder folder;
  const std::string options = " --task adding --time 10 --hidden 4 --updates 200 --output ";
  const fs::path run = folder.path / "run";

  SUBCASE("closed pipe") {
    // By then `true` has ended.
    const Outcome outcome = shell("{ sleep 0.5; @" + options + run.string() + " ; echo status $? >&2 ; } 2>" +
                                  (folder.path / "err").string() + " | true");
    const std::string error = contents(folder.path / "err");
    CHECK(error.find("train_sequence: ") == 0);
    CHECK(error.find("status 0") == std::string::npos);
    CHECK(std::count(error.begin(), error.end(), '\n') == 2);
  }
  SUBCASE("no room for a log") {
    // Files of at most two blocks of 1024 bytes: room for the header.
    const Outcome outcome = shell("ulimit -f 2; @" + options + run.string() + " >/dev/null");
    CHECK(outcome.status == 1);
    CHECK(std::count(outcome.printed.begin(), outcome.printed.end(), '\n') == 1);
    CHECK(json::accept(contents(run / "log.jsonl").substr(0, contents(run / "log.jsonl").find('\n'))));
  }
  SUBCASE("no folder") {
    std::ofstream(folder.path / "file") << "here";
    const Outcome outcome = shell("@" + options + (folder.path / "file" / "run").string() + " >/dev/null");
    CHECK(outcome.status == 1);
    CHECK(std::count(outcome.printed.begin(), outcome.printed.end(), '\n') == 1);
  }
}

TEST_CASE("fault 26: a bad command line is one line and status 2, before any work") {
  const Folder folder;
  const std::string path = folder.path.string();
  std::ofstream(folder.path / "empty");
  std::ofstream(folder.path / "short") << "abc";
  std::ofstream(folder.path / "binary") << std::string(5000, '\0');
  const std::string text = "--task text --input " + path;
  for (const std::string& arguments : std::vector<std::string>{"--learning-rate nan",
                                                               "--updates -1",
                                                               "--updates 0",
                                                               "--time 0",
                                                               "--hidden x",
                                                               "--task nothing",
                                                               "--activation cosine",
                                                               "--no-such-option",
                                                               "extra",
                                                               "--task adding --input " + path + "/short",
                                                               "--optimizer adam --momentum 0.5",
                                                               "--clip -1",
                                                               "--threads 0",
                                                               "--threads -1",
                                                               "--threads abc",
                                                               "--shards 0",
                                                               "--threads 2 --contributions",
                                                               "--threads 2 --omega 1",
                                                               "--transport -1",
                                                               text + "/missing",
                                                               text + "/empty",
                                                               text + "/short",
                                                               text + "/binary",
                                                               text}) {
    CAPTURE(arguments);
    const Outcome outcome = shell("cd " + path + " && @ " + arguments + " --output run");
    CHECK(outcome.status == 2);
    CHECK(std::count(outcome.printed.begin(), outcome.printed.end(), '\n') == 1);
    CHECK(!fs::exists(folder.path / "run"));
  }
}

TEST_CASE("fault 26: an experiment with a bad command line is one line and status 2, before any work") {
  const Folder folder;
  for (const std::string& arguments :
       std::vector<std::string>{"--seed -1", "--seed 1.5", "--seed 99999999999999999999", "--seeds 0", "--seeds x",
                                "--short", "--no-such-option", "extra"}) {
    CAPTURE(arguments);
    const Outcome outcome = shell("cd " + folder.path.string() + " && " EBB_EXPERIMENT " " + arguments);
    CHECK(outcome.status == 2);
    CHECK(std::count(outcome.printed.begin(), outcome.printed.end(), '\n') == 1);
    CHECK(fs::is_empty(folder.path));
  }
}

TEST_CASE("fault 27: Ctrl-C ends training with the log whole and status 130") {
  const Folder folder;
  const fs::path run = folder.path / "run";
  const Outcome outcome =
      shell("set -m; @ --task adding --updates 1000000 --output " + run.string() + " & sleep 1; kill -INT $!; wait $!");
  CHECK(outcome.status == 130);
  CHECK(updates_of(run / "log.jsonl").size() >= 2);
  CHECK(contents(run / "gradients.svg").find("</svg>") != std::string::npos);
  CHECK(outcome.printed.find("interrupted") != std::string::npos);

  // In the first of three runs: what it says to open is there.
  const fs::path ways = folder.path / "ways";
  const Outcome first =
      shell("set -m; @ --updates 1000000 --output " + ways.string() + " & sleep 1; kill -INT $!; wait $!");
  CHECK(first.status == 130);
  CHECK(!fs::exists(ways / "exploding"));
  const std::string opens = "open " + (ways / "report.html").string();
  if (first.printed.find("no report.html") == std::string::npos) {
    CHECK(first.printed.find(opens) != std::string::npos);
    CHECK(fs::exists(ways / "report.html"));
  }
}

TEST_CASE("train_sequence: a gradient that is zero because W is isn't called an underflow") {
  const Folder folder;
  const Outcome run =
      shell("@ --task adding --time 10 --hidden 4 --init zeros --updates 2 --output " + folder.path.string());
  REQUIRE(run.status == 0);
  CHECK(run.printed.find("underflow") == std::string::npos);
  CHECK(run.printed.find("nan") == std::string::npos);
  CHECK(updates_of(folder.path / "log.jsonl")[1]["state_gradient"][1] == 0.0);
}
