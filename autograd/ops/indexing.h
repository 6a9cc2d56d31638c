// Rows by their number, and tensors from parts.
#pragma once

#include <initializer_list>
#include <span>

#include "autograd/tape/op.h"
#include "autograd/tensor/tensor.h"

namespace ebb {

// The rows (parts along the leading axis) that `indices` (int64, any shape) names, in its order: shape
// indices.shape + x.shape[1:]. ShapeError naming an index out of range and its place; negative ones are.
[[nodiscard]] Tensor take_rows(const Tensor& x, const Tensor& indices);

// 1 at each index of a new last axis of `classes` positions, else 0; no gradient passes. Unlike PyTorch's it has a
// float type (or whichever is asked for), and `classes` is never guessed. ShapeError naming an index out of range and
// its place.
[[nodiscard]] Tensor one_hot(const Tensor& indices, Index classes, DType dtype = f32);

// Joined along an axis; all other extents and the types agree, or a ShapeError or Error says which don't. At least one.
[[nodiscard]] Tensor concat(std::span<const Tensor> xs, Index axis = 0);
[[nodiscard]] inline Tensor concat(std::initializer_list<Tensor> xs, Index axis = 0) {
  return concat(std::span(xs.begin(), xs.size()), axis);
}
// Joined along a new leading axis; all shapes and types agree.
[[nodiscard]] Tensor stack(std::span<const Tensor> xs);
[[nodiscard]] inline Tensor stack(std::initializer_list<Tensor> xs) { return stack(std::span(xs.begin(), xs.size())); }

// Zeros of `shape` with each piece added at its place: the transpose of taking slices and rows, of many at once.
[[nodiscard]] Tensor assemble(std::span<const Tensor> pieces, std::span<const Region> places, const Shape& shape);

namespace detail {

// Adds the piece to the elements of `whole` at its place, which it returns with the axis counted from the front.
Region add_piece(const Tensor& whole, const Tensor& piece, const Region& given);

}  // namespace detail
}  // namespace ebb
