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
