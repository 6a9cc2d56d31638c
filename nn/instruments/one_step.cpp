#include "nn/instruments/one_step.h"

#include "autograd/ops/cast.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/reduction.h"

namespace ebb::nn::detail {

Sequence::Sequence(const char* what, const Cell& cell, const Tensor& x, const Tensor& initial) : cell_(cell.cast(f64)) {
  const Pause pause;
  if (x.rank() != 3 || x.extent(1) != 1 || initial.rank() != 2 || initial.extent(0) != 1)
    fail<ShapeError>(what,
                     "x {} and the initial state {} aren't those of one sequence; expected [time, 1, inputs] and "
                     "[1, hidden]",
                     x.shape(), initial.shape());
  x_ = cast(x, f64);
  run_ = (*cell_)(x_, cast(initial, f64));
  require_run_of(what, *cell_, run_);
  require_one_shape(what, run_);
  if (run_.steps() != x.extent(0))
    fail<ShapeError>(what, "the cell's run over {} inputs has {} states; it must have one more than inputs",
                     x.extent(0), run_.states.size());
}

namespace {

// `vectors` copies of the one sequence along the batch: [1, 1, n] → [1, vectors, n], and [1, n] → [vectors, n].
Tensor repeated(const Tensor& x, Index vectors) {
  const Pause pause;
  return x.rank() == 3 ? broadcast_to(x, {1, vectors, x.extent(2)}) : broadcast_to(x, {vectors, x.extent(1)});
}

Tensor step_of(const Tensor& x, Index t) {
  const Pause pause;
  return slice(x, t, t + 1);
}

}  // namespace

OneStep::OneStep(const Sequence& sequence, Index k, Index vectors)
    : x_(repeated(step_of(sequence.x_, k - 1), vectors)),
      before_(repeated(sequence.run_.states[static_cast<std::size_t>(k - 1)], vectors)),
      after_(sequence.cell()(x_, before_).last()) {}

}  // namespace ebb::nn::detail
