// What chooses among numbers, shares them out and measures them: known values, ties, NaN, infinity and nothing at all.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("reductions: max, min and their places, by axis and of everything") {
  const Tensor x = tensor({{3, -1, 3}, {2, 5, -7}}, f64);
  CHECK(max(x).item() == 5);
  CHECK(min(x).item() == -7);
  CHECK(argmax(x).item() == 4);
  CHECK(argmin(x).item() == 5);
  CHECK(elements(max(x, 0)) == std::vector<double>{3, 5, 3});
  CHECK(elements(min(x, -1)) == std::vector<double>{-1, -7});
  CHECK(elements(argmax(x, 1)) == std::vector<double>{0, 1});  // the first of ties
  CHECK(elements(argmin(x, 0)) == std::vector<double>{1, 0, 1});
  CHECK(max(x, 0, true).shape() == Shape{1, 3});
  CHECK(argmax(x, 1, true).shape() == Shape{2, 1});
  CHECK(argmax(x).dtype() == i64);
  CHECK(max(cast(x, f32)).dtype() == f32);
  CHECK(max(full({3}, -infinity)).item() == -infinity);

  const Tensor cube = varied({2, 3, 4});
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 4; ++j) {
      double most = -2;
      for (Index k = 0; k < 3; ++k) most = std::max(most, cube[i][k][j].item());
      CHECK(max(cube, 1)[i][j].item() == most);
    }
}

// 1/49 and 1/41 are numbers that, rounded and multiplied by their counts, give less than 1.
TEST_CASE_TEMPLATE("reductions: a mean is a quotient, so that the mean of equal numbers is that number", T, float,
                   double) {
  for (Index n = 1; n < 200; ++n) {
    const Tensor x = full({n, 2}, 3, dtype_of<T>);
    REQUIRE(mean(x).item() == 3);
    REQUIRE(elements(mean(x, 0)) == std::vector<double>{3, 3});
    REQUIRE(variance(x, 0, {.correction = 0})[0].item() == 0);
  }
}

namespace {

template <class T>
concept AxisOfMax = requires(Tensor x, T axis) {
  max(x, axis);
  min(x, axis);
};

}  // namespace

TEST_CASE("reductions: a number that is no axis isn't taken for one") {
  CHECK(AxisOfMax<int>);
  CHECK(AxisOfMax<Index>);
  CHECK_FALSE(AxisOfMax<double>);
  CHECK_FALSE(AxisOfMax<float>);
}

TEST_CASE("reductions: elements that tie share the gradient of max and min evenly") {
  const Tensor x = tensor({{3, 1, 3}, {1, 1, 1}}, f64);
  Tape tape;
  CHECK(all_close(tape.gradient(max(x), x), tensor({{0.5, 0, 0.5}, {0, 0, 0}}, f64), 0));
  CHECK(all_close(tape.gradient(sum(max(x, 1)), x), tensor({{0.5, 0, 0.5}, {1 / 3., 1 / 3., 1 / 3.}}, f64), 1e-15));
  CHECK(all_close(tape.gradient(min(x), x), tensor({{0, 0.25, 0}, {0.25, 0.25, 0.25}}, f64), 0));
  CHECK(tape.jvp(max(x), x, tensor({{2, 0, 4}, {0, 0, 0}}, f64)).item() == 3);
}

TEST_CASE("reductions: a NaN is the extreme, the first one its place") {
  const Tensor x = tensor({{1, not_a_number, not_a_number}, {4, 5, 6}}, f64);
  CHECK(std::isnan(max(x).item()));
  CHECK(std::isnan(min(x, 1)[0].item()));
  CHECK(max(x, 1)[1].item() == 6);
  CHECK(argmax(x).item() == 1);
  CHECK(argmin(x).item() == 1);
  Tape tape;
  CHECK(all_close(tape.gradient(sum(max(x, 1)), x), tensor({{0, 0.5, 0.5}, {0, 0, 1}}, f64), 0));
  CHECK(std::isnan(logsumexp(x).item()));
  CHECK(logsumexp(x, 1)[1].item() == doctest::Approx(6.407605964444381).epsilon(1e-15));
  CHECK(std::isnan(softmax(x)[0][0].item()));
  CHECK(std::isnan(norm(x, 1)[0].item()));
}

TEST_CASE("reductions: nothing has no max") {
  const Tensor none = zeros({0, 2});
  check_says(message_of<ShapeError>([&] { (void)max(none); }), {"[max]", "[0, 2]", "no elements"});
  check_says(message_of<ShapeError>([&] { (void)argmin(none); }), {"[argmin]", "[0, 2]"});
  check_says(message_of<ShapeError>([&] { (void)min(none, 0); }), {"[min]", "axis 0", "[0, 2]", "empty"});
  check_says(message_of<ShapeError>([&] { (void)argmax(none, 2); }), {"[argmax]", "axis 2"});
  CHECK(max(none, 1).shape() == Shape{0});
  CHECK(argmax(none, 1).shape() == Shape{0});
  CHECK(logsumexp(none).item() == -infinity);
  CHECK(elements(logsumexp(none, 0)) == std::vector<double>{-infinity, -infinity});
  CHECK(norm(none).item() == 0);
  CHECK(elements(norm(none, 0)) == std::vector<double>{0, 0});
  CHECK(std::isnan(variance(none).item()));
  check_says(message_of<ShapeError>([&] { (void)softmax(none, 0); }), {"[softmax]", "axis 0", "[0, 2]"});
  check_says(message_of<ShapeError>([&] { (void)logsumexp(none, 2); }), {"[logsumexp]", "axis 2"});
  const Tensor i = indices({1, 2});
  for (const auto& f : std::vector<std::function<void()>>{[&] { (void)max(i); }, [&] { (void)argmax(i, 0); },
                                                          [&] { (void)softmax(i); }, [&] { (void)logsumexp(i); },
                                                          [&] { (void)norm(i, 0); }, [&] { (void)variance(i); }})
    check_says(message_of<Error>(f), {"int64", "cast"});
}

TEST_CASE("reductions: logsumexp and softmax stay exact for large and infinite arguments") {
  for (const double c : {0.0, 1e4, -1e4, 1e300}) {
    CHECK(logsumexp(full({4}, c, f64)).item() == doctest::Approx(c + std::log(4.0)).epsilon(1e-15));
    CHECK(all_close(softmax(full({2, 4}, c, f64), 0), full({2, 4}, 0.5, f64), 1e-15));
  }
  const Tensor x = tensor({{-infinity, -infinity}, {-infinity, 2}, {1e4, 1e4}}, f64);
  Tape tape;
  const Tensor y = logsumexp(x, 1);
  CHECK(elements(y) == std::vector<double>{-infinity, 2, 1e4 + std::log(2.0)});
  const Tensor g = tape.gradient(y, x, {.recorded = true, .seed = ones({3}, f64)});
  CHECK(all_close(g, tensor({{0, 0}, {0, 1}, {0.5, 0.5}}, f64), 1e-15));
  CHECK(elements(tape.jvp(y, x, ones({3, 2}, f64))) == std::vector<double>{0, 1, 1});
  const Tensor second = tape.gradient(sum(g * tensor({{1, 2}, {3, 4}, {5, 6}}, f64)), x);
  CHECK(all_close(second, tensor({{0, 0}, {0, 0}, {-0.25, 0.25}}, f64), 1e-15));

  CHECK(logsumexp(tensor({infinity, 1.0}, f64)).item() == infinity);
  CHECK(all_close(softmax(tensor({-infinity, 0.0, 0.0}, f64)), tensor({0, 0.5, 0.5}, f64), 0));
  // Digits of the gradient that y itself, 1e4 + ln 2 in float32, doesn't have.
  const Tensor narrow = full({2}, 1e4);
  CHECK(elements(tape.gradient(logsumexp(narrow), narrow)) == std::vector<double>{0.5, 0.5});
}

TEST_CASE("reductions: softmax of any axis is that of the last one, permuted") {
  const Tensor x = varied({3, 4, 5});
  CHECK(distance(softmax(x, 1), permute(softmax(permute(x, {0, 2, 1})), {0, 2, 1})) == 0);
  CHECK(distance(log_softmax(x, 0), permute(log_softmax(permute(x, {1, 2, 0})), {2, 0, 1})) == 0);
  CHECK(distance(exp(log_softmax(x, -2)), softmax(x, -2)) < 1e-15);
  CHECK(distance(sum(softmax(x, 0), 0), ones({4, 5}, f64)) < 1e-15);
  CHECK(distance(logsumexp(x, 1), log(sum(exp(x), 1))) < 1e-14);
  CHECK(distance(logsumexp(x), log(sum(exp(x)))) < 1e-14);
}

TEST_CASE("reductions: variance is unbiased unless told otherwise") {
  const Tensor x = tensor({{1, 2, 4}, {0, 0, 3}}, f64);
  CHECK(variance(tensor({1, 2, 4}, f64)).item() == doctest::Approx(7.0 / 3).epsilon(1e-15));
  CHECK(variance(tensor({1, 2, 4}, f64), {.correction = 0}).item() == doctest::Approx(14.0 / 9).epsilon(1e-15));
  CHECK(distance(variance(x, 1), tensor({7.0 / 3, 3.0}, f64)) < 1e-15);
  CHECK(variance(x, 0, {.keepdim = true}).shape() == Shape{1, 3});
  CHECK(variance(x, {.keepdim = true}).shape() == Shape{1, 1});
  CHECK(std::isnan(variance(tensor({1.0}, f64)).item()));
  CHECK(variance(tensor({1.0}, f64), {.correction = 0}).item() == 0);
  check_says(message_of<ShapeError>([&] { (void)variance(x, 2); }), {"[variance]", "axis 2"});
}

TEST_CASE("reductions: norms by axis neither overflow nor vanish, and all their derivatives at 0 are 0") {
  const Tensor x = tensor({{3, 4e200, 0, 3e-200}, {4, 3e200, 0, 4e-200}}, f64);
  CHECK(distance(norm(x, 0) / tensor({5, 5e200, 1, 5e-200}, f64), tensor({1, 1, 0, 1}, f64)) < 1e-15);
  CHECK(norm(x, 1, true).shape() == Shape{2, 1});
  check_says(message_of<ShapeError>([&] { (void)norm(x, 2); }), {"[norm]", "axis 2"});
  Tape tape({.check_finite = true});
  const Tensor g = tape.gradient(sum(norm(x, 0)), x, {.recorded = true});
  CHECK(distance(g, tensor({{0.6, 0.8, 0, 0.6}, {0.8, 0.6, 0, 0.8}}, f64)) < 1e-15);
  const Tensor zero = zeros({3}, f64);
  const Tensor slope = tape.gradient(norm(zero), zero, {.recorded = true});
  CHECK(all_close(slope, zero, 0));
  CHECK(all_close(tape.gradient(sum(slope), zero), zero, 0));
}

TEST_CASE("reductions: matmul takes vectors and leading axes, as dot and outer show") {
  const Tensor a = varied({2, 3, 4}, 1), m = varied({4, 5}, 2), v = varied({4}, 3), w = varied({2}, 4);
  const Tensor y = matmul(a, m);
  REQUIRE(y.shape() == Shape{2, 3, 5});
  CHECK(distance(y[1], matmul(a[1], m)) < 1e-15);  // a product of few rows adds up in another order
  CHECK(matmul(v, m).shape() == Shape{5});
  CHECK(distance(matmul(v, m), matmul(reshape(v, {1, 4}), m)[0]) == 0);
  CHECK(distance(matmul(a, v), sum(a * v, -1)) < 1e-15);
  CHECK(distance(matmul(v, v), dot(v, v)) < 1e-15);
  CHECK(matmul(v, v).shape() == Shape{});
  CHECK(distance(outer(w, v), reshape(w, {2, 1}) * v) == 0);

  check_says(message_of<ShapeError>([&] { (void)matmul(m, a); }), {"[matmul]", "[4, 5]", "[2, 3, 4]", "expected"});
  check_says(message_of<ShapeError>([&] { (void)matmul(a, w); }), {"inner", "[2, 3, 4]", "[2]", "4 and 2"});
  check_says(message_of<ShapeError>([&] { (void)matmul(a, m, {.transpose_a = true}); }), {"only matrices", "permute"});
  check_says(message_of<ShapeError>([&] { (void)matmul(tensor(1.0, f64), m); }), {"[]", "expected"});
  check_says(message_of<ShapeError>([&] { (void)dot(v, w); }), {"[dot]", "[4]", "[2]"});
  check_says(message_of<ShapeError>([&] { (void)dot(m, v); }), {"[dot]", "[4, 5]", "vectors"});
  check_says(message_of<ShapeError>([&] { (void)outer(m, v); }), {"[outer]", "[4, 5]", "vectors"});
  check_says(message_of<Error>([&] { (void)outer(cast(v, f32), v); }), {"[outer]", "float32", "float64"});
}
