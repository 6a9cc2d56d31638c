// What is measured of matrices. None of this is recorded.
#pragma once

#include <vector>

#include "autograd/tensor.h"

namespace ebb {

// ‖A‖₂, the largest singular value of a float matrix; computed in float64. NaN if an element is not finite.
[[nodiscard]] double spectral_norm(const Tensor& a);

// The singular values of a float matrix, largest first; min(rows, columns) of them.
[[nodiscard]] std::vector<double> singular_values(const Tensor& a);

// Q of the QR decomposition of a: [m, n], m ≥ n, with the signs for which R has a positive diagonal: of a Gaussian
// matrix, a uniformly random one with orthonormal columns (Mezzadri 2007). Same type as a; ShapeError otherwise.
[[nodiscard]] Tensor orthonormal_columns(const Tensor& a);

}  // namespace ebb
