#include "article/network.h"

namespace article {

using ebb::f64;
using ebb::matmul;

Tensor activated(Activation activation, const Tensor& a) {
  switch (activation) {
    case Activation::tanh:
      return ebb::tanh(a);
    case Activation::logistic:
      return ebb::sigmoid(a);
    case Activation::relu:
      return ebb::relu(a);
    case Activation::identity:
      break;
  }
  return a;
}

Tensor Network::before_activation(Index j, const Tensor& before) const {
  return matmul(U, x[j - 1]) + matmul(W, before) + b;
}

Tensor Network::step(Index j, const Tensor& before) const {
  return activated(activation, before_activation(j, before));
}

std::vector<Tensor> Network::states(Index t) const {
  std::vector<Tensor> s = {s0};
  for (Index j = 1; j <= t; ++j) s.push_back(step(j, s.back()));
  return s;
}

nn::Rnn Network::as_rnn() const {
  ebb::Rng rng(1);
  nn::Rnn rnn({.inputs = U.extent(1), .hidden = W.extent(0), .activation = activation, .dtype = f64}, rng);
  rnn.U.assign(ebb::transpose(U));
  rnn.W.assign(ebb::transpose(W));
  rnn.b.assign(b);
  return rnn;
}

Tensor Network::as_sequence() const { return ebb::unsqueeze(x, 1); }

Network two_units(Activation activation, double scale) {
  ebb::Rng rng(20);
  return {.activation = activation,
          .U = ebb::tensor({{0.7}, {-0.4}}, f64),
          .W = ebb::tensor({{0.6, -0.5}, {0.3, 0.4}}, f64) * scale,
          .b = ebb::tensor({0.1, -0.2}, f64),
          .x = ebb::uniform({20, 1}, -1, 1, rng, f64),
          .s0 = ebb::tensor({0.5, -0.3}, f64)};
}

Network linear(const Tensor& W, const Tensor& s0) {
  const Index units = W.extent(0);
  return {.activation = Activation::identity,
          .U = ebb::zeros({units, 1}, f64),
          .W = W,
          .b = ebb::zeros({units}, f64),
          .x = ebb::zeros({20, 1}, f64),
          .s0 = s0};
}

Tensor loss(const Tensor& state) { return 0.5 * ebb::sum(ebb::square(state - 0.5)); }

Tensor immediate(const Network& net, Index j, const Tensor& before, const Tensor& v) {
  const Tensor constant = ebb::detach(before);
  Tape tape;
  return tape.gradient(net.step(j, constant), net.W, {.seed = v});
}

Tensor derivative(Tape& tape, const Tensor& y, const Tensor& x) {
  const ebb::Pause pause;
  return tape.jacobian(y, x).matrix();
}

}  // namespace article
