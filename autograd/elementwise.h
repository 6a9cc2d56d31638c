// Elementwise ops: one number at a time, operands broadcast by NumPy's rule. formulas.h has the library's; a struct of
// the same form makes another:
//
//   struct Swish {
//     static constexpr auto name = "swish";
//     static auto value(auto x) { return x * ebb::sigmoid(x); }
//     static auto derivative(auto x, auto y) { return y + ebb::sigmoid(x) * (1.0 - y); }
//   };
//   ebb::Tensor y = ebb::elementwise<Swish>(x);
#pragma once

#include <optional>
#include <type_traits>

#include "autograd/lane.h"
#include "autograd/loops.h"
#include "autograd/op.h"
#include "autograd/symbol.h"
#include "autograd/tensor.h"

namespace ebb {

// Float tensors only; mixed element types are an Error (use cast), and so are shapes that don't broadcast (ShapeError).
// A number stands for a tensor of its value and of the other operand's type.
[[nodiscard]] Tensor operator+(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator+(const Tensor& a, double b);
[[nodiscard]] Tensor operator+(double a, const Tensor& b);
[[nodiscard]] Tensor operator-(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator-(const Tensor& a, double b);
[[nodiscard]] Tensor operator-(double a, const Tensor& b);
[[nodiscard]] Tensor operator*(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator*(const Tensor& a, double b);
[[nodiscard]] Tensor operator*(double a, const Tensor& b);
[[nodiscard]] Tensor operator/(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator/(const Tensor& a, double b);
[[nodiscard]] Tensor operator/(double a, const Tensor& b);
[[nodiscard]] Tensor operator-(const Tensor& x);

[[nodiscard]] Tensor square(const Tensor& x);
[[nodiscard]] Tensor sqrt(const Tensor& x);  // the derivative at 0 is taken as 0
[[nodiscard]] Tensor exp(const Tensor& x);
[[nodiscard]] Tensor log(const Tensor& x);
[[nodiscard]] Tensor tanh(const Tensor& x);
[[nodiscard]] Tensor sigmoid(const Tensor& x);  // the logistic function
[[nodiscard]] Tensor relu(const Tensor& x);     // the derivative at 0 is 0

// Elementwise, 1 or 0 in the operands' type; no gradient passes. (So `if (a == b)` doesn't compile: see all_close, is.)
[[nodiscard]] Tensor operator<(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator<(const Tensor& a, double b);
[[nodiscard]] Tensor operator<=(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator<=(const Tensor& a, double b);
[[nodiscard]] Tensor operator>(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator>(const Tensor& a, double b);
[[nodiscard]] Tensor operator>=(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator>=(const Tensor& a, double b);
[[nodiscard]] Tensor operator==(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator==(const Tensor& a, double b);
[[nodiscard]] Tensor operator!=(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor operator!=(const Tensor& a, double b);

// a where the condition isn't 0, else b. The gradient of the branch not taken is 0, and so is that of what it was
// computed from elementwise, also where values or derivatives are NaN or infinite: where(x > 0.0, log(x), 0.0).
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, double b);
[[nodiscard]] Tensor where(const Tensor& condition, double a, const Tensor& b);
[[nodiscard]] Tensor where(const Tensor& condition, double a, double b);

// The same values in another type; gradients come back in the first. To i64 it truncates, and no gradient passes.
[[nodiscard]] Tensor cast(const Tensor& x, DType dtype);
// The same values in storage of their own; differentiable (detach is the one that cuts).
[[nodiscard]] Tensor clone(const Tensor& x);

namespace detail {

// A formula in all its readings, as an op.
struct UnaryOp : Op {
  UnaryLoops<float> f32_loops;
  UnaryLoops<double> f64_loops;
  Tensor (*recorded_vjp)(const Tensor& g, const Tensor& x, const Tensor& y);
};

// An operand of two: a tensor, or a number.
struct Operand {
  const Tensor* tensor = nullptr;
  double number = 0;
};

struct BinaryOp : Op {
  BinaryLoops<float> f32_loops;
  BinaryLoops<double> f64_loops;
  unsigned reads_for[2];              // what either derivative reads, as Op::reads has it
  std::optional<double> constant[2];  // the derivatives that are mere numbers
  Tensor (*recorded_vjp[2])(const Tensor& g, const Operand& a, const Operand& b, const Tensor& y);
};

void unary_rule(Sweep& sweep, const Record& record, Tensor g);
Tensor unary_tangent(const Tangents& tangents, const Record& record);
void binary_rule(Sweep& sweep, const Record& record, Tensor g);
Tensor binary_tangent(const Tangents& tangents, const Record& record);
Tensor apply(const UnaryOp& op, const Tensor& x);
Tensor apply(const BinaryOp& op, const Operand& a, const Operand& b);
// g · f'(x, y), into g where it is the only handle; x may be undefined where the derivative doesn't read it.
Tensor times_derivative(const UnaryOp& op, Tensor g, const Tensor& x, const Tensor& y, bool recorded);

// pull_back of loops.h in a recorded sweep.
struct PullBack {
  static constexpr auto name = "multiply";
  static auto value(auto g, auto d) { return loops::pull_back(g, d); }
  static auto derivative(auto g, auto d, auto) { return std::pair(d, g); }
};
Tensor pull_back(const Tensor& g, const Tensor& d);
inline Tensor pull_back(const Tensor& g, double d) { return g * d; }

// g times a derivative, written out.
inline std::string times_text(const Symbol& derivative) {
  const std::string& d = derivative.text();
  return d == "1" ? "g" : d == "−1" ? "−g" : (Symbol("g", 0) * derivative).text();
}

template <class Formula>
UnaryOp make_unary_op() {
  UnaryOp op{{Formula::name}, loops::unary<Formula, float>(), loops::unary<Formula, double>(), nullptr};
  if constexpr (loops::DifferentiableUnary<Formula, float>) {
    static const Symbol derivative = Formula::derivative(Symbol("x", 1), Symbol("y", Op::reads_output));
    static const std::string text = times_text(derivative);
    op.vjp = unary_rule;
    op.jvp = unary_tangent;
    op.reads = derivative.operands();
    op.derivative = text;
    op.recorded_vjp = [](const Tensor& g, const Tensor& x, const Tensor& y) {
      return pull_back(g, Formula::derivative(x, y));
    };
  }
  return op;
}

template <class Formula, int operand, class A, class B>
Tensor times_partial(const Tensor& g, const A& a, const B& b, const Tensor& y) {
  return pull_back(g, std::get<operand>(Formula::derivative(a, b, y)));
}

template <class Formula, int operand>
Tensor times_partial_of(const Tensor& g, const Operand& a, const Operand& b, const Tensor& y) {
  if (!a.tensor) return times_partial<Formula, operand>(g, a.number, *b.tensor, y);
  if (!b.tensor) return times_partial<Formula, operand>(g, *a.tensor, b.number, y);
  return times_partial<Formula, operand>(g, *a.tensor, *b.tensor, y);
}

template <class Formula>
BinaryOp make_binary_op() {
  BinaryOp op{{Formula::name}, loops::binary<Formula, float>(), loops::binary<Formula, double>(), {}, {}, {}};
  if constexpr (loops::DifferentiableBinary<Formula, float>) {
    const auto [by_a, by_b] = Formula::derivative(Symbol("a", 1), Symbol("b", 2), Symbol("y", Op::reads_output));
    static const std::string text = fmt::format("a: {}, b: {}", times_text(by_a), times_text(by_b));
    op.vjp = binary_rule;
    op.jvp = binary_tangent;
    op.reads_for[0] = Symbol(by_a).operands();
    op.reads_for[1] = Symbol(by_b).operands();
    op.reads = op.reads_for[0] | op.reads_for[1];
    op.derivative = text;
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(by_a)>>) op.constant[0] = by_a;
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(by_b)>>) op.constant[1] = by_b;
    op.recorded_vjp[0] = times_partial_of<Formula, 0>;
    op.recorded_vjp[1] = times_partial_of<Formula, 1>;
  }
  return op;
}

template <class T, class AnyOp>
const auto& loops_of(const AnyOp& op) {
  if constexpr (std::is_same_v<T, float>)
    return op.f32_loops;
  else
    return op.f64_loops;
}

// A formula of formulas.h with the kernels of the chosen instruction set; those of one operand that the library uses.
template <class Formula>
const UnaryOp& library_op();

template <class Formula>
const UnaryOp& unary_op() {
  static const UnaryOp op = make_unary_op<Formula>();
  return op;
}
template <class Formula>
const BinaryOp& binary_op() {
  static const BinaryOp op = make_binary_op<Formula>();
  return op;
}

}  // namespace detail

// Applies a formula of one operand, or of two, as a recorded op.
template <class Formula>
[[nodiscard]] Tensor elementwise(const Tensor& x) {
  return detail::apply(detail::unary_op<Formula>(), x);
}
template <class Formula>
[[nodiscard]] Tensor elementwise(const Tensor& a, const Tensor& b) {
  return detail::apply(detail::binary_op<Formula>(), {.tensor = &a}, {.tensor = &b});
}
template <class Formula>
[[nodiscard]] Tensor elementwise(const Tensor& a, double b) {
  return detail::apply(detail::binary_op<Formula>(), {.tensor = &a}, {.number = b});
}
template <class Formula>
[[nodiscard]] Tensor elementwise(double a, const Tensor& b) {
  return detail::apply(detail::binary_op<Formula>(), {.number = a}, {.tensor = &b});
}

}  // namespace ebb
