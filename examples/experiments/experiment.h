// A claim that a program checks: what the eight experiments have in common.
//
// Each prints its claim, its figures and PASS or FAIL, exits with 1 on FAIL, and writes DIR/log.jsonl (docs/log.md) and
// DIR/report.html.
#pragma once

#include <autograd/autograd.h>
#include <nn/nn.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/json.h"
#include "report/line_writer.h"

namespace experiments {

namespace nn = ebb::nn;
using ebb::Index;
using ebb::Tensor;

struct Description {
  std::string name;
  std::string claim;   // one sentence
  Index seeds = 1;     // unless --seeds says otherwise
  bool random = true;  // whether seeds change anything
  bool has_short_form = false;
};

// The axes that the curves of a chart share.
struct Chart {
  std::string title, x, y;
  bool log_y = false;
};
using Points = std::vector<std::pair<double, double>>;

struct Axis {
  std::string label;
  double from, to;
};

class Experiment {
 public:
  // Writes the header of the log.
  Experiment(const Description& description, std::uint64_t seed, Index seeds, bool is_short,
             std::filesystem::path folder);

  std::uint64_t seed() const { return seed_; }
  // seed(), seed() + 1, …: as many as were asked for.
  std::vector<std::uint64_t> seeds() const;
  bool is_short() const { return short_; }
  const std::filesystem::path& folder() const { return folder_; }

  // A line of what was seen.
  void say(std::string_view text);
  // A figure held against its limit.
  void check(const std::string& what, double value, const std::string& limit, bool passes);
  void check_below(const std::string& what, double value, double limit);
  void check_above(const std::string& what, double value, double limit);
  void check_near(const std::string& what, double value, double expected, double tolerance);

  // For the report. Points that are no numbers are left out.
  void curve(const Chart& chart, const std::string& name, const Points& points);
  // values[j][i] at x_i and y_j, both evenly spaced.
  void grid(const std::string& title, const Axis& x, const Axis& y, const std::string& label,
            const std::vector<std::vector<double>>& values);
  // A folder within this one whose log, written by somebody else, is part of the report.
  std::filesystem::path run_folder(const std::string& name);

  // PASS or FAIL, and the report; 0 or 1.
  int finish();

 private:
  Description description_;
  std::uint64_t seed_;
  Index seeds_;
  bool short_;
  std::filesystem::path folder_;
  report::LineWriter log_, out_ = report::LineWriter::standard_output();
  std::vector<std::filesystem::path> runs_;
  bool passes_ = true;
};

// The main function of an experiment: --seed, --seeds, --output and, where there is one, --short.
int main(int argc, char** argv, const Description& description, const std::function<void(Experiment&)>& experiment);

double median(std::vector<double> values);
// 1, 2, … and so on with the values, for a curve against a step or an index.
Points numbered(const std::vector<double>& values, double first = 1);

}  // namespace experiments
