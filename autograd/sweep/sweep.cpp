// The reverse sweep: a loop over the tape, last record to first, in which each record hands on what has arrived at it.
// How contributions add up stands in contributions.cpp.
#include "autograd/sweep/contributions.h"
#include "autograd/tensor/access.h"

namespace ebb {

namespace {

Tensor seed_of(const Tensor& y, const Tensor& seed);
void sweep_over(Sweep& sweep, Window& window, const Observer* observer);
void mark_live(Pass::State& pass, Window& window);
void look_at(const Sweep& sweep, const Record& record, const Tensor& gradient);
void collect(Pass::State& pass, Window& window, std::span<Tensor> results, bool recorded);

}  // namespace

void Tape::gradients(const Tensor& y, std::span<const Tensor> xs, std::span<Tensor> results,
                     const GradientOptions& options) {
  if (xs.size() != results.size())
    fail<ShapeError>("gradient", "{} tensors are asked about and {} results can be held", xs.size(), results.size());
  const Record& end = detail::find_result("gradient", *this, y);
  const PassLevel pass("gradient", *this);
  detail::find_targets("gradient", *this, end, xs, pass->targets);
  const detail::Meanwhile recording(options.recorded ? this : nullptr);

  Window& window = pass->open_between_targets_and(end);
  for (const Target& target : pass->targets) {
    window.slot(target.position).live = true;
    ++window.slot(target.position).uses;
  }
  window.slots.back().sum = seed_of(y, options.seed);
  Sweep sweep(*pass, options.recorded);
  sweep_over(sweep, window, options.observer ? &options.observer : nullptr);
  collect(*pass, window, results, options.recorded);
}

namespace {

// Backwards over the window.
void sweep_over(Sweep& sweep, Window& window, const Observer* observer) {
  Pass::State& pass = sweep.state();
  Tape::State& records = *pass.records;
  const WithinSweep within(pass, observer);
  mark_live(pass, window);
  Slot* const slots = window.slots.data();
  const std::uint32_t first = window.first;
  for (pass.at = window.end(); pass.at-- > first;) {
    const Record& record = records.at(pass.at);
    detail::fetch_before(record);
    Slot& slot = slots[pass.at - first];
    if (!slot.live) continue;
    if (slot.waits()) detail::settle(sweep, slot, record);
    if (!slot.sum.defined()) continue;
    if (pass.observer || pass.check_finite) look_at(sweep, record, slot.sum);
    if (record.op.vjp) record.op.vjp(sweep, record, slot.uses > 0 ? slot.sum : std::move(slot.sum));
  }
}

// Forwards over the window: a record is live where something that was asked for leads to it.
void mark_live(Pass::State& pass, Window& window) {
  const bool alone = pass.window_count == 1;  // then no input outside of the window matters
  Slot* const slots = window.slots.data();
  const std::uint32_t first = window.first, size = window.end() - first;
  pass.records->walked += 2 * window.slots.size();
  pass.records->forwards(window.first, window.end(), [&](const Record& record, std::uint32_t position) {
    Slot& slot = slots[position - first];
    if (slot.live || !record.op.vjp) return;
    for (const std::uint32_t input : record.inputs()) {
      const std::uint32_t at = input - first;
      slot.live |= at < size ? slots[at].live : !alone && pass.find(input);
    }
  });
}

// The gradients that were asked for, from their slots; each the caller's own.
void collect(Pass::State& pass, Window& window, std::span<Tensor> results, bool recorded) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Target& target = pass.targets[i];
    Slot& slot = window.slot(target.position);
    const bool last_use = --slot.uses == 0;
    Tensor g = !slot.sum.defined() ? zeros_like(pass.records->at(target.position).output)
               : last_use          ? std::move(slot.sum)
                                   : slot.sum;
    results[i] = detail::owned(*pass.tape, detail::part_of(*pass.tape, target, std::move(g)), recorded);
    if (!recorded) pass.records->mark_as_result(results[i]);
  }
}

Tensor seed_of(const Tensor& y, const Tensor& seed) {
  if (!seed.defined()) {
    if (y.size() != 1)
      fail<ShapeError>("gradient", "the result has shape {}: give a seed of that shape, or reduce it to one element",
                       y.shape());
    return ones_like(y);
  }
  if (!(seed.shape() == y.shape()))
    fail<ShapeError>("gradient", "the seed has shape {}, the result {}; they must be equal", seed.shape(), y.shape());
  if (seed.dtype() != y.dtype())
    fail("gradient", "the seed is {}, the result {}; cast the seed", name(seed.dtype()), name(y.dtype()));
  return seed;
}

// A sum of finite contributions, or a seed, may be infinite all the same.
void require_finite_sum(const Pass::State& pass, const Record& record, const Tensor& gradient) {
  const Index bad = detail::first_nonfinite(gradient);
  if (bad < 0) return;
  fail<NonFiniteError>("gradient",
                       "the gradients that arrive at {} add up to one that isn't finite: {}; scale the result or its "
                       "seed down",
                       detail::describe(*pass.tape, record), detail::describe_element(gradient, bad));
}

// What has arrived at the record is whole now: it is looked at, and shown to the observer.
void look_at(const Sweep& sweep, const Record& record, const Tensor& gradient) {
  const Pass::State& pass = sweep.state();
  if (pass.check_finite) require_finite_sum(pass, record, gradient);
  if (!pass.observer) return;
  if (!sweep.recorded()) {
    (*pass.observer)(record, gradient);
    if (Tape::current()) detail::record_nothing();  // it left a tape of its own
    return;
  }
  const Pause pause;
  (*pass.observer)(record, gradient);
}

}  // namespace

// ---- other ways to ask

std::vector<Tensor> Tape::gradients(const Tensor& y, std::span<const Tensor> xs, const GradientOptions& options) {
  std::vector<Tensor> results(xs.size());
  gradients(y, xs, results, options);
  return results;
}

Tensor Tape::gradient(const Tensor& y, const Tensor& x, const GradientOptions& options) {
  Tensor result;
  gradients(y, std::span(&x, 1), std::span(&result, 1), options);
  return result;
}

// ---- what rules ask of a sweep

bool Sweep::wants(const Record& record, Index input) const {
  return state().find(record.inputs()[static_cast<std::size_t>(input)]) != nullptr;
}

void Sweep::expand(const std::function<Tensor()>& f, Tensor g) {
  Pass::State& pass = state();
  Expansion expansion(*pass.tape, pass, recorded());
  Window& window = expansion.run(f);
  window.slots.back().sum = std::move(g);
  sweep_over(*this, window, nullptr);
  // What waits may read values that are about to be dropped.
  pass.end_gatherings([&pass](Gathering& gathering) { detail::multiply(pass, gathering); });
}

}  // namespace ebb
