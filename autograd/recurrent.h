// Steps of recurrent cells, one record each.
#pragma once

#include <array>

#include "autograd/tensor.h"

namespace ebb {

namespace detail {
struct UnaryOp;
}

// The nonlinearity σ of a recurrent cell. Its derivative is a function of its result for all of these.
enum class Activation { identity, tanh, logistic, relu };

const char* name(Activation activation);
// γ, the largest that |σ'| can be: 1/4 for the logistic function, else 1.
double gamma(Activation activation);
// σ'(a) as a function of s = σ(a), elementwise.
[[nodiscard]] Tensor slope(Activation activation, const Tensor& s);
namespace detail {
// u = g ∘ σ'(a) for g, s = σ(a) and u of one shape and type, as a sweep computes it: 0 where g is. Nothing is recorded.
void times_slope(Activation activation, const Tensor& g, const Tensor& s, const Tensor& u);
}  // namespace detail

// One step of a vanilla recurrent network, s' = σ(x_t U + s W + b), for x: [time, batch, inputs], s: [batch, hidden],
// U: [inputs, hidden], W: [hidden, hidden], b: [hidden]. One record that keeps s' alone: x_t is read from x in place,
// and the derivative needs no other value of its own.
[[nodiscard]] Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W,
                              const Tensor& b, Activation activation);

// Many such steps over one sequence: what they share is checked, laid out and found on the tape once. For use while the
// tape that records (or none) is the one that recorded when it was made, and nobody writes to what it was made from.
class RnnSteps {
 public:
  RnnSteps(const Tensor& x, const Tensor& U, const Tensor& W, const Tensor& b, Activation activation);
  [[nodiscard]] Tensor operator()(Index t, const Tensor& s) const;

 private:
  Tensor x_, U_, W_, b_;
  Tensor packed_U_, packed_W_;
  Index times_ = 0, batch_ = 0, inputs_ = 0, hidden_ = 0;
  Activation activation_;
  const detail::UnaryOp* formula_;       // null for the identity
  std::array<std::uint32_t, 5> places_;  // on the tape: x, none for the state, U, W, b
};

}  // namespace ebb
