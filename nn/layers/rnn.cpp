#include "nn/layers/rnn.h"

#include "autograd/ops/cast.h"
#include "autograd/tape/tape.h"

namespace ebb::nn {

Rnn::Rnn(const RnnOptions& options, Rng& rng) : activation(options.activation) {
  const Index inputs = options.inputs, hidden = options.hidden;
  if (inputs < 1 || hidden < 1)
    fail<ShapeError>("Rnn", "{} inputs and {} hidden units; both must be positive", inputs, hidden);
  U = detail::initialised("Rnn", options.input_init, {inputs, hidden}, options.dtype, rng);
  W = detail::initialised("Rnn", options.recurrent_init, {hidden, hidden}, options.dtype, rng);
  b = detail::initialised("Rnn", options.bias_init, {hidden}, options.dtype, rng);
}

Unrolled Rnn::operator()(const Tensor& x) const {
  if (x.rank() != 3)
    fail<ShapeError>("Rnn", "x has shape {}; it must be [time, batch, {} inputs]", x.shape(), U.extent(0));
  return (*this)(x, ebb::zeros({x.extent(1), W.extent(0)}, W.dtype()));
}

Unrolled Rnn::operator()(const Tensor& x, const Tensor& initial) const {
  if (x.rank() != 3 || x.extent(2) != U.extent(0) || !(initial.shape() == Shape{x.extent(1), W.extent(0)}))
    fail<ShapeError>("Rnn", "x {} and the initial state {} don't fit; expected [time, batch, {}] and [batch, {}]",
                     x.shape(), initial.shape(), U.extent(0), W.extent(0));
  const Scope scope("rnn");
  return {ebb::rnn(x, initial, U, W, b, activation)};
}

namespace {

const Tensor& state_of(const Unrolled& run, std::size_t k) {
  if (k >= run.states.size()) fail<ShapeError>("Rnn", "the run has no state {}; it has {}", k, run.states.size());
  return run.states[k];
}

}  // namespace

Tensor Rnn::slope(const Unrolled& run, std::size_t k) const { return ebb::slope(activation, state_of(run, k)); }

void Rnn::times_slope(const Unrolled& run, std::size_t k, const Tensor& g, const Tensor& u) const {
  ebb::detail::times_slope(activation, g, state_of(run, k), u);
}

std::unique_ptr<Cell> Rnn::cast(DType dtype) const {
  const Pause pause;
  auto result = std::make_unique<Rnn>(*this);
  for (Tensor* parameter : {&result->U, &result->W, &result->b}) *parameter = ebb::cast(*parameter, dtype);
  return result;
}

}  // namespace ebb::nn
