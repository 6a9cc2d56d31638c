#include "nn/training/clip.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/reduction.h"
#include "autograd/tensor/access.h"
#include "nn/training/finite.h"

namespace ebb::nn {

namespace {

void require_limit(const char* what, double limit) {
  if (!(limit > 0)) fail(what, "the limit is {}; it must be positive", limit);
}

// Writes f(element) over every element.
template <class T, class F>
void transform(Tensor& tensor, F f) {
  Edit<T> elements = tensor.edit<T>();
  std::transform(elements.begin(), elements.end(), elements.begin(), f);
}
template <class F>
void transform(Tensor& tensor, F f) {
  ebb::detail::by_float_type("clip", tensor.dtype(), [&](auto zero) { transform<decltype(zero)>(tensor, f); });
}

}  // namespace

double gradient_norm(std::span<const Tensor> gradients) {
  double norm = 0;
  for (const Tensor& gradient : gradients) norm = std::hypot(norm, ebb::detail::norm_value(gradient));
  return norm;
}

double clip_norm(std::span<Tensor> gradients, double limit, NonFinite non_finite) {
  require_limit("clip_norm", limit);
  const double norm = gradient_norm(gradients);
  if (!std::isfinite(norm)) {
    // Finite elements whose norm alone is infinite (float64) are as good as infinite here.
    if (detail::all_finite("clip_norm", gradients, {}, non_finite) && non_finite == NonFinite::error)
      fail<NonFiniteError>("clip_norm", "the gradients' norm is above the largest float64");
    return norm;
  }
  if (norm <= limit) return norm;
  const double factor = limit / norm;
  for (Tensor& gradient : gradients)
    transform(gradient, [factor](auto g) { return static_cast<decltype(g)>(g * factor); });
  return norm;
}

void clip_value(std::span<Tensor> gradients, double limit, NonFinite non_finite) {
  require_limit("clip_value", limit);
  if (!detail::all_finite("clip_value", gradients, {}, non_finite)) return;
  for (Tensor& gradient : gradients)
    transform(gradient, [limit](auto g) { return static_cast<decltype(g)>(std::clamp<double>(g, -limit, limit)); });
}

}  // namespace ebb::nn
