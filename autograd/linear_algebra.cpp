#include "autograd/linear_algebra.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
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
  const std::vector<double> values = singular_values(a);
  return values.empty() ? 0 : values.front();
}

Tensor orthonormal_columns(const Tensor& a) {
  const Matrix matrix = as_eigen("orthonormal_columns", a);
  const Index m = a.extent(0), n = a.extent(1);
  if (m < n) fail<ShapeError>("orthonormal_columns", "{} has more columns than rows; transpose it", a.shape());
  const Eigen::HouseholderQR<Matrix> qr(matrix);
  const Matrix q = qr.householderQ() * Matrix::Identity(m, n);
  Tensor result = zeros({m, n}, f64);
  auto out = result.edit<double>();
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) out(i, j) = qr.matrixQR()(j, j) < 0 ? -q(i, j) : q(i, j);
  const Pause pause;
  return cast(result, a.dtype());
}

}  // namespace ebb
