#include "autograd/ops/layout.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "autograd/ops/axis.h"
#include "autograd/ops/indexing.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::AroundAxis;
using detail::copy_elements;
using detail::data;
using detail::uninitialised;

namespace {

Tensor view(const Tensor& x, Index offset, const Shape& shape) {
  return Tensor(detail::make_view(x.body(), offset, shape));
}

// ---- reshape, slice, select: views where they can be

void reshape_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give(record, 0, reshape(g, sweep.unread_input(record, 0).shape()));
}
Tensor reshape_tangent(const Tangents& tangents, const Record& record) {
  return reshape(tangents.of(record, 0), record.output.shape());
}
const Op reshape_op{
    .name = "reshape", .vjp = reshape_rule, .jvp = reshape_tangent, .derivative = "g in the shape of x"};

constexpr std::int64_t axis_bits = 3;  // of a slice's attribute; the rest is where it begins

Region place_of_slice(const Record& record) {
  return {.axis = record.attribute & ((1 << axis_bits) - 1), .begin = record.attribute >> axis_bits};
}

void slice_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give_piece(record, 0, std::move(g), place_of_slice(record));
}
Tensor slice_tangent(const Tangents& tangents, const Record& record) {
  return detail::view_again(record, tangents.of(record, 0));
}
const Op slice_op{.name = "slice", .vjp = slice_rule, .jvp = slice_tangent, .derivative = "g among zeros"};

void select_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give_piece(record, 0, std::move(g), {.axis = 0, .begin = record.attribute});
}
const Op select_op{.name = "select", .vjp = select_rule, .jvp = slice_tangent, .derivative = "g among zeros"};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (shape.size() != x.size())
    fail<ShapeError>("reshape", "{} has {} elements, {} has {}", x.shape(), x.size(), shape, shape.size());
  Tensor y = view(x, 0, shape);
  record(reshape_op, y, {&x});
  return y;
}

Tensor reshape(const Tensor& x, std::initializer_list<Index> extents) {
  std::vector<Index> worked_out(extents);
  const auto open = std::find(worked_out.begin(), worked_out.end(), -1);
  if (open != worked_out.end()) {
    std::vector<Index> others;
    std::remove_copy(worked_out.begin(), worked_out.end(), std::back_inserter(others), -1);
    const Index rest = Shape(std::span<const Index>(others)).size();
    if (others.size() + 1 != worked_out.size() || rest == 0 || x.size() % rest != 0)
      fail<ShapeError>("reshape", "{} to [{}]: the -1 can't be worked out", x.shape(), fmt::join(extents, ", "));
    *open = x.size() / rest;
  }
  return reshape(x, Shape(std::span<const Index>(worked_out)));
}

Tensor slice(const Tensor& x, Index begin, Index end, Index axis) {
  axis = resolve_axis("slice", x.shape(), axis);
  const Index extent = x.extent(axis);
  const Index first = begin < 0 ? begin + extent : begin, last = end < 0 ? end + extent : end;
  if (first < 0 || last < first || last > extent)
    fail<ShapeError>("slice", "[{}, {}) isn't inside axis {} of {}", begin, end, axis, x.shape());
  const Shape shape = x.shape().with(axis, last - first);
  const AroundAxis all(x.shape(), axis);
  Tensor y;
  if (axis == 0) {
    y = view(x, first * all.inner, shape);
  } else {
    y = uninitialised(x.dtype(), shape);
    const Index count = (last - first) * all.inner;
    for (Index i = 0; i < all.outer && count > 0; ++i)
      copy_elements(x, (i * extent + first) * all.inner, y, i * count, count);
  }
  record(slice_op, y, {&x}, (first << axis_bits) | axis);
  return y;
}

Tensor squeeze(const Tensor& x) {
  std::vector<Index> extents;
  std::copy_if(x.shape().begin(), x.shape().end(), std::back_inserter(extents), [](Index n) { return n != 1; });
  return reshape(x, Shape(std::span<const Index>(extents)));
}

Tensor squeeze(const Tensor& x, Index axis) {
  axis = resolve_axis("squeeze", x.shape(), axis);
  if (x.extent(axis) != 1)
    fail<ShapeError>("squeeze", "axis {} of {} has extent {}; only one of extent 1 can be dropped", axis, x.shape(),
                     x.extent(axis));
  return reshape(x, x.shape().without(axis));
}

Tensor unsqueeze(const Tensor& x, Index axis) {
  const Index rank = x.rank();
  if (axis < -rank - 1 || axis > rank)
    fail<ShapeError>("unsqueeze", "{} can't have a new axis {}; use -{} to {}", x.shape(), axis, rank + 1, rank);
  return reshape(x, x.shape().inserted(axis, 1));
}

Tensor select(const Tensor& x, Index index) {
  if (x.rank() == 0) fail<ShapeError>("select", "a scalar has no axis to select from");
  const Index extent = x.extent(0), i = index < 0 ? index + extent : index;
  if (i < 0 || i >= extent) fail<ShapeError>("select", "index {} isn't inside axis 0 of {}", index, x.shape());
  const Shape shape = x.shape().without(0);
  Tensor y = view(x, i * shape.size(), shape);
  record(select_op, y, {&x}, i);
  return y;
}

Tensor Tensor::operator[](Index index) const { return select(*this, index); }

std::vector<Tensor> split(const Tensor& x, std::span<const Index> sizes, Index axis) {
  axis = resolve_axis("split", x.shape(), axis);
  Index total = 0;
  for (const Index size : sizes) {
    if (size < 0) fail<ShapeError>("split", "a part of {} positions in [{}]", size, fmt::join(sizes, ", "));
    total += std::min(size, x.extent(axis) + 1);  // so that it can't overflow
  }
  if (total != x.extent(axis))
    fail<ShapeError>("split", "[{}] doesn't add up to the extent {} of axis {} of {}", fmt::join(sizes, ", "),
                     x.extent(axis), axis, x.shape());
  const Transaction transaction;
  std::vector<Tensor> parts;
  Index begin = 0;
  for (const Index size : sizes) {
    parts.push_back(slice(x, begin, begin + size, axis));
    begin += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, Index size, Index axis) {
  axis = resolve_axis("split", x.shape(), axis);
  if (size < 1) fail<ShapeError>("split", "parts of {} positions of {}; give 1 or more", size, x.shape());
  std::vector<Index> sizes;
  Index left = x.extent(axis);
  for (; left > size; left -= size) sizes.push_back(size);
  sizes.push_back(left);
  return split(x, sizes, axis);
}

// ---- permute

namespace {

// The record's attribute: each axis in as many bits as a slice's has.
std::int64_t packed(std::span<const Index> axes) {
  std::int64_t result = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) result |= axes[i] << (axis_bits * static_cast<Index>(i));
  return result;
}
std::vector<Index> axes_of(const Record& record) {
  std::vector<Index> axes;
  for (Index i = 0; i < record.output.rank(); ++i)
    axes.push_back((record.attribute >> (axis_bits * i)) & ((1 << axis_bits) - 1));
  return axes;
}

void permute_rule(Sweep& sweep, const Record& record, Tensor g) {
  const std::vector<Index> axes = axes_of(record);
  std::vector<Index> inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) inverse[static_cast<std::size_t>(axes[i])] = static_cast<Index>(i);
  sweep.give(record, 0, permute(g, inverse));
}
Tensor permute_tangent(const Tangents& tangents, const Record& record) {
  return permute(tangents.of(record, 0), axes_of(record));
}
const Op permute_op{
    .name = "permute", .vjp = permute_rule, .jvp = permute_tangent, .derivative = "g, its axes put back"};

// The axes counted from the front.
std::vector<Index> resolved(const Shape& shape, std::span<const Index> axes) {
  std::vector<Index> result;
  bool once = static_cast<Index>(axes.size()) == shape.rank();
  for (const Index given : axes) {
    const Index axis = resolve_axis("permute", shape, given);
    once = once && std::find(result.begin(), result.end(), axis) == result.end();
    result.push_back(axis);
  }
  if (!once) fail<ShapeError>("permute", "[{}] doesn't name each axis of {} once", fmt::join(axes, ", "), shape);
  return result;
}

// Fills y in its order from x, whose step along axis i of y is steps[i].
template <class T>
void gather(const T* x, T* y, const Shape& shape, std::span<const Index> steps) {
  const std::size_t last = steps.size() - 1;
  const Index length = shape.end()[-1], count = length ? shape.size() / length : 0;
  std::vector<Index> at(steps.size());
  for (Index row = 0; row < count; ++row, y += length) {
    for (Index i = 0; i < length; ++i) y[i] = x[i * steps[last]];
    for (std::size_t axis = last; axis-- > 0;) {
      x += steps[axis];
      if (++at[axis] < shape.begin()[axis]) break;
      x -= steps[axis] * shape.begin()[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace

Tensor permute(const Tensor& x, std::span<const Index> given) {
  const std::vector<Index> axes = resolved(x.shape(), given);
  if (axes.empty()) return reshape(x, Shape{});
  std::vector<Index> extents, steps;
  for (const Index axis : axes) {
    extents.push_back(x.extent(axis));
    steps.push_back(AroundAxis(x.shape(), axis).inner);
  }
  Tensor y = uninitialised(x.dtype(), Shape(std::span<const Index>(extents)));
  detail::by_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    gather(data<T>(x), data<T>(y), y.shape(), steps);
  });
  record(permute_op, y, {&x}, packed(axes));
  return y;
}

// ---- views, for a sweep that was asked about one

bool detail::is_view(const Record& record) {
  return &record.op == &reshape_op || &record.op == &slice_op || &record.op == &select_op;
}

Tensor detail::view_again(const Record& record, const Tensor& source) {
  if (&record.op == &reshape_op) return reshape(source, record.output.shape());
  if (&record.op == &select_op) return select(source, record.attribute);
  const Region place = place_of_slice(record);
  return slice(source, place.begin, place.begin + record.output.extent(place.axis), place.axis);
}

Tensor detail::view_back(const Record& record, const Tensor& part, const Shape& source) {
  if (&record.op == &reshape_op) return reshape(part, source);
  const Tensor pieces[] = {part};
  const Region places[] = {&record.op == &select_op ? Region{.begin = record.attribute} : place_of_slice(record)};
  return assemble(pieces, places, source);
}

}  // namespace ebb
