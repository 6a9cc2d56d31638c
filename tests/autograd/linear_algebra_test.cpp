#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("linear algebra: singular values of known matrices") {
  const std::vector<double> values = singular_values(tensor({{3, 0}, {0, -5}}, f64));
  REQUIRE(values.size() == 2);
  CHECK(values[0] == doctest::Approx(5).epsilon(1e-15));
  CHECK(values[1] == doctest::Approx(3).epsilon(1e-15));
  CHECK(spectral_norm(tensor({{8, 8}, {-8, -8}}, f64)) == doctest::Approx(16).epsilon(1e-15));
  CHECK(spectral_norm(tensor({{1, 2, 2}}, f64)) == doctest::Approx(3).epsilon(1e-15));
  CHECK(singular_values(zeros({3, 2})).size() == 2);
  CHECK(singular_values(zeros({0, 2})).empty());
  CHECK(spectral_norm(zeros({0, 2})) == 0);
  CHECK(std::isnan(spectral_norm(tensor({{1, infinity}}))));
  check_says(message_of<ShapeError>([] { (void)spectral_norm(ones({2})); }), {"[2]"});
  check_says(message_of<Error>([] { (void)spectral_norm(indices({1}, {1, 1})); }), {"float"});
}

TEST_CASE("linear algebra: singular values carry the Frobenius norm and the scale") {
  Rng rng(3);
  const Tensor a = normal({40, 30}, 0, 1, rng, f64);
  double squares = 0;
  for (const double value : singular_values(a)) squares += value * value;
  // Some hundreds of roundings.
  CHECK(std::sqrt(squares) == doctest::Approx(norm(a).item()).epsilon(1e-13));
  CHECK(spectral_norm(a * 1e-150) == doctest::Approx(spectral_norm(a) * 1e-150).epsilon(1e-13));
  CHECK(spectral_norm(transpose(a)) == doctest::Approx(spectral_norm(a)).epsilon(1e-13));
}

TEST_CASE("linear algebra: singular values of tall and wide matrices") {
  Rng rng(5);
  const Tensor q = orthonormal_columns(normal({200, 40}, 0, 1, rng, f64));
  const Tensor p = orthonormal_columns(normal({40, 40}, 0, 1, rng, f64));
  const Tensor known = linspace(4, 0, 40, f64);
  const Tensor a = matmul(q * known, p, {.transpose_b = true});
  for (const Tensor& matrix : {a, transpose(a)}) {
    const std::vector<double> values = singular_values(matrix);
    REQUIRE(values.size() == 40);
    // Accurate to roundings of the largest, also at zero.
    for (std::size_t i = 0; i < 40; ++i) CHECK(std::fabs(values[i] - known[static_cast<Index>(i)].item()) < 1e-13);
    CHECK(values.back() >= 0);
  }
}

TEST_CASE("linear algebra: orthonormal columns are orthonormal and span the same") {
  Rng rng(4);
  for (const Shape& shape : {Shape{1, 1}, Shape{5, 5}, Shape{30, 7}, Shape{4, 0}}) {
    const Tensor a = normal(shape, 0, 1, rng, f64);
    const Tensor q = orthonormal_columns(a);
    CHECK(q.shape() == shape);
    CHECK(distance(matmul(q, q, {.transpose_a = true}), eye(shape[1], f64)) < 1e-14);
    // Qᵀ A is R: upper triangular with a positive diagonal, and A = Q R.
    const Tensor r = matmul(q, a, {.transpose_a = true});
    CHECK(distance(matmul(q, r), a) < 1e-14);
    for (Index i = 0; i < shape[1]; ++i) {
      CHECK(r[i][i].item() > 0);
      for (Index j = 0; j < i; ++j) CHECK(std::fabs(r[i][j].item()) < 1e-14);
    }
  }
  CHECK(orthonormal_columns(ones({2, 1})).dtype() == f32);
  check_says(message_of<ShapeError>([] { (void)orthonormal_columns(ones({2, 3})); }), {"[2, 3]", "transpose"});
}

TEST_CASE("linear algebra: the decomposition into Q and R") {
  Rng rng(4);
  for (const Shape& shape : {Shape{1, 1}, Shape{5, 5}, Shape{30, 7}, Shape{4, 0}, Shape{0, 0}})
    for (const double size : {1.0, 1e-300, 1e300}) {
      const Tensor a = size * normal(shape, 0, 1, rng, f64);
      const auto [Q, R] = qr(a);
      const Index n = shape[1];
      REQUIRE(Q.shape() == shape);
      REQUIRE(R.shape() == Shape{n, n});
      CHECK(distance(matmul(Q, Q, {.transpose_a = true}), eye(n, f64)) < 1e-14);
      CHECK(distance(matmul(Q, R / size), a / size) < 1e-14);
      for (Index i = 0; i < n; ++i) {
        CHECK(R[i][i].item() > 0);
        for (Index j = 0; j < i; ++j) CHECK(R[i][j].item() == 0);
      }
    }
}

TEST_CASE("linear algebra: Q and R of matrices short of rank") {
  // The second column is twice the first, the fourth zero.
  const Tensor a = tensor({{1, 2, 0, 0, 3}, {-1, -2, 1, 0, 1}, {2, 4, 0, 0, 1}, {0, 0, 5, 0, 1}, {1, 2, 3, 0, 0}}, f64);
  for (const Tensor& matrix : {a, zeros({5, 5}, f64)}) {
    const auto [Q, R] = qr(matrix);
    CHECK(distance(matmul(Q, Q, {.transpose_a = true}), eye(5, f64)) < 1e-14);
    CHECK(distance(matmul(Q, R), matrix) < 1e-14);
    for (Index i = 0; i < 5; ++i) CHECK(R[i][i].item() >= 0);
    CHECK(R[1][1].item() < 1e-15);
    CHECK(R[3][3].item() < 1e-15);
  }
}

TEST_CASE("linear algebra: Q and R have their matrix's type and are on no tape") {
  Tape tape;
  const auto [Q, R] = qr(tensor({{0, 3}, {-2, 1}}));
  CHECK(tape.size() == 0);
  CHECK(Q.dtype() == f32);
  CHECK(distance(Q, tensor({{0, 1}, {-1, 0}})) < 1e-7);
  CHECK(distance(R, tensor({{2, -1}, {0, 3}})) < 1e-7);
  for (const double bad : {infinity, not_a_number}) {
    const auto lost = qr(tensor({{1, bad}, {0, 1}, {2, 2}}));
    CHECK(lost.Q.shape() == Shape{3, 2});
    for (const double v : elements(lost.Q)) CHECK(std::isnan(v));
    for (const double v : elements(lost.R)) CHECK(std::isnan(v));
  }
  check_says(message_of<ShapeError>([] { (void)qr(ones({2, 3})); }), {"[qr]", "[2, 3]", "transpose"});
  check_says(message_of<ShapeError>([] { (void)qr(ones({2})); }), {"[qr]", "[2]"});
}

TEST_CASE("linear algebra: the spectral norm is the first singular value, at every scale") {
  Rng rng(6);
  for (const Shape& shape : {Shape{1, 1}, Shape{2, 2}, Shape{50, 50}, Shape{100, 100}, Shape{30, 7}, Shape{7, 30}}) {
    const Tensor a = normal(shape, 0, 1, rng, f64);
    const double expected = singular_values(a).front();
    CHECK(spectral_norm(a) == doctest::Approx(expected).scale(0).epsilon(1e-14));
    // Exact powers of two, so that the matrix is the same.
    for (const int exponent : {-1000, -500, 500, 1000}) {
      const double size = std::ldexp(1.0, exponent);
      CHECK(spectral_norm(a * size) / size == doctest::Approx(expected).scale(0).epsilon(1e-14));
      CHECK(singular_values(a * size).front() / size == doctest::Approx(expected).scale(0).epsilon(1e-14));
    }
  }
  const double least = std::numeric_limits<double>::denorm_min();
  CHECK(spectral_norm(full({1, 1}, least, f64)) == least);
  CHECK(singular_values(full({1, 1}, least, f64)).front() == least);
  CHECK(spectral_norm(full({2, 2}, 1.7e308, f64)) == infinity);
  CHECK(spectral_norm(zeros({3, 3})) == 0);
}

TEST_CASE("linear algebra: all singular values at every scale") {
  for (const double size : {1e-300, 1.0, 1e300}) {
    const std::vector<double> values = singular_values(size * tensor({{0, 2, 0}, {-0.5, 0, 0}, {0, 0, 1}}, f64));
    CHECK(values[0] / size == doctest::Approx(2).epsilon(1e-14));
    CHECK(values[1] / size == doctest::Approx(1).epsilon(1e-14));
    CHECK(values[2] / size == doctest::Approx(0.5).epsilon(1e-14));
  }
}

TEST_CASE("linear algebra: the spectral radius of known matrices") {
  CHECK(spectral_radius(tensor({{8, 8}, {-8, -8}}, f64)) == 0);
  CHECK(spectral_radius(tensor({{0, 5, 7}, {0, 0, 9}, {0, 0, 0}}, f64)) == 0);
  CHECK(spectral_radius(zeros({3, 3})) == 0);
  CHECK(spectral_radius(zeros({0, 0})) == 0);
  CHECK(spectral_radius(tensor({{-3, 1}, {0, 2}})) == doctest::Approx(3).epsilon(1e-15));
  const double angle = 0.7;
  for (const double size : {1.0, 1e-300, 1e300, 1e-320}) {
    const double c = size * std::cos(angle), s = size * std::sin(angle);
    // A denormal of 1e-320 has three digits.
    CHECK(spectral_radius(tensor({{c, -s}, {s, c}}, f64)) / size ==
          doctest::Approx(1).epsilon(size == 1e-320 ? 1e-3 : 1e-14));
  }
  Rng rng(3);
  // Similar to a triangular matrix with a known diagonal.
  Tensor triangle = normal({20, 20}, 0, 0.1, rng, f64);
  for (Index i = 0; i < 20; ++i)
    for (Index j = 0; j <= i; ++j) triangle.edit<double>()(i, j) = i == j ? 0.5 - 0.1 * static_cast<double>(i) : 0;
  const Tensor q = orthonormal_columns(normal({20, 20}, 0, 1, rng, f64));
  const Tensor a = matmul(matmul(q, triangle), q, {.transpose_b = true});
  CHECK(spectral_radius(a) == doctest::Approx(1.4).epsilon(1e-10));
  CHECK(spectral_radius(a) <= spectral_norm(a));
  CHECK(std::isnan(spectral_radius(tensor({{1, infinity}, {0, 1}}))));
  check_says(message_of<ShapeError>([] { (void)spectral_radius(ones({2, 3})); }), {"[2, 3]", "square"});
  check_says(message_of<ShapeError>([] { (void)spectral_radius(ones({3})); }), {"[3]"});
}
