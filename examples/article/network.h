// The networks that the lesson looks at, in the article's convention: vectors are columns, a_j = U x_j + W s_{j−1} + b.
// The library's nn::Rnn has a sequence a row, so that its U and W are the transposes of these.
#pragma once

#include <nn/nn.h>

#include <vector>

#include "article/lesson.h"

namespace article {

namespace nn = ebb::nn;
using ebb::Activation;
using ebb::Tape;

// s_j = σ(U x_j + W s_{j−1} + b) in float64, U: [units, inputs], W: [units, units], b and s_0: [units].
struct Network {
  Activation activation;
  Tensor U, W, b;
  Tensor x;  // [time, inputs]; x_j is x[j − 1]
  Tensor s0;

  // a_j, and s_j.
  Tensor before_activation(Index j, const Tensor& before) const;
  Tensor step(Index j, const Tensor& before) const;
  // s_0 … s_t.
  std::vector<Tensor> states(Index t) const;
  // The same network as the library's own, and its one sequence: [time, 1, inputs].
  nn::Rnn as_rnn() const;
  Tensor as_sequence() const;
};

// Two units, one input, 20 steps of noise; W is multiplied by `scale`.
Network two_units(Activation activation, double scale = 1);
// s_j = w s_{j−1}: no input and no nonlinearity.
Network linear(const Tensor& W, const Tensor& s0);

// L_t = ½ ‖s_t − (½, ½)‖²
Tensor loss(const Tensor& state);
// σ(a)
Tensor activated(Activation activation, const Tensor& a);
// vᵀ ∂⁺s_j/∂W, the immediate derivative: s_{j−1} is a constant.
Tensor immediate(const Network& net, Index j, const Tensor& before, const Tensor& v);
// ∂y/∂x between two points of the tape, by sweeps over the records that lie between them.
Tensor derivative(Tape& tape, const Tensor& y, const Tensor& x);

}  // namespace article
