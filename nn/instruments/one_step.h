// One sequence, and one step of it at a time for a whole block of vectors: what transport and Lyapunov exponents share.
#pragma once

#include <memory>

#include "autograd/tape/tape.h"
#include "nn/layers/cell.h"

namespace ebb::nn::detail {

// A sequence that a cell ran over, in float64.
class Sequence {
 public:
  // ShapeError naming `what` unless x is [time, 1, inputs] and initial [1, hidden].
  Sequence(const char* what, const Cell& cell, const Tensor& x, const Tensor& initial);

  const Cell& cell() const { return *cell_; }
  Index steps() const { return run_.steps(); }
  Index hidden() const { return run_.states[0].extent(1); }

 private:
  friend class OneStep;
  std::unique_ptr<Cell> cell_;
  Tensor x_;
  Unrolled run_;
};

// Step k of the sequence, from s_{k−1} to s_k, recorded with both repeated along the batch: one row a vector.
class OneStep {
 public:
  OneStep(const Sequence& sequence, Index k, Index vectors);

  // Rows v ↦ v ∂s_k/∂s_{k−1}, for cotangents [vectors, hidden].
  [[nodiscard]] Tensor vjp(const Tensor& cotangents) { return tape_.gradient(after_, before_, {.seed = cotangents}); }
  // Rows v ↦ ∂s_k/∂s_{k−1} v, for tangents [vectors, hidden].
  [[nodiscard]] Tensor jvp(const Tensor& tangents) { return tape_.jvp(after_, before_, tangents); }

 private:
  Tensor x_, before_;
  Tape tape_;
  Tensor after_;
  Pause pause_;  // what is done with the vectors is no part of the step
};

}  // namespace ebb::nn::detail
