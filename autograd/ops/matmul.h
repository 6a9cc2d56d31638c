// Matrices.
#pragma once

#include "autograd/tensor/tensor.h"

namespace ebb {

struct MatmulOptions {
  bool transpose_a = false;  // use aᵀ, bᵀ without writing them out
  bool transpose_b = false;
};

// a b for a: [m, k], b: [k, n], of one float type. Either may be a vector, [k], and a may have any number of leading
// axes, [..., k], as in PyTorch and NumPy; transposing is for matrices. Unlike there, b has at most two axes.
// ShapeError naming both shapes otherwise.
[[nodiscard]] Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

// Σ a b of two vectors, a scalar; and all products of their elements, [a.size(), b.size()]. As in PyTorch, vectors only
// (NumPy's dot multiplies matrices too, and its outer flattens them).
[[nodiscard]] Tensor dot(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor outer(const Tensor& a, const Tensor& b);

// xᵀ for a matrix, of any element type.
[[nodiscard]] Tensor transpose(const Tensor& x);

}  // namespace ebb
