#include "autograd/ops/linear_algebra.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops/elementwise.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix as_eigen(const char* op, const Tensor& a) {
  if (a.rank() != 2) fail<ShapeError>(op, "needs a matrix, not a tensor of shape {}", a.shape());
  if (a.dtype() == i64) fail(op, "needs a float matrix; use cast");
  Matrix result(a.extent(0), a.extent(1));
  for (Index i = 0; i < a.size(); ++i) result.data()[i] = detail::element(a, i);
  return result;
}

// A matrix as a power of two times one whose largest element is in [1, 2), so that no square on the way leaves float64.
struct Scaled {
  Matrix matrix;
  int exponent = 0;

  explicit Scaled(Matrix m) : matrix(std::move(m)) {
    const double largest = matrix.cwiseAbs().maxCoeff();
    if (largest == 0) return;
    exponent = std::max(std::ilogb(largest), -1022);  // 2 to the power of −exponent must be a number, too
    matrix *= std::ldexp(1.0, -exponent);
  }
  double original(double value) const { return std::ldexp(value, exponent); }
};

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

std::vector<double> singular_values(const Tensor& a) {
  const Matrix matrix = as_eigen("singular_values", a);
  const Index count = std::min(a.extent(0), a.extent(1));
  if (count == 0) return {};
  if (!matrix.allFinite()) return std::vector<double>(static_cast<std::size_t>(count), not_a_number);
  const Scaled tall(matrix.rows() < matrix.cols() ? Matrix(matrix.transpose()) : matrix);
  const Eigen::HouseholderQR<Matrix> decomposition(tall.matrix);
  // The eigenvalues of [0 Rᵀ; R 0] are R's singular values and their negatives (Golub and Kahan 1965); the solver reads
  // the lower triangle alone. Eigen's SVD is no faster up to 100 rows, and takes most of a minute to compile.
  Matrix symmetric = Matrix::Zero(2 * count, 2 * count);
  symmetric.bottomLeftCorner(count, count) = decomposition.matrixQR().topRows(count).triangularView<Eigen::Upper>();
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric, Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (Index i = 0; i < count; ++i)
    values.push_back(tall.original(std::max(0.0, solver.eigenvalues()[2 * count - 1 - i])));
  return values;
}

double spectral_norm(const Tensor& a) {
  const Matrix matrix = as_eigen("spectral_norm", a);
  if (a.size() == 0) return 0;
  if (!matrix.allFinite()) return not_a_number;
  const Scaled scaled(matrix);
  const Matrix& m = scaled.matrix;
  // The square root of the largest eigenvalue of AᵀA or AAᵀ, which squaring costs no digits (small ones it would).
  const Matrix gram = m.rows() < m.cols() ? Matrix(m * m.transpose()) : Matrix(m.transpose() * m);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram, Eigen::EigenvaluesOnly);
  return scaled.original(std::sqrt(solver.eigenvalues()[gram.rows() - 1]));
}

double spectral_radius(const Tensor& a) {
  const Matrix matrix = as_eigen("spectral_radius", a);
  if (matrix.rows() != matrix.cols())
    fail<ShapeError>("spectral_radius", "{} isn't square, and has no eigenvalues; use spectral_norm", a.shape());
  if (a.size() == 0) return 0;
  if (!matrix.allFinite()) return not_a_number;
  const Scaled scaled(matrix);
  const Eigen::EigenSolver<Matrix> solver(scaled.matrix, /*computeEigenvectors=*/false);
  if (solver.info() != Eigen::Success) return not_a_number;
  return scaled.original(solver.eigenvalues().cwiseAbs().maxCoeff());
}

namespace {

Qr decomposed(const char* op, const Tensor& a) {
  const Matrix matrix = as_eigen(op, a);
  const Index m = a.extent(0), n = a.extent(1);
  if (m < n) fail<ShapeError>(op, "{} has more columns than rows; transpose it", a.shape());
  const Pause pause;
  if (!matrix.allFinite()) return {full({m, n}, not_a_number, a.dtype()), full({n, n}, not_a_number, a.dtype())};
  Tensor Q = zeros({m, n}, f64), R = zeros({n, n}, f64);
  if (n == 0) return {cast(Q, a.dtype()), cast(R, a.dtype())};
  const Scaled scaled(matrix);
  const Eigen::HouseholderQR<Matrix> decomposition(scaled.matrix);
  const Matrix q = decomposition.householderQ() * Matrix::Identity(m, n);
  const Matrix& r = decomposition.matrixQR();
  auto* Q_out = detail::data<double>(Q);
  auto* R_out = detail::data<double>(R);
  for (Index j = 0; j < n; ++j) {
    const double sign = r(j, j) < 0 ? -1 : 1;
    for (Index i = 0; i < m; ++i) Q_out[i * n + j] = sign * q(i, j);
    for (Index i = j; i < n; ++i) R_out[j * n + i] = sign * scaled.original(r(j, i));
  }
  return {cast(Q, a.dtype()), cast(R, a.dtype())};
}

}  // namespace

Qr qr(const Tensor& a) { return decomposed("qr", a); }

Tensor orthonormal_columns(const Tensor& a) { return decomposed("orthonormal_columns", a).Q; }

}  // namespace ebb
