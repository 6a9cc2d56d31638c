#include "nn/instruments/transport.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear_algebra.h"
#include "nn/instruments/one_step.h"

namespace ebb::nn {

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// A matrix times a power of two, so that it never leaves float64's range.
class ScaledMatrix {
 public:
  explicit ScaledMatrix(Tensor matrix) : matrix_(std::move(matrix)) {}

  const Tensor& matrix() const { return matrix_; }
  double log_scale() const { return static_cast<double>(exponent_) * std::log(2.0); }
  // Takes a new matrix of the given norm, times the same power of two as before.
  void set(const Tensor& matrix, double norm) {
    matrix_ = matrix;
    if (norm == 0 || !std::isfinite(norm)) return;
    const int exponent = std::max(std::ilogb(norm), -1022);  // 2 to the power of −exponent must be a number, too
    matrix_ = matrix * std::ldexp(1.0, -exponent);
    exponent_ += exponent;
  }

 private:
  Tensor matrix_;
  std::int64_t exponent_ = 0;
};

std::vector<double> log_singular_values(const Tensor& matrix, double log_scale) {
  std::vector<double> values = singular_values(matrix);
  for (double& value : values) value = std::log(value) + log_scale;
  return values;
}

}  // namespace

Transport transport(const Cell& cell, const Tensor& x, const Tensor& initial, const TransportOptions& options) {
  const Pause pause;
  const detail::Sequence sequence("transport", cell, x, initial);
  const Index hidden = sequence.hidden(), steps = sequence.steps();
  const auto count = static_cast<std::size_t>(steps) + 1;
  const Tensor identity = eye(hidden, f64);
  const double log_factor = std::log(cell.gamma() * spectral_norm(cell.recurrent_weights()));

  Transport result{std::vector<double>(count), std::vector<double>(count), std::vector<double>(count), {}};
  if (options.spectrum) {
    result.log_spectrum.resize(count);
    result.log_spectrum.back().assign(static_cast<std::size_t>(hidden), 0.0);
  }
  ScaledMatrix whole(identity);  // ∂s_T/∂s_k
  for (Index k = steps; k > 0; --k) {
    const auto before = static_cast<std::size_t>(k - 1);
    detail::OneStep step(sequence, k, hidden);
    result.log_bound[before] = static_cast<double>(steps - k + 1) * log_factor;
    result.log_product[before] = result.log_product[before + 1] + std::log(spectral_norm(step.vjp(identity)));

    const Tensor pulled = step.vjp(whole.matrix());
    const double norm = spectral_norm(pulled);
    result.log_norm[before] = norm == 0 ? minus_infinity : std::log(norm) + whole.log_scale();
    if (options.spectrum) result.log_spectrum[before] = log_singular_values(pulled, whole.log_scale());
    whole.set(pulled, norm);
  }
  return result;
}

}  // namespace ebb::nn
