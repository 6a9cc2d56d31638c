#include "nn/layers/cell.h"

#include "autograd/ops/indexing.h"

namespace ebb::nn {

const Tensor& Unrolled::last() const {
  if (states.empty()) fail<ShapeError>("Unrolled::last", "the run has no states; give what a cell returned");
  return states.back();
}

Tensor Unrolled::outputs() const {
  if (steps() < 1) fail<ShapeError>("Unrolled::outputs", "a run of no steps has no outputs, only its initial state");
  return stack(std::span(states).subspan(1));
}

void detail::require_run_of(const char* what, const Cell& cell, const Unrolled& run) {
  if (run.states.empty()) fail<ShapeError>(what, "the run has no states; give what a cell returned");
  const Tensor& W = cell.recurrent_weights();
  if (W.rank() != 2 || W.extent(0) != W.extent(1))
    fail<ShapeError>(what, "the cell's W has shape {}; it must be [hidden, hidden]", W.shape());
  const Index hidden = W.extent(0);
  const DType dtype = W.dtype();
  for (std::size_t k = 0; k < run.states.size(); ++k) {
    const Tensor& state = run.states[k];
    if (state.rank() != 2 || state.shape().begin()[1] != hidden || state.dtype() != dtype)
      fail<ShapeError>(what, "state {} of the run is {} {}, and the cell's W {} {}; give a run of this cell", k,
                       name(state.dtype()), state.shape(), name(W.dtype()), W.shape());
  }
}

void detail::require_one_shape(const char* what, const Unrolled& run) {
  const Shape& shape = run.states[0].shape();
  for (std::size_t k = 1; k < run.states.size(); ++k)
    if (!(run.states[k].shape() == shape))
      fail<ShapeError>(what, "state {} of the run has shape {} and state 0 {}; give a run of one batch", k,
                       run.states[k].shape(), shape);
}

Tensor detail::slope_of(const char* what, const Cell& cell, const Unrolled& run, std::size_t k) {
  Tensor slope = cell.slope(run, k);
  const Tensor& state = run.states[k];
  if (!(slope.shape() == state.shape()) || slope.dtype() != state.dtype())
    fail<ShapeError>(what, "the cell's slope at step {} is {} {}, and the state {} {}; they must be alike", k,
                     name(slope.dtype()), slope.shape(), name(state.dtype()), state.shape());
  return slope;
}

void detail::require_gradient_of(const char* what, const Tensor& state, const Tensor& gradient) {
  if (!(gradient.shape() == state.shape()) || gradient.dtype() != state.dtype())
    fail<ShapeError>(what, "the observer was called with a gradient {} {} for a state {} {}; leave that to a sweep",
                     name(gradient.dtype()), gradient.shape(), name(state.dtype()), state.shape());
}

}  // namespace ebb::nn
