// The forward direction: a loop over the tape, first record to last, that pushes tangents on.
#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduction.h"
#include "autograd/tape_state.h"

namespace ebb {

const Tensor& Tangents::of(const Record& record, Index input) const {
  static const Tensor zero;
  const Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  return cell ? cell->sum : zero;
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

}  // namespace

void Tangents::run(Window& window) const {
  Tape::State& tape = *state_.tape->state_;
  const std::uint32_t first = window.first, end = first + static_cast<std::uint32_t>(window.cells.size());
  tape.walked += 2 * window.cells.size();
  const auto here = [&](std::uint32_t position) {
    return position != Record::none && position >= first && position < end ? &window.cells[position - first] : nullptr;
  };
  // Backwards: what the result depends on, and how many readers each tangent will have.
  window.cells.back().live = true;
  for (std::uint32_t i = end; i-- > first;) {
    if (!window.cells[i - first].live) continue;
    for (const std::uint32_t input : tape.at(i).inputs())
      if (Cell* cell = here(input)) {
        cell->live = true;
        ++cell->asked;
      }
  }
  // Forwards: each record's tangent from those of its inputs, which go when their last reader has had them.
  for (std::uint32_t i = first; i < end; ++i) {
    Cell& cell = window.cells[i - first];
    if (!cell.live) continue;
    const Record& record = tape.at(i);
    if (Tensor t = tangent_of(*this, *state_.tape, record); t.defined())
      cell.sum = cell.sum.defined() ? cell.sum + t : std::move(t);
    if (state_.check_finite && cell.sum.defined()) require_finite(*state_.tape, record, cell.sum);
    for (const std::uint32_t input : record.inputs())
      if (Cell* read = here(input); read && --read->asked == 0) read->sum = Tensor();
  }
}

Tensor Tangents::expand(const std::function<Tensor()>& f) const {
  Expansion expansion(*state_.tape, state_, recorded_);
  Window& window = expansion.run(f);
  run(window);
  return window.cells.back().sum;
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
  const PassLevel level("jvp", *this);
  detail::find_targets("jvp", *this, end, xs, *level);
  for (std::size_t i = 0; i < xs.size(); ++i) require_tangent(xs[i], tangents[i], i);
  const std::uint32_t before = state_->size;
  try {
    const Pause pause(options.recorded ? this : nullptr);
    Tensor result = push(end.index, *level, tangents, options.recorded);
    if (!options.recorded && outer_) result.body().position = {id_, Record::none, result.version()};
    return result;
  } catch (...) {
    truncate(before);
    throw;
  }
}

Tensor Tape::push(std::uint32_t last, Pass::State& pass, std::span<const Tensor> tangents, bool recorded) {
  std::uint32_t first = last;
  for (const Target& target : pass.targets) first = std::min(first, target.position);
  Window& window = pass.open_window(first, last);
  for (std::size_t i = 0; i < tangents.size(); ++i) {
    Tensor& sum = window.cells[pass.targets[i].position - first].sum;
    const Tensor t = detail::among_zeros(*this, pass.targets[i], tangents[i]);
    sum = sum.defined() ? sum + t : t;
  }
  Tangents(pass, recorded).run(window);
  Tensor& result = window.cells.back().sum;
  return detail::owned(*this, result.defined() ? std::move(result) : zeros_like(state_->at(last).output), recorded);
}

}  // namespace ebb
