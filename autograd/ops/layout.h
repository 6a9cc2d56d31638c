// The same elements seen in another shape or order, and parts of them. Reshapes (squeeze and unsqueeze among them),
// selections and slices of the leading axis share storage with their source; everything else copies. Any element type.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb {

struct Record;

// The same elements in another shape; one extent may be -1 and is worked out. ShapeError if the counts differ.
[[nodiscard]] Tensor reshape(const Tensor& x, std::initializer_list<Index> extents);
[[nodiscard]] Tensor reshape(const Tensor& x, const Shape& shape);

// Without all axes of extent 1, or without that one. As in NumPy, a ShapeError where its extent isn't 1 (PyTorch would
// return x).
[[nodiscard]] Tensor squeeze(const Tensor& x);
[[nodiscard]] Tensor squeeze(const Tensor& x, Index axis);
// With a new axis of extent 1, which is `axis` of the result: 0 puts it first, -1 last. NumPy's expand_dims.
[[nodiscard]] Tensor unsqueeze(const Tensor& x, Index axis);

// Axis i of the result is axis axes[i] of x: PyTorch's permute, NumPy's transpose(x, axes). ShapeError unless each axis
// (negative: from the end) is named once.
[[nodiscard]] Tensor permute(const Tensor& x, std::span<const Index> axes);
[[nodiscard]] inline Tensor permute(const Tensor& x, std::initializer_list<Index> axes) {
  return permute(x, std::span(axes.begin(), axes.size()));
}

// Positions [begin, end) of an axis, NumPy's x[begin:end]: negative ones count from the end, but a range that isn't
// inside the axis is a ShapeError rather than cut short.
[[nodiscard]] Tensor slice(const Tensor& x, Index begin, Index end, Index axis = 0);
// x[index]: the part at `index` of the leading axis, without that axis. Negative: from the end.
[[nodiscard]] Tensor select(const Tensor& x, Index index);

// Slices that follow each other along an axis. PyTorch's split, not NumPy's: of `size` positions each, the last one of
// what is left, or of `sizes`, which must add up to the extent. ShapeError for a size below 1, or a negative one of
// several.
[[nodiscard]] std::vector<Tensor> split(const Tensor& x, Index size, Index axis = 0);
[[nodiscard]] std::vector<Tensor> split(const Tensor& x, std::span<const Index> sizes, Index axis = 0);
[[nodiscard]] inline std::vector<Tensor> split(const Tensor& x, std::initializer_list<Index> sizes, Index axis = 0) {
  return split(x, std::span(sizes.begin(), sizes.size()), axis);
}

namespace detail {

// Whether the record only looks at its input in another way; the same look at another tensor of its input's shape; and
// back: a tensor of that shape, zero but for the part looked at.
bool is_view(const Record& record);
Tensor view_again(const Record& record, const Tensor& source);
Tensor view_back(const Record& record, const Tensor& part, const Shape& source);

}  // namespace detail
}  // namespace ebb
