// A log.jsonl read back.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "report/json.h"

namespace report {

using ebb::Index;
using ebb::nn::Magnitude;

// A file that can't be read, or isn't a log.
class LogError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What an update saw, without the arrays that few updates have.
struct Update {
  Index update = 0;
  Magnitude loss = Magnitude::no_path(), gradient_norm = loss, clipped_gradient_norm = loss;
  bool clipped = false;
  Magnitude lambda = loss, sigma_mean = loss, sigma_min = loss, rho = loss;
  std::vector<Magnitude> state_gradient;
  std::vector<Magnitude> contribution;                 // empty where it wasn't logged, like these:
  std::vector<float> saturation, shut;                 // NaN at [0]
  std::vector<double> log10_transport, log10_product;  // −∞ for an exact zero
  Magnitude lyapunov = Magnitude::no_path();
  Json saturation_by_unit = {};  // [T][H], or null
};

struct LogFile {
  Json header;
  std::vector<Update> updates;
  std::vector<Json> tapes, checks, curves, grids;
  Json result;  // null where the run didn't come to its end

  Index time() const { return header.value("time", Index{0}); }
  Index anchor() const { return time() - header.value("scored", Index{1}) + 1; }
};

// LogError naming the file, and the line where one isn't as docs/log.md says. A last line that was cut off is left out:
// the run that wrote it was killed.
LogFile read_log(const std::filesystem::path& file);

}  // namespace report
