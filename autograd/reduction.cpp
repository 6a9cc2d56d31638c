#include "autograd/reduction.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/broadcast.h"
#include "autograd/elementwise.h"
#include "autograd/kernels/kernels.h"
#include "autograd/layout.h"
#include "autograd/tape.h"

namespace ebb {

using detail::BroadcastWalk;
using detail::by_float_type;
using detail::data;
using detail::uninitialised;

namespace {

void sum_to_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give(record, 0, broadcast_to(g, sweep.unread_input(record, 0).shape()));
}
Tensor sum_to_tangent(const Tangents& tangents, const Record& record) {
  return sum_to(tangents.of(record, 0), record.output.shape());
}
const Op sum_op{.name = "sum", .vjp = sum_to_rule, .jvp = sum_to_tangent, .derivative = "g, repeated"};

// The sweep's accumulator sums over what was broadcast.
void broadcast_to_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, std::move(g)); }
Tensor broadcast_to_tangent(const Tangents& tangents, const Record& record) { return tangents.of(record, 0); }
const Op broadcast_to_op{.name = "broadcast_to",
                         .vjp = broadcast_to_rule,
                         .jvp = broadcast_to_tangent,
                         .derivative = "Σ g over what was repeated"};

}  // namespace

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (!broadcasts_to(shape, x.shape()))
    fail<ShapeError>("sum_to", "{} doesn't broadcast to {}, so {} can't be summed to it", shape, x.shape(), x.shape());
  Tensor total = zeros(shape, f64);
  by_float_type("sum", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const BroadcastWalk<1> walk(x.shape(), {&shape});
    walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
      double* to = data<double>(total) + offsets[0];
      const T* from = data<T>(x) + at;
      if (steps[0] == 0)
        *to += kernels::table<T>().sum(from, length);
      else
        for (Index i = 0; i < length; ++i) to[i] += static_cast<double>(from[i]);
    });
  });
  Tensor y = total;
  if (x.dtype() == f32) {
    y = uninitialised(f32, shape);
    std::transform(data<double>(total), data<double>(total) + total.size(), data<float>(y),
                   [](double value) { return static_cast<float>(value); });
  }
  record(sum_op, y, {&x});
  return y;
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (!broadcasts_to(x.shape(), shape))
    fail<ShapeError>("broadcast_to", "{} doesn't broadcast to {}", x.shape(), shape);
  Tensor y = uninitialised(x.dtype(), shape);
  by_float_type("broadcast_to", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const BroadcastWalk<1> walk(shape, {&x.shape()});
    walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
      const T* from = data<T>(x) + offsets[0];
      T* to = data<T>(y) + at;
      for (Index i = 0; i < length; ++i) to[i] = from[i * steps[0]];
    });
  });
  record(broadcast_to_op, y, {&x});
  return y;
}

Tensor sum(const Tensor& x) { return sum_to(x, {}); }

Tensor sum(const Tensor& x, Index axis, bool keepdim) {
  const Transaction transaction;
  axis = resolve_axis("sum", x.shape(), axis);
  const Tensor kept = sum_to(x, x.shape().with(axis, 1));
  return keepdim ? kept : reshape(kept, x.shape().without(axis));
}

Tensor mean(const Tensor& x) {
  const Transaction transaction;
  return sum(x) * (1.0 / static_cast<double>(x.size()));
}

Tensor mean(const Tensor& x, Index axis, bool keepdim) {
  const Transaction transaction;
  axis = resolve_axis("mean", x.shape(), axis);
  return sum(x, axis, keepdim) * (1.0 / static_cast<double>(x.extent(axis)));
}

// ---- norm

double detail::norm_value(const Tensor& x) {
  return by_float_type("norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& table = kernels::table<T>();
    const double plain = table.sum_of_squares(data<T>(x), 1.0, x.size());
    // Squares of float32 can't leave double's range; where those of float64 may have, scale by the largest.
    constexpr double safely_large = std::numeric_limits<double>::min() / std::numeric_limits<double>::epsilon();
    if (std::is_same_v<T, float> || (plain > safely_large && plain <= std::numeric_limits<double>::max()))
      return std::sqrt(plain);
    const double largest = table.largest(data<T>(x), x.size());
    if (largest == 0 || !std::isfinite(largest)) return largest;
    // 2^1074 would overflow; from 2^1022 on, squares are in range.
    const int exponent = std::max(std::ilogb(largest), -1022);
    return std::scalbn(std::sqrt(table.sum_of_squares(data<T>(x), std::scalbn(1.0, -exponent), x.size())), exponent);
  });
}

namespace {

// x / ‖x‖, with a divisor of 1 at 0: the branch not taken is finite, and so are its derivatives.
Tensor direction(const Pass& pass, const Record& record) {
  const Tensor& y = pass.output(record);
  return pass.input(record, 0) / where(y == 0.0, 1.0, y);
}
void norm_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, g * direction(sweep, record)); }
Tensor norm_tangent(const Tangents& tangents, const Record& record) {
  return sum(tangents.of(record, 0) * direction(tangents, record));
}
const Op norm_op{
    .name = "norm", .vjp = norm_rule, .jvp = norm_tangent, .reads = 1 | Op::reads_output, .derivative = "g · x / y"};

// g − softmax(x) Σ g
void log_softmax_rule(Sweep& sweep, const Record& record, Tensor g) {
  const Tensor& y = sweep.output(record);
  sweep.give(record, 0, g - exp(y) * sum(g, -1, /*keepdim=*/true));
}
Tensor log_softmax_tangent(const Tangents& tangents, const Record& record) {
  const Tensor& t = tangents.of(record, 0);
  return t - sum(exp(tangents.output(record)) * t, -1, /*keepdim=*/true);
}
const Op log_softmax_op{.name = "log_softmax",
                        .vjp = log_softmax_rule,
                        .jvp = log_softmax_tangent,
                        .reads = Op::reads_output,
                        .derivative = "g − eʸ Σ g"};

}  // namespace

Tensor norm(const Tensor& x) {
  Tensor y = full({}, detail::norm_value(x), x.dtype());
  record(norm_op, y, {&x});
  return y;
}

Tensor log_softmax(const Tensor& x) {
  if (x.rank() == 0 || x.extent(-1) == 0)
    fail<ShapeError>("log_softmax", "the last axis of {} must have at least one element", x.shape());
  Tensor y = uninitialised(x.dtype(), x.shape());
  by_float_type("log_softmax", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index columns = x.extent(-1);
    kernels::table<T>().log_softmax(data<T>(x), data<T>(y), x.size() / columns, columns);
  });
  record(log_softmax_op, y, {&x});
  return y;
}

}  // namespace ebb
