// A recurrent cell, and what its run over a sequence leaves behind: all that the instruments of the laboratory
// (gradient_flow.h, transport.h, lyapunov.h, saturation.h, omega.h) know of one. A new cell of the form below can be
// measured by each of them. Transport's norms and Lyapunov exponents ask for no more than its run and its copy in
// float64.
#pragma once

#include <memory>
#include <vector>

#include "autograd/recurrent/recurrent.h"

namespace ebb::nn {

// A cell's run over a sequence: states[k] is s_k, [batch, hidden], for k = 0 (the initial state) to T.
struct Unrolled {
  States states;

  // s_T. ShapeError where there is no state at all.
  const Tensor& last() const;
  Index steps() const { return static_cast<Index>(states.size()) - 1; }
  // s_1 … s_T as one tensor [T, batch, hidden], for a loss at every step. ShapeError for no steps.
  [[nodiscard]] Tensor outputs() const;
};

// In rows: a_k = x_k U + s_{k−1} W + b, s_k = σ(a_k).
class Cell {
 public:
  virtual ~Cell() = default;

  // x: [time, batch, inputs]; x_k is x[k − 1]. initial: s_0, [batch, hidden]. T = 0 gives the initial state alone.
  [[nodiscard]] virtual Unrolled operator()(const Tensor& x, const Tensor& initial) const = 0;

  // σ'(a_k), [batch, hidden], for k = 1 … T of a run of this cell.
  [[nodiscard]] virtual Tensor slope(const Unrolled& run, std::size_t k) const = 0;
  // u = σ'(a_k) ∘ g, the gradient at a_k of one that arrives at s_k, into a tensor like g. Nothing is recorded.
  virtual void times_slope(const Unrolled& run, std::size_t k, const Tensor& g, const Tensor& u) const = 0;
  // γ, the largest that |σ'| can be.
  virtual double gamma() const = 0;
  // W, [hidden, hidden]. ‖∂s_k/∂s_{k−1}‖₂ is at most γ ‖W‖₂.
  virtual const Tensor& recurrent_weights() const = 0;
  // The same cell with parameters of another type, of its own.
  [[nodiscard]] virtual std::unique_ptr<Cell> cast(DType dtype) const = 0;

 protected:
  Cell() = default;
  Cell(const Cell&) = default;
  Cell& operator=(const Cell&) = default;
};

namespace detail {

// ShapeError naming `what`, an instrument, unless the run may be one of this cell's: it has states, and each of them is
// [batch, hidden] and of the type of the cell's W: [hidden, hidden].
void require_run_of(const char* what, const Cell& cell, const Unrolled& run);
// ShapeError naming `what` unless all states have one shape, for who puts two of them together.
void require_one_shape(const char* what, const Unrolled& run);
// The cell's slope at s_k. ShapeError naming `what` where it isn't like s_k.
Tensor slope_of(const char* what, const Cell& cell, const Unrolled& run, std::size_t k);
// ShapeError naming `what` unless a gradient that an observer was shown is like its state.
void require_gradient_of(const char* what, const Tensor& state, const Tensor& gradient);

}  // namespace detail

}  // namespace ebb::nn
