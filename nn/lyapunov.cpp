#include "nn/lyapunov.h"

#include <algorithm>
#include <cmath>

#include "autograd/linear_algebra.h"
#include "autograd/matrix.h"
#include "nn/one_step.h"

namespace ebb::nn {

std::vector<double> lyapunov_exponents(const Cell& cell, const Tensor& x, const Tensor& initial,
                                       const LyapunovOptions& options) {
  const Pause pause;
  const detail::Sequence sequence("lyapunov_exponents", cell, x, initial);
  const Index hidden = sequence.hidden(), steps = sequence.steps();
  if (options.count < 0 || options.count > hidden)
    fail("lyapunov_exponents", "{} exponents of {} hidden units are asked for; there are that many at most",
         options.count, hidden);
  if (options.discard < 0 || options.discard >= steps)
    fail<ShapeError>("lyapunov_exponents", "{} of {} steps are left out; leave some", options.discard, steps);
  const Index count = options.count == 0 ? hidden : options.count;
  const bool backwards = options.direction == Direction::backwards;

  Rng rng = options.rng;
  // A vector a row; as columns for the decomposition.
  Tensor vectors = transpose(orthonormal_columns(normal({hidden, count}, 0, 1, rng, f64)));
  std::vector<double> sums(static_cast<std::size_t>(count));
  for (Index walked = 0; walked < steps; ++walked) {
    detail::OneStep step(sequence, backwards ? steps - walked : walked + 1, count);
    const auto [Q, R] = qr(transpose(backwards ? step.pulled(vectors) : step.pushed(vectors)));
    vectors = transpose(Q);
    if (walked < options.discard) continue;
    const auto elements = R.values<double>();
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += std::log(elements[i * sums.size() + i]);
  }
  for (double& sum : sums) sum /= static_cast<double>(steps - options.discard);
  std::sort(sums.begin(), sums.end(), std::greater<>());
  return sums;
}

}  // namespace ebb::nn
