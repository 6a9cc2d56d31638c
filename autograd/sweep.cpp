// The reverse sweep: a loop over the tape, last record to first, and the one place where contributions add up.
#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/kernels/kernels.h"
#include "autograd/layout.h"
#include "autograd/matrix.h"
#include "autograd/reduction.h"
#include "autograd/tape_state.h"

namespace ebb {

using detail::by_float_type;
using detail::claim;
using detail::data;
using detail::fetch_before;
using detail::fits;
using detail::is_bias;
using detail::make_writable;
using detail::require_type;
using detail::unique;

namespace {

// A sum of finite contributions, or a seed, may be infinite all the same.
void require_finite_sum(const Tape& tape, const Record& record, const Tensor& gradient) {
  const Index bad = detail::first_nonfinite(gradient);
  if (bad < 0) return;
  fail<NonFiniteError>("gradient",
                       "the gradients that arrive at {} add up to one that isn't finite: {}; scale the result or its "
                       "seed down",
                       detail::describe(tape, record), detail::describe_element(gradient, bad));
}

}  // namespace

void detail::make_writable(Tensor& sum, const Tensor& like) {
  if (!sum.defined())
    sum = zeros_like(like);
  else if (!claim(sum))
    sum = detach(sum);
}

void detail::require_type(const Record& record, const Tensor& input, const Tensor& contribution) {
  if (contribution.dtype() != input.dtype())
    fail("gradient", "the rule of {} gives a {} contribution to a {} input", record.op.name, name(contribution.dtype()),
         name(input.dtype()));
}

namespace {

void add_elements(const Tensor& sum, const Tensor& x) {
  by_float_type("gradient", sum.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::table<T>().add_into(data<T>(x), data<T>(sum), sum.size());
  });
}

}  // namespace

// ---- what a rule sees

bool Sweep::wants(const Record& record, Index input) const {
  return state_.find(record.inputs()[static_cast<std::size_t>(input)]) != nullptr;
}

void Sweep::give(const Record& record, Index input, Tensor contribution) {
  const std::uint32_t position = record.inputs()[static_cast<std::size_t>(input)], at = position - state_.first;
  if (at < state_.count) {
    Cell& cell = state_.cells[at];
    if (!cell.live) return;
    if (!state_.check_finite && fits(state_.records->at(position).output, contribution)) {
      if (cell.sum.defined()) return add(cell.sum, contribution);
      return std::swap(cell.sum, contribution);
    }
  }
  give_checked(record, input, contribution);
}

// The same for any: one that is to be looked at, or of another shape, or to an input outside the first window.
[[gnu::noinline]] void Sweep::give_checked(const Record& record, Index input, Tensor& contribution) {
  Cell* const cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  const Tensor& like = unread_input(record, input);
  require_type(record, like, contribution);
  if (state_.check_finite) require_finite(record, input, contribution);
  if (!fits(like, contribution)) {
    // A bias at every time step is gathered too, unless it met a single row.
    const bool waits = !recorded_ && contribution.size() > like.size() && is_bias(like, contribution);
    if (waits && gather(record, {{.into = input}}, contribution)) return;
    if (!broadcasts_to(like.shape(), contribution.shape()))
      fail<ShapeError>("gradient", "the rule of {} gives a contribution of shape {} to an input of shape {}",
                       record.op.name, contribution.shape(), like.shape());
    if (!recorded_ && contribution.size() == like.size()) {
      make_writable(cell->sum, like);
      return add_elements(cell->sum, contribution);
    }
    contribution = sum_to(contribution, like.shape());
  }
  if (cell->sum.defined())
    add(cell->sum, contribution);
  else
    std::swap(cell->sum, contribution);
}

// sum += x; in a plain sweep in the place of whichever of the two nobody else holds.
void Sweep::add(Tensor& sum, Tensor& x) const {
  if (recorded_ || !(claim(sum) || claim(x))) {
    sum = sum + x;
    return;
  }
  if (!unique(sum)) std::swap(sum, x);
  add_elements(sum, x);
}

void Sweep::give_piece(const Record& record, Index input, Tensor piece, const Place& place) {
  Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  if (state_.check_finite) require_finite(record, input, piece);
  if (recorded_) {
    Pieces& pieces = state_.pieces_of(*cell);
    pieces.pieces.push_back(std::move(piece));
    pieces.places.push_back(place);
    return;
  }
  require_type(record, unread_input(record, input), piece);
  make_writable(cell->sum, unread_input(record, input));
  detail::add_piece(cell->sum, piece, place);
}

void Sweep::require_finite(const Record& record, Index input, const Tensor& contribution) const {
  const Index bad = detail::first_nonfinite(contribution);
  if (bad < 0) return;
  const Tape& tape = *state_.tape;
  const Record& source = tape[record.inputs()[static_cast<std::size_t>(input)]];
  fail<NonFiniteError>("gradient",
                       "{} gives {} a gradient that isn't finite: {}; keep its input from where the derivative isn't "
                       "finite",
                       detail::describe(tape, record), detail::describe(tape, source),
                       detail::describe_element(contribution, bad));
}

// ---- contributions that waited

void Sweep::settle(Cell& cell, const Record& record) {
  if (cell.gathering != Record::none) {
    for (std::size_t i = 0; i < state_.gathering_count; ++i) {
      const Gathering::Targets& targets = state_.gatherings[i].targets;
      if (std::find(targets.begin(), targets.end(), record.index) != targets.end()) multiply(state_.gatherings[i]);
    }
    cell.gathering = Record::none;
  }
  if (cell.pieces == Record::none) return;
  Pieces& pieces = state_.pieces[cell.pieces];
  if (pieces.pieces.empty()) return;
  const Tensor whole = assemble(pieces.pieces, pieces.places, record.output.shape());
  cell.sum = cell.sum.defined() ? cell.sum + whole : whole;
  pieces.pieces.clear();
  pieces.places.clear();
}

// ---- what was asked for

namespace {

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

}  // namespace

Tensor Tape::gradient(const Tensor& y, const Tensor& x, const GradientOptions& options) {
  Tensor result;
  gradients(y, std::span(&x, 1), std::span(&result, 1), options);
  return result;
}

std::vector<Tensor> Tape::gradients(const Tensor& y, std::span<const Tensor> xs, const GradientOptions& options) {
  std::vector<Tensor> results(xs.size());
  gradients(y, xs, results, options);
  return results;
}

void Tape::gradients(const Tensor& y, std::span<const Tensor> xs, std::span<Tensor> results,
                     const GradientOptions& options) {
  if (xs.size() != results.size())
    fail<ShapeError>("gradient", "{} tensors are asked about and {} results can be held", xs.size(), results.size());
  const Record& end = detail::find_result("gradient", *this, y);
  const PassLevel level("gradient", *this);
  detail::find_targets("gradient", *this, end, xs, *level);
  const std::uint32_t before = state_->size;
  try {
    const Pause pause(options.recorded ? this : nullptr);
    sweep(end.index, *level, seed_of(y, options.seed), options);
    collect(*level, results, options.recorded);
  } catch (...) {
    truncate(before);
    throw;
  }
}

void Tape::sweep(std::uint32_t last, Pass::State& pass, Tensor seed, const GradientOptions& options) {
  std::uint32_t first = last;
  for (const Target& target : pass.targets) first = std::min(first, target.position);
  Window& window = pass.open_window(first, last);
  for (const Target& target : pass.targets) {
    ++window.cells[target.position - first].asked;
    window.cells[target.position - first].live = true;
  }
  window.cells.back().sum = std::move(seed);
  Sweep(pass, options.recorded).run(window, options.observer);
}

// Forwards: what lies behind something that was asked for.
void Sweep::mark_live(Window& window) {
  Cell* const cells = window.cells.data();
  const std::uint32_t first = window.first, size = static_cast<std::uint32_t>(window.cells.size());
  const bool alone = state_.window_count == 1;
  state_.records->forwards(first, first + size, [&](const Record& record, std::uint32_t i) {
    Cell& cell = cells[i - first];
    if (cell.live || !record.op.vjp) return;
    for (const std::uint32_t input : record.inputs()) {
      const std::uint32_t at = input - first;
      cell.live |= at < size ? cells[at].live : !alone && state_.find(input);
    }
  });
}

void Sweep::run(Window& window, const Observer& observer) {
  Tape::State& tape = *state_.tape->state_;
  const std::uint32_t first = window.first, end = first + static_cast<std::uint32_t>(window.cells.size());
  tape.walked += 2 * window.cells.size();
  const Observer* outer = std::exchange(observer_, observer ? &observer : nullptr);
  const std::uint32_t outer_passed = passed_;
  mark_live(window);
  // Backwards: each record hands on what has arrived at it.
  for (std::uint32_t i = end; i-- > first;) {
    const Record& record = tape.at(i);
    fetch_before(record);
    Cell& cell = window.cells[i - first];
    if (!cell.live) continue;
    if ((cell.gathering & cell.pieces) != Record::none) settle(cell, record);
    if (!cell.sum.defined()) continue;
    if (observer_ || state_.check_finite) pass_by(record, cell.sum);
    if (!record.op.vjp) continue;
    passed_ = i;
    record.op.vjp(*this, record, cell.asked ? cell.sum : std::move(cell.sum));
    i = passed_;
  }
  observer_ = outer;
  passed_ = outer_passed;
}

// What has arrived at the record is whole now.
void Sweep::pass_by(const Record& record, const Tensor& gradient) const {
  if (state_.check_finite) require_finite_sum(*state_.tape, record, gradient);
  if (observer_) show(record, gradient);
}

void Sweep::expand(const std::function<Tensor()>& f, Tensor g) {
  Expansion expansion(*state_.tape, state_, recorded_);
  Window& window = expansion.run(f);
  window.cells.back().sum = std::move(g);
  run(window, {});
  // What waits may read values that are about to be dropped.
  state_.end_gatherings([this](Gathering& gathering) { multiply(gathering); });
}

// Every result is the caller's own.
void Tape::collect(Pass::State& pass, std::span<Tensor> results, bool recorded) {
  Window& window = *pass.windows.front();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Target& target = pass.targets[i];
    Cell& cell = window.cells[target.position - window.first];
    const Tensor& source = state_->at(target.position).output;
    Tensor g = !cell.sum.defined() ? zeros_like(source) : --cell.asked == 0 ? std::move(cell.sum) : cell.sum;
    g = detail::owned(*this, detail::part_of(*this, target, std::move(g)), recorded);
    if (!recorded && outer_) g.body().position = {id_, Record::none, g.version()};
    results[i] = std::move(g);
  }
}

}  // namespace ebb
