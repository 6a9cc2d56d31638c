// An op of a user's own with several inputs, values that it saves, and its own rules.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// y = c · x / ‖x‖ for a number c; the norm is saved for the first order, and computed again for higher ones.
struct Scaled {
  static constexpr auto name = "scaled";
  static constexpr auto derivative = "x: c (g − u (u·g)) / ‖x‖, c: u·g, u = x / ‖x‖";

  Tensor value(Saved& saved, const Tensor& x, const Tensor& c) const {
    const Tensor u = x / norm(x);
    saved = {u};
    return c * u;
  }
  std::array<Tensor, 2> vjp(const Saved& saved, const Tensor& g, const Tensor&, const Tensor& x,
                            const Tensor& c) const {
    const Tensor u = Tape::current() ? x / norm(x) : saved[0];
    return {c * (g - u * sum(u * g)) / norm(x), sum(u * g)};
  }
  Tensor jvp(const Saved&, const std::array<Tensor, 2>& tangents, const Tensor&, const Tensor& x,
             const Tensor& c) const {
    const Tensor u = x / norm(x);
    return c * (tangents[0] - u * sum(u * tangents[0])) / norm(x) + tangents[1] * u;
  }
};

// A member as its parameter, no jvp, and nothing for its second input.
struct Power {
  static constexpr auto name = "power";
  int exponent;

  Tensor value(Saved&, const Tensor& x, const Tensor&) const {
    Tensor y = ones_like(x);
    for (int i = 0; i < exponent; ++i) y = y * x;
    return y;
  }
  std::array<Tensor, 2> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor& x, const Tensor& other) const {
    Saved none;
    return {g * static_cast<double>(exponent) * Power{exponent - 1}.value(none, x, other), Tensor()};
  }
};

struct Same {
  static constexpr auto name = "same";
  Tensor value(Saved&, const Tensor& x) const { return x; }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const { return {g}; }
};

// Its value is a tensor that it brings along.
struct Fixed {
  static constexpr auto name = "fixed";
  Tensor value(Saved&, const Tensor&) const { return fixed; }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const { return {g}; }
  Tensor fixed;
};

}  // namespace

TEST_CASE("custom: one record, right to second order, forwards and backwards") {
  const auto f = [](const Tensor& x, const Tensor& c) { return custom(Scaled{}, x, c); };
  const Tensor x = varied({3}), c = varied({}, 2);
  CHECK(check_gradients(f, x, c).passed);

  Tape tape;
  const Tensor y = f(x, c);
  REQUIRE(tape.size() == 3);
  CHECK(tape[2].op == "scaled");
  CHECK(tape[2].op.derivative == Scaled::derivative);
  const Tensor u = varied({3}, 3), v = varied({3}, 4), w = varied({}, 5);
  const auto [dx, dc] = tape.gradients(y, {x, c}, {.seed = u});
  const Tensor pushed = tape.jvp(y, {x, c}, {v, w});
  CHECK(sum(u * pushed).item() == doctest::Approx((sum(dx * v) + dc * w).item()).epsilon(1e-14));
}

TEST_CASE("custom: an object's members are its parameters, and without a jvp it says so") {
  const Tensor x = varied({3}), other = varied({2});
  CHECK(check_gradients([](const Tensor& a, const Tensor& b) { return custom(Power{3}, a, b); }, x, other).passed);
  Tape tape;
  const Tensor y = custom(Power{3}, x, other);
  CHECK(same_bits(tape.gradient(y, other, {.seed = x}), zeros({2}, f64)));
  check_says(message_of<TapeError>([&] { (void)tape.jvp(y, x, x); }), {"[jvp]", "(power)", "no jvp"});
}

TEST_CASE("custom: an op that returns its argument makes a tensor of its own") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = custom(Same{}, x);
  CHECK_FALSE(y.is(x));
  CHECK(same_bits(tape.gradient(square(y), x, {.seed = ones({3}, f64)}), 2.0 * x));
}

TEST_CASE("custom: an op that returns what others hold leaves that what it is to them") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor h = square(x), y = custom(Fixed{h}, x), z = custom(Fixed{x}, x);
  CHECK(same_bits(y, h));
  CHECK(distance(tape.gradient(sum(h), x), 2.0 * x) == 0);
  CHECK(distance(tape.gradient(sum(y), x), ones({3}, f64)) == 0);
  CHECK(distance(tape.gradient(sum(y), h), zeros({3}, f64)) == 0);
  CHECK(tape.find(x)->op == "source");
  CHECK(tape.find(z)->op == "fixed");
}

TEST_CASE("custom: a value that was written since is found, and an exception leaves the tape as it was") {
  Tensor x = varied({3}), c = varied({}, 2);
  Tape tape;
  const Tensor y = custom(Scaled{}, x, c);
  const Index size = tape.size();
  CHECK_THROWS_AS((void)custom(Scaled{}, x, varied({2})), ShapeError);
  CHECK(tape.size() == size);
  x.edit<double>()[0] = 5;
  CHECK_THROWS_AS((void)tape.gradient(y, c, {.seed = y}), StaleValueError);
}
