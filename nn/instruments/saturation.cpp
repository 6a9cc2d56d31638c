#include "nn/instruments/saturation.h"

#include <cmath>
#include <limits>

#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb::nn {

namespace {

constexpr double shut_below = 0.05;

// Adds |σ'| of each unit over the batch to `sums`, and counts those below the limit.
template <class T>
Index add_slopes(const T* slope, Index batch, Index hidden, double limit, double* sums) {
  Index below = 0;
  for (Index n = 0; n < batch; ++n, slope += hidden)
    for (Index i = 0; i < hidden; ++i) {
      const auto size = static_cast<double>(std::abs(slope[i]));
      sums[i] += size;
      below += size < limit;
    }
  return below;
}

}  // namespace

Saturation saturation(const Cell& cell, const Unrolled& run) {
  const Pause pause;
  detail::require_run_of("saturation", cell, run);
  detail::require_one_shape("saturation", run);
  const Index steps = run.steps(), batch = run.states[0].extent(0), hidden = run.states[0].extent(1);
  const double gamma = cell.gamma(), count = static_cast<double>(batch * hidden);
  const double none = std::numeric_limits<double>::quiet_NaN();

  Saturation result{{none}, {none}, zeros({steps, hidden}, f64)};
  for (Index t = 0; t < steps; ++t) {
    const Tensor slope = detail::slope_of("saturation", cell, run, static_cast<std::size_t>(t + 1));
    double* by_unit = ebb::detail::data<double>(result.by_unit) + t * hidden;
    const Index shut = ebb::detail::by_float_type("saturation", slope.dtype(), [&](auto zero) {
      return add_slopes(slope.values<decltype(zero)>().data(), batch, hidden, shut_below * gamma, by_unit);
    });
    double total = 0;
    for (Index i = 0; i < hidden; ++i) {
      total += by_unit[i] / gamma;
      by_unit[i] /= gamma * static_cast<double>(batch);
    }
    result.mean.push_back(total / count);
    result.shut.push_back(static_cast<double>(shut) / count);
  }
  return result;
}

}  // namespace ebb::nn
