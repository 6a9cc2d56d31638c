// Values of ops against plain loops, in both types. (Their gradients: ops_test.cpp.)
#include "support.h"

#include <array>

using namespace ebb;
using namespace ebb::test;

namespace {

// A nested loop over a shape: f(coordinates) for every element, in row-major order.
template <class F>
void for_each_element(const Shape& shape, F f) {
  std::vector<Index> at(static_cast<std::size_t>(shape.rank()));
  for (Index i = 0; i < shape.size(); ++i) {
    Index rest = i;
    for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
      at[static_cast<std::size_t>(axis)] = rest % shape[axis];
      rest /= shape[axis];
    }
    f(at);
  }
}

// The element of x at coordinates that broadcast: the last ones count, and those of axes of extent 1 are 0.
double element_at(const Tensor& x, const std::vector<Index>& at) {
  Index offset = 0;
  for (Index axis = 0; axis < x.rank(); ++axis) {
    const auto from = static_cast<std::size_t>(static_cast<Index>(at.size()) - x.rank() + axis);
    offset = offset * x.extent(axis) + (x.extent(axis) == 1 ? 0 : at[from]);
  }
  return detail::element(x, offset);
}

// One operation of T, as the hardware rounds it.
template <class T>
double as(double x) {
  return static_cast<double>(static_cast<T>(x));
}

}  // namespace

TEST_CASE_TEMPLATE("op values: arithmetic broadcasts as the textbook loop does", T, float, double) {
  const std::pair<Shape, Shape> pairs[] = {{{2, 3}, {2, 3}},          {{2, 3}, {3}},
                                           {{4, 1, 3}, {2, 1}},       {{}, {5}},
                                           {{33, 17}, {33, 1}},       {{0, 2}, {2}},
                                           {{2, 1, 2, 1}, {3, 1, 2}}, {{1, 1}, {1}},
                                           {{7}, {5, 3, 7}},          {{2, 3, 1, 1, 2, 1}, {3, 2, 1, 3}}};
  for (const auto& [left, right] : pairs) {
    const Tensor a = varied(left, 1, dtype_of<T>), b = varied(right, 2, dtype_of<T>);
    const Shape shape = broadcast("test", left, right);
    const auto check = [&](const Tensor& y, auto f) {
      REQUIRE(y.shape() == shape);
      REQUIRE(y.dtype() == dtype_of<T>);
      Index i = 0;
      // Exact: each is one operation, rounded once (twice here for float: through double, which changes nothing).
      for_each_element(shape, [&](const std::vector<Index>& at) {
        REQUIRE(detail::element(y, i++) == as<T>(f(element_at(a, at), element_at(b, at))));
      });
    };
    check(a + b, [](double x, double y) { return x + y; });
    check(a - b, [](double x, double y) { return x - y; });
    check(a * b, [](double x, double y) { return x * y; });
    check(a / b, [](double x, double y) { return x / y; });
    check(a < b, [](double x, double y) { return x < y; });
    check(a <= b, [](double x, double y) { return x <= y; });
    check(a > b, [](double x, double y) { return x > y; });
    check(a >= b, [](double x, double y) { return x >= y; });
    check(a == b, [](double x, double y) { return x == y; });
    check(a != b, [](double x, double y) { return x != y; });
    check(where(a < b, a, b), [](double x, double y) { return std::min(x, y); });
  }
}

TEST_CASE_TEMPLATE("op values: numbers stand on either side", T, float, double) {
  const Tensor x = varied({37}, 1, dtype_of<T>);
  const double c = as<T>(0.7);
  const auto check = [&](const Tensor& y, auto f) {
    for (Index i = 0; i < x.size(); ++i) REQUIRE(detail::element(y, i) == as<T>(f(detail::element(x, i))));
  };
  check(x + 0.7, [=](double v) { return v + c; });
  check(0.7 + x, [=](double v) { return c + v; });
  check(x - 0.7, [=](double v) { return v - c; });
  check(0.7 - x, [=](double v) { return c - v; });
  check(x * 0.7, [=](double v) { return v * c; });
  check(0.7 * x, [=](double v) { return c * v; });
  check(x / 0.7, [=](double v) { return v / c; });
  check(0.7 / x, [=](double v) { return c / v; });
  check(x < 0.7, [=](double v) { return v < c; });
  check(x == 0.7, [=](double v) { return v == c; });
  check(-x, [](double v) { return -v; });
  check(square(x), [](double v) { return v * v; });
  check(relu(x), [](double v) { return v > 0 ? v : 0; });
  CHECK(elements(tensor({1, 2}, dtype_of<T>) == 2.0) == std::vector<double>{0, 1});
}

TEST_CASE_TEMPLATE("op values: sums and means are those of the loop", T, float, double) {
  const Tensor x = varied({3, 5, 4}, 1, dtype_of<T>);
  const double eps = std::numeric_limits<T>::epsilon();
  double all = 0;
  for (const double v : elements(x)) all += v;
  CHECK(std::fabs(sum(x).item() - all) <= 4 * eps);  // summed in double, rounded once
  CHECK(std::fabs(mean(x).item() - all / 60) <= 4 * eps);
  for (Index axis = 0; axis < 3; ++axis) {
    const Tensor s = sum(x, axis), kept = sum(x, axis, true), m = mean(x, axis - 3);
    CHECK(s.shape() == x.shape().without(axis));
    CHECK(kept.shape() == x.shape().with(axis, 1));
    std::vector<double> expected(static_cast<std::size_t>(s.size()), 0);
    for_each_element(x.shape(), [&](const std::vector<Index>& at) {
      Index place = 0;
      for (Index a = 0; a < 3; ++a)
        if (a != axis) place = place * x.extent(a) + at[static_cast<std::size_t>(a)];
      expected[static_cast<std::size_t>(place)] += element_at(x, at);
    });
    for (Index i = 0; i < s.size(); ++i) {
      const double e = expected[static_cast<std::size_t>(i)];
      // At most five terms below 1.2, each partial sum rounded.
      CHECK(std::fabs(detail::element(s, i) - e) <= 16 * eps);
      CHECK(detail::element(kept, i) == detail::element(s, i));
      CHECK(std::fabs(detail::element(m, i) - e / static_cast<double>(x.extent(axis))) <= 16 * eps);
    }
  }
}

TEST_CASE("op values: a long float32 sum keeps its digits") {
  // Added one by one in float32 it would stop at 2²⁴.
  CHECK(sum(ones({20000001})).item() == 20000000);  // the nearest even float
  CHECK(mean(full({1000000}, 0.1)).item() == doctest::Approx(0.1).epsilon(1e-7));
}

TEST_CASE_TEMPLATE("op values: indexing takes the elements that it says", T, float, double) {
  const Tensor x = varied({3, 4, 2}, 1, dtype_of<T>);
  const auto expect = [&](const Tensor& y, const Shape& shape, auto source) {
    REQUIRE(y.shape() == shape);
    Index i = 0;
    for_each_element(shape,
                     [&](std::vector<Index> at) { REQUIRE(detail::element(y, i++) == element_at(x, source(at))); });
  };
  using At = std::vector<Index>;
  expect(slice(x, 1, 3), {2, 4, 2}, [](At a) { return At{a[0] + 1, a[1], a[2]}; });
  expect(slice(x, -3, -1, 1), {3, 2, 2}, [](At a) { return At{a[0], a[1] + 1, a[2]}; });
  expect(slice(x, 1, 2, -1), {3, 4, 1}, [](At a) { return At{a[0], a[1], 1}; });
  expect(x[-1], {4, 2}, [](At a) { return At{2, a[0], a[1]}; });
  expect(take_rows(x, indices({2, 0, 2})), {3, 4, 2}, [](At a) { return At{a[0] == 1 ? 0 : 2, a[1], a[2]}; });
  expect(concat({slice(x, 0, 1, 1), slice(x, 1, 4, 1)}, 1), {3, 4, 2}, [](At a) { return a; });
  expect(stack({x[0], x[2]}), {2, 4, 2}, [](At a) { return At{a[0] * 2, a[1], a[2]}; });
  expect(transpose(x[1]), {2, 4}, [](At a) { return At{1, a[1], a[0]}; });
  expect(reshape(x, {-1}), {24}, [](At a) { return At{a[0] / 8, a[0] / 2 % 4, a[0] % 2}; });
  expect(broadcast_to(x[0], {2, 4, 2}), {2, 4, 2}, [](At a) { return At{0, a[1], a[2]}; });
}

TEST_CASE_TEMPLATE("op values: log-softmax and matmul and norm are the textbook's", T, float, double) {
  const double eps = std::numeric_limits<T>::epsilon();
  const Tensor x = varied({5, 7}, 1, dtype_of<T>), w = varied({7, 3}, 2, dtype_of<T>);
  const Tensor y = log_softmax(x), product = matmul(x, w);
  double squares = 0;
  for (Index r = 0; r < 5; ++r) {
    double total = 0;
    for (Index i = 0; i < 7; ++i) total += std::exp(element_at(x, {r, i}));
    for (Index i = 0; i < 7; ++i) {
      CHECK(std::fabs(element_at(y, {r, i}) - (element_at(x, {r, i}) - std::log(total))) <= 8 * eps);
      squares += element_at(x, {r, i}) * element_at(x, {r, i});
    }
    for (Index j = 0; j < 3; ++j) {
      double s = 0;
      for (Index i = 0; i < 7; ++i) s += element_at(x, {r, i}) * element_at(w, {i, j});
      CHECK(std::fabs(element_at(product, {r, j}) - s) <= 16 * eps);
    }
  }
  CHECK(std::fabs(norm(x).item() - std::sqrt(squares)) <= 8 * eps);
}

TEST_CASE("op values: a gradient comes back through a cast in the first type") {
  const Tensor x = varied({3}, 1, f32);
  Tape tape;
  const Tensor wide = cast(x, f64);
  for (const bool recorded : {false, true}) {
    const Tensor g = tape.gradient(sum(wide * wide * wide), x, {.recorded = recorded});
    CHECK(g.dtype() == f32);
    CHECK(distance(g, 3.0 * x * x) < 1e-6);
    if (recorded) CHECK(distance(tape.gradient(sum(g), x), 6.0 * x) < 1e-6);
  }
  const Tensor narrow = cast(varied({3}), f32);
  CHECK(narrow.dtype() == f32);
}

TEST_CASE("op values: rnn_step is the formula") {
  const Tensor x = varied({3, 2, 4}, 1), s = varied({2, 5}, 2), U = varied({4, 5}, 3), W = varied({5, 5}, 4),
               b = varied({5}, 5);
  const Tensor a = matmul(x[1], U) + matmul(s, W) + b;
  // The same sums of nine terms in another order.
  CHECK(distance(rnn_step(x, 1, s, U, W, b, Activation::identity), a) < 1e-14);
  CHECK(distance(rnn_step(x, 1, s, U, W, b, Activation::tanh), tanh(a)) < 1e-14);
  CHECK(distance(rnn_step(x, 1, s, U, W, b, Activation::logistic), sigmoid(a)) < 1e-14);
  CHECK(distance(rnn_step(x, 1, s, U, W, b, Activation::relu), relu(a)) < 1e-14);
  check_says(message_of<ShapeError>([&] { (void)rnn_step(x, 3, s, U, W, b, Activation::tanh); }),
             {"step 3", "[3, 2, 4]"});
  check_says(message_of<ShapeError>([&] { (void)rnn_step(x, 0, s, W, U, b, Activation::tanh); }),
             {"x [3, 2, 4]", "U [5, 5]", "expected"});
  CHECK(gamma(Activation::logistic) == 0.25);
  CHECK(gamma(Activation::tanh) == 1);
}

TEST_CASE("values: assemble takes axes from either end, and only what fits") {
  const Tensor piece = ones({2, 1}, f64);
  const Tensor y = assemble(std::array{piece}, std::array{Region{.axis = -1, .begin = 2}}, {2, 3});
  CHECK(all_close(y, tensor({{0, 0, 1}, {0, 0, 1}}, f64), 0));
  {
    Tape tape;
    const Tensor whole = assemble(std::array{piece}, std::array{Region{.axis = -1, .begin = 1}}, {2, 3});
    CHECK(all_close(tape.gradient(sum(square(whole)), piece), full({2, 1}, 2, f64), 0));
  }
  const auto at = [&](Index axis, Index begin) {
    return assemble(std::array{piece}, std::array{Region{.axis = axis, .begin = begin}}, {2, 3});
  };
  CHECK_THROWS_AS((void)at(1, 3), ShapeError);
  CHECK_THROWS_AS((void)at(1, -1), ShapeError);
  CHECK_THROWS_AS((void)at(2, 0), ShapeError);
  CHECK_THROWS_AS((void)at(1, std::numeric_limits<Index>::max()), ShapeError);
  const std::array mixed{ones({2}), ones({2}, f64)};
  CHECK_THROWS_AS((void)assemble(mixed, std::array<Region, 2>{}, {4}), Error);
}

TEST_CASE("values: sums of float32 along any axis keep their digits") {
  // 10⁵ times 0.1f, summed in float32 one by one, is off in the fourth digit.
  const double exact = 1e5 * static_cast<double>(0.1f);
  CHECK(sum(full({100000, 3}, 0.1), 0)[0].item() == doctest::Approx(exact).epsilon(1e-7));
  CHECK(sum(full({100000}, 0.1)).item() == doctest::Approx(exact).epsilon(1e-7));
}

TEST_CASE("values: what isn't an int64 doesn't become one") {
  CHECK_THROWS_AS((void)full({1}, std::numeric_limits<double>::quiet_NaN(), i64), Error);
  CHECK_THROWS_AS((void)tensor({1e300}, i64), Error);
  CHECK_THROWS_AS((void)tensor({1.7}, i64), Error);
  CHECK(tensor({-3}, i64).values<std::int64_t>()[0] == -3);
}

TEST_CASE("values: a guard by where keeps all derivatives of the branch not taken at 0, in every direction") {
  const Tensor x = tensor({0.0, 2.0, -1.0, 800.0}, f64);
  using F = Tensor (*)(const Tensor&);
  const F functions[] = {log,
                         sqrt,
                         reciprocal,
                         exp,
                         [](const Tensor& v) { return pow(v, 0.5); },
                         [](const Tensor& v) { return 1.0 / (v * v * v); }};
  for (const F f : functions) {
    Tape tape;
    const Tensor inside = (x > 0.0) * (x < 700.0);
    const Tensor y = sum(where(inside, f(x), 0.0));
    const auto check = [&](const Tensor& derivative) {
      for (const Index outside : {0, 2, 3}) CHECK(derivative[outside].item() == 0);
      CHECK(derivative[1].item() != 0);
      CHECK(std::isfinite(derivative[1].item()));
    };
    const Tensor first = tape.gradient(y, x, {.recorded = true});
    check(first);
    const Tensor second = tape.gradient(sum(first), x, {.recorded = true});
    check(second);
    check(tape.gradient(sum(second), x));
    check(tape.hessian_vector_product(y, x, ones_like(x)));
    check(tape.jvp(second, x, ones_like(x)));
    CHECK(tape.jvp(y, x, tensor({1, 0, 1, 1}, f64)).item() == 0);
  }
}
