#include "nn/saturation.h"

#include <cmath>
#include <limits>

#include "autograd/tape.h"

namespace ebb::nn {

Saturation saturation(const Cell& cell, const Unrolled& run) {
  const Pause pause;
  const Index steps = run.steps(), batch = run.states[0].extent(0), hidden = run.states[0].extent(1);
  const double gamma = cell.gamma(), count = static_cast<double>(batch * hidden);
  const double none = std::numeric_limits<double>::quiet_NaN();

  Saturation result{{none}, {none}, zeros({steps, hidden}, f64)};
  auto by_unit = result.by_unit.edit<double>();
  for (Index t = 0; t < steps; ++t) {
    const Tensor slope = cell.slope(run, static_cast<std::size_t>(t + 1));
    double total = 0, shut = 0;
    for (Index i = 0; i < slope.size(); ++i) {
      const double openness = std::abs(ebb::detail::element(slope, i)) / gamma;
      by_unit(t, i % hidden) += openness / static_cast<double>(batch);
      total += openness;
      shut += openness < 0.05;
    }
    result.mean.push_back(total / count);
    result.shut.push_back(shut / count);
  }
  return result;
}

}  // namespace ebb::nn
