#include "autograd/recurrent.h"

#include <array>

#include "autograd/elementwise.h"
#include "autograd/formulas.h"
#include "autograd/kernels/kernels.h"
#include "autograd/layout.h"
#include "autograd/matrix.h"
#include "autograd/packed.h"
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

// The activation's formula as an op; null for the identity.
const detail::UnaryOp* formula_of(Activation activation) {
  switch (activation) {
    case Activation::identity:
      return nullptr;
    case Activation::tanh:
      return &detail::unary_op<formulas::Tanh>();
    case Activation::logistic:
      return &detail::unary_op<formulas::Sigmoid>();
    case Activation::relu:
      return &detail::unary_op<formulas::Relu>();
  }
  return nullptr;
}

// u = g ∘ σ'(a), into g where nobody else holds it.
Tensor times_slope(const detail::UnaryOp* formula, Tensor g, const Tensor& s, bool recorded) {
  return formula ? detail::times_derivative(*formula, std::move(g), Tensor(), s, recorded) : g;
}

enum Input : Index { x_in, s_in, U_in, W_in, b_in };

// u ↦ u Wᵀ along a chain of steps: a W that stays the same is laid out once.
class TimesTransposed {
 public:
  explicit TimesTransposed(bool recorded) : recorded_(recorded) {}

  Tensor operator()(const Tensor& u, const Tensor& W) {
    if (recorded_) return matmul(u, W, {.transpose_b = true});
    if (!laid_out_.defined() || !laid_out_.is(W)) {
      laid_out_ = W;
      panels_ = detail::packed(W, /*transposed=*/true);
    }
    Tensor y = detail::uninitialised_like(u);  // W is square
    by_float_type("rnn_step", u.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const Index hidden = W.extent(0);
      kernels::table<T>().packed_product(u.extent(0), hidden, hidden, data<T>(u), hidden, 1, data<T>(panels_),
                                         data<T>(y), hidden, /*accumulate=*/false);
    });
    return y;
  }

 private:
  bool recorded_;
  Tensor laid_out_, panels_;
};

// With u = g ∘ σ'(a), the paths into the parameters at this step and back to the state before:
//   ∂U = x_tᵀ u,  ∂W = sᵀ u,  ∂b = Σ_batch u,  ∂s = u Wᵀ,  ∂x_t = u Uᵀ.
void rnn_step_rule(Sweep& sweep, const Record& last, Tensor g) {
  TimesTransposed times_transposed(sweep.recorded());
  Activation activation = activation_of(last);
  const detail::UnaryOp* formula = formula_of(activation);
  const Record* record = &last;
  while (record) {
    if (activation_of(*record) != activation) formula = formula_of(activation = activation_of(*record));
    const Tensor u = times_slope(formula, std::move(g), sweep.output(*record), sweep.recorded());
    const Index t = time_of(*record);
    sweep.give_products(*record,
                        {{.into = U_in, .from = x_in, .first = t * u.extent(0)},
                         {.into = W_in, .from = s_in},
                         {.into = b_in, .from = LeftFactor::ones}},
                        u);
    if (sweep.wants(*record, x_in))
      sweep.give_piece(*record, x_in, matmul(u, sweep.input(*record, U_in), {.transpose_b = true}), {.begin = t});
    if (!sweep.wants(*record, s_in)) return;
    g = times_transposed(u, sweep.input(*record, W_in));
    record = sweep.give_along(*record, s_in, g);
  }
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
  return times_slope(formula_of(activation_of(record)), total, tangents.output(record), tangents.recorded());
}
const Op rnn_step_op{.name = "rnn_step",
                     .vjp = rnn_step_rule,
                     .jvp = rnn_step_tangent,
                     .reads = 0b1111 | Op::reads_output,
                     .derivative = "with u = g · σ'(s_t): x_t: u Uᵀ, s: u Wᵀ, U: x_tᵀ u, W: sᵀ u, b: Σ u"};

template <class T>
void compute(const detail::UnaryOp* formula, const Tensor& x, Index t, const Tensor& s, const Tensor& packed_U,
             const Tensor& packed_W, const Tensor& b, const Tensor& y) {
  const kernels::Affine<T> f{.batch = x.extent(1),
                             .inputs = x.extent(2),
                             .hidden = s.extent(1),
                             .outputs = y.extent(1),
                             .bias = data<T>(b),
                             .x = data<T>(x) + t * x.extent(1) * x.extent(2),
                             .U = data<T>(packed_U),
                             .s = data<T>(s),
                             .W = data<T>(packed_W),
                             .y = data<T>(y),
                             .activate = formula ? detail::loops_of<T>(*formula).value : nullptr};
  kernels::table<T>().affine(f);
}

}  // namespace

const char* name(Activation activation) {
  return std::array{"identity", "tanh", "logistic", "relu"}[static_cast<std::size_t>(activation)];
}

double gamma(Activation activation) { return activation == Activation::logistic ? 0.25 : 1; }

Tensor slope(Activation activation, const Tensor& s) { return detail::times_slope(activation, ones_like(s), s); }

Tensor detail::times_slope(Activation activation, const Tensor& g, const Tensor& s) {
  return ebb::times_slope(formula_of(activation), g, s, /*recorded=*/Tape::current() != nullptr);
}

RnnSteps::RnnSteps(const Tensor& x, const Tensor& U, const Tensor& W, const Tensor& b, Activation activation)
    : x_(x), U_(U), W_(W), b_(b), activation_(activation), formula_(formula_of(activation)) {
  const bool fits = x.rank() == 3 && U.rank() == 2 && W.rank() == 2 && b.rank() == 1 && U.extent(0) == x.extent(2) &&
                    W.extent(0) == W.extent(1) && U.extent(1) == W.extent(1) && b.extent(0) == W.extent(1);
  if (!fits)
    fail<ShapeError>("rnn_step",
                     "shapes don't fit: x {}, U {}, W {}, b {}; expected x [time, batch, inputs], U [inputs, hidden], "
                     "W [hidden, hidden], b [hidden]",
                     x.shape(), U.shape(), W.shape(), b.shape());
  for (const Tensor* other : {&U, &W, &b})
    if (other->dtype() != x.dtype())
      fail("rnn_step", "x is {} and a parameter {}; cast one of them", name(x.dtype()), name(other->dtype()));
  times_ = x.extent(0);
  state_shape_ = {x.extent(1), W.extent(0)};
  packed_U_ = detail::packed(U, false);
  packed_W_ = detail::packed(W, false);
  const Transaction transaction;
  places_ = {place_on_tape(x), Record::none, place_on_tape(U), place_on_tape(W), place_on_tape(b)};
}

Tensor RnnSteps::operator()(Index t, const Tensor& s) const {
  if (!(s.shape() == state_shape_))
    fail<ShapeError>("rnn_step", "the state {} doesn't fit x {} and W {}; expected [batch, hidden]", s.shape(),
                     x_.shape(), W_.shape());
  if (s.dtype() != x_.dtype())
    fail("rnn_step", "x is {} and the state {}; cast one of them", name(x_.dtype()), name(s.dtype()));
  if (t < 0 || t >= times_) fail<ShapeError>("rnn_step", "step {} isn't inside x {}", t, x_.shape());
  Tensor y = detail::uninitialised_like(s);
  by_float_type("rnn_step", s.dtype(),
                [&](auto zero) { compute<decltype(zero)>(formula_, x_, t, s, packed_U_, packed_W_, b_, y); });
  const std::array<const Tensor*, 5> inputs{nullptr, &s};
  record(rnn_step_op, y, inputs, (t << activation_bits) | static_cast<std::int64_t>(activation_), places_.data());
  return y;
}

Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W, const Tensor& b,
                Activation activation) {
  const Transaction transaction;
  return RnnSteps(x, U, W, b, activation)(t, s);
}

}  // namespace ebb
