#include "autograd/tensor/shape.h"

#include <algorithm>
#include <limits>
#include <string>

#include "autograd/tensor/error.h"

namespace ebb {

namespace {

std::string text(std::span<const Index> extents) { return fmt::format("[{}]", fmt::join(extents, ", ")); }

}  // namespace

Shape::Shape(std::span<const Index> extents) {
  if (extents.size() > max_rank)
    fail<ShapeError>("shape", "{} has {} axes; at most {} are supported", text(extents), extents.size(), max_rank);
  Index product = 1;
  for (Index extent : extents) {
    if (extent < 0) fail<ShapeError>("shape", "{} has a negative extent", text(extents));
    // Eight bytes an element and a header must fit into an address. (What is small needs no division to know that.)
    if (std::max(extent, product) >> 29 && extent > 0 && product > (std::numeric_limits<Index>::max() >> 4) / extent)
      fail<ShapeError>("shape", "{} has more elements than memory can address", text(extents));
    product *= std::max<Index>(extent, 1);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }
}

Index Shape::from_the_back(Index axis) const {
  return extents_[static_cast<std::size_t>(resolve_axis("shape", *this, axis))];
}

Shape Shape::without(Index axis) const {
  axis = resolve_axis("shape", *this, axis);
  Shape result;
  for (Index i = 0; i < rank_; ++i)
    if (i != axis) result.extents_[static_cast<std::size_t>(result.rank_++)] = extents_[static_cast<std::size_t>(i)];
  return result;
}

Shape Shape::with(Index axis, Index extent) const {
  axis = resolve_axis("shape", *this, axis);
  std::array<Index, max_rank> extents = extents_;
  extents[static_cast<std::size_t>(axis)] = extent;
  return Shape(std::span(extents.data(), static_cast<std::size_t>(rank_)));
}

Shape Shape::inserted(Index axis, Index extent) const {
  if (axis < -rank_ - 1 || axis > rank_)
    fail<ShapeError>("shape", "{} can't have a new axis {}; use -{} to {}", *this, axis, rank_ + 1, rank_);
  if (axis < 0) axis += rank_ + 1;
  std::array<Index, max_rank + 1> extents{};
  std::copy(begin(), begin() + axis, extents.begin());
  extents[static_cast<std::size_t>(axis)] = extent;
  std::copy(begin() + axis, end(), extents.begin() + axis + 1);
  return Shape(std::span(extents.data(), static_cast<std::size_t>(rank_) + 1));
}

Index resolve_axis(fmt::string_view op, const Shape& shape, Index axis) {
  const Index rank = shape.rank();
  if (rank == 0) fail<ShapeError>(op, "axis {} doesn't exist in []: a scalar has no axes", axis);
  if (axis < -rank || axis >= rank)
    fail<ShapeError>(op, "axis {} doesn't exist in {}; use -{} to {}", axis, shape, rank, rank - 1);
  return axis < 0 ? axis + rank : axis;
}

Shape broadcast(fmt::string_view op, const Shape& a, const Shape& b) {
  const Index rank = std::max(a.rank(), b.rank());
  std::array<Index, Shape::max_rank> extents{};
  for (Index i = 0; i < rank; ++i) {
    const Index from_a = i < a.rank() ? a.end()[-1 - i] : 1;
    const Index from_b = i < b.rank() ? b.end()[-1 - i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1)
      fail<ShapeError>(op, "shapes {} and {} don't broadcast: {} against {} at axis -{}; reshape or slice one of them",
                       a, b, from_a, from_b, i + 1);
    extents[static_cast<std::size_t>(rank - 1 - i)] = from_a == 1 ? from_b : from_a;
  }
  return Shape(std::span<const Index>(extents.data(), static_cast<std::size_t>(rank)));
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (Index i = 1; i <= from.rank(); ++i)
    if (from.end()[-i] != 1 && from.end()[-i] != to.end()[-i]) return false;
  return true;
}

}  // namespace ebb

auto fmt::formatter<ebb::Shape>::format(const ebb::Shape& shape, fmt::format_context& context) const
    -> fmt::format_context::iterator {
  return fmt::formatter<fmt::string_view>::format(fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", ")),
                                                  context);
}
