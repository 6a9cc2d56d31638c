// A tensor as the ops see it that work along one of its axes. Private to the ops.
#pragma once

#include <cstring>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/tensor/tensor.h"

namespace ebb::detail {

// An array seen as [outer, extent, inner] around one axis.
struct AroundAxis {
  AroundAxis(const Shape& shape, Index axis) : extent(shape[axis]) {
    for (Index i = 0; i < axis; ++i) outer *= shape[i];
    for (Index i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  Index outer = 1, extent, inner = 1;
};

inline void copy_elements(const Tensor& from, Index from_offset, const Tensor& to, Index to_offset, Index count) {
  const std::size_t width = bytes_of(from.dtype());
  if (count > 0)
    std::memcpy(to.body().data + static_cast<std::size_t>(to_offset) * width,
                from.body().data + static_cast<std::size_t>(from_offset) * width,
                static_cast<std::size_t>(count) * width);
}

// Calls f(block, rows, first) for the rows along an axis, as dense matrices of `rows` rows each, the first of which is
// row `first` of all, counted as they lie in the tensor without that axis.
template <class T, class F>
void by_rows(const Tensor& x, Index axis, F f) {
  const AroundAxis around(x.shape(), axis);
  if (around.outer * around.inner == 0) return;  // no rows, whatever their length
  if (around.inner == 1) return f(data<T>(x), around.outer, Index{0});
  const Index size = around.extent * around.inner;
  std::vector<T> block(static_cast<std::size_t>(size));
  for (Index i = 0; i < around.outer; ++i) {
    kernels::table<T>().transpose(around.extent, around.inner, data<T>(x) + i * size, block.data());
    f(block.data(), around.inner, i * around.inner);
  }
}

// y's rows along the axis from x's: f(from, to, rows, extent) fills dense matrices.
template <class T, class F>
void map_rows(const Tensor& x, const Tensor& y, Index axis, F f) {
  const AroundAxis around(x.shape(), axis);
  if (x.size() == 0) return;
  std::vector<T> block(around.inner == 1 ? 0 : static_cast<std::size_t>(around.extent * around.inner));
  by_rows<T>(x, axis, [&](const T* from, Index rows, Index first) {
    if (around.inner == 1) return f(from, data<T>(y), rows, around.extent);
    f(from, block.data(), rows, around.extent);
    kernels::table<T>().transpose(rows, around.extent, block.data(), data<T>(y) + first * around.extent);
  });
}

}  // namespace ebb::detail
