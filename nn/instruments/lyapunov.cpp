#include "nn/instruments/lyapunov.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/matmul.h"
#include "nn/instruments/one_step.h"

namespace ebb::nn {

namespace {

// Adds ln R_ii: what each direction grew by. An R_ii that is nothing but rounding of its column says that it is lost.
void add_growth(const Tensor& R, Index hidden, std::vector<double>& sums) {
  const auto elements = R.values<double>();
  const std::size_t count = sums.size();
  const double rounding = static_cast<double>(hidden) * std::numeric_limits<double>::epsilon();
  for (std::size_t i = 0; i < count; ++i) {
    double column = 0;
    for (std::size_t j = 0; j <= i; ++j) column = std::max(column, std::abs(elements[j * count + i]));
    const double growth = elements[i * count + i];
    sums[i] += std::log(growth <= rounding * column ? 0 : growth);
  }
}

}  // namespace

std::vector<double> lyapunov_exponents(const Cell& cell, const Tensor& x, const Tensor& initial,
                                       const LyapunovOptions& options) {
  const Pause pause;
  const detail::Sequence sequence("lyapunov_exponents", cell, x, initial);
  const Index hidden = sequence.hidden(), steps = sequence.steps();
  if (options.count < 0 || options.count > hidden)
    fail("lyapunov_exponents", "{} exponents of {} hidden units; give 1 to {}, or 0 for all", options.count, hidden,
         hidden);
  if (options.discard < 0 || options.discard >= steps)
    fail<ShapeError>("lyapunov_exponents",
                     "{} of {} steps are discarded, which leaves none to measure; give 0 or more, "
                     "and fewer than there are",
                     options.discard, steps);
  const Index count = options.count == 0 ? hidden : options.count;
  const bool backwards = options.direction == Direction::backwards;

  Rng rng = options.rng;
  // A vector a row; as columns for the decomposition. The first ones are the same for every count.
  Tensor vectors = transpose(orthonormal_columns(transpose(normal({count, hidden}, 0, 1, rng, f64))));
  std::vector<double> sums(static_cast<std::size_t>(count));
  for (Index walked = 0; walked < steps; ++walked) {
    detail::OneStep step(sequence, backwards ? steps - walked : walked + 1, count);
    const auto [Q, R] = qr(transpose(backwards ? step.vjp(vectors) : step.jvp(vectors)));
    vectors = transpose(Q);
    if (walked >= options.discard) add_growth(R, hidden, sums);
  }
  for (double& sum : sums) sum /= static_cast<double>(steps - options.discard);
  // NaN is all of them or none, as qr has it, so that this order is one.
  std::sort(sums.begin(), sums.end(), std::greater<>());
  return sums;
}

}  // namespace ebb::nn
