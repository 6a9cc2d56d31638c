#include "autograd/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/kernels/kernels.h"
#include "autograd/ops/axis.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/reduction.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_float_type;
using detail::by_rows;
using detail::data;
using detail::map_rows;
using detail::uninitialised;

namespace {

// Each record's attribute is its axis.

// y (g − Σ g y): the matrix is symmetric, so that it serves both directions.
Tensor times_softmax_jacobian(const Pass& pass, const Record& record, const Tensor& g) {
  const Tensor& y = pass.output(record);
  return y * (g - sum(g * y, record.attribute, /*keepdim=*/true));
}
void softmax_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give(record, 0, times_softmax_jacobian(sweep, record, g));
}
Tensor softmax_tangent(const Tangents& tangents, const Record& record) {
  return times_softmax_jacobian(tangents, record, tangents.of(record, 0));
}
const Op softmax_op{.name = "softmax",
                    .vjp = softmax_rule,
                    .jvp = softmax_tangent,
                    .reads = Op::reads_output,
                    .derivative = "y · (g − Σ g · y)"};

// g − softmax(x) Σ g
void log_softmax_rule(Sweep& sweep, const Record& record, Tensor g) {
  const Tensor& y = sweep.output(record);
  sweep.give(record, 0, g - exp(y) * sum(g, record.attribute, /*keepdim=*/true));
}
Tensor log_softmax_tangent(const Tangents& tangents, const Record& record) {
  const Tensor& t = tangents.of(record, 0);
  return t - sum(exp(tangents.output(record)) * t, record.attribute, /*keepdim=*/true);
}
const Op log_softmax_op{.name = "log_softmax",
                        .vjp = log_softmax_rule,
                        .jvp = log_softmax_tangent,
                        .reads = Op::reads_output,
                        .derivative = "g − eʸ Σ g"};

// softmax(x), but 0 in rows of −∞ alone. Not e^(x − y), which would lose the digits that a large y lacks.
Tensor shares(const Pass& pass, const Record& record) {
  const Tensor nothing = pass.output(record) == -std::numeric_limits<double>::infinity();
  return where(nothing, 0.0, softmax(where(nothing, 0.0, pass.input(record, 0)), record.attribute));
}
void logsumexp_rule(Sweep& sweep, const Record& record, Tensor g) {
  if (sweep.unread_input(record, 0).size() > 0) sweep.give(record, 0, g * shares(sweep, record));
}
Tensor logsumexp_tangent(const Tangents& tangents, const Record& record) {
  if (tangents.unread_input(record, 0).size() == 0) return {};
  return sum_to(tangents.of(record, 0) * shares(tangents, record), record.output.shape());
}
const Op logsumexp_op{.name = "logsumexp",
                      .vjp = logsumexp_rule,
                      .jvp = logsumexp_tangent,
                      .reads = 1 | Op::reads_output,
                      .derivative = "g · softmax(x)"};

Index whole_axis(const char* op, const Tensor& x, Index axis) {
  axis = resolve_axis(op, x.shape(), axis);
  if (x.extent(axis) == 0) fail<ShapeError>(op, "axis {} of {} must have at least one element", axis, x.shape());
  return axis;
}

template <class T>
T log_of_sum(const T* x, Index n) {
  const T highest = n == 0 ? T(0) : *std::max_element(x, x + n);
  const T shift = std::isfinite(highest) ? highest : T(0);
  return static_cast<T>(static_cast<double>(shift) + std::log(kernels::table<T>().sum_of_exp(x, shift, n)));
}

}  // namespace

Tensor softmax(const Tensor& x, Index axis) {
  axis = whole_axis("softmax", x, axis);
  Tensor y = uninitialised(x.dtype(), x.shape());
  by_float_type("softmax", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    map_rows<T>(x, y, axis, kernels::table<T>().softmax);
  });
  record(softmax_op, y, {&x}, axis);
  return y;
}

Tensor log_softmax(const Tensor& x, Index axis) {
  axis = whole_axis("log_softmax", x, axis);
  Tensor y = uninitialised(x.dtype(), x.shape());
  by_float_type("log_softmax", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    map_rows<T>(x, y, axis, kernels::table<T>().log_softmax);
  });
  record(log_softmax_op, y, {&x}, axis);
  return y;
}

Tensor logsumexp(const Tensor& x) {
  const Transaction transaction;
  return logsumexp(reshape(x, Shape{x.size()}), 0);
}

Tensor logsumexp(const Tensor& x, Index axis, bool keepdim) {
  const Transaction transaction;
  axis = resolve_axis("logsumexp", x.shape(), axis);
  const Index extent = x.extent(axis);
  Tensor y = uninitialised(x.dtype(), x.shape().with(axis, 1));
  by_float_type("logsumexp", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    by_rows<T>(x, axis, [&](const T* row, Index rows, Index first) {
      for (Index r = 0; r < rows; ++r, row += extent) data<T>(y)[first + r] = log_of_sum(row, extent);
    });
  });
  record(logsumexp_op, y, {&x}, axis);
  return keepdim ? y : reshape(y, x.shape().without(axis));
}

}  // namespace ebb
