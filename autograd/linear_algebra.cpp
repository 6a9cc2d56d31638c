#include "autograd/linear_algebra.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/elementwise.h"
#include "autograd/tape.h"

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

}  // namespace

std::vector<double> singular_values(const Tensor& a) {
  const Matrix matrix = as_eigen("singular_values", a);
  const Index count = std::min(a.extent(0), a.extent(1));
  if (count == 0) return {};
  if (!matrix.allFinite())
    return std::vector<double>(static_cast<std::size_t>(count), std::numeric_limits<double>::quiet_NaN());
  const Matrix tall = matrix.rows() < matrix.cols() ? Matrix(matrix.transpose()) : matrix;
  const Eigen::HouseholderQR<Matrix> qr(tall);
  // The eigenvalues of [0 Rᵀ; R 0] are R's singular values and their negatives (Golub and Kahan 1965); the solver reads
  // the lower triangle alone. Eigen's SVD is no faster up to 100 rows, and takes most of a minute to compile.
  Matrix symmetric = Matrix::Zero(2 * count, 2 * count);
  symmetric.bottomLeftCorner(count, count) = qr.matrixQR().topRows(count).triangularView<Eigen::Upper>();
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric, Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (Index i = 0; i < count; ++i) values.push_back(std::max(0.0, solver.eigenvalues()[2 * count - 1 - i]));
  return values;
}

double spectral_norm(const Tensor& a) {
  Matrix matrix = as_eigen("spectral_norm", a);
  if (a.size() == 0) return 0;
  if (!matrix.allFinite()) return std::numeric_limits<double>::quiet_NaN();
  const double largest = matrix.cwiseAbs().maxCoeff();
  if (largest == 0) return 0;
  // The square root of the largest eigenvalue of AᵀA or AAᵀ, which squaring costs no digits (small ones it would).
  matrix /= largest;
  const Matrix gram =
      matrix.rows() < matrix.cols() ? Matrix(matrix * matrix.transpose()) : Matrix(matrix.transpose() * matrix);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram, Eigen::EigenvaluesOnly);
  return largest * std::sqrt(solver.eigenvalues()[gram.rows() - 1]);
}

double spectral_radius(const Tensor& a) {
  const Matrix matrix = as_eigen("spectral_radius", a);
  if (matrix.rows() != matrix.cols()) fail<ShapeError>("spectral_radius", "{} isn't square", a.shape());
  if (a.size() == 0) return 0;
  if (!matrix.allFinite()) return std::numeric_limits<double>::quiet_NaN();
  return Eigen::EigenSolver<Matrix>(matrix, /*computeEigenvectors=*/false).eigenvalues().cwiseAbs().maxCoeff();
}

Qr qr(const Tensor& a) {
  const Matrix matrix = as_eigen("qr", a);
  const Index m = a.extent(0), n = a.extent(1);
  if (m < n) fail<ShapeError>("qr", "{} has more columns than rows; transpose it", a.shape());
  const Eigen::HouseholderQR<Matrix> decomposition(matrix);
  const Matrix q = decomposition.householderQ() * Matrix::Identity(m, n);
  const Matrix& r = decomposition.matrixQR();
  Tensor Q = zeros({m, n}, f64), R = zeros({n, n}, f64);
  auto Q_out = Q.edit<double>();
  auto R_out = R.edit<double>();
  for (Index j = 0; j < n; ++j) {
    const double sign = r(j, j) < 0 ? -1 : 1;
    for (Index i = 0; i < m; ++i) Q_out(i, j) = sign * q(i, j);
    for (Index i = j; i < n; ++i) R_out(j, i) = sign * r(j, i);
  }
  const Pause pause;
  return {cast(Q, a.dtype()), cast(R, a.dtype())};
}

Tensor orthonormal_columns(const Tensor& a) { return qr(a).Q; }

}  // namespace ebb
