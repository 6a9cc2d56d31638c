// Steps of recurrent cells, one record each.
#pragma once

#include "autograd/tensor.h"

namespace ebb {

// The nonlinearity σ of a recurrent cell. Its derivative is a function of its result for all of these.
enum class Activation { identity, tanh, logistic, relu };

const char* name(Activation activation);
// γ, the largest that |σ'| can be: 1/4 for the logistic function, else 1.
double gamma(Activation activation);
// σ'(a) as a function of s = σ(a), elementwise.
[[nodiscard]] Tensor slope(Activation activation, const Tensor& s);

// One step of a vanilla recurrent network, s' = σ(x_t U + s W + b), for x: [time, batch, inputs], s: [batch, hidden],
// U: [inputs, hidden], W: [hidden, hidden], b: [hidden]. One record that keeps s' alone: x_t is read from x in place,
// and the derivative needs no other value of its own.
[[nodiscard]] Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W,
                              const Tensor& b, Activation activation);

}  // namespace ebb
