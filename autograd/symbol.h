// An elementwise formula read as text: how it is written, and which of its operands it needs at all.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

namespace ebb {

class Symbol {
 public:
  // An operand, with its bit in the set of operands.
  Symbol(std::string name, unsigned operand) : text_(std::move(name)), operands_(operand) {}
  template <class Literal>
  requires std::is_arithmetic_v<Literal> Symbol(Literal value)  // NOLINT(google-explicit-constructor)
      : text_(std::isinf(value) ? "∞" : fmt::format("{}{:g}", value < 0 ? "−" : "", std::fabs(value))) {}

  const std::string& text() const { return text_; }
  unsigned operands() const { return operands_; }

  friend Symbol operator+(const Symbol& a, const Symbol& b) { return infix(a, " + ", b, sum, sum); }
  friend Symbol operator-(const Symbol& a, const Symbol& b) { return infix(a, " − ", b, sum, product); }
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.text_ == b.text_) return square(a);
    if (b.strength_ == product && b.text_.starts_with("1 / "))
      return {a.bracketed(product) + b.text_.substr(1), a.operands_ | b.operands_, product};
    return infix(a, " · ", b, product, product);
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) { return infix(a, " / ", b, product, atom); }
  friend Symbol operator-(const Symbol& a) { return {"−" + a.bracketed(product), a.operands_, product}; }
  friend Symbol square(const Symbol& a) { return {a.bracketed(atom) + "²", a.operands_, atom}; }

  friend Symbol operator<(const Symbol& a, const Symbol& b) { return infix(a, " < ", b, sum, sum, comparison); }
  friend Symbol operator<=(const Symbol& a, const Symbol& b) { return infix(a, " ≤ ", b, sum, sum, comparison); }
  friend Symbol operator>(const Symbol& a, const Symbol& b) { return infix(a, " > ", b, sum, sum, comparison); }
  friend Symbol operator>=(const Symbol& a, const Symbol& b) { return infix(a, " ≥ ", b, sum, sum, comparison); }
  friend Symbol operator==(const Symbol& a, const Symbol& b) { return infix(a, " = ", b, sum, sum, comparison); }
  friend Symbol operator!=(const Symbol& a, const Symbol& b) { return infix(a, " ≠ ", b, sum, sum, comparison); }

  // name(a, b, …)
  template <class... Symbols>
  static Symbol call(const char* name, const Symbol& first, const Symbols&... others) {
    return {fmt::format("{}({}{})", name, first.text_, ((", " + others.text_) + ... + std::string())),
            (first.operands_ | ... | others.operands_), atom};
  }

 private:
  // How tightly an expression holds together.
  enum Strength { comparison, sum, product, atom };

  Symbol(std::string text, unsigned operands, Strength strength)
      : text_(std::move(text)), operands_(operands), strength_(strength) {}

  std::string bracketed(Strength least) const { return strength_ < least ? "(" + text_ + ")" : text_; }
  static Symbol infix(const Symbol& a, const char* sign, const Symbol& b, Strength left, Strength right,
                      Strength whole) {
    return {a.bracketed(left) + sign + b.bracketed(right), a.operands_ | b.operands_, whole};
  }
  static Symbol infix(const Symbol& a, const char* sign, const Symbol& b, Strength whole, Strength right) {
    return infix(a, sign, b, whole, right, whole);
  }

  std::string text_;
  unsigned operands_ = 0;
  Strength strength_ = atom;
};

inline Symbol where(const Symbol& c, const Symbol& a, const Symbol& b) { return Symbol::call("where", c, a, b); }
inline Symbol exp(const Symbol& x) { return Symbol::call("exp", x); }
inline Symbol tanh(const Symbol& x) { return Symbol::call("tanh", x); }
inline Symbol sigmoid(const Symbol& x) { return Symbol::call("sigmoid", x); }
inline Symbol log(const Symbol& x) { return Symbol::call("log", x); }
inline Symbol sqrt(const Symbol& x) { return Symbol::call("sqrt", x); }
inline Symbol relu(const Symbol& x) { return Symbol::call("relu", x); }
inline Symbol abs(const Symbol& x) { return Symbol::call("abs", x); }
inline Symbol sin(const Symbol& x) { return Symbol::call("sin", x); }
inline Symbol cos(const Symbol& x) { return Symbol::call("cos", x); }
inline Symbol expm1(const Symbol& x) { return Symbol::call("expm1", x); }
inline Symbol log1p(const Symbol& x) { return Symbol::call("log1p", x); }
inline Symbol erf(const Symbol& x) { return Symbol::call("erf", x); }
inline Symbol erfc(const Symbol& x) { return Symbol::call("erfc", x); }
inline Symbol pow(const Symbol& a, const Symbol& b) { return Symbol::call("pow", a, b); }
inline Symbol pull_back(const Symbol& g, const Symbol& d) { return g * d; }

}  // namespace ebb
