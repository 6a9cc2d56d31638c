// Elementwise ops: numbers that are known, ends of the range, kinks. (Gradients by differences: ops_test.cpp.)
#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

Tensor number(double x, DType dtype = f64) { return full({}, x, dtype); }

bool is_negative_zero(double x) { return x == 0 && std::signbit(x); }

// f's derivative at each element.
template <class F>
std::vector<double> derivative_of(F f, const Tensor& x, bool recorded = false) {
  Tape tape;
  return elements(tape.gradient(sum(f(x)), x, {.recorded = recorded}));
}

// ∂/∂a and ∂/∂b of f(a, b) for two scalars.
using Pair = Tensor (*)(const Tensor&, const Tensor&);
std::array<double, 2> partials(Pair f, double a, double b) {
  const Tensor x = number(a), y = number(b);
  Tape tape;
  const auto [by_a, by_b] = tape.gradients(f(x, y), {x, y});
  return {by_a.item(), by_b.item()};
}

std::vector<double> of(double a, double b) { return {a, b}; }

// Every function that a formula may call, by its full name.
struct Everything {
  static constexpr auto name = "everything";
  static auto value(auto x) { return derivative(x, x); }
  static auto derivative(auto x, auto) {
    const auto small = ebb::sin(x) + ebb::cos(x) + ebb::tanh(x) + ebb::sigmoid(x) + ebb::exp(x) + ebb::expm1(x);
    const auto more = ebb::log(x) + ebb::log1p(x) + ebb::sqrt(x) + ebb::square(x) + ebb::erf(x) + ebb::erfc(x);
    const auto kinked = ebb::relu(x) + ebb::abs(x) + ebb::softplus(x) + ebb::gelu(x) + ebb::silu(x);
    return small + more + kinked + ebb::where(x > 0.0, ebb::pow(x, 3.0 + x), 1.0);
  }
};

}  // namespace

TEST_CASE("elementwise: values and two derivatives are those of the textbook") {
  struct Row {
    const char* name;
    Unary f;
    double x, value, first, second;
  };
  // From formulas with 60 digits.
  const Row rows[] = {
      {"abs", abs, -2.5, 2.5, -1, 0},
      {"abs", abs, 0.75, 0.75, 1, 0},
      {"reciprocal", reciprocal, -2.5, -0.4, -0.16, -0.128},
      {"reciprocal", reciprocal, 0.75, 1.3333333333333333, -1.7777777777777778, 4.7407407407407407},
      {"sin", sin, -2.5, -0.59847214410395649, -0.80114361554693371, 0.59847214410395649},
      {"sin", sin, 0.75, 0.68163876002333417, 0.73168886887382089, -0.68163876002333417},
      {"cos", cos, -2.5, -0.80114361554693371, 0.59847214410395649, 0.80114361554693371},
      {"cos", cos, 0.75, 0.73168886887382089, -0.68163876002333417, -0.73168886887382089},
      {"expm1", expm1, -2.5, -0.9179150013761012, 0.082084998623898795, 0.082084998623898795},
      {"expm1", expm1, 0.75, 1.1170000166126747, 2.1170000166126747, 2.1170000166126747},
      {"log1p", log1p, -0.625, -0.98082925301172624, 2.6666666666666667, -7.1111111111111111},
      {"log1p", log1p, 0.75, 0.55961578793542269, 0.57142857142857143, -0.32653061224489796},
      {"erf", erf, -2.5, -0.99959304798255504, 0.0021782842303527097, 0.010891421151763549},
      {"erf", erf, 0.75, 0.71115563365351513, 0.64293106919520733, -0.96439660379281099},
      {"erfc", erfc, -2.5, 1.999593047982555, -0.0021782842303527097, -0.010891421151763549},
      {"erfc", erfc, 0.75, 0.28884436634648487, -0.64293106919520733, 0.96439660379281099},
      {"softplus", softplus, -2.5, 0.078889734292549623, 0.075858180021243551, 0.070103716545108157},
      {"softplus", softplus, 0.75, 1.1368710061148999, 0.67917869917539297, 0.21789499376181403},
      {"gelu", gelu, -2.5, -0.015524163314440338, -0.037611085908145208, -0.074495277097666284},
      {"gelu", gelu, 0.75, 0.58002948571734885, 0.9992257217392351, 0.43288505872253133},
      {"silu", silu, -2.5, -0.18964545005310888, -0.099401111341526841, -0.0084621565233688556},
      {"silu", silu, 0.75, 0.50938402438154473, 0.8425999444967535, 0.37722677521501975},
      {"elu", [](const Tensor& x) { return elu(x, 1.5); }, -2.5, -1.3768725020641518, 0.12312749793584819,
       0.12312749793584819},
      {"elu", [](const Tensor& x) { return elu(x, 1.5); }, 0.75, 0.75, 1, 0},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, -2.5, -0.025000000000000001, 0.01, 0},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, 0.75, 0.75, 1, 0},
      {"pow", [](const Tensor& x) { return pow(x, 3.0); }, -2.5, -15.625, 18.75, -15},
      {"pow", [](const Tensor& x) { return pow(x, 3.0); }, 0.75, 0.421875, 1.6875, 4.5},
      {"pow", [](const Tensor& x) { return pow(x, -2.0); }, -2.5, 0.16, 0.128, 0.1536},
      {"pow", [](const Tensor& x) { return pow(x, -2.0); }, 0.75, 1.7777777777777778, -4.7407407407407407,
       18.962962962962963},
      {"pow", [](const Tensor& x) { return pow(2.5, x); }, -2.5, 0.10119288512538814, 0.092722102771999197,
       0.084960403409865767},
      {"pow", [](const Tensor& x) { return pow(2.5, x); }, 0.75, 1.9881768219176267, 1.8217479952501338,
       1.6692508038580199},
      {"pow", [](const Tensor& x) { return pow(x * x, x); }, -2.5, 0.01024, 0.039245634188782696, 0.14222009012497551},
      {"pow", [](const Tensor& x) { return pow(x * x, x); }, 0.75, 0.64951905283832899, 0.9253281312417614,
       3.0503064410652732},
  };
  for (const Row& row : rows) {
    const Tensor x = number(row.x);
    Tape tape;
    const Tensor y = row.f(x);
    const Tensor first = tape.gradient(y, x, {.recorded = true});
    const Tensor second = tape.gradient(first, x);
    // A few rounding errors of 1e-16, magnified by at most ten where terms cancel.
    const auto near = [&](double actual, double expected) {
      return std::fabs(actual - expected) <= 1e-14 * std::max(1e-2, std::fabs(expected));
    };
    CHECK_MESSAGE(near(y.item(), row.value), row.name << " at " << row.x << ": " << y.item());
    CHECK_MESSAGE(near(first.item(), row.first), row.name << "' at " << row.x << ": " << first.item());
    CHECK_MESSAGE(near(second.item(), row.second), row.name << "'' at " << row.x << ": " << second.item());
  }
}

TEST_CASE_TEMPLATE("elementwise: ends of the range are exact", T, float, double) {
  const auto at = [](Unary f, double x) { return f(number(x, dtype_of<T>)).item(); };
  const auto rounded = [](double x) { return static_cast<double>(static_cast<T>(x)); };
  CHECK(at(softplus, 1e4) == 1e4);
  CHECK(at(softplus, -1e4) == 0);
  CHECK(at(softplus, infinity) == infinity);
  CHECK(at(softplus, 0) == rounded(std::log(2.0)));
  CHECK(at(softplus, -50) == doctest::Approx(std::exp(-50)).epsilon(1e-6));
  CHECK(at(log1p, 1e-20) == rounded(1e-20));
  CHECK(at(expm1, 1e-20) == rounded(1e-20));
  CHECK(at(log1p, -1) == -infinity);
  CHECK(at(expm1, -1e4) == -1);
  CHECK(at(gelu, -40) == 0);
  CHECK(at(gelu, 40) == 40);
  CHECK(at(gelu, -8) == doctest::Approx(-8 * 0.5 * std::erfc(8 / std::sqrt(2.0))).epsilon(1e-5));  // -5e-15
  CHECK(at(silu, -1e4) == 0);
  CHECK(at(silu, 1e4) == 1e4);
  CHECK(at([](const Tensor& x) { return elu(x); }, -1e4) == -1);
  CHECK(at([](const Tensor& x) { return elu(x); }, 1e4) == 1e4);
  CHECK(at(erfc, 5) == doctest::Approx(std::erfc(5.0)).epsilon(1e-6));  // 2e-12, which 1 − erf would lose
  CHECK(at(abs, -infinity) == infinity);
  CHECK_FALSE(is_negative_zero(at(abs, -0.0)));
  CHECK(at(reciprocal, 0) == infinity);
  for (const Unary f : {Unary(softplus), Unary(gelu), Unary(silu), Unary(abs), Unary(log1p), Unary(sin), Unary(erf)})
    CHECK(std::isnan(at(f, not_a_number)));
}

TEST_CASE("elementwise: derivatives stay finite at the ends, of first and of second order") {
  for (const Unary f : {Unary(softplus), Unary(gelu), Unary(silu), Unary([](const Tensor& x) { return elu(x); })}) {
    const Tensor x = tensor({-1e4, -800.0, 800.0, 1e4}, f64);
    Tape tape({.check_finite = true});
    const Tensor first = tape.gradient(sum(f(x)), x, {.recorded = true});
    CHECK(elements(first) == std::vector<double>{0, 0, 1, 1});
    CHECK(elements(tape.gradient(sum(first), x)) == std::vector<double>{0, 0, 0, 0});
  }
}

// What is left of x + (1 − x) where 1 is below the last digit of x is nothing.
TEST_CASE_TEMPLATE("elementwise: the derivative of silu is 1 however large x is", T, float, double) {
  const Tensor x = tensor({100, 1e7, 1e16, 1e30}, dtype_of<T>);
  Tape tape;
  const Tensor y = silu(x);
  const Tensor first = tape.gradient(sum(y), x, {.recorded = true});
  CHECK(elements(first) == std::vector<double>{1, 1, 1, 1});
  CHECK(elements(tape.jvp(y, x, ones_like(x))) == std::vector<double>{1, 1, 1, 1});
  CHECK(elements(tape.gradient(sum(first), x)) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("elementwise: pow at its corners") {
  CHECK(pow(number(0), 0.0).item() == 1);
  CHECK(pow(number(-2), 3.0).item() == -8);
  CHECK(std::isnan(pow(number(-2), 0.5).item()));
  CHECK(pow(2.0, number(-1)).item() == 0.5);
  CHECK(elements(pow(tensor({2, 3}, f64), tensor({3, 2}, f64))) == of(8, 9));

  CHECK(partials(pow, 0, 0) == std::array{0.0, 0.0});
  CHECK(partials(pow, 0, 2) == std::array{0.0, 0.0});
  CHECK(partials(pow, 0, 1) == std::array{1.0, 0.0});
  CHECK(partials(pow, 0, -1) == std::array{-infinity, -infinity});
  CHECK(partials(pow, 3, 0) == std::array{0.0, std::log(3.0)});
  CHECK(partials(pow, -2, 3)[0] == 12);
  CHECK(std::isnan(partials(pow, -2, 3)[1]));
  for (const bool recorded : {false, true}) {
    const Tensor ends = tensor({0, -2}, f64);
    CHECK(derivative_of([](const Tensor& x) { return pow(x, 0.0); }, ends, recorded) == of(0, 0));
    CHECK(derivative_of([](const Tensor& x) { return pow(x, 1.0); }, ends, recorded) == of(1, 1));
    CHECK(derivative_of([](const Tensor& x) { return pow(x, 2.0); }, ends, recorded) == of(0, -4));
    CHECK(derivative_of([](const Tensor& b) { return pow(0.0, b); }, tensor({0, 3}, f64), recorded) == of(0, 0));
  }
}

TEST_CASE("elementwise: a formula may call every function, whatever it is read with, and no number is taken for text") {
  const Tensor x = varied_positive({3});
  Tape tape;
  const Tensor y = elementwise<Everything>(x);
  CHECK(distance(y, Everything::value(x)) < 1e-14);
  CHECK(distance(tape.gradient(sum(y), x), y) < 1e-14);
  CHECK(distance(tape.gradient(sum(y), x, {.recorded = true}), y) < 1e-14);
  check_says(tape.find(y)->op.derivative, {"g · (", "gelu(x)", "pow(x, 3 + x)", "x²"});
  const auto takes = [](const auto& argument) {
    return requires { ebb::exp(argument); };
  };
  CHECK(takes(x));
  CHECK_FALSE(takes(2.0));
}

TEST_CASE("elementwise: a recorded sweep of a quotient by a number reads the numerator's gradient alone") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = x / 0.7;
  const Index size = tape.size();
  (void)tape.gradient(y, x, {.recorded = true, .seed = x});
  CHECK(tape.size() == size + 1);
}

TEST_CASE("elementwise: a recorded sweep takes no logarithm for a base alone") {
  const Tensor x = tensor({-2, 0}, f64);
  Tape tape({.check_finite = true});
  const Tensor first = tape.gradient(sum(pow(x, 3.0)), x, {.recorded = true});
  CHECK(elements(tape.gradient(sum(first), x)) == of(-12, 0));
}

TEST_CASE("elementwise: the mixed derivative of pow, exponent 0 included") {
  for (const double b : {0.0, 2.0}) {
    const Tensor x = number(3), y = number(b);
    Tape tape;
    const auto [by_x, by_y] = tape.gradients(pow(x, y), {x, y}, {.recorded = true});
    const double expected = std::pow(3, b - 1) * (1 + b * std::log(3.0));
    CHECK(tape.gradient(by_x, y).item() == doctest::Approx(expected).epsilon(1e-14));
    CHECK(tape.gradient(by_y, x).item() == doctest::Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE_TEMPLATE("elementwise: maximum and minimum share ties and let NaN through", T, float, double) {
  const Tensor a = tensor({1, 2, 3, not_a_number, 1}, dtype_of<T>), b = tensor({2, 2, 1, 1, not_a_number}, dtype_of<T>);
  const auto same = [](const Tensor& x, const Tensor& y) { return distance(x, y) == 0; };
  CHECK(same(maximum(a, b), tensor({2, 2, 3, not_a_number, not_a_number}, dtype_of<T>)));
  CHECK(same(minimum(a, b), tensor({1, 2, 1, not_a_number, not_a_number}, dtype_of<T>)));
  const Tensor x = slice(a, 0, 3), y = slice(b, 0, 3);
  Tape tape;
  const auto [larger_a, larger_b] = tape.gradients(sum(maximum(x, y)), {x, y});
  CHECK(elements(larger_a) == std::vector<double>{0, 0.5, 1});
  CHECK(elements(larger_b) == std::vector<double>{1, 0.5, 0});
  const auto [smaller_a, smaller_b] = tape.gradients(sum(minimum(x, y)), {x, y});
  CHECK(elements(smaller_a) == std::vector<double>{1, 0.5, 0});
  CHECK(elements(smaller_b) == std::vector<double>{0, 0.5, 1});
  CHECK(same(maximum(x, 2.0), tensor({2, 2, 3}, dtype_of<T>)));
  CHECK(same(minimum(2.0, x), tensor({1, 2, 2}, dtype_of<T>)));
}

TEST_CASE_TEMPLATE("elementwise: clamp passes gradients between its bounds and at them", T, float, double) {
  const Tensor x = tensor({-3, -1, 0, 2, 5}, dtype_of<T>);
  CHECK(elements(clamp(x, -1, 2)) == std::vector<double>{-1, -1, 0, 2, 2});
  for (const bool recorded : {false, true})
    CHECK(derivative_of([](const Tensor& v) { return clamp(v, -1, 2); }, x, recorded) ==
          std::vector<double>{0, 1, 1, 1, 0});
  CHECK(elements(clamp(x, 0, infinity)) == std::vector<double>{0, 0, 0, 2, 5});
  CHECK(elements(clamp(x, -infinity, 0)) == std::vector<double>{-3, -1, 0, 0, 0});
  CHECK(elements(clamp(x, 3, 1)) == std::vector<double>{1, 1, 1, 1, 1});
  CHECK(std::isnan(clamp(number(not_a_number, dtype_of<T>), -1, 2).item()));
  CHECK(derivative_of([](const Tensor& v) { return clamp(v, -1, 2); }, number(not_a_number, dtype_of<T>), false) ==
        std::vector<double>{0});
  check_says(message_of<Error>([&] { (void)clamp(x, not_a_number, 1); }), {"[clamp]", "nan", "1"});
}

TEST_CASE("elementwise: subgradients at kinks") {
  const Tensor zero = number(0);
  const auto at_zero = [&](Unary f) { return derivative_of(f, zero)[0]; };
  CHECK(at_zero(abs) == 0);
  CHECK(at_zero([](const Tensor& x) { return leaky_relu(x); }) == 0.01);
  CHECK(at_zero([](const Tensor& x) { return leaky_relu(x, 0.2); }) == 0.2);
  CHECK(at_zero([](const Tensor& x) { return elu(x); }) == 1);
  CHECK(at_zero([](const Tensor& x) { return elu(x, 0.5); }) == 0.5);
  // Its second one is 0 there.
  Tape tape;
  CHECK(tape.hessian(elu(zero, 0.5), zero).item() == 0);
}

TEST_CASE("elementwise: comparisons take a number on the left") {
  const Tensor x = tensor({1, 2, 3}, f64);
  using List = std::vector<double>;
  CHECK(elements(2.0 < x) == List{0, 0, 1});
  CHECK(elements(2.0 <= x) == List{0, 1, 1});
  CHECK(elements(2.0 > x) == List{1, 0, 0});
  CHECK(elements(2.0 >= x) == List{1, 1, 0});
  CHECK(elements(2.0 == x) == List{0, 1, 0});
  CHECK(elements(2.0 != x) == List{1, 0, 1});
}

TEST_CASE("elementwise: new ops name themselves where types or shapes don't fit") {
  const Tensor x = ones({2}, f64);
  check_says(message_of<Error>([&] { (void)pow(x, ones({2}, f32)); }), {"[pow]", "float32", "float64"});
  check_says(message_of<ShapeError>([&] { (void)maximum(x, ones({3}, f64)); }), {"[maximum]", "[2]", "[3]"});
  check_says(message_of<Error>([&] { (void)gelu(indices({1})); }), {"[gelu]", "int64"});
}
