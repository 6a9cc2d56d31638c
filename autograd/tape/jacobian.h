// The derivative of one recorded tensor by another, as a linear operator on the tape.
#pragma once

#include <memory>
#include <vector>

#include "autograd/tape/tape.h"

namespace ebb {

// ∂y/∂x, made by tape.jacobian(y, x). Nothing is computed before it is asked for: a vjp is one sweep, a jvp one walk
// forwards, both over the records between x and y alone. It holds y and x, and serves as long as the tape lives;
// TapeError afterwards.
class Jacobian {
 public:
  Jacobian(std::shared_ptr<Tape*> tape, Tensor y, Tensor x)  // by Tape::jacobian
      : tape_(std::move(tape)), y_(std::move(y)), x_(std::move(x)) {}

  const Tensor& y() const { return y_; }
  const Tensor& x() const { return x_; }
  // Over flattened tensors: y.size() and x.size().
  Index rows() const { return y_.size(); }
  Index columns() const { return x_.size(); }

  // vᵀ ∂y/∂x for a cotangent v of y's shape: a tensor like x.
  [[nodiscard]] Tensor vjp(const Tensor& cotangent) const;
  // ∂y/∂x v for a tangent v of x's shape: a tensor like y.
  [[nodiscard]] Tensor jvp(const Tensor& tangent) const;
  // All of it, [rows, columns]: element [i][j] is ∂y_i/∂x_j over flattened tensors. By rows or by columns, whichever
  // are fewer; not recorded.
  [[nodiscard]] Tensor matrix() const;
  // TapeError once it is gone.
  Tape& tape() const;

 private:
  std::shared_ptr<Tape*> tape_;
  Tensor y_, x_;
};

// ‖J‖₂, the largest singular value, by Golub–Kahan–Lanczos bidiagonalisation with full reorthogonalisation (Golub &
// Kahan 1965): one jvp and one vjp an iteration, until it no longer changes by more than the element type resolves;
// min(rows, columns) iterations at most. NaN if J isn't finite.
[[nodiscard]] double spectral_norm(const Jacobian& jacobian);

// All min(rows, columns) singular values, largest first, from the matrix.
[[nodiscard]] std::vector<double> singular_values(const Jacobian& jacobian);

}  // namespace ebb
