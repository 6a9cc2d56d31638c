#include "autograd/ops/cast.h"

#include <cmath>

#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_type;
using detail::data;
using detail::uninitialised;

namespace {

void cast_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give(record, 0, cast(g, sweep.unread_input(record, 0).dtype()));
}
Tensor cast_tangent(const Tangents& tangents, const Record& record) {
  return cast(tangents.of(record, 0), record.output.dtype());
}
const Op cast_op{.name = "cast", .vjp = cast_rule, .jvp = cast_tangent, .derivative = "g in x's type"};
const Op to_integers_op{.name = "cast"};

void clone_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, std::move(g)); }
Tensor clone_tangent(const Tangents& tangents, const Record& record) { return tangents.of(record, 0); }
const Op clone_op{.name = "clone", .vjp = clone_rule, .jvp = clone_tangent, .derivative = "g"};

template <class To>
To converted(double value) {
  if constexpr (std::is_same_v<To, std::int64_t>) {
    if (!(std::fabs(value) < 0x1p63)) fail("cast", "{} doesn't fit into int64", value);
  }
  return static_cast<To>(value);
}

template <class From, class To>
void convert(const Tensor& x, const Tensor& y) {
  for (Index i = 0; i < x.size(); ++i) {
    if constexpr (std::is_same_v<From, To>)
      data<To>(y)[i] = data<From>(x)[i];
    else if constexpr (std::is_same_v<From, std::int64_t>)
      data<To>(y)[i] = static_cast<To>(data<From>(x)[i]);
    else
      data<To>(y)[i] = converted<To>(static_cast<double>(data<From>(x)[i]));
  }
}

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  Tensor y = uninitialised(dtype, x.shape());
  by_type(x.dtype(), [&](auto from) { by_type(dtype, [&](auto to) { convert<decltype(from), decltype(to)>(x, y); }); });
  record(x.dtype() == i64 || dtype == i64 ? to_integers_op : cast_op, y, {&x});
  return y;
}

Tensor clone(const Tensor& x) {
  Tensor y = detach(x);
  record(clone_op, y, {&x});
  return y;
}

}  // namespace ebb
