// Many numbers to few, and back.
#pragma once

#include "autograd/tensor.h"

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
// x repeated along new axes and axes of extent 1, by NumPy's rule. ShapeError if it doesn't broadcast.
[[nodiscard]] Tensor broadcast_to(const Tensor& x, const Shape& shape);

// √Σx² over everything, a scalar; right also where the squares would overflow or vanish. The derivative at 0 is 0.
[[nodiscard]] Tensor norm(const Tensor& x);

// x − ln Σ eˣ along the last axis, which must not be empty. Finite for any finite x.
[[nodiscard]] Tensor log_softmax(const Tensor& x);

namespace detail {

// The same norm as a double, of a float tensor; for float32 exact beyond float32's range.
double norm_value(const Tensor& x);

}  // namespace detail
}  // namespace ebb
