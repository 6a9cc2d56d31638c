#include "autograd/ops/reduction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/ops/axis.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/layout.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::AroundAxis;
using detail::BroadcastWalk;
using detail::by_float_type;
using detail::by_rows;
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
  detail::by_type(x.dtype(), [&](auto zero) {
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
  return sum(x) / static_cast<double>(x.size());
}

Tensor mean(const Tensor& x, Index axis, bool keepdim) {
  const Transaction transaction;
  axis = resolve_axis("mean", x.shape(), axis);
  return sum(x, axis, keepdim) / static_cast<double>(x.extent(axis));
}

Tensor variance(const Tensor& x, const VarianceOptions& options) {
  const Transaction transaction;
  const Tensor y = variance(reshape(x, Shape{x.size()}), 0, {.correction = options.correction});
  return options.keepdim ? reshape(y, Shape(std::vector<Index>(static_cast<std::size_t>(x.rank()), 1))) : y;
}

Tensor variance(const Tensor& x, Index axis, const VarianceOptions& options) {
  const Transaction transaction;
  axis = resolve_axis("variance", x.shape(), axis);
  const double count = static_cast<double>(x.extent(axis));
  const Tensor from_mean = x - mean(x, axis, /*keepdim=*/true);
  return sum(square(from_mean), axis, options.keepdim) / std::max(count - options.correction, 0.0);
}

// ---- max, min, argmax, argmin

namespace {

// The place of the first largest (smallest) of n numbers, or of the first NaN.
template <bool largest, class T>
Index extreme_place(const T* x, Index n) {
  Index place = 0;
  for (Index i = 0; i < n; ++i) {
    if (std::isnan(x[i])) return i;
    if (largest ? x[i] > x[place] : x[i] < x[place]) place = i;
  }
  return place;
}

// What part of the extreme value's cotangent each element gets: those that tie share it, or the NaNs if there are any.
// As a function of x it is piecewise constant, so that nothing of it is recorded.
Tensor shares(const Pass& pass, const Record& record) {
  const Tensor &x = pass.input(record, 0), &y = pass.output(record);
  Tensor result = uninitialised(x.dtype(), x.shape());
  by_float_type(record.op.name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const AroundAxis around(x.shape(), record.attribute);
    for (Index row = 0; row < y.size(); ++row) {
      const Index offset = row / around.inner * around.extent * around.inner + row % around.inner;
      const T *from = data<T>(x) + offset, extreme = data<T>(y)[row];
      T* to = data<T>(result) + offset;
      const auto ties = [&](Index i) { return from[i] == extreme || std::isnan(from[i]); };
      Index count = 0;
      for (Index i = 0; i < around.extent; ++i) count += ties(i * around.inner);
      const T share = T(1) / static_cast<T>(count);
      for (Index i = 0; i < around.extent; ++i) to[i * around.inner] = ties(i * around.inner) ? share : T(0);
    }
  });
  return result;
}
void extreme_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, g * shares(sweep, record)); }
Tensor extreme_tangent(const Tangents& tangents, const Record& record) {
  return sum_to(tangents.of(record, 0) * shares(tangents, record), record.output.shape());
}
constexpr std::string_view shared = "g where x = y, shared among ties";
const Op max_op{
    .name = "max", .vjp = extreme_rule, .jvp = extreme_tangent, .reads = 1 | Op::reads_output, .derivative = shared};
const Op min_op{
    .name = "min", .vjp = extreme_rule, .jvp = extreme_tangent, .reads = 1 | Op::reads_output, .derivative = shared};
const Op argmax_op{.name = "argmax"};
const Op argmin_op{.name = "argmin"};

Index extreme_axis(const Op& op, const Tensor& x, Index axis) {
  axis = resolve_axis(op.name, x.shape(), axis);
  if (x.extent(axis) == 0)
    fail<ShapeError>(op.name, "axis {} of {} is empty: nothing has no {}", axis, x.shape(), op.name);
  return axis;
}
// All elements side by side.
Tensor flat(const Op& op, const Tensor& x) {
  if (x.size() == 0) fail<ShapeError>(op.name, "{} has no elements: nothing has no {}", x.shape(), op.name);
  return reshape(x, Shape{x.size()});
}
Tensor with_axis_or_without(const Tensor& kept, Index axis, bool keepdim) {
  return keepdim ? kept : reshape(kept, kept.shape().without(axis));
}

template <bool largest>
Tensor extreme(const Op& op, const Tensor& x, Index axis, bool keepdim) {
  axis = extreme_axis(op, x, axis);
  const Transaction transaction;
  const Index extent = x.extent(axis);
  Tensor y = uninitialised(x.dtype(), x.shape().with(axis, 1));
  by_float_type(op.name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    by_rows<T>(x, axis, [&](const T* row, Index rows, Index first) {
      for (Index r = 0; r < rows; ++r, row += extent) data<T>(y)[first + r] = row[extreme_place<largest>(row, extent)];
    });
  });
  record(op, y, {&x}, axis);
  return with_axis_or_without(y, axis, keepdim);
}

template <bool largest>
Tensor place_of_extreme(const Op& op, const Tensor& x, Index axis, bool keepdim) {
  axis = extreme_axis(op, x, axis);
  const Index extent = x.extent(axis);
  Tensor y = uninitialised(i64, keepdim ? x.shape().with(axis, 1) : x.shape().without(axis));
  by_float_type(op.name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    by_rows<T>(x, axis, [&](const T* row, Index rows, Index first) {
      for (Index r = 0; r < rows; ++r, row += extent)
        data<std::int64_t>(y)[first + r] = extreme_place<largest>(row, extent);
    });
  });
  record(op, y, {&x});
  return y;
}

}  // namespace

Tensor max(const Tensor& x) {
  const Transaction transaction;
  return max(flat(max_op, x), 0);
}
Tensor max(const Tensor& x, Index axis, bool keepdim) { return extreme<true>(max_op, x, axis, keepdim); }
Tensor min(const Tensor& x) {
  const Transaction transaction;
  return min(flat(min_op, x), 0);
}
Tensor min(const Tensor& x, Index axis, bool keepdim) { return extreme<false>(min_op, x, axis, keepdim); }
Tensor argmax(const Tensor& x) {
  const Transaction transaction;
  return argmax(flat(argmax_op, x), 0);
}
Tensor argmax(const Tensor& x, Index axis, bool keepdim) { return place_of_extreme<true>(argmax_op, x, axis, keepdim); }
Tensor argmin(const Tensor& x) {
  const Transaction transaction;
  return argmin(flat(argmin_op, x), 0);
}
Tensor argmin(const Tensor& x, Index axis, bool keepdim) {
  return place_of_extreme<false>(argmin_op, x, axis, keepdim);
}

// ---- norm

namespace {

// Squares of float32 can't leave double's range.
double norm_of(const kernels::Table<float>& table, const float* x, Index n) {
  return std::sqrt(table.sum_of_squares(x, 1.0, n));
}

// Where those of float64 may have, they are scaled by the largest.
[[gnu::noinline]] double norm_of(const kernels::Table<double>& table, const double* x, Index n) {
  const double plain = table.sum_of_squares(x, 1.0, n);
  constexpr double safely_large = std::numeric_limits<double>::min() / std::numeric_limits<double>::epsilon();
  if (plain > safely_large && plain <= std::numeric_limits<double>::max()) return std::sqrt(plain);
  const double largest = table.largest(x, n);
  if (largest == 0 || !std::isfinite(largest)) return largest;
  // 2^1074 would overflow; from 2^1022 on, squares are in range.
  const int exponent = std::max(std::ilogb(largest), -1022);
  return std::scalbn(std::sqrt(table.sum_of_squares(x, std::scalbn(1.0, -exponent), n)), exponent);
}

// x / ‖x‖, and 0 where ‖x‖ is: finite everywhere, and so are its derivatives.
Tensor direction(const Pass& pass, const Record& record) {
  const Tensor &x = pass.input(record, 0), &y = pass.output(record);
  return where(y == 0.0, 0.0, x) / where(y == 0.0, 1.0, y);
}
void norm_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, g * direction(sweep, record)); }
Tensor norm_tangent(const Tangents& tangents, const Record& record) {
  return sum_to(tangents.of(record, 0) * direction(tangents, record), record.output.shape());
}
const Op norm_op{
    .name = "norm", .vjp = norm_rule, .jvp = norm_tangent, .reads = 1 | Op::reads_output, .derivative = "g · x / y"};

}  // namespace

double detail::norm_value(const Tensor& x) {
  return by_float_type("norm", x.dtype(), [&](auto zero) {
    const auto& table = kernels::table<decltype(zero)>();
    return norm_of(table, data<decltype(zero)>(x), x.size());
  });
}

double detail::largest_magnitude(const Tensor& x) {
  return by_float_type("max", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return kernels::table<T>().largest(data<T>(x), x.size());
  });
}

std::array<double, 3> detail::squared_norms_of_product(const Tensor& a, const Tensor& b) {
  return by_float_type("norm", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return kernels::table<T>().squared_norms_of_product(a.extent(0), a.extent(1), b.extent(1), data<T>(a), data<T>(b));
  });
}

Tensor norm(const Tensor& x) {
  Tensor y = full({}, detail::norm_value(x), x.dtype());
  record(norm_op, y, {&x});
  return y;
}

Tensor norm(const Tensor& x, Index axis, bool keepdim) {
  axis = resolve_axis("norm", x.shape(), axis);
  const Transaction transaction;
  const Index extent = x.extent(axis);
  Tensor y = uninitialised(x.dtype(), x.shape().with(axis, 1));
  by_float_type("norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    by_rows<T>(x, axis, [&](const T* row, Index rows, Index first) {
      for (Index r = 0; r < rows; ++r, row += extent)
        data<T>(y)[first + r] = static_cast<T>(norm_of(kernels::table<T>(), row, extent));
    });
  });
  record(norm_op, y, {&x});
  return with_axis_or_without(y, axis, keepdim);
}

}  // namespace ebb
