// Elementwise ops: one number at a time, operands broadcast by NumPy's rule. Names and values are those of NumPy and
// PyTorch; derivatives at kinks are PyTorch's. What differs from either is said here. formula_op.h tells how to make
// others.
#pragma once

#include "autograd/formulas/formulas.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/formula_op.h"
#include "autograd/ops/where.h"
#include "autograd/tensor/tensor.h"

namespace ebb {

// Float tensors only; mixed element types are an Error (use cast), and so are shapes that don't broadcast (ShapeError).
// A number stands for a tensor of its value and of the other operand's type.
[[nodiscard]] inline Tensor operator+(const Tensor& a, const Tensor& b) { return elementwise<formulas::Add>(a, b); }
[[nodiscard]] inline Tensor operator+(const Tensor& a, double b) { return elementwise<formulas::Add>(a, b); }
[[nodiscard]] inline Tensor operator+(double a, const Tensor& b) { return elementwise<formulas::Add>(a, b); }
[[nodiscard]] inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return elementwise<formulas::Subtract>(a, b);
}
[[nodiscard]] inline Tensor operator-(const Tensor& a, double b) { return elementwise<formulas::Subtract>(a, b); }
[[nodiscard]] inline Tensor operator-(double a, const Tensor& b) { return elementwise<formulas::Subtract>(a, b); }
[[nodiscard]] inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return elementwise<formulas::Multiply>(a, b);
}
[[nodiscard]] inline Tensor operator*(const Tensor& a, double b) { return elementwise<formulas::Multiply>(a, b); }
[[nodiscard]] inline Tensor operator*(double a, const Tensor& b) { return elementwise<formulas::Multiply>(a, b); }
[[nodiscard]] inline Tensor operator/(const Tensor& a, const Tensor& b) { return elementwise<formulas::Divide>(a, b); }
[[nodiscard]] inline Tensor operator/(const Tensor& a, double b) { return elementwise<formulas::Divide>(a, b); }
[[nodiscard]] inline Tensor operator/(double a, const Tensor& b) { return elementwise<formulas::Divide>(a, b); }
[[nodiscard]] inline Tensor operator-(const Tensor& x) { return elementwise<formulas::Negate>(x); }

// Of two that are equal each has half of the derivative; a NaN in either is one in the result. (PyTorch's take tensors
// only; NumPy's are these.)
[[nodiscard]] inline Tensor maximum(const Tensor& a, const Tensor& b) { return elementwise<formulas::Maximum>(a, b); }
[[nodiscard]] inline Tensor maximum(const Tensor& a, double b) { return elementwise<formulas::Maximum>(a, b); }
[[nodiscard]] inline Tensor maximum(double a, const Tensor& b) { return elementwise<formulas::Maximum>(a, b); }
[[nodiscard]] inline Tensor minimum(const Tensor& a, const Tensor& b) { return elementwise<formulas::Minimum>(a, b); }
[[nodiscard]] inline Tensor minimum(const Tensor& a, double b) { return elementwise<formulas::Minimum>(a, b); }
[[nodiscard]] inline Tensor minimum(double a, const Tensor& b) { return elementwise<formulas::Minimum>(a, b); }
// aᵇ as in IEEE 754: 1 where b is 0, NaN where a is negative and b no integer. By a the derivative is 0 where b is 0,
// also at a = 0; by b it is 0 where a is 0 and b isn't negative, and NaN where a is negative. (Where b is a tensor and
// 0 in places, PyTorch's second derivative by a and b lacks the 1 / a that this one has there.)
[[nodiscard]] inline Tensor pow(const Tensor& a, const Tensor& b) { return elementwise<formulas::Pow>(a, b); }
[[nodiscard]] inline Tensor pow(const Tensor& a, double b) { return elementwise<formulas::Pow>(a, b); }
[[nodiscard]] inline Tensor pow(double a, const Tensor& b) { return elementwise<formulas::Pow>(a, b); }

[[nodiscard]] inline Tensor square(const Tensor& x) { return elementwise<formulas::Square>(x); }
// The derivative at 0 is taken as 0. (PyTorch: infinity.)
[[nodiscard]] inline Tensor sqrt(const Tensor& x) { return elementwise<formulas::Sqrt>(x); }
[[nodiscard]] inline Tensor exp(const Tensor& x) { return elementwise<formulas::Exp>(x); }
[[nodiscard]] inline Tensor log(const Tensor& x) { return elementwise<formulas::Log>(x); }
// eˣ − 1 and ln(1 + x), with all digits near 0. (The derivative of expm1 is eˣ; PyTorch's, y + 1, cancels below 0.)
[[nodiscard]] inline Tensor expm1(const Tensor& x) { return elementwise<formulas::Expm1>(x); }
[[nodiscard]] inline Tensor log1p(const Tensor& x) { return elementwise<formulas::Log1p>(x); }
// The derivative at 0 is 0.
[[nodiscard]] inline Tensor abs(const Tensor& x) { return elementwise<formulas::Abs>(x); }
[[nodiscard]] inline Tensor reciprocal(const Tensor& x) { return elementwise<formulas::Reciprocal>(x); }
[[nodiscard]] inline Tensor sin(const Tensor& x) { return elementwise<formulas::Sin>(x); }
[[nodiscard]] inline Tensor cos(const Tensor& x) { return elementwise<formulas::Cos>(x); }
[[nodiscard]] inline Tensor tanh(const Tensor& x) { return elementwise<formulas::Tanh>(x); }
// The error function (2/√π) ∫₀ˣ e^(−t²) dt; and 1 minus it, with all digits where that would cancel.
[[nodiscard]] inline Tensor erf(const Tensor& x) { return elementwise<formulas::Erf>(x); }
[[nodiscard]] inline Tensor erfc(const Tensor& x) { return elementwise<formulas::Erfc>(x); }

// The logistic function.
[[nodiscard]] inline Tensor sigmoid(const Tensor& x) { return elementwise<formulas::Sigmoid>(x); }
// The derivative at 0 is 0, and at NaN. (PyTorch: 1 at NaN.)
[[nodiscard]] inline Tensor relu(const Tensor& x) { return elementwise<formulas::Relu>(x); }
// ln(1 + eˣ), all the way: PyTorch's is x itself above 20, with derivative 1 and then 0.
[[nodiscard]] inline Tensor softplus(const Tensor& x) { return elementwise<formulas::Softplus>(x); }
// x Φ(x), Φ the distribution function of the standard normal: PyTorch's default, not its tanh approximation.
// It keeps its digits far below 0, where PyTorch's cancels. At −infinity it is 0, and silu too. (PyTorch: NaN.)
[[nodiscard]] inline Tensor gelu(const Tensor& x) { return elementwise<formulas::Gelu>(x); }
// x · sigmoid(x), also known as swish.
[[nodiscard]] inline Tensor silu(const Tensor& x) { return elementwise<formulas::Silu>(x); }
// x where x > 0, else alpha (eˣ − 1), or slope · x. The derivative at 0 is that of the lower part.
[[nodiscard]] inline Tensor elu(const Tensor& x, double alpha = 1) { return elementwise<formulas::Elu>(x, alpha); }
[[nodiscard]] inline Tensor leaky_relu(const Tensor& x, double slope = 0.01) {
  return elementwise<formulas::LeakyRelu>(x, slope);
}
// x, but at least `low` and at most `high`, which wins; ±infinity is no bound. A NaN stays one. The derivative is 1
// between the bounds and at them, else 0. Error if a bound is NaN.
[[nodiscard]] Tensor clamp(const Tensor& x, double low, double high);

// 1 or 0 in the operands' type; no gradient passes. (So `if (a == b)` doesn't compile: see all_close, is.)
[[nodiscard]] inline Tensor operator<(const Tensor& a, const Tensor& b) { return elementwise<formulas::Less>(a, b); }
[[nodiscard]] inline Tensor operator<(const Tensor& a, double b) { return elementwise<formulas::Less>(a, b); }
[[nodiscard]] inline Tensor operator<(double a, const Tensor& b) { return elementwise<formulas::Less>(a, b); }
[[nodiscard]] inline Tensor operator<=(const Tensor& a, const Tensor& b) {
  return elementwise<formulas::LessEqual>(a, b);
}
[[nodiscard]] inline Tensor operator<=(const Tensor& a, double b) { return elementwise<formulas::LessEqual>(a, b); }
[[nodiscard]] inline Tensor operator<=(double a, const Tensor& b) { return elementwise<formulas::LessEqual>(a, b); }
[[nodiscard]] inline Tensor operator>(const Tensor& a, const Tensor& b) { return elementwise<formulas::Greater>(a, b); }
[[nodiscard]] inline Tensor operator>(const Tensor& a, double b) { return elementwise<formulas::Greater>(a, b); }
[[nodiscard]] inline Tensor operator>(double a, const Tensor& b) { return elementwise<formulas::Greater>(a, b); }
[[nodiscard]] inline Tensor operator>=(const Tensor& a, const Tensor& b) {
  return elementwise<formulas::GreaterEqual>(a, b);
}
[[nodiscard]] inline Tensor operator>=(const Tensor& a, double b) { return elementwise<formulas::GreaterEqual>(a, b); }
[[nodiscard]] inline Tensor operator>=(double a, const Tensor& b) { return elementwise<formulas::GreaterEqual>(a, b); }
[[nodiscard]] inline Tensor operator==(const Tensor& a, const Tensor& b) { return elementwise<formulas::Equal>(a, b); }
[[nodiscard]] inline Tensor operator==(const Tensor& a, double b) { return elementwise<formulas::Equal>(a, b); }
[[nodiscard]] inline Tensor operator==(double a, const Tensor& b) { return elementwise<formulas::Equal>(a, b); }
[[nodiscard]] inline Tensor operator!=(const Tensor& a, const Tensor& b) {
  return elementwise<formulas::NotEqual>(a, b);
}
[[nodiscard]] inline Tensor operator!=(const Tensor& a, double b) { return elementwise<formulas::NotEqual>(a, b); }
[[nodiscard]] inline Tensor operator!=(double a, const Tensor& b) { return elementwise<formulas::NotEqual>(a, b); }

}  // namespace ebb
