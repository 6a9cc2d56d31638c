// The vanilla recurrent network.
#pragma once

#include "autograd/recurrent/recurrent.h"
#include "nn/layers/cell.h"
#include "nn/layers/initialize.h"
#include "nn/layers/parameter.h"

namespace ebb::nn {

using Activation = ebb::Activation;

struct RnnOptions {
  Index inputs = 0;
  Index hidden = 0;
  Activation activation = Activation::tanh;
  Init input_init = xavier();
  Init recurrent_init = orthogonal();
  Init bias_init = zeros();
  DType dtype = f32;
};

// s_k = σ(x_k U + s_{k−1} W + b) for k = 1 … T. U: [inputs, hidden], W: [hidden, hidden], b: [hidden]. A record a step,
// in the scope "rnn".
class Rnn : public Cell {
 public:
  // ShapeError unless both extents are positive.
  Rnn(const RnnOptions& options, Rng& rng);

  // x: [time, batch, inputs]; x_k is x[k − 1]. The initial state, [batch, hidden], is zero where none is given. T = 0
  // gives the initial state alone.
  [[nodiscard]] Unrolled operator()(const Tensor& x) const;
  [[nodiscard]] Unrolled operator()(const Tensor& x, const Tensor& initial) const override;
  Parameters parameters() const { return {{"U", U}, {"W", W}, {"b", b}}; }

  [[nodiscard]] Tensor slope(const Unrolled& run, std::size_t k) const override;
  void times_slope(const Unrolled& run, std::size_t k, const Tensor& g, const Tensor& u) const override;
  double gamma() const override { return ebb::gamma(activation); }
  const Tensor& recurrent_weights() const override { return W; }
  [[nodiscard]] std::unique_ptr<Cell> cast(DType dtype) const override;

  Activation activation;
  Tensor U, W, b;
};

}  // namespace ebb::nn
