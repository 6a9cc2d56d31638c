// A run on disk: log.jsonl, everything, for programs; gradients.csv, the magnitudes by step, for plotting tools.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "report/line_writer.h"
#include "sequence/trainer.h"

namespace sequence {

using report::LineWriter;

struct Result {
  Index updates = 0;
  bool interrupted = false;
  std::optional<TestResult> tested = {};
  std::vector<std::string> story = {};
};

// log.jsonl holds one JSON object a line, in the form of docs/log.md. Nothing in it depends on the time of day or on
// the folder: the same seed gives the same bytes.
class RunLog {
 public:
  // Creates the folder and both files, and writes the first lines. OutputError when it can't.
  RunLog(const std::filesystem::path& folder, const RunOptions& options, const Task& task);

  // The weights: before the update. With `map`, the saturation of each unit too.
  void add(const Observation& seen, const Weights& weights, bool map);
  // The end: what was done, and what became of it in words, a paragraph each.
  void end(const Result& result);

 private:
  LineWriter json_, csv_;
  bool log_omega_;
};

}  // namespace sequence
