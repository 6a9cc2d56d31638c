#include "autograd/ops/formula_op.h"

#include <bit>

#include "autograd/ops/broadcast.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/operand.h"
#include "autograd/ops/reduction.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::BinaryOp;
using detail::BroadcastWalk;
using detail::by_float_type;
using detail::claim;
using detail::data;
using detail::loops_of;
using detail::Operand;
using detail::Source;
using detail::UnaryOp;
using detail::uninitialised;

namespace {

// The record of two operands keeps a number's bits as its attribute.
Operand operand_of(const Pass& pass, const Record& record, Index i, bool read) {
  if (record.inputs()[static_cast<std::size_t>(i)] == Record::none)
    return {.number = std::bit_cast<double>(record.attribute)};
  return {.tensor = read ? &pass.input(record, i) : &pass.unread_input(record, i)};
}

template <class T>
Tensor partial_by_loops(const BinaryOp& op, std::size_t i, const Tensor& g, const Operand& a, const Operand& b,
                        const Tensor& y) {
  const Source<T> from_a(a), from_b(b);
  Tensor result = claim(g) ? g : detail::uninitialised_like(g);
  const BroadcastWalk<2> walk(y.shape(), {from_a.shape, from_b.shape});
  walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
    loops_of<T>(op).vjp[i](data<T>(g) + at, from_a.values + offsets[0], steps[0], from_b.values + offsets[1], steps[1],
                           data<T>(y) + at, data<T>(result) + at, length);
  });
  return result;
}

}  // namespace

Tensor detail::apply(const UnaryOp& op, const Tensor& x) {
  Tensor y = detail::uninitialised_like(x);
  by_float_type(op.name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    loops_of<T>(op).value(data<T>(x), data<T>(y), x.size());
  });
  record(op, y, {&x});
  return y;
}

Tensor detail::apply(const BinaryOp& op, const Operand& a, const Operand& b) {
  if (a.tensor && b.tensor) detail::require_same_type(op.name, *a.tensor, *b.tensor);
  const Tensor& some = a.tensor && !(b.tensor && b.tensor->rank() > a.tensor->rank()) ? *a.tensor : *b.tensor;
  // Whether no element meets several.
  const bool plain = !a.tensor || !b.tensor || a.tensor->shape() == b.tensor->shape() ||
                     (a.tensor->size() == b.tensor->size() &&
                      broadcasts_to((&some == a.tensor ? b.tensor : a.tensor)->shape(), some.shape()));
  Tensor y = plain ? detail::uninitialised_like(some)
                   : uninitialised(some.dtype(), broadcast(op.name, a.tensor->shape(), b.tensor->shape()));
  by_float_type(op.name, some.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (plain && a.tensor && b.tensor)
      return loops_of<T>(op).value(data<T>(*a.tensor), 1, data<T>(*b.tensor), 1, data<T>(y), y.size());
    const Source<T> from_a(a), from_b(b);
    if (plain)
      return loops_of<T>(op).value(from_a.values, a.tensor != nullptr, from_b.values, b.tensor != nullptr, data<T>(y),
                                   y.size());
    const BroadcastWalk<2> walk(y.shape(), {from_a.shape, from_b.shape});
    walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
      loops_of<T>(op).value(from_a.values + offsets[0], steps[0], from_b.values + offsets[1], steps[1], data<T>(y) + at,
                            length);
    });
  });
  record(op, y, {a.tensor, b.tensor}, std::bit_cast<std::int64_t>(a.tensor ? b.number : a.number));
  return y;
}

Tensor detail::times_derivative(const UnaryOp& op, Tensor g, const Tensor& x, const Tensor& y, bool recorded) {
  if (recorded) return op.recorded_vjp(g, x, y);
  return by_float_type(op.name, g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor result = claim(g) ? g : detail::uninitialised_like(g);
    const T* argument = data<T>(x.defined() ? x : g);  // where it isn't read, any will do
    loops_of<T>(op).vjp(data<T>(g), argument, data<T>(y), data<T>(result), g.size());
    return result;
  });
}

namespace {

// g (or a tangent) times the derivative of a unary record.
Tensor times_slope(const Pass& pass, const Record& record, Tensor g) {
  const auto& op = static_cast<const UnaryOp&>(record.op);
  const Tensor& x = op.reads & 1 ? pass.input(record, 0) : pass.unread_input(record, 0);
  const Tensor& y = op.reads & Op::reads_output ? pass.output(record) : record.output;
  return detail::times_derivative(op, std::move(g), x, y, pass.recorded());
}

// The same for operand i of a binary one; g has the output's shape.
Tensor times_slope(const Pass& pass, const Record& record, Tensor g, std::size_t i) {
  const auto& op = static_cast<const BinaryOp&>(record.op);
  if (op.constant[i]) return *op.constant[i] == 1 ? g : g * *op.constant[i];
  const Operand a = operand_of(pass, record, 0, op.reads_for[i] & 1);
  const Operand b = operand_of(pass, record, 1, op.reads_for[i] & 2);
  const Tensor& y = op.reads_for[i] & Op::reads_output ? pass.output(record) : record.output;
  if (pass.recorded()) return op.recorded_vjp[i](g, a, b, y);
  return by_float_type(op.name, g.dtype(),
                       [&](auto zero) { return partial_by_loops<decltype(zero)>(op, i, g, a, b, y); });
}

}  // namespace

void detail::unary_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.give(record, 0, times_slope(sweep, record, std::move(g)));
}

Tensor detail::unary_tangent(const Tangents& tangents, const Record& record) {
  return times_slope(tangents, record, tangents.of(record, 0));
}

void detail::binary_rule(Sweep& sweep, const Record& record, Tensor g) {
  const auto& op = static_cast<const BinaryOp&>(record.op);
  const auto give = [&](std::size_t i, Tensor to_it) {
    if (op.constant[i] != 1) to_it = times_slope(sweep, record, std::move(to_it), i);
    sweep.give(record, static_cast<Index>(i), std::move(to_it));
  };
  if (!sweep.wants(record, 1)) {
    if (sweep.wants(record, 0)) give(0, std::move(g));
    return;
  }
  if (sweep.wants(record, 0)) give(0, g);
  give(1, std::move(g));
}

Tensor detail::binary_tangent(const Tangents& tangents, const Record& record) {
  Tensor total;
  for (std::size_t i : {0, 1}) {
    Tensor t = tangents.of(record, static_cast<Index>(i));
    if (!t.defined()) continue;
    if (!(t.shape() == record.output.shape())) t = broadcast_to(t, record.output.shape());
    t = times_slope(tangents, record, std::move(t), i);
    total = total.defined() ? total + t : t;
  }
  return total;
}

// ---- pull_back as an op

namespace {

struct PullBack : Named<"multiply"> {
  static auto value(auto g, auto d) { return pull_back(g, d); }
};

// a · b, but 0 where either is: what pull_back gives to d, from a cotangent (or d's tangent) that may itself have come
// through an infinite derivative, or a NaN, on its way to something that doesn't count.
struct Both : Named<"multiply"> {
  static auto value(auto a, auto b) { return where(a == 0.0, 0.0, where(b == 0.0, 0.0, a * b)); }
};

template <class Formula>
const BinaryOp& product_op();

// k times the derivative by operand i, which is the other operand.
template <class Formula>
Tensor times_other(const Pass& pass, const Record& record, const Tensor& k, Index i) {
  const Operand other = operand_of(pass, record, 1 - i, true);
  return detail::apply(i == 0 ? product_op<Formula>() : product_op<Both>(), {.tensor = &k}, other);
}
template <class Formula>
void times_other_rule(Sweep& sweep, const Record& record, Tensor g) {
  for (const Index i : {0, 1})
    if (sweep.wants(record, i)) sweep.give(record, i, times_other<Formula>(sweep, record, g, i));
}
template <class Formula>
Tensor times_other_tangent(const Tangents& tangents, const Record& record) {
  Tensor total;
  for (const Index i : {0, 1}) {
    const Tensor& t = tangents.of(record, i);
    if (!t.defined()) continue;
    const Tensor part = times_other<Formula>(tangents, record, t, i);
    total = total.defined() ? total + part : part;
  }
  return total;
}

template <class Formula>
const BinaryOp& product_op() {
  static const BinaryOp op = [] {
    BinaryOp product =
        detail::make_binary_op<Formula>(loops::binary<Formula, float>(), loops::binary<Formula, double>());
    product.vjp = times_other_rule<Formula>;
    product.jvp = times_other_tangent<Formula>;
    product.reads = 0b11;
    product.derivative = "a: g · b, b: g · a";
    return product;
  }();
  return op;
}

}  // namespace

Tensor pull_back(const Tensor& g, const Tensor& d) {
  return detail::apply(product_op<PullBack>(), {.tensor = &g}, {.tensor = &d});
}
Tensor pull_back(double g, const Tensor& d) {
  return detail::apply(product_op<PullBack>(), {.number = g}, {.tensor = &d});
}
Tensor pull_back(const Tensor& g, double d) { return g * d; }

}  // namespace ebb
