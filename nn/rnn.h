// The vanilla recurrent network.
#pragma once

#include <vector>

#include "autograd/recurrent.h"
#include "nn/initialize.h"
#include "nn/parameter.h"

namespace ebb::nn {

using Activation = ebb::Activation;

// A cell's run over a sequence: states[k] is s_k, [batch, hidden], for k = 0 (the initial state) to T.
struct Unrolled {
  std::vector<Tensor, Reused<Tensor>> states;

  const Tensor& last() const { return states.back(); }
  Index steps() const { return static_cast<Index>(states.size()) - 1; }
  // s_1 … s_T as one tensor [T, batch, hidden], for a loss at every step. ShapeError for no steps.
  [[nodiscard]] Tensor outputs() const;
};

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
class Rnn {
 public:
  // ShapeError unless both extents are positive.
  Rnn(const RnnOptions& options, Rng& rng);

  // x: [time, batch, inputs]; x_k is x[k − 1]. The initial state, [batch, hidden], is zero where none is given. T = 0
  // gives the initial state alone.
  [[nodiscard]] Unrolled operator()(const Tensor& x) const;
  [[nodiscard]] Unrolled operator()(const Tensor& x, const Tensor& initial) const;
  Parameters parameters() const { return {{"U", U}, {"W", W}, {"b", b}}; }

  Activation activation;
  Tensor U, W, b;
};

}  // namespace ebb::nn
