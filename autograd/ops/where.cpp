#include "autograd/ops/where.h"

#include "autograd/kernels/kernels.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/operand.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::BroadcastWalk;
using detail::by_float_type;
using detail::data;
using detail::Operand;
using detail::Source;
using detail::uninitialised;

namespace {

void where_rule(Sweep& sweep, const Record& record, Tensor g) {
  const Tensor& condition = sweep.input(record, 0);
  if (sweep.wants(record, 1)) sweep.give(record, 1, where(condition, g, 0.0));
  if (sweep.wants(record, 2)) sweep.give(record, 2, where(condition, 0.0, g));
}
Tensor where_tangent(const Tangents& tangents, const Record& record) {
  const Tensor& condition = tangents.input(record, 0);
  const Tensor &a = tangents.of(record, 1), &b = tangents.of(record, 2);
  if (!a.defined() && !b.defined()) return {};
  return !a.defined() ? where(condition, 0.0, b) : !b.defined() ? where(condition, a, 0.0) : where(condition, a, b);
}
const Op where_op{.name = "where",
                  .vjp = where_rule,
                  .jvp = where_tangent,
                  .reads = 1,
                  .derivative = "a: where(c, g, 0), b: where(c, 0, g)"};

Tensor choose(const Tensor& condition, const Operand& a, const Operand& b) {
  Shape shape = condition.shape();
  for (const Operand& operand : {a, b}) {
    if (!operand.tensor) continue;
    detail::require_same_type("where", condition, *operand.tensor);
    shape = broadcast("where", shape, operand.tensor->shape());
  }
  Tensor y = uninitialised(condition.dtype(), shape);
  by_float_type("where", condition.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Source<T> from_a(a), from_b(b);
    const BroadcastWalk<3> walk(shape, {&condition.shape(), from_a.shape, from_b.shape});
    walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
      kernels::table<T>().where(data<T>(condition) + offsets[0], steps[0], from_a.values + offsets[1], steps[1],
                                from_b.values + offsets[2], steps[2], data<T>(y) + at, length);
    });
  });
  record(where_op, y, {&condition, a.tensor, b.tensor});
  return y;
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return choose(condition, {.tensor = &a}, {.tensor = &b});
}
Tensor where(const Tensor& condition, const Tensor& a, double b) {
  return choose(condition, {.tensor = &a}, {.number = b});
}
Tensor where(const Tensor& condition, double a, const Tensor& b) {
  return choose(condition, {.number = a}, {.tensor = &b});
}
Tensor where(const Tensor& condition, double a, double b) { return choose(condition, {.number = a}, {.number = b}); }

}  // namespace ebb
