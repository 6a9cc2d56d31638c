// Parts of tensors, and tensors from parts. Reshape, selection and slices of the leading axis share storage with their
// source; everything else copies.
#pragma once

#include <initializer_list>
#include <span>

#include "autograd/op.h"
#include "autograd/tensor.h"

namespace ebb {

// The same elements in another shape; one extent may be -1 and is worked out. ShapeError if the counts differ.
[[nodiscard]] Tensor reshape(const Tensor& x, std::initializer_list<Index> extents);
[[nodiscard]] Tensor reshape(const Tensor& x, const Shape& shape);

// Positions [begin, end) of an axis, NumPy's x[begin:end]: negative ones count from the end, but a range that isn't
// inside the axis is a ShapeError rather than cut short.
[[nodiscard]] Tensor slice(const Tensor& x, Index begin, Index end, Index axis = 0);
// x[index]: the part at `index` of the leading axis, without that axis. Negative: from the end.
[[nodiscard]] Tensor select(const Tensor& x, Index index);
// The rows (parts along the leading axis) that `indices` (int64, any shape) names, in its order: shape
// indices.shape + x.shape[1:]. ShapeError naming an index out of range and its place; negative ones are.
[[nodiscard]] Tensor take_rows(const Tensor& x, const Tensor& indices);

// Joined along an axis; all other extents and the types agree, or a ShapeError or Error says which don't. At least one.
[[nodiscard]] Tensor concat(std::span<const Tensor> xs, Index axis = 0);
[[nodiscard]] inline Tensor concat(std::initializer_list<Tensor> xs, Index axis = 0) {
  return concat(std::span(xs.begin(), xs.size()), axis);
}
// Joined along a new leading axis; all shapes and types agree.
[[nodiscard]] Tensor stack(std::span<const Tensor> xs);
[[nodiscard]] inline Tensor stack(std::initializer_list<Tensor> xs) { return stack(std::span(xs.begin(), xs.size())); }

// Zeros of `shape` with each piece added at its place: the transpose of taking slices and rows, of many at once.
[[nodiscard]] Tensor assemble(std::span<const Tensor> pieces, std::span<const Place> places, const Shape& shape);

namespace detail {

// Adds the piece to the elements of `whole` at its place, which it returns with the axis counted from the front.
Place add_piece(const Tensor& whole, const Tensor& piece, const Place& given);
// Whether the record only looks at its input in another way; the same look at another tensor of its input's shape; and
// back: a tensor of that shape, zero but for the part looked at.
bool is_view(const Record& record);
Tensor view_again(const Record& record, const Tensor& source);
Tensor view_back(const Record& record, const Tensor& part, const Shape& source);

}  // namespace detail
}  // namespace ebb
