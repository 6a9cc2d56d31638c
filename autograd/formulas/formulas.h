// The elementwise ops of the library: a value and its derivative, side by side (lane.h says how they are read). A
// derivative is written in terms of the operands and of the result y, whichever is shorter or more exact; for two
// operands it is the pair (∂y/∂a, ∂y/∂b), of functions where one shouldn't be computed for the other's sake. Where the
// second operand is only ever a number, it is ∂y/∂x alone. An op without a derivative passes no gradient.
//
// A new one goes here and into a list at the end, from where the kernels of each instruction set are made, and gets its
// function in elementwise.h.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "autograd/formulas/lane.h"

namespace ebb {

// The name of an op as a type: struct Tanh : Named<"tanh"> { … }.
template <std::size_t size>
struct Text {
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval Text(const char (&text)[size]) {
    for (std::size_t i = 0; i < size; ++i) characters[i] = text[i];
  }
  char characters[size] = {};
};
template <Text text>
struct Named {
  static constexpr const char* name = text.characters;
};

namespace formulas {

constexpr double infinity = std::numeric_limits<double>::infinity();

// For a number among a formula's operands.
inline double where(bool condition, double a, double b) { return condition ? a : b; }
inline double log(double x) { return __builtin_log(x); }

struct Add : Named<"add"> {
  static auto value(auto a, auto b) { return a + b; }
  static auto derivative(auto, auto, auto) { return std::pair(1.0, 1.0); }
};

struct Subtract : Named<"subtract"> {
  static auto value(auto a, auto b) { return a - b; }
  static auto derivative(auto, auto, auto) { return std::pair(1.0, -1.0); }
};

struct Multiply : Named<"multiply"> {
  static auto value(auto a, auto b) { return a * b; }
  static auto derivative(auto a, auto b, auto) { return std::pair(b, a); }
};

struct Divide : Named<"divide"> {
  static auto value(auto a, auto b) { return a / b; }
  static auto derivative(auto, auto b, auto y) {
    return std::pair([=] { return 1.0 / b; }, [=] { return -y / b; });
  }
};

struct Negate : Named<"negate"> {
  static auto value(auto x) { return -x; }
  static auto derivative(auto, auto) { return -1.0; }
};

struct Square : Named<"square"> {
  static auto value(auto x) { return x * x; }
  static auto derivative(auto x, auto) { return 2.0 * x; }
};

// At 0, where the derivative is infinite, the subgradient is 0.
struct Sqrt : Named<"sqrt"> {
  static auto value(auto x) { return sqrt(x); }
  static auto derivative(auto, auto y) { return 0.5 / where(y == 0.0, infinity, y); }
};

struct Exp : Named<"exp"> {
  static auto value(auto x) { return exp(x); }
  static auto derivative(auto, auto y) { return y; }
};

struct Log : Named<"log"> {
  static auto value(auto x) { return log(x); }
  static auto derivative(auto x, auto) { return 1.0 / x; }
};

struct Tanh : Named<"tanh"> {
  static auto value(auto x) { return tanh(x); }
  static auto derivative(auto, auto y) { return 1.0 - y * y; }
};

struct Sigmoid : Named<"sigmoid"> {
  static auto value(auto x) { return sigmoid(x); }
  static auto derivative(auto, auto y) { return y * (1.0 - y); }
};

// At 0 the subgradient is 0. In terms of the result, so that the argument need not be kept.
struct Relu : Named<"relu"> {
  static auto value(auto x) { return relu(x); }
  static auto derivative(auto, auto y) { return where(y > 0.0, 1.0, 0.0); }
};

struct Abs : Named<"abs"> {
  static auto value(auto x) { return abs(x); }
  static auto derivative(auto x, auto) { return where(x > 0.0, 1.0, where(x < 0.0, -1.0, 0.0)); }
};

struct Reciprocal : Named<"reciprocal"> {
  static auto value(auto x) { return 1.0 / x; }
  static auto derivative(auto, auto y) { return -(y * y); }
};

struct Sin : Named<"sin"> {
  static auto value(auto x) { return sin(x); }
  static auto derivative(auto x, auto) { return cos(x); }
};

struct Cos : Named<"cos"> {
  static auto value(auto x) { return cos(x); }
  static auto derivative(auto x, auto) { return -sin(x); }
};

// The derivative isn't y + 1, which cancels below 0.
struct Expm1 : Named<"expm1"> {
  static auto value(auto x) { return expm1(x); }
  static auto derivative(auto x, auto) { return exp(x); }
};

struct Log1p : Named<"log1p"> {
  static auto value(auto x) { return log1p(x); }
  static auto derivative(auto x, auto) { return 1.0 / (1.0 + x); }
};

constexpr double two_over_sqrt_pi = 1.1283791670955126;

struct Erf : Named<"erf"> {
  static auto value(auto x) { return erf(x); }
  static auto derivative(auto x, auto) { return two_over_sqrt_pi * exp(-(x * x)); }
};

struct Erfc : Named<"erfc"> {
  static auto value(auto x) { return erfc(x); }
  static auto derivative(auto x, auto) { return -two_over_sqrt_pi * exp(-(x * x)); }
};

// ln(1 + eˣ) so that neither end overflows or cancels.
struct Softplus : Named<"softplus"> {
  static auto value(auto x) { return softplus(x); }
  static auto derivative(auto x, auto) { return sigmoid(x); }
};

// x Φ(x), Φ the distribution function of the standard normal. Its derivative by erfc, for 1 + erf would cancel.
struct Gelu : Named<"gelu"> {
  static constexpr double sqrt_half = 0.70710678118654752, density_at_0 = 0.39894228040143268;
  static auto value(auto x) { return gelu(x); }
  static auto derivative(auto x, auto) { return 0.5 * erfc(-sqrt_half * x) + x * (density_at_0 * exp(-0.5 * (x * x))); }
};

// The derivative is σ + y (1 − σ): in y + σ (1 − y) a large y would take the digits of what is left.
struct Silu : Named<"silu"> {
  static auto value(auto x) { return silu(x); }
  static auto derivative(auto x, auto y) {
    const auto s = sigmoid(x);
    return s + y * (1.0 - s);
  }
};

struct Elu : Named<"elu"> {
  static auto value(auto x, auto alpha) { return where(x > 0.0, x, alpha * expm1(x)); }
  static auto derivative(auto x, auto alpha, auto) { return where(x > 0.0, 1.0, alpha * exp(where(x >= 0.0, 0.0, x))); }
};

struct LeakyRelu : Named<"leaky_relu"> {
  static auto value(auto x, auto slope) { return where(x > 0.0, x, slope * x); }
  static auto derivative(auto x, auto slope, auto) { return where(x > 0.0, 1.0, slope); }
};

// The two halves of clamp. At the bound the derivative is 1; a NaN stays one, with derivative 0.
struct ClampLow : Named<"clamp_low"> {
  static auto value(auto x, auto low) { return where(x < low, low, x); }
  static auto derivative(auto x, auto low, auto) { return where(x >= low, 1.0, 0.0); }
};

struct ClampHigh : Named<"clamp_high"> {
  static auto value(auto x, auto high) { return where(x > high, high, x); }
  static auto derivative(auto x, auto high, auto) { return where(x <= high, 1.0, 0.0); }
};

// The larger one, where neither is NaN, else NaN. Of two that are equal each has half of the derivative.
struct Maximum : Named<"maximum"> {
  static auto value(auto a, auto b) { return where(a >= b, a, where(a < b, b, a + b)); }
  static auto derivative(auto a, auto b, auto) {
    return std::pair(where(a < b, 0.0, where(a == b, 0.5, 1.0)), where(a > b, 0.0, where(a == b, 0.5, 1.0)));
  }
};

struct Minimum : Named<"minimum"> {
  static auto value(auto a, auto b) { return where(a <= b, a, where(a > b, b, a + b)); }
  static auto derivative(auto a, auto b, auto) {
    return std::pair(where(a > b, 0.0, where(a == b, 0.5, 1.0)), where(a < b, 0.0, where(a == b, 0.5, 1.0)));
  }
};

// Where b is 0, so is the derivative by a, at a = 0 too; where a is 0 and b isn't negative, so is the one by b.
struct Pow : Named<"pow"> {
  static auto value(auto a, auto b) { return pow(a, b); }
  static auto derivative(auto a, auto b, auto y) {
    const auto by_a = [=] { return pull_back(b, pow(a, b - 1.0)); };
    const auto by_b = [=] { return y * log(a + where(a == 0.0, 1.0, 0.0) * where(b >= 0.0, 1.0, 0.0)); };
    return std::pair(by_a, by_b);
  }
};

// Comparisons: 1 where they hold, else 0, in the operands' type.
struct Less : Named<"less"> {
  static auto value(auto a, auto b) { return where(a < b, 1.0, 0.0); }
};

struct LessEqual : Named<"less_equal"> {
  static auto value(auto a, auto b) { return where(a <= b, 1.0, 0.0); }
};

struct Greater : Named<"greater"> {
  static auto value(auto a, auto b) { return where(a > b, 1.0, 0.0); }
};

struct GreaterEqual : Named<"greater_equal"> {
  static auto value(auto a, auto b) { return where(a >= b, 1.0, 0.0); }
};

struct Equal : Named<"equal"> {
  static auto value(auto a, auto b) { return where(a == b, 1.0, 0.0); }
};

struct NotEqual : Named<"not_equal"> {
  static auto value(auto a, auto b) { return where(a != b, 1.0, 0.0); }
};

}  // namespace formulas

template <class... Fs>
struct FormulaList {
  static constexpr std::size_t size = sizeof...(Fs);
  template <class F>
  static constexpr bool contains = (std::is_same_v<F, Fs> || ...);
  // The place of F in the list; `size` when it isn't there.
  template <class F>
  static constexpr std::size_t index_of() {
    std::size_t index = 0;
    (void)((std::is_same_v<F, Fs> ? true : (++index, false)) || ...);
    return index;
  }
};

// All of them, of one operand and of two.
namespace formulas {

using Unary = FormulaList<Negate, Square, Sqrt, Exp, Log, Tanh, Sigmoid, Relu, Abs, Reciprocal, Sin, Cos, Expm1, Log1p,
                          Erf, Erfc, Softplus, Gelu, Silu>;
using Binary = FormulaList<Add, Subtract, Multiply, Divide, Pow, Maximum, Minimum, Elu, LeakyRelu, ClampLow, ClampHigh,
                           Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual>;

}  // namespace formulas
}  // namespace ebb
