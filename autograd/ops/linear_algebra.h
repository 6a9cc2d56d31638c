// What is measured of matrices. None of this is recorded.
#pragma once

#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb {

// ‖A‖₂, the largest singular value of a float matrix; computed in float64. NaN if an element is not finite.
[[nodiscard]] double spectral_norm(const Tensor& a);

// The singular values of a float matrix, largest first; min(rows, columns) of them, each to roundings of the largest.
[[nodiscard]] std::vector<double> singular_values(const Tensor& a);

// ρ(A), the largest absolute value of an eigenvalue of a square float matrix; computed in float64. At most ‖A‖₂, and as
// a limit on the growth of products no substitute for it. Where the largest eigenvalue is a defective one of order m,
// rounding moves it by the m-th root of 1e-16 ‖A‖. NaN if an element is not finite. ShapeError unless A is square.
[[nodiscard]] double spectral_radius(const Tensor& a);

// a = Q R for a float matrix a: [m, n], m ≥ n, with orthonormal columns in Q: [m, n] and R: [n, n] upper triangular,
// its diagonal not negative, which makes them unique where a has full rank. By Householder reflections in float64,
// given in the type of a. Where a is short of rank, diagonal elements of R are 0 but for rounding. NaN if an element is
// not finite. ShapeError if m < n.
struct Qr {
  Tensor Q, R;
};
[[nodiscard]] Qr qr(const Tensor& a);

// Q of qr(a): of a Gaussian matrix, a uniformly random one with orthonormal columns (Mezzadri 2007).
[[nodiscard]] Tensor orthonormal_columns(const Tensor& a);

}  // namespace ebb
