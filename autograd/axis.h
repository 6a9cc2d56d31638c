// A tensor as the ops see it that work along one of its axes. Private to the ops.
#pragma once

#include <cstring>

#include "autograd/tensor.h"

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

}  // namespace ebb::detail
