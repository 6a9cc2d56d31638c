// How several arrays are walked together under broadcasting: as rows along which each one steps by 1 or stands still.
// Private to the ops.
#pragma once

#include <array>

#include "autograd/tensor/shape.h"

namespace ebb::detail {

// The walk over `whole`, of shapes that broadcast to it. Neighbouring axes that all walk through alike are one.
template <std::size_t n>
class BroadcastWalk {
 public:
  BroadcastWalk(const Shape& whole, const std::array<const Shape*, n>& shapes) {
    std::array<Index, n> next{};  // each array's step along the next axis inwards
    next.fill(1);
    for (Index axis = 1; axis <= whole.rank(); ++axis) {
      const Index extent = whole.end()[-axis];
      if (extent == 1) continue;
      std::array<Index, n> step{};
      bool merges = rank_ > 0;
      for (std::size_t i = 0; i < n; ++i) {
        const bool stands = axis > shapes[i]->rank() || shapes[i]->end()[-axis] == 1;
        step[i] = stands ? 0 : next[i];
        if (!stands) next[i] *= extent;
        merges = merges && step[i] == steps_[rank_ - 1][i] * extents_[rank_ - 1];
      }
      if (merges) {
        extents_[rank_ - 1] *= extent;
      } else {
        extents_[rank_] = extent;
        steps_[rank_++] = step;
      }
    }
    if (rank_ == 0) {
      extents_[0] = whole.size();  // 1, or 0 if an extent is
      steps_[rank_++].fill(0);
    }
  }

  // Calls row(offsets, steps, at, length): elements [at, at + length) of the whole, and where each array is.
  template <class Row>
  void rows(Row row) const {
    const Index length = extents_[0];
    Index count = 1;
    for (std::size_t axis = 1; axis < rank_; ++axis) count *= extents_[axis];
    if (length == 0) return;  // however many rows there would be
    std::array<Index, n> offsets{};
    std::array<Index, Shape::max_rank> at{};
    for (Index r = 0; r < count; ++r) {
      row(offsets, steps_[0], r * length, length);
      for (std::size_t axis = 1; axis < rank_; ++axis) {
        for (std::size_t i = 0; i < n; ++i) offsets[i] += steps_[axis][i];
        if (++at[axis] < extents_[axis]) break;
        for (std::size_t i = 0; i < n; ++i) offsets[i] -= steps_[axis][i] * extents_[axis];
        at[axis] = 0;
      }
    }
  }

 private:
  // Innermost first.
  std::array<Index, Shape::max_rank> extents_{};
  std::array<std::array<Index, n>, Shape::max_rank> steps_{};
  std::size_t rank_ = 0;
};

}  // namespace ebb::detail
