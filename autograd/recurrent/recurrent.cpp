#include "autograd/recurrent/recurrent.h"

#include <algorithm>
#include <array>

#include "autograd/formulas/formulas.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/packed.h"
#include "autograd/ops/reduction.h"
#include "autograd/recurrent/chain.h"
#include "autograd/tape/state.h"
#include "autograd/tensor/access.h"

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

// The same on their elements.
template <class T>
void times_slope(const detail::UnaryOp* formula, const T* g, const T* s, T* u, Index n) {
  if (formula)
    detail::loops_of<T>(*formula).vjp(g, s, s, u, n);  // it reads no argument
  else
    std::copy_n(g, n, u);
}

enum Input : Index { x_in, s_in, U_in, W_in, b_in };

// With u = g ∘ σ'(a), the paths into the parameters at this step and back to the state before:
//   ∂U = x_tᵀ u,  ∂W = sᵀ u,  ∂b = Σ_batch u,  ∂s = u Wᵀ,  ∂x_t = u Uᵀ.
void by_ops(Sweep& sweep, const Record& record, Tensor g) {
  const Tensor u = times_slope(formula_of(activation_of(record)), std::move(g), sweep.output(record), sweep.recorded());
  const Index t = time_of(record);
  sweep.give_products(record, {{U_in, x_in, t * u.extent(0)}, {W_in, s_in}, {b_in}}, u);
  if (sweep.wants(record, x_in))
    sweep.give_piece(record, x_in, matmul(u, sweep.input(record, U_in), {.transpose_b = true}), {.begin = t});
  if (sweep.wants(record, s_in)) sweep.give(record, s_in, matmul(u, sweep.input(record, W_in), {.transpose_b = true}));
}

// The same along a chain of steps, without a tensor for each u.
template <class T>
void along_chain(Sweep& sweep, const Record& last, Tensor g) {
  const Index batch = g.extent(0), hidden = g.extent(1), inputs = sweep.unread_input(last, U_in).extent(0);
  const bool wants_x = sweep.wants(last, x_in);
  const kernels::Table<T>& kernels = kernels::table<T>();
  Tensor panels_of_U, panels_of_W;  // transposed
  const auto product = [&](const T* u, Index width, const Tensor& panels, const Tensor& y) {
    kernels.packed_product(batch, width, hidden, u, hidden, 1, data<T>(panels), data<T>(y), width, false);
  };
  Chain chain(sweep, last, std::move(g), s_in, {{U_in, x_in}, {W_in, s_in}, {b_in}}, hidden);
  Activation activation = activation_of(last);
  const detail::UnaryOp* formula = formula_of(activation);
  while (true) {
    const Record& record = chain.record();
    g = chain.take_gradient();
    if (activation_of(record) != activation) formula = formula_of(activation = activation_of(record));
    T* u = reinterpret_cast<T*>(chain.room());
    times_slope(formula, data<T>(g), data<T>(chain.output()), u, batch * hidden);
    const Index t = time_of(record);
    chain.give_products({t * batch, 0, 0});
    if (wants_x) {
      const Tensor& U = chain.input(U_in);
      if (!panels_of_U.defined()) panels_of_U = detail::packed(U, true);
      Tensor to_x = uninitialised(g.dtype(), {batch, inputs});
      product(u, inputs, panels_of_U, to_x);
      sweep.give_piece(record, x_in, std::move(to_x), {.begin = t});
    }
    chain.show(g);
    if (!chain.goes_on()) return;
    const Tensor& W = chain.input(W_in);
    if (!panels_of_W.defined()) panels_of_W = detail::packed(W, true);
    Tensor to_s = chain.place_of(std::move(g));
    product(u, hidden, panels_of_W, to_s);
    if (!chain.pass_on(std::move(to_s))) return;
  }
}

void rnn_step_rule(Sweep& sweep, const Record& record, Tensor g) {
  if (!Chain::suits(sweep, g.extent(0))) return by_ops(sweep, record, std::move(g));
  by_float_type("rnn_step", g.dtype(), [&](auto zero) { along_chain<decltype(zero)>(sweep, record, std::move(g)); });
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

}  // namespace

const char* name(Activation activation) {
  return std::array{"identity", "tanh", "logistic", "relu"}[static_cast<std::size_t>(activation)];
}

double gamma(Activation activation) { return activation == Activation::logistic ? 0.25 : 1; }

Tensor slope(Activation activation, const Tensor& s) {
  return times_slope(formula_of(activation), ones_like(s), s, /*recorded=*/Tape::current() != nullptr);
}

void detail::times_slope(Activation activation, const Tensor& g, const Tensor& s, const Tensor& u) {
  for (const Tensor* other : {&g, &u})
    if (other->size() != s.size() || other->dtype() != s.dtype())
      fail<ShapeError>("times_slope", "{} {} beside a state {} {}; they must be alike", name(other->dtype()),
                       other->shape(), name(s.dtype()), s.shape());
  by_float_type("times_slope", g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    ++u.body().storage().version;
    ebb::times_slope(formula_of(activation), data<T>(g), data<T>(s), data<T>(u), g.size());
  });
}

namespace {

// Steps over one sequence, by whoever has a Transaction open: what they share is checked, laid out and found on the
// tape once. In the meantime the tape must stay the one that records, and nobody may write what the steps are made
// from.
class Steps {
 public:
  Steps(const char* op, const Tensor& x, const Tensor& U, const Tensor& W, const Tensor& b, Activation activation);
  // ShapeError, or Error for another type, unless s can be a state.
  void require_state(const Tensor& s) const;
  Index count() const { return times_; }
  Tensor operator()(Index t, const Tensor& s) const;

 private:
  const char* op_;  // who asks, for messages
  const Tensor &x_, &b_;
  Tensor packed_U_, packed_W_;
  Index times_ = 0, batch_ = 0, inputs_ = 0, hidden_ = 0;
  Activation activation_;
  const detail::UnaryOp* formula_;          // null for the identity
  Tape::State* tape_;                       // null where none records
  std::array<std::uint32_t, 5> positions_;  // there: x, none for the state, U, W, b
};

Steps::Steps(const char* op, const Tensor& x, const Tensor& U, const Tensor& W, const Tensor& b, Activation activation)
    : op_(op), x_(x), b_(b), activation_(activation), formula_(formula_of(activation)) {
  const bool fits = x.rank() == 3 && U.rank() == 2 && W.rank() == 2 && b.rank() == 1 && U.extent(0) == x.extent(2) &&
                    W.extent(0) == W.extent(1) && U.extent(1) == W.extent(1) && b.extent(0) == W.extent(1);
  if (!fits)
    fail<ShapeError>(op,
                     "shapes don't fit: x {}, U {}, W {}, b {}; expected x [time, batch, inputs], U [inputs, hidden], "
                     "W [hidden, hidden], b [hidden]",
                     x.shape(), U.shape(), W.shape(), b.shape());
  for (const Tensor* other : {&U, &W, &b})
    if (other->dtype() != x.dtype())
      fail(op, "x is {} and a parameter {}; cast one of them", name(x.dtype()), name(other->dtype()));
  times_ = x.extent(0);
  batch_ = x.extent(1);
  inputs_ = x.extent(2);
  hidden_ = W.extent(0);
  packed_U_ = detail::packed(U, false);
  packed_W_ = detail::packed(W, false);
  tape_ = Tape::current() ? &Tape::current()->state() : nullptr;
  if (tape_)
    positions_ = {tape_->position(x), Record::none, tape_->position(U), tape_->position(W), tape_->position(b)};
}

void Steps::require_state(const Tensor& s) const {
  if (s.rank() != 2 || s.extent(0) != batch_ || s.extent(1) != hidden_)
    fail<ShapeError>(op_, "the state {} doesn't fit x {} and W {}; expected [batch, hidden]", s.shape(), x_.shape(),
                     Shape{hidden_, hidden_});
  if (s.dtype() != x_.dtype())
    fail(op_, "x is {} and the state {}; cast one of them", name(x_.dtype()), name(s.dtype()));
}

// The state after s, which fits, by the inputs at 0 ≤ t < T.
Tensor Steps::operator()(Index t, const Tensor& s) const {
  Tensor y = detail::uninitialised_like(s);
  by_float_type(op_, s.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::table<T>().affine({.batch = batch_,
                                .inputs = inputs_,
                                .hidden = hidden_,
                                .outputs = hidden_,
                                .bias = data<T>(b_),
                                .x = data<T>(x_) + t * batch_ * inputs_,
                                .U = data<T>(packed_U_),
                                .s = data<T>(s),
                                .W = data<T>(packed_W_),
                                .y = data<T>(y),
                                .activate = formula_ ? detail::loops_of<T>(*formula_).value : nullptr});
  });
  if (tape_)
    tape_->append(rnn_step_op, y,
                  {positions_[x_in], tape_->position(s), positions_[U_in], positions_[W_in], positions_[b_in]}, 5,
                  (t << activation_bits) | static_cast<std::int64_t>(activation_));
  return y;
}

}  // namespace

Tensor rnn_step(const Tensor& x, Index t, const Tensor& s, const Tensor& U, const Tensor& W, const Tensor& b,
                Activation activation) {
  const Transaction transaction;
  const Steps step("rnn_step", x, U, W, b, activation);
  step.require_state(s);
  if (t < 0 || t >= step.count()) fail<ShapeError>("rnn_step", "step {} isn't inside x {}", t, x.shape());
  return step(t, s);
}

States rnn(const Tensor& x, const Tensor& initial, const Tensor& U, const Tensor& W, const Tensor& b,
           Activation activation) {
  const Transaction transaction;
  const Steps step("rnn", x, U, W, b, activation);
  step.require_state(initial);
  States states;
  states.reserve(static_cast<std::size_t>(step.count()) + 1);
  states.push_back(initial);
  for (Index t = 0; t < step.count(); ++t) states.push_back(step(t, states.back()));
  return states;
}

}  // namespace ebb
