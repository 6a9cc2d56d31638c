#include "autograd/ops/indexing.h"

#include <algorithm>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/ops/axis.h"
#include "autograd/ops/layout.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::AroundAxis;
using detail::by_float_type;
using detail::copy_elements;
using detail::data;
using detail::uninitialised;

// ---- take_rows

namespace {

// The place of the first index that isn't in [0, count), or -1.
Index first_outside(const char* op, const Tensor& indices, Index count) {
  if (indices.dtype() != i64)
    fail(op, "the indices are {}; they must be int64 (cast them, or make them so)", name(indices.dtype()));
  const auto wanted = indices.values<std::int64_t>();
  const auto bad = std::find_if(wanted.begin(), wanted.end(), [=](std::int64_t i) { return i < 0 || i >= count; });
  return bad == wanted.end() ? -1 : bad - wanted.begin();
}

void require_rows(const char* op, const Tensor& x, const Tensor& indices) {
  if (const Index place = first_outside(op, indices, x.extent(0)); place >= 0)
    fail<ShapeError>(op, "index {} at place {} isn't a row of {} (0 to {})",
                     indices.values<std::int64_t>()[static_cast<std::size_t>(place)], place, x.shape(),
                     x.extent(0) - 1);
}

void take_rows_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give_piece(record, 0, std::move(g), {.rows = sweep.input(record, 1)});
}
Tensor take_rows_tangent(const Tangents& tangents, const Record& record) {
  return take_rows(tangents.of(record, 0), tangents.input(record, 1));
}
const Op take_rows_op{.name = "take_rows",
                      .vjp = take_rows_rule,
                      .jvp = take_rows_tangent,
                      .reads = 0b10,
                      .derivative = "x: g's rows added to those they came from"};

}  // namespace

Tensor take_rows(const Tensor& x, const Tensor& indices) {
  if (x.rank() == 0) fail<ShapeError>("take_rows", "a scalar has no rows");
  require_rows("take_rows", x, indices);
  const auto wanted = indices.values<std::int64_t>();
  const Shape row = x.shape().without(0);
  std::vector<Index> extents(indices.shape().begin(), indices.shape().end());
  extents.insert(extents.end(), row.begin(), row.end());
  Tensor y = uninitialised(x.dtype(), Shape(std::span<const Index>(extents)));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    copy_elements(x, wanted[i] * row.size(), y, static_cast<Index>(i) * row.size(), row.size());
  record(take_rows_op, y, {&x, &indices});
  return y;
}

// ---- one_hot

namespace {

const Op one_hot_op{.name = "one_hot"};

}  // namespace

Tensor one_hot(const Tensor& indices, Index classes, DType dtype) {
  if (classes < 0) fail<ShapeError>("one_hot", "{} classes; give 0 or more", classes);
  if (const Index place = first_outside("one_hot", indices, classes); place >= 0)
    fail<ShapeError>("one_hot", "index {} at place {} isn't one of {} classes",
                     indices.values<std::int64_t>()[static_cast<std::size_t>(place)], place, classes);
  Tensor y = zeros(indices.shape().inserted(indices.rank(), classes), dtype);
  detail::by_type(dtype, [&](auto zero) {
    auto* row = data<decltype(zero)>(y);
    for (const std::int64_t i : indices.values<std::int64_t>()) {
      row[i] = 1;
      row += classes;
    }
  });
  record(one_hot_op, y, {&indices});
  return y;
}

// ---- concat, stack

namespace {

void concat_rule(Sweep& sweep, const Record& record, Tensor g) {
  const Index axis = record.attribute;
  Index begin = 0;
  for (Index i = 0; i < record.count; ++i) {
    const Index extent = sweep.unread_input(record, i).extent(axis);
    if (sweep.wants(record, i)) sweep.give(record, i, slice(g, begin, begin + extent, axis));
    begin += extent;
  }
}
std::vector<Tensor> all_tangents(const Tangents& tangents, const Record& record, Index count) {
  std::vector<Tensor> result;
  for (Index i = 0; i < count; ++i) result.push_back(tangents.or_zeros(record, i));
  return result;
}
Tensor concat_tangent(const Tangents& tangents, const Record& record) {
  return concat(all_tangents(tangents, record, record.count), record.attribute);
}
const Op concat_op{
    .name = "concat", .vjp = concat_rule, .jvp = concat_tangent, .derivative = "the part of g that is its own"};

void stack_rule(Sweep& sweep, const Record& record, Tensor g) {
  for (Index i = 0; i < record.count; ++i)
    if (sweep.wants(record, i)) sweep.give(record, i, select(g, i));
}
Tensor stack_tangent(const Tangents& tangents, const Record& record) {
  return stack(all_tangents(tangents, record, record.count));
}
const Op stack_op{
    .name = "stack", .vjp = stack_rule, .jvp = stack_tangent, .derivative = "the part of g that is its own"};

std::vector<const Tensor*> pointers(std::span<const Tensor> xs) {
  std::vector<const Tensor*> result;
  result.reserve(xs.size());
  for (const Tensor& x : xs) result.push_back(&x);
  return result;
}

void require_alike(const char* op, std::span<const Tensor> xs, Index free_axis) {
  if (xs.empty()) fail<ShapeError>(op, "nothing to join; give at least one tensor");
  for (std::size_t i = 1; i < xs.size(); ++i) {
    if (xs[i].dtype() != xs[0].dtype())
      fail(op, "part {} is {} and part 0 is {}; cast one of them", i, name(xs[i].dtype()), name(xs[0].dtype()));
    bool alike = xs[i].rank() == xs[0].rank();
    for (Index axis = 0; alike && axis < xs[0].rank(); ++axis)
      alike = axis == free_axis || xs[i].extent(axis) == xs[0].extent(axis);
    if (!alike)
      fail<ShapeError>(op, "part {} of shape {} doesn't go with part 0 of {}", i, xs[i].shape(), xs[0].shape());
  }
}

}  // namespace

Tensor concat(std::span<const Tensor> xs, Index axis) {
  if (!xs.empty()) axis = resolve_axis("concat", xs[0].shape(), axis);
  require_alike("concat", xs, axis);
  Index total = 0;
  for (const Tensor& x : xs) total += x.extent(axis);
  Tensor y = uninitialised(xs[0].dtype(), xs[0].shape().with(axis, total));
  const AroundAxis all(y.shape(), axis);
  Index begin = 0;
  for (const Tensor& x : xs) {
    const Index count = x.extent(axis) * all.inner;
    for (Index i = 0; i < all.outer && count > 0; ++i)
      copy_elements(x, i * count, y, i * total * all.inner + begin, count);
    begin += count;
  }
  record(concat_op, y, pointers(xs), axis);
  return y;
}

Tensor stack(std::span<const Tensor> xs) {
  require_alike("stack", xs, /*free_axis=*/-1);
  Tensor y = uninitialised(xs[0].dtype(), xs[0].shape().inserted(0, static_cast<Index>(xs.size())));
  const Index count = xs[0].size();
  for (std::size_t i = 0; i < xs.size(); ++i) copy_elements(xs[i], 0, y, static_cast<Index>(i) * count, count);
  record(stack_op, y, pointers(xs));
  return y;
}

// ---- assemble

namespace {

// The part of g that a piece came from.
Tensor take_piece(const Tensor& g, const Shape& piece, const Region& place) {
  if (place.rows.defined()) return take_rows(g, place.rows);
  const AroundAxis all(g.shape(), place.axis);
  const Index others = all.outer * all.inner;
  const Tensor part = slice(g, place.begin, place.begin + (others ? piece.size() / others : 0), place.axis);
  return part.shape() == piece ? part : reshape(part, piece);
}

// Inputs: n pieces, then the rows of each (none for a slice), then axis and begin of each.
Region place_of_piece(const Pass& pass, const Record& record, Index i) {
  const Index n = record.attribute;
  const auto plan = pass.input(record, 2 * n).values<std::int64_t>();
  Region place{.axis = plan[static_cast<std::size_t>(2 * i)], .begin = plan[static_cast<std::size_t>(2 * i + 1)]};
  if (record.inputs()[static_cast<std::size_t>(n + i)] != Record::none) place.rows = pass.input(record, n + i);
  return place;
}
void assemble_rule(Sweep& sweep, const Record& record, Tensor g) {
  for (Index i = 0; i < record.attribute; ++i)
    if (sweep.wants(record, i))
      sweep.give(record, i, take_piece(g, sweep.unread_input(record, i).shape(), place_of_piece(sweep, record, i)));
}
Tensor assemble_tangent(const Tangents& tangents, const Record& record) {
  std::vector<Region> places;
  for (Index i = 0; i < record.attribute; ++i) places.push_back(place_of_piece(tangents, record, i));
  return assemble(all_tangents(tangents, record, record.attribute), places, record.output.shape());
}
const Op assemble_op{.name = "assemble",
                     .vjp = assemble_rule,
                     .jvp = assemble_tangent,
                     .derivative = "the part of g where the piece went"};

// The place with its axis counted from the front. An error unless the piece fits there.
Region resolved(const Tensor& whole, const Tensor& piece, const Region& place) {
  if (piece.dtype() != whole.dtype())
    fail("assemble", "a piece is {}, the whole {}; cast one of them", name(piece.dtype()), name(whole.dtype()));
  if (place.rows.defined()) {
    const Index row = whole.rank() > 0 && whole.extent(0) > 0 ? whole.size() / whole.extent(0) : 0;
    if (piece.size() != place.rows.size() * row)
      fail<ShapeError>("assemble", "a piece {} isn't {} rows of {}", piece.shape(), place.rows.size(), whole.shape());
    require_rows("assemble", whole, place.rows);
    return place;
  }
  Region result = place;
  result.axis = resolve_axis("assemble", whole.shape(), place.axis);
  const AroundAxis all(whole.shape(), result.axis);
  const Index others = all.outer * all.inner, extent = others == 0 ? 0 : piece.size() / others;
  if (piece.size() != extent * others || place.begin < 0 || extent > all.extent || place.begin > all.extent - extent)
    fail<ShapeError>("assemble", "a piece {} from {} of axis {} on doesn't fit into {}", piece.shape(), place.begin,
                     place.axis, whole.shape());
  return result;
}

}  // namespace

Region detail::add_piece(const Tensor& whole, const Tensor& piece, const Region& given) {
  Region place = resolved(whole, piece, given);
  by_float_type("assemble", whole.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto add_into = kernels::table<T>().add_into;
    T* to = data<T>(whole);
    const T* from = data<T>(piece);
    if (place.rows.defined()) {
      const Index row = whole.size() / std::max<Index>(whole.extent(0), 1);
      for (const Index i : place.rows.values<std::int64_t>()) {
        add_into(from, to + i * row, row);
        from += row;
      }
      return;
    }
    if (piece.size() == 0) return;
    const AroundAxis all(whole.shape(), place.axis);
    const Index count = piece.size() / all.outer;
    for (Index i = 0; i < all.outer; ++i)
      add_into(from + i * count, to + (i * all.extent + place.begin) * all.inner, count);
  });
  return place;
}

Tensor assemble(std::span<const Tensor> pieces, std::span<const Region> places, const Shape& shape) {
  if (pieces.empty() || pieces.size() != places.size())
    fail<ShapeError>("assemble", "{} pieces and {} places; give as many, and at least one", pieces.size(),
                     places.size());
  Tensor y = zeros(shape, pieces[0].dtype());
  std::vector<std::int64_t> plan;
  std::vector<const Tensor*> inputs = pointers(pieces);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Region place = detail::add_piece(y, pieces[i], places[i]);
    plan.insert(plan.end(), {place.axis, place.begin});
    inputs.push_back(places[i].rows.defined() ? &places[i].rows : nullptr);
  }
  const Tensor plan_tensor = from_values(plan, {static_cast<Index>(pieces.size()), 2});
  inputs.push_back(&plan_tensor);
  record(assemble_op, y, inputs, static_cast<std::int64_t>(pieces.size()));
  return y;
}

}  // namespace ebb
