#include "autograd/elementwise.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "autograd/broadcast.h"
#include "autograd/formulas.h"
#include "autograd/kernels/kernels.h"
#include "autograd/reduction.h"
#include "autograd/tape.h"

namespace ebb {

using detail::BinaryOp;
using detail::BroadcastWalk;
using detail::by_float_type;
using detail::by_type;
using detail::data;
using detail::loops_of;
using detail::Operand;
using detail::UnaryOp;
using detail::uninitialised;
using detail::unique;

template <class Formula>
const UnaryOp& detail::library_op() {
  static const UnaryOp op = [] {
    UnaryOp made = detail::make_unary_op<Formula>();
    constexpr std::size_t index = kernels::UnaryFormulas::index_of<Formula>();
    made.f32_loops = kernels::table<float>().unary[index];
    made.f64_loops = kernels::table<double>().unary[index];
    return made;
  }();
  return op;
}
namespace {

template <class Formula>
const BinaryOp& library_binary() {
  static const BinaryOp op = [] {
    BinaryOp made = detail::make_binary_op<Formula>();
    constexpr std::size_t index = kernels::BinaryFormulas::index_of<Formula>();
    made.f32_loops = kernels::table<float>().binary[index];
    made.f64_loops = kernels::table<double>().binary[index];
    return made;
  }();
  return op;
}

template <class Formula>
Tensor unary(const Tensor& x) {
  return detail::apply(detail::library_op<Formula>(), x);
}
template <class Formula>
Tensor binary(const Tensor& a, const Tensor& b) {
  return detail::apply(library_binary<Formula>(), {.tensor = &a}, {.tensor = &b});
}
template <class Formula>
Tensor binary(const Tensor& a, double b) {
  return detail::apply(library_binary<Formula>(), {.tensor = &a}, {.number = b});
}
template <class Formula>
Tensor binary(double a, const Tensor& b) {
  return detail::apply(library_binary<Formula>(), {.number = a}, {.tensor = &b});
}

void require_same_type(std::string_view op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail(op, "{} {} and {} {} don't mix; cast one of them", name(a.dtype()), a.shape(), name(b.dtype()), b.shape());
}

// An operand as the loops see it: a pointer and a shape, with a number held here.
template <class T>
struct Source {
  explicit Source(const Operand& operand)
      : number(static_cast<T>(operand.number)),
        values(operand.tensor ? data<T>(*operand.tensor) : &number),
        shape(operand.tensor ? &operand.tensor->shape() : &scalar) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  T number;
  const T* values;
  Shape scalar;
  const Shape* shape;
};

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
  Tensor result = uninitialised(g.dtype(), g.shape());
  const BroadcastWalk<2> walk(y.shape(), {from_a.shape, from_b.shape});
  walk.rows([&](const auto& offsets, const auto& steps, Index at, Index length) {
    loops_of<T>(op).vjp[i](data<T>(g) + at, from_a.values + offsets[0], steps[0], from_b.values + offsets[1], steps[1],
                           data<T>(y) + at, data<T>(result) + at, length);
  });
  return result;
}

}  // namespace

Tensor detail::apply(const UnaryOp& op, const Tensor& x) {
  Tensor y = uninitialised(x.dtype(), x.shape());
  by_float_type(op.name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    loops_of<T>(op).value(data<T>(x), data<T>(y), x.size());
  });
  record(op, y, {&x});
  return y;
}

Tensor detail::apply(const BinaryOp& op, const Operand& a, const Operand& b) {
  if (a.tensor && b.tensor) require_same_type(op.name, *a.tensor, *b.tensor);
  const Tensor& some = a.tensor ? *a.tensor : *b.tensor;
  const bool plain = !a.tensor || !b.tensor || a.tensor->shape() == b.tensor->shape();
  const Shape shape = plain ? some.shape() : broadcast(op.name, a.tensor->shape(), b.tensor->shape());
  Tensor y = uninitialised(some.dtype(), shape);
  by_float_type(op.name, some.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Source<T> from_a(a), from_b(b);
    if (plain) {
      loops_of<T>(op).value(from_a.values, a.tensor != nullptr, from_b.values, b.tensor != nullptr, data<T>(y),
                            y.size());
      return;
    }
    const BroadcastWalk<2> walk(shape, {from_a.shape, from_b.shape});
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
    Tensor result = unique(g) ? g : uninitialised(g.dtype(), g.shape());
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
  for (std::size_t i : {0, 1})
    if (sweep.wants(record, static_cast<Index>(i)))
      sweep.give(record, static_cast<Index>(i), times_slope(sweep, record, g, i));
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

template const UnaryOp& detail::library_op<formulas::Tanh>();
template const UnaryOp& detail::library_op<formulas::Sigmoid>();
template const UnaryOp& detail::library_op<formulas::Relu>();

Tensor detail::pull_back(const Tensor& g, const Tensor& d) { return elementwise<PullBack>(g, d); }

Tensor operator+(const Tensor& a, const Tensor& b) { return binary<formulas::Add>(a, b); }
Tensor operator+(const Tensor& a, double b) { return binary<formulas::Add>(a, b); }
Tensor operator+(double a, const Tensor& b) { return binary<formulas::Add>(a, b); }
Tensor operator-(const Tensor& a, const Tensor& b) { return binary<formulas::Subtract>(a, b); }
Tensor operator-(const Tensor& a, double b) { return binary<formulas::Subtract>(a, b); }
Tensor operator-(double a, const Tensor& b) { return binary<formulas::Subtract>(a, b); }
Tensor operator*(const Tensor& a, const Tensor& b) { return binary<formulas::Multiply>(a, b); }
Tensor operator*(const Tensor& a, double b) { return binary<formulas::Multiply>(a, b); }
Tensor operator*(double a, const Tensor& b) { return binary<formulas::Multiply>(a, b); }
Tensor operator/(const Tensor& a, const Tensor& b) { return binary<formulas::Divide>(a, b); }
Tensor operator/(const Tensor& a, double b) { return binary<formulas::Divide>(a, b); }
Tensor operator/(double a, const Tensor& b) { return binary<formulas::Divide>(a, b); }
Tensor operator-(const Tensor& x) { return unary<formulas::Negate>(x); }

Tensor square(const Tensor& x) { return unary<formulas::Square>(x); }
Tensor sqrt(const Tensor& x) { return unary<formulas::Sqrt>(x); }
Tensor exp(const Tensor& x) { return unary<formulas::Exp>(x); }
Tensor log(const Tensor& x) { return unary<formulas::Log>(x); }
Tensor tanh(const Tensor& x) { return unary<formulas::Tanh>(x); }
Tensor sigmoid(const Tensor& x) { return unary<formulas::Sigmoid>(x); }
Tensor relu(const Tensor& x) { return unary<formulas::Relu>(x); }

Tensor operator<(const Tensor& a, const Tensor& b) { return binary<formulas::Less>(a, b); }
Tensor operator<(const Tensor& a, double b) { return binary<formulas::Less>(a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return binary<formulas::LessEqual>(a, b); }
Tensor operator<=(const Tensor& a, double b) { return binary<formulas::LessEqual>(a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return binary<formulas::Greater>(a, b); }
Tensor operator>(const Tensor& a, double b) { return binary<formulas::Greater>(a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return binary<formulas::GreaterEqual>(a, b); }
Tensor operator>=(const Tensor& a, double b) { return binary<formulas::GreaterEqual>(a, b); }
Tensor operator==(const Tensor& a, const Tensor& b) { return binary<formulas::Equal>(a, b); }
Tensor operator==(const Tensor& a, double b) { return binary<formulas::Equal>(a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return binary<formulas::NotEqual>(a, b); }
Tensor operator!=(const Tensor& a, double b) { return binary<formulas::NotEqual>(a, b); }

Tensor& Tensor::operator+=(const Tensor& other) { return *this = *this + other; }
Tensor& Tensor::operator-=(const Tensor& other) { return *this = *this - other; }
Tensor& Tensor::operator*=(const Tensor& other) { return *this = *this * other; }
Tensor& Tensor::operator/=(const Tensor& other) { return *this = *this / other; }
Tensor& Tensor::operator+=(double other) { return *this = *this + other; }
Tensor& Tensor::operator-=(double other) { return *this = *this - other; }
Tensor& Tensor::operator*=(double other) { return *this = *this * other; }
Tensor& Tensor::operator/=(double other) { return *this = *this / other; }

// ---- where

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
    require_same_type("where", condition, *operand.tensor);
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

// ---- cast and clone

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
