// The elementwise ops of the library: a value and its derivative, side by side (lane.h says how they are read). A
// derivative is written in terms of the operands and of the result y, whichever is shorter or more exact; for two
// operands it is the pair (∂y/∂a, ∂y/∂b). An op without a derivative passes no gradient.
#pragma once

#include <limits>
#include <utility>

namespace ebb::formulas {

struct Add {
  static constexpr auto name = "add";
  static auto value(auto a, auto b) { return a + b; }
  static auto derivative(auto, auto, auto) { return std::pair(1.0, 1.0); }
};

struct Subtract {
  static constexpr auto name = "subtract";
  static auto value(auto a, auto b) { return a - b; }
  static auto derivative(auto, auto, auto) { return std::pair(1.0, -1.0); }
};

struct Multiply {
  static constexpr auto name = "multiply";
  static auto value(auto a, auto b) { return a * b; }
  static auto derivative(auto a, auto b, auto) { return std::pair(b, a); }
};

struct Divide {
  static constexpr auto name = "divide";
  static auto value(auto a, auto b) { return a / b; }
  static auto derivative(auto, auto b, auto y) { return std::pair(1.0 / b, -y / b); }
};

struct Negate {
  static constexpr auto name = "negate";
  static auto value(auto x) { return -x; }
  static auto derivative(auto, auto) { return -1.0; }
};

struct Square {
  static constexpr auto name = "square";
  static auto value(auto x) { return x * x; }
  static auto derivative(auto x, auto) { return 2.0 * x; }
};

// At 0, where the derivative is infinite, the subgradient is 0.
struct Sqrt {
  static constexpr auto name = "sqrt";
  static auto value(auto x) { return sqrt(x); }
  static auto derivative(auto, auto y) { return 0.5 / where(y == 0.0, std::numeric_limits<double>::infinity(), y); }
};

struct Exp {
  static constexpr auto name = "exp";
  static auto value(auto x) { return exp(x); }
  static auto derivative(auto, auto y) { return y; }
};

struct Log {
  static constexpr auto name = "log";
  static auto value(auto x) { return log(x); }
  static auto derivative(auto x, auto) { return 1.0 / x; }
};

struct Tanh {
  static constexpr auto name = "tanh";
  static auto value(auto x) { return tanh(x); }
  static auto derivative(auto, auto y) { return 1.0 - y * y; }
};

struct Sigmoid {
  static constexpr auto name = "sigmoid";
  static auto value(auto x) { return sigmoid(x); }
  static auto derivative(auto, auto y) { return y * (1.0 - y); }
};

// At 0 the subgradient is 0. In terms of the result, so that the argument need not be kept.
struct Relu {
  static constexpr auto name = "relu";
  static auto value(auto x) { return relu(x); }
  static auto derivative(auto, auto y) { return where(y > 0.0, 1.0, 0.0); }
};

// Comparisons: 1 where they hold, else 0, in the operands' type.
struct Less {
  static constexpr auto name = "less";
  static auto value(auto a, auto b) { return where(a < b, 1.0, 0.0); }
};

struct LessEqual {
  static constexpr auto name = "less_equal";
  static auto value(auto a, auto b) { return where(a <= b, 1.0, 0.0); }
};

struct Greater {
  static constexpr auto name = "greater";
  static auto value(auto a, auto b) { return where(a > b, 1.0, 0.0); }
};

struct GreaterEqual {
  static constexpr auto name = "greater_equal";
  static auto value(auto a, auto b) { return where(a >= b, 1.0, 0.0); }
};

struct Equal {
  static constexpr auto name = "equal";
  static auto value(auto a, auto b) { return where(a == b, 1.0, 0.0); }
};

struct NotEqual {
  static constexpr auto name = "not_equal";
  static auto value(auto a, auto b) { return where(a != b, 1.0, 0.0); }
};

}  // namespace ebb::formulas
