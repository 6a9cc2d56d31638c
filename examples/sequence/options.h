// What a run is asked to do: the command line, checked before any work begins.
#pragma once

#include <autograd/autograd.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sequence {

using ebb::Index;

// What one network learns and how; the log's header repeats everything that decides a result.
struct RunOptions {
  std::string name;  // of the run: the task's, or which of the three ways
  std::string task;
  std::string input;  // the file that `text` reads
  Index time = 0;     // steps of a sequence, or of a window of text
  Index symbols = 0;  // that `copy` has to remember
  Index hidden = 0;
  Index batch = 0;
  Index shards = 1;   // that the batch is cut into, each on a tape of its own
  Index threads = 1;  // that work on them; decides nothing
  ebb::Activation activation = ebb::Activation::tanh;
  std::string init;                     // of the recurrent weights W
  double gain = 1;                      // its factor; for `normal` the standard deviation, for `uniform` the limit
  std::optional<double> input_std{};    // of the input weights U, normal; Xavier's uniform where there is none
  std::optional<double> readout_std{};  // the same of the readout's weights
  std::string optimizer;
  double learning_rate = 0;
  double momentum = 0;
  double clip = 0;   // limit of the gradient's norm; 0: none
  double omega = 0;  // weight of Pascanu's regulariser (nn/instruments/omega.h); 0: none
  Index updates = 0;
  std::uint64_t seed = 0;
  Index log_every = 0;
  Index transport_every = 0;  // logged updates; 0: never
  bool contributions = false;
};

struct CommandLine {
  std::vector<RunOptions> runs;       // one, or the three ways
  std::string output;                 // the folder for logs and picture
  std::optional<std::string> text{};  // --help or --version: what to print instead of running
};

// Something the person who typed it can put right; the message is one line.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

CommandLine parse_command_line(int argc, char** argv);

}  // namespace sequence
