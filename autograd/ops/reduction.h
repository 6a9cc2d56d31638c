// Many numbers to few, and back. A scalar has no axis to go along (in PyTorch it has axis 0).
#pragma once

#include <array>
#include <concepts>

#include "autograd/tensor/tensor.h"

namespace ebb {

// Σ x over everything (a scalar), or along one axis (negative: from the end), which is dropped unless `keepdim`. The
// sum of nothing is 0. Accumulated in float64.
[[nodiscard]] Tensor sum(const Tensor& x);
[[nodiscard]] Tensor sum(const Tensor& x, Index axis, bool keepdim = false);
// The sum over the count; NaN for nothing, as in NumPy.
[[nodiscard]] Tensor mean(const Tensor& x);
[[nodiscard]] Tensor mean(const Tensor& x, Index axis, bool keepdim = false);

// Sums x over whatever it would take to broadcast `shape` to x's shape: the transpose of broadcast_to. ShapeError if it
// doesn't broadcast.
[[nodiscard]] Tensor sum_to(const Tensor& x, const Shape& shape);
// x, of any element type, repeated along new axes and axes of extent 1, by NumPy's rule. ShapeError if it doesn't
// broadcast.
[[nodiscard]] Tensor broadcast_to(const Tensor& x, const Shape& shape);

struct VarianceOptions {
  double correction = 1;  // squares are divided by n − correction (by 0 where that is negative): 0 for NumPy's default
  bool keepdim = false;   // keep the axes that were reduced, with extent 1
};
// The mean square of the distance from the mean, over everything or along one axis. As in PyTorch it is the unbiased
// estimate unless told otherwise (NumPy: correction 0), so that of a single number it is NaN.
[[nodiscard]] Tensor variance(const Tensor& x, const VarianceOptions& options = {});
[[nodiscard]] Tensor variance(const Tensor& x, Index axis, const VarianceOptions& options = {});

// √Σx² over everything or along one axis; right also where the squares would overflow or vanish. All derivatives at 0
// are taken as 0.
[[nodiscard]] Tensor norm(const Tensor& x);
[[nodiscard]] Tensor norm(const Tensor& x, Index axis, bool keepdim = false);

// The largest (smallest) element of everything, or along one axis; NaN where there is one. Elements that tie share the
// gradient evenly, as for PyTorch's amax (its max along an axis gives it to one of them, and their indices besides: see
// argmax). Where there are NaNs, they share it. ShapeError when there is nothing to choose from.
[[nodiscard]] Tensor max(const Tensor& x);
[[nodiscard]] Tensor max(const Tensor& x, Index axis, bool keepdim = false);
[[nodiscard]] Tensor min(const Tensor& x);
[[nodiscard]] Tensor min(const Tensor& x, Index axis, bool keepdim = false);
// A number that isn't an axis, max(x, 0.5), doesn't compile rather than be cut to one: see maximum.
Tensor max(const Tensor& x, std::floating_point auto, bool = false) = delete;
Tensor min(const Tensor& x, std::floating_point auto, bool = false) = delete;
// Where it is: int64 positions along the axis, or in row-major order of everything. The first of those that tie, and
// the first NaN before all, as in NumPy. No gradient passes.
[[nodiscard]] Tensor argmax(const Tensor& x);
[[nodiscard]] Tensor argmax(const Tensor& x, Index axis, bool keepdim = false);
[[nodiscard]] Tensor argmin(const Tensor& x);
[[nodiscard]] Tensor argmin(const Tensor& x, Index axis, bool keepdim = false);

namespace detail {

// The same norm as a double, of a float tensor; for float32 exact beyond float32's range.
double norm_value(const Tensor& x);
// The largest |element| of a float tensor: NaN where there is one, 0 for nothing.
double largest_magnitude(const Tensor& x);
// ‖aᵀb‖², ‖a‖² and ‖b‖² for float matrices of one type with equally many rows, without the product: by the inner
// products of their rows in that type, which may cancel, down to ‖a‖²‖b‖² times its rounding.
std::array<double, 3> squared_norms_of_product(const Tensor& a, const Tensor& b);

}  // namespace detail
}  // namespace ebb
