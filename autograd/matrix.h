// Matrices.
#pragma once

#include "autograd/tensor.h"

namespace ebb {

struct MatmulOptions {
  bool transpose_a = false;  // use aᵀ, bᵀ without writing them out
  bool transpose_b = false;
};

// a b for a: [m, k], b: [k, n], of one float type. ShapeError naming both shapes otherwise.
[[nodiscard]] Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

// xᵀ for a matrix.
[[nodiscard]] Tensor transpose(const Tensor& x);

}  // namespace ebb
