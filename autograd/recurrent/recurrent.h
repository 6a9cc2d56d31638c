// Steps of recurrent cells, one record each.
#pragma once

#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb {

// The nonlinearity σ of a recurrent cell. Its derivative is a function of its result for all of these.
enum class Activation { identity, tanh, logistic, relu };

const char* name(Activation activation);
// γ, the largest that |σ'| can be: 1/4 for the logistic function, else 1.
double gamma(Activation activation);
// σ'(a) as a function of s = σ(a), elementwise.
[[nodiscard]] Tensor slope(Activation activation, const Tensor& s);
namespace detail {
// u = g ∘ σ'(a) for g, s = σ(a) and u of one shape and type (ShapeError), as a sweep computes it: 0 where g is. Nothing
// is recorded.
void times_slope(Activation activation, const Tensor& g, const Tensor& s, const Tensor& u);
}  // namespace detail

// One step of a vanilla recurrent network, s' = σ(x_t U + s W + b), for x: [time, batch, inputs], s: [batch, hidden],
// U: [inputs, hidden], W: [hidden, hidden], b: [hidden]. One record that keeps s' alone: x_t is read from x in place,
// and the derivative needs no other value of its own.
[[nodiscard]] Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W,
                              const Tensor& b, Activation activation);

// The states of a run, by step.
using States = std::vector<Tensor, Reused<Tensor>>;

// All steps over a sequence, for x: [time, batch, inputs] and the initial state s_0: [batch, hidden]: s_0 … s_T, where
// s_k is rnn_step of x_k = x[k − 1] and s_{k−1}. What the steps share is checked, laid out for products and found on
// the tape once.
[[nodiscard]] States rnn(const Tensor& x, const Tensor& initial, const Tensor& U, const Tensor& W, const Tensor& b,
                         Activation activation);

}  // namespace ebb
