#include "autograd/recurrent.h"

#include <array>

#include "autograd/elementwise.h"
#include "autograd/formulas.h"
#include "autograd/kernels/kernels.h"
#include "autograd/layout.h"
#include "autograd/matrix.h"
#include "autograd/matrix_kernels.h"
#include "autograd/reduction.h"
#include "autograd/tape.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::uninitialised;

namespace {

// The record's attribute: the time step and the activation.
constexpr int activation_bits = 2;
Activation activation_of(const Record& record) {
  return static_cast<Activation>(record.attribute & ((1 << activation_bits) - 1));
}
Index time_of(const Record& record) { return record.attribute >> activation_bits; }

// f(op) with the activation's formula as an op; not for the identity.
template <class F>
decltype(auto) with_formula(Activation activation, F&& f) {
  switch (activation) {
    case Activation::logistic:
      return f(detail::unary_op<formulas::Sigmoid>());
    case Activation::relu:
      return f(detail::unary_op<formulas::Relu>());
    default:
      return f(detail::unary_op<formulas::Tanh>());
  }
}

// u = g ∘ σ'(a), into g where nobody else holds it.
Tensor times_slope(Activation activation, Tensor g, const Tensor& s, bool recorded) {
  if (activation == Activation::identity) return g;
  return with_formula(activation, [&](const detail::UnaryOp& op) {
    return detail::times_derivative(op, std::move(g), Tensor(), s, recorded);
  });
}

enum Input : Index { x_in, s_in, U_in, W_in, b_in };

// With u = g ∘ σ'(a), the paths into the parameters at this step and back to the state before:
//   ∂U = x_tᵀ u,  ∂W = sᵀ u,  ∂b = Σ_batch u,  ∂s = u Wᵀ,  ∂x_t = u Uᵀ.
void rnn_step_rule(Sweep& sweep, const Record& record, Tensor g) {
  const Tensor u = times_slope(activation_of(record), std::move(g), sweep.output(record), sweep.recorded());
  const Index t = time_of(record);
  if (sweep.wants(record, U_in)) sweep.give_product(record, U_in, select(sweep.input(record, x_in), t), u);
  if (sweep.wants(record, W_in)) sweep.give_product(record, W_in, sweep.input(record, s_in), u);
  if (sweep.wants(record, b_in)) sweep.give(record, b_in, u);
  if (sweep.wants(record, s_in)) sweep.give(record, s_in, matmul(u, sweep.input(record, W_in), {.transpose_b = true}));
  if (sweep.wants(record, x_in))
    sweep.give_piece(record, x_in, matmul(u, sweep.input(record, U_in), {.transpose_b = true}), {.begin = t});
}

// σ'(a) ∘ (ẋ_t U + x_t U̇ + ṡ W + s Ẇ + ḃ)
Tensor rnn_step_tangent(const Tangents& tangents, const Record& record) {
  Tensor total;
  const auto add = [&total](const Tensor& term) { total = total.defined() ? total + term : term; };
  const auto value = [&](Input i) -> const Tensor& { return tangents.input(record, i); };
  const auto tangent = [&](Input i) -> const Tensor& { return tangents.of(record, i); };
  const Index t = time_of(record);
  if (tangent(x_in).defined()) add(matmul(select(tangent(x_in), t), value(U_in)));
  if (tangent(U_in).defined()) add(matmul(select(value(x_in), t), tangent(U_in)));
  if (tangent(s_in).defined()) add(matmul(tangent(s_in), value(W_in)));
  if (tangent(W_in).defined()) add(matmul(value(s_in), tangent(W_in)));
  if (tangent(b_in).defined()) add(broadcast_to(tangent(b_in), record.output.shape()));
  return times_slope(activation_of(record), total, tangents.output(record), tangents.recorded());
}
const Op rnn_step_op{.name = "rnn_step",
                     .vjp = rnn_step_rule,
                     .jvp = rnn_step_tangent,
                     .reads = 0b1111 | Op::reads_output,
                     .derivative = "with u = g · σ'(s_t): x_t: u Uᵀ, s: u Wᵀ, U: x_tᵀ u, W: sᵀ u, b: Σ u"};

void require(bool fits, const char* what, const Tensor& x, const Tensor& s, const Tensor& U, const Tensor& W,
             const Tensor& b) {
  if (!fits)
    fail<ShapeError>("rnn_step",
                     "{}: x {}, s {}, U {}, W {}, b {}; expected x [time, batch, inputs], s [batch, hidden], "
                     "U [inputs, hidden], W [hidden, hidden], b [hidden]",
                     what, x.shape(), s.shape(), U.shape(), W.shape(), b.shape());
}

}  // namespace

const char* name(Activation activation) {
  return std::array{"identity", "tanh", "logistic", "relu"}[static_cast<std::size_t>(activation)];
}

double gamma(Activation activation) { return activation == Activation::logistic ? 0.25 : 1; }

Tensor slope(Activation activation, const Tensor& s) {
  return times_slope(activation, ones_like(s), s, /*recorded=*/Tape::current() != nullptr);
}

Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W, const Tensor& b,
                Activation activation) {
  require(x.rank() == 3 && s.rank() == 2 && U.rank() == 2 && W.rank() == 2 && b.rank() == 1, "wrong rank", x, s, U, W,
          b);
  const Index batch = x.extent(1), inputs = x.extent(2), hidden = W.extent(1);
  require(s.shape() == Shape{batch, hidden} && U.shape() == Shape{inputs, hidden} &&
              W.shape() == Shape{hidden, hidden} && b.extent(0) == hidden,
          "shapes don't fit", x, s, U, W, b);
  for (const Tensor* other : {&s, &U, &W, &b})
    if (other->dtype() != x.dtype())
      fail("rnn_step", "x is {} and another argument {}; cast one of them", name(x.dtype()), name(other->dtype()));
  if (t < 0 || t >= x.extent(0)) fail<ShapeError>("rnn_step", "step {} isn't inside x {}", t, x.shape());

  Tensor y = uninitialised(x.dtype(), s.shape());
  by_float_type("rnn_step", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& table = kernels::table<T>();
    T* out = data<T>(y);
    for (Index i = 0; i < batch; ++i) std::copy_n(data<T>(b), hidden, out + i * hidden);
    table.product(batch, hidden, inputs, data<T>(x) + t * batch * inputs, inputs, 1, data<T>(U), hidden, out, hidden,
                  /*accumulate=*/true);
    detail::multiply(s, false, W, false, y, /*accumulate=*/true);
    if (activation != Activation::identity)
      with_formula(activation, [&](const detail::UnaryOp& op) { detail::loops_of<T>(op).value(out, out, y.size()); });
  });
  record(rnn_step_op, y, {&x, &s, &U, &W, &b}, (t << activation_bits) | static_cast<std::int64_t>(activation));
  return y;
}

}  // namespace ebb
