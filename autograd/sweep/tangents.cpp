// The forward direction: a loop over the tape, first record to last, that pushes tangents on.
#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduction.h"
#include "autograd/sweep/pass.h"
#include "autograd/tensor/access.h"

namespace ebb {

const Tensor& Tangents::of(const Record& record, Index input) const {
  static const Tensor zero;
  const Slot* slot = state().find(record.inputs()[static_cast<std::size_t>(input)]);
  return slot ? slot->sum : zero;
}

Tensor Tangents::or_zeros(const Record& record, Index input) const {
  const Tensor& tangent = of(record, input);
  return tangent.defined() ? tangent : zeros_like(unread_input(record, input));
}

namespace {

Tensor tangent_of(const Tangents& tangents, const Tape& tape, const Record& record) {
  bool any = false;
  for (Index i = 0; i < record.count && !any; ++i) any = tangents.of(record, i).defined();
  if (!any || (!record.op.jvp && !record.op.vjp)) return {};
  if (!record.op.jvp)
    fail<TapeError>("jvp", "{} has no jvp, so no tangent can be pushed through it; give its op one, or use vjp",
                    detail::describe(tape, record));
  Tensor t = record.op.jvp(tangents, record);
  if (!t.defined()) return t;
  if (t.dtype() != record.output.dtype())
    fail("jvp", "the rule of {} gives a {} tangent to a {} output", record.op.name, name(t.dtype()),
         name(record.output.dtype()));
  if (t.shape() == record.output.shape()) return t;
  if (!broadcasts_to(t.shape(), record.output.shape()))
    fail<ShapeError>("jvp", "the rule of {} gives a tangent of shape {} to an output of shape {}", record.op.name,
                     t.shape(), record.output.shape());
  return broadcast_to(t, record.output.shape());
}

void require_finite(const Tape& tape, const Record& record, const Tensor& tangent) {
  if (const Index bad = detail::first_nonfinite(tangent); bad >= 0)
    fail<NonFiniteError>("jvp",
                         "{} has a tangent that isn't finite: {}; keep its input from where the derivative "
                         "isn't finite",
                         detail::describe(tape, record), detail::describe_element(tangent, bad));
}

// Backwards over the window: what its last record depends on, and how many records read each tangent.
void mark_live(Pass::State& pass, Window& window) {
  pass.records->walked += 2 * window.slots.size();
  window.slots.back().live = true;
  for (std::uint32_t i = window.end(); i-- > window.first;) {
    if (!window.slot(i).live) continue;
    for (const std::uint32_t input : pass.records->at(i).inputs())
      if (Slot* slot = window.find(input)) {
        slot->live = true;
        ++slot->uses;
      }
  }
}

// Forwards: each record's tangent from those of its inputs, which go when their last reader has had them.
void walk_over(const Tangents& tangents, Window& window) {
  Pass::State& pass = tangents.state();
  mark_live(pass, window);
  for (std::uint32_t i = window.first; i < window.end(); ++i) {
    Slot& slot = window.slot(i);
    if (!slot.live) continue;
    const Record& record = pass.records->at(i);
    if (Tensor t = tangent_of(tangents, *pass.tape, record); t.defined())
      slot.sum = slot.sum.defined() ? slot.sum + t : std::move(t);
    if (pass.check_finite && slot.sum.defined()) require_finite(*pass.tape, record, slot.sum);
    for (const std::uint32_t input : record.inputs())
      if (Slot* read = window.find(input); read && --read->uses == 0) read->sum = Tensor();
  }
}

}  // namespace

Tensor Tangents::expand(const std::function<Tensor()>& f) const {
  Expansion expansion(*state().tape, state(), recorded());
  Window& window = expansion.run(f);
  walk_over(*this, window);
  return window.slots.back().sum;
}

Tensor Tape::jvp(const Tensor& y, const Tensor& x, const Tensor& tangent, const TangentOptions& options) {
  return jvp(y, std::span(&x, 1), std::span(&tangent, 1), options);
}

namespace {

void require_tangent(const Tensor& x, const Tensor& tangent, std::size_t argument) {
  if (!(tangent.shape() == x.shape()))
    fail<ShapeError>("jvp", "the tangent of argument {} has shape {}, the argument {}; they must be equal", argument,
                     tangent.shape(), x.shape());
  if (tangent.dtype() != x.dtype())
    fail("jvp", "the tangent of argument {} is {}, the argument {}; cast the tangent", argument, name(tangent.dtype()),
         name(x.dtype()));
}

}  // namespace

Tensor Tape::jvp(const Tensor& y, std::span<const Tensor> xs, std::span<const Tensor> tangents,
                 const TangentOptions& options) {
  if (xs.size() != tangents.size())
    fail<ShapeError>("jvp", "{} tensors and {} tangents; give each its own", xs.size(), tangents.size());
  const Record& end = detail::find_result("jvp", *this, y);
  const PassLevel pass("jvp", *this);
  detail::find_targets("jvp", *this, end, xs, pass->targets);
  for (std::size_t i = 0; i < xs.size(); ++i) require_tangent(xs[i], tangents[i], i);
  const detail::Meanwhile recording(options.recorded ? this : nullptr);

  Window& window = pass->open_between_targets_and(end);
  for (std::size_t i = 0; i < tangents.size(); ++i) {
    Tensor& sum = window.slot(pass->targets[i].position).sum;
    const Tensor t = detail::among_zeros(*this, pass->targets[i], tangents[i]);
    sum = sum.defined() ? sum + t : t;
  }
  walk_over(Tangents(*pass, options.recorded), window);
  Tensor& sum = window.slots.back().sum;
  Tensor result = detail::owned(*this, sum.defined() ? std::move(sum) : zeros_like(end.output), options.recorded);
  if (!options.recorded) state().mark_as_result(result);
  return result;
}

}  // namespace ebb
