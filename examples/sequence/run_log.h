// A run on disk: log.jsonl, everything, for programs; gradients.csv, the magnitudes by step, for plotting tools.
#pragma once

#include <filesystem>
#include <string>

#include "sequence/line_writer.h"
#include "sequence/trainer.h"

namespace sequence {

// log.jsonl holds one JSON object a line. The first is the configuration, with the version, the instruction set and γ;
// each other one is an update. A magnitude that isn't an ordinary number is a string: its kind. Nothing in it depends
// on the time of day or on the folder: the same seed gives the same bytes.
class RunLog {
 public:
  // Creates the folder and both files, and writes the first lines. OutputError when it can't.
  RunLog(const std::filesystem::path& folder, const RunOptions& options);

  // λ: ‖W‖₂ before the update.
  void add(const Observation& seen, double lambda);

 private:
  LineWriter json_, csv_;
};

}  // namespace sequence
