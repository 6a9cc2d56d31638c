// Ops of a user who makes mistakes.
#pragma once

#include <autograd/autograd.h>

#include <array>

namespace ebb::test {

struct Stop {};  // what a user's own function throws

// The formula is right.
struct Cubed : Named<"cubed"> {
  static auto value(auto x) { return x * x * x; }
  static auto derivative(auto x, auto) { return 3.0 * x * x; }
};

// The rules needn't be.
struct Odd {
  static constexpr auto name = "odd";
  Index how;

  Tensor value(Saved& saved, const Tensor& a, const Tensor& b) const {
    if (how == 0) return a;
    saved = {a * 2.0};
    if (how == 1) return saved[0];
    return a * b;
  }
  std::array<Tensor, 2> vjp(const Saved& saved, const Tensor& g, const Tensor& y, const Tensor& a,
                            const Tensor& b) const {
    switch (how) {
      case 2:
        return {sum(g), Tensor()};
      case 3:
        return {b, y};  // of shapes of their own
      case 4:
        return {cast(g, f32), g};
      case 5:
        throw Stop();
      case 6:
        return {saved[0], sum(saved[0] * a)};
      default:
        return {g * b, g * a};
    }
  }
  Tensor jvp(const Saved&, const std::array<Tensor, 2>& tangents, const Tensor& y, const Tensor& a,
             const Tensor& b) const {
    if (how == 2) return {};
    if (how == 3) return tangents[1];
    if (how == 4) return cast(y, f32);
    if (how == 5) throw Stop();
    return tangents[0] * b + a * tangents[1];
  }
};
struct Blind {  // without a jvp
  static constexpr auto name = "blind";
  Tensor value(Saved&, const Tensor& a) const { return a * 2.0; }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const { return {g * 2.0}; }
};

}  // namespace ebb::test
