// Elementwise ops from formulas. formulas.h has the library's; a struct of the same form makes another:
//
//   struct Swish : ebb::Named<"swish"> {
//     static auto value(auto x) { return x * ebb::sigmoid(x); }
//     static auto derivative(auto x, auto y) { return ebb::sigmoid(x) + y * (1.0 - ebb::sigmoid(x)); }
//   };
//   ebb::Tensor y = ebb::elementwise<Swish>(x);
#pragma once

#include <optional>
#include <type_traits>

#include "autograd/formulas/formulas.h"
#include "autograd/formulas/lane.h"
#include "autograd/formulas/loops.h"
#include "autograd/formulas/symbol.h"
#include "autograd/tape/op.h"
#include "autograd/tensor/tensor.h"

namespace ebb {

// pull_back of lane.h as a recorded op.
Tensor pull_back(const Tensor& g, const Tensor& d);
Tensor pull_back(double g, const Tensor& d);
Tensor pull_back(const Tensor& g, double d);

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

// g times a derivative, written out.
inline std::string times_text(const Symbol& derivative) {
  const std::string& d = derivative.text();
  return d == "1" ? "g" : d == "−1" ? "−g" : (Symbol("g", 0) * derivative).text();
}

template <class Formula>
UnaryOp make_unary_op(const UnaryLoops<float>& f32_loops, const UnaryLoops<double>& f64_loops) {
  UnaryOp op{{Formula::name}, f32_loops, f64_loops, nullptr};
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
  return pull_back(g, loops::partial<operand>(Formula::derivative(a, b, y)));
}

template <class Formula, int operand>
Tensor times_partial_of(const Tensor& g, const Operand& a, const Operand& b, const Tensor& y) {
  if constexpr (loops::DifferentiableByBoth<Formula, float>) {
    if (!a.tensor) return times_partial<Formula, operand>(g, a.number, *b.tensor, y);
    if (b.tensor) return times_partial<Formula, operand>(g, *a.tensor, *b.tensor, y);
  }
  return times_partial<Formula, operand>(g, *a.tensor, b.number, y);
}

// Enters one derivative; its text.
template <class Formula, int operand, class Derivative>
std::string add_partial(BinaryOp& op, const Derivative& derivative) {
  const auto partial = loops::partial<operand>(derivative);
  if constexpr (std::is_arithmetic_v<std::remove_cv_t<decltype(partial)>>) op.constant[operand] = partial;
  op.reads_for[operand] = Symbol(partial).operands();
  op.reads |= op.reads_for[operand];
  op.recorded_vjp[operand] = times_partial_of<Formula, operand>;
  return times_text(partial);
}

template <class Formula>
BinaryOp make_binary_op(const BinaryLoops<float>& f32_loops, const BinaryLoops<double>& f64_loops) {
  BinaryOp op{{Formula::name}, f32_loops, f64_loops, {}, {}, {}};
  if constexpr (loops::DifferentiableBinary<Formula, float>) {
    constexpr bool by_both = loops::DifferentiableByBoth<Formula, float>;
    static const std::string text = [&op] {
      const auto derivative = Formula::derivative(Symbol("a", 1), Symbol("b", 2), Symbol("y", Op::reads_output));
      if constexpr (by_both)
        return fmt::format("a: {}, b: {}", add_partial<Formula, 0>(op, derivative),
                           add_partial<Formula, 1>(op, derivative));
      else
        return add_partial<Formula, 0>(op, derivative);
    }();
    op.vjp = binary_rule;
    op.jvp = binary_tangent;
    op.derivative = text;
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

// The library's, by their places in the lists of formulas.h, with the kernels of the chosen instruction set.
const UnaryOp& library_unary(std::size_t index);
const BinaryOp& library_binary(std::size_t index);

template <class Formula>
const UnaryOp& unary_op() {
  if constexpr (formulas::Unary::contains<Formula>) {
    static const UnaryOp& op = library_unary(formulas::Unary::index_of<Formula>());
    return op;
  } else {
    static const UnaryOp op = make_unary_op<Formula>(loops::unary<Formula, float>(), loops::unary<Formula, double>());
    return op;
  }
}
template <class Formula>
const BinaryOp& binary_op() {
  if constexpr (formulas::Binary::contains<Formula>) {
    static const BinaryOp& op = library_binary(formulas::Binary::index_of<Formula>());
    return op;
  } else {
    static const BinaryOp op =
        make_binary_op<Formula>(loops::binary<Formula, float>(), loops::binary<Formula, double>());
    return op;
  }
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
