// Extents of a dense row-major array, and how two of them broadcast.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "autograd/tensor/index.h"

namespace ebb {

namespace detail {
struct Body;
}

// Up to six extents, each ≥ 0, outermost first; none for a scalar. A shape whose element count would overflow can't be
// made (ShapeError), so `size()` is always exact.
class Shape {
 public:
  static constexpr Index max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<Index> extents) {
    // Two small ones need no check; seen here, they stay in registers.
    const Index* extent = extents.begin();
    if (extents.size() == 2 && static_cast<std::uint64_t>(extent[0] | extent[1]) >> 29 == 0) {
      extents_[0] = extent[0];
      extents_[1] = extent[1];
      rank_ = 2;
    } else {
      *this = Shape(std::span(extents.begin(), extents.size()));
    }
  }
  explicit Shape(std::span<const Index> extents);

  Index rank() const { return rank_; }
  Index size() const {
    Index product = 1;
    for (std::size_t i = 0; i < static_cast<std::size_t>(rank_); ++i) product *= extents_[i];
    return product;
  }
  // The extent along `axis`; the last axis is -1. ShapeError when there is no such axis.
  Index operator[](Index axis) const {
    return axis >= 0 && axis < rank_ ? extents_[static_cast<std::size_t>(axis)] : from_the_back(axis);
  }
  const Index* begin() const { return extents_.data(); }
  const Index* end() const { return extents_.data() + rank_; }

  // This shape without one axis, with that axis set to `extent`, or with a new one of `extent` that is `axis` of the
  // result. Negative axes count from the end; ShapeError when there is no such axis.
  [[nodiscard]] Shape without(Index axis) const;
  [[nodiscard]] Shape with(Index axis, Index extent) const;
  [[nodiscard]] Shape inserted(Index axis, Index extent) const;

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.rank_); ++i)
      if (a.extents_[i] != b.extents_[i]) return false;
    return true;
  }

 private:
  friend struct detail::Body;
  // A copy that is read in the pieces in which the original was written: for a larger one the processor would wait.
  static Shape piecewise(const Shape& other) { return {other.extents_.data(), other.rank_}; }
  Shape(const volatile Index* from, Index rank)
      : extents_{from[0], from[1], from[2], from[3], from[4], from[5]}, rank_(rank) {}
  Index from_the_back(Index axis) const;

  std::array<Index, max_rank> extents_{};
  Index rank_ = 0;
};

// `axis` counted from the front, given one that may count from the back (-1 is the last). ShapeError naming `op`.
Index resolve_axis(fmt::string_view op, const Shape& shape, Index axis);

// The shape that both broadcast to by NumPy's rule: aligned at the last axis, extents equal or one of them 1.
// ShapeError naming `op` and both shapes otherwise.
Shape broadcast(fmt::string_view op, const Shape& a, const Shape& b);

// Whether `from` broadcasts to exactly `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

}  // namespace ebb

// "[20, 50]"; "[]" for a scalar.
template <>
struct fmt::formatter<ebb::Shape> : fmt::formatter<fmt::string_view> {
  auto format(const ebb::Shape& shape, fmt::format_context& context) const -> fmt::format_context::iterator;
};
