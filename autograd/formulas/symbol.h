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
    if (a.text_ == b.text_) return squared(a);
    if (b.strength_ == product && b.text_.starts_with("1 / "))
      return {a.bracketed(product) + b.text_.substr(1), a.operands_ | b.operands_, product};
    return infix(a, " · ", b, product, product);
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) { return infix(a, " / ", b, product, atom); }
  friend Symbol operator-(const Symbol& a) { return {"−" + a.bracketed(product), a.operands_, product}; }
  static Symbol squared(const Symbol& a) { return {a.bracketed(atom) + "²", a.operands_, atom}; }

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

// What formulas call. Templates, so that a number isn't taken for a symbol: ebb::exp(2.0) is nothing.
template <class T>
concept IsSymbol = std::is_same_v<T, Symbol>;

Symbol where(const IsSymbol auto& c, const Symbol& a, const Symbol& b) { return Symbol::call("where", c, a, b); }
Symbol exp(const IsSymbol auto& x) { return Symbol::call("exp", x); }
Symbol tanh(const IsSymbol auto& x) { return Symbol::call("tanh", x); }
Symbol sigmoid(const IsSymbol auto& x) { return Symbol::call("sigmoid", x); }
Symbol log(const IsSymbol auto& x) { return Symbol::call("log", x); }
Symbol sqrt(const IsSymbol auto& x) { return Symbol::call("sqrt", x); }
Symbol relu(const IsSymbol auto& x) { return Symbol::call("relu", x); }
Symbol abs(const IsSymbol auto& x) { return Symbol::call("abs", x); }
Symbol sin(const IsSymbol auto& x) { return Symbol::call("sin", x); }
Symbol cos(const IsSymbol auto& x) { return Symbol::call("cos", x); }
Symbol expm1(const IsSymbol auto& x) { return Symbol::call("expm1", x); }
Symbol log1p(const IsSymbol auto& x) { return Symbol::call("log1p", x); }
Symbol erf(const IsSymbol auto& x) { return Symbol::call("erf", x); }
Symbol erfc(const IsSymbol auto& x) { return Symbol::call("erfc", x); }
Symbol softplus(const IsSymbol auto& x) { return Symbol::call("softplus", x); }
Symbol gelu(const IsSymbol auto& x) { return Symbol::call("gelu", x); }
Symbol silu(const IsSymbol auto& x) { return Symbol::call("silu", x); }
Symbol square(const IsSymbol auto& x) { return Symbol::squared(x); }
template <class A, class B>
requires IsSymbol<A> || IsSymbol<B> Symbol pow(const A& a, const B& b) {
  return Symbol::call("pow", Symbol(a), Symbol(b));
}
template <class G, class D>
requires IsSymbol<G> || IsSymbol<D> Symbol pull_back(const G& g, const D& d) { return Symbol(g) * Symbol(d); }

}  // namespace ebb
