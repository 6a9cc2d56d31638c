// The reverse sweep: a loop over the tape, last record to first, and the one place where contributions add up.
#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/kernels/kernels.h"
#include "autograd/matrix.h"
#include "autograd/reduction.h"
#include "autograd/tape_state.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::unique;

namespace {

// A sweep over a long tape waits for memory more than it computes: a record's header is asked for this many ahead.
constexpr std::uint32_t fetched_ahead = 12;
void fetch(const Record& record) {
  const auto* header = reinterpret_cast<const char*>(&record.output.body());
  __builtin_prefetch(header);
  __builtin_prefetch(header + sizeof(detail::Body) / 2);
}

// Rows of products that are gathered before they are multiplied.
constexpr Index gathered_rows = 256;

// a + b, into whichever of the two nobody else holds.
Tensor sum_in_place(Tensor a, Tensor b) {
  if (!unique(a)) std::swap(a, b);
  if (!unique(a)) return a + b;
  by_float_type("gradient", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::table<T>().add_into(data<T>(b), data<T>(a), a.size());
  });
  return a;
}

// Makes the cell's sum one that can be added into: `like`'s shape, zeros if there is none yet.
void make_writable(Tensor& sum, const Tensor& like) {
  if (!sum.defined())
    sum = zeros_like(like);
  else if (!unique(sum))
    sum = detach(sum);
}

void require_type(const Record& record, const Tensor& input, const Tensor& contribution) {
  if (contribution.dtype() != input.dtype())
    fail("gradient", "the rule of {} gives a {} contribution to a {} input", record.op.name, name(contribution.dtype()),
         name(input.dtype()));
}

}  // namespace

// ---- what a rule sees

bool Sweep::wants(const Record& record, Index input) const {
  return state_.find(record.inputs()[static_cast<std::size_t>(input)]) != nullptr;
}

void Sweep::give(const Record& record, Index input, Tensor contribution) {
  Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  const Tensor& like = unread_input(record, input);
  require_type(record, like, contribution);
  if (state_.check_finite) require_finite(record, input, contribution);
  if (!(contribution.shape() == like.shape())) {
    if (!broadcasts_to(like.shape(), contribution.shape()))
      fail<ShapeError>("gradient", "the rule of {} gives a contribution of shape {} to an input of shape {}",
                       record.op.name, contribution.shape(), like.shape());
    contribution = sum_to(contribution, like.shape());
  }
  if (!cell->sum.defined())
    cell->sum = std::move(contribution);
  else if (recorded_)
    cell->sum = cell->sum + contribution;
  else
    cell->sum = sum_in_place(std::move(cell->sum), std::move(contribution));
}

void Sweep::give_product(const Record& record, Index input, const Tensor& a, const Tensor& b) {
  Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  if (recorded_ || state_.check_finite) {
    give(record, input, matmul(a, b, {.transpose_a = true}));
    return;
  }
  const Tensor& like = unread_input(record, input);
  require_type(record, like, a);
  require_type(record, like, b);
  if (a.rank() != 2 || b.rank() != 2 || a.extent(0) != b.extent(0) ||
      !(like.shape() == Shape{a.extent(1), b.extent(1)}))
    fail<ShapeError>("gradient", "the rule of {} gives {}ᵀ × {} to an input of shape {}", record.op.name, a.shape(),
                     b.shape(), like.shape());
  Pending& pending = state_.pending_of(*cell);
  pending.products.emplace_back(a, b);
  pending.rows += a.extent(0);
  if (pending.rows >= gathered_rows) add_products(*cell, like);
}

void Sweep::give_piece(const Record& record, Index input, Tensor piece, const Place& place) {
  Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  if (state_.check_finite) require_finite(record, input, piece);
  if (recorded_) {
    Pending& pending = state_.pending_of(*cell);
    pending.pieces.push_back(std::move(piece));
    pending.places.push_back(place);
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

void Sweep::add_products(Cell& cell, const Tensor& like) {
  Pending& pending = state_.pending[cell.pending];
  make_writable(cell.sum, like);
  by_float_type("gradient", like.dtype(), [&](auto zero) {
    using T = decltype(zero);
    state_.left_rows.clear();
    state_.right_rows.clear();
    for (const auto& [a, b] : pending.products)
      for (Index r = 0; r < a.extent(0); ++r) {
        state_.left_rows.push_back(data<T>(a) + r * a.extent(1));
        state_.right_rows.push_back(data<T>(b) + r * b.extent(1));
      }
    kernels::table<T>().gathered_product(
        like.extent(0), like.extent(1), pending.rows, reinterpret_cast<const T* const*>(state_.left_rows.data()),
        reinterpret_cast<const T* const*>(state_.right_rows.data()), data<T>(cell.sum), like.extent(1));
  });
  pending.products.clear();
  pending.rows = 0;
}

void Sweep::settle(Cell& cell, const Tensor& like) {
  if (cell.pending == Record::none) return;
  Pending& pending = state_.pending[cell.pending];
  if (!pending.products.empty()) add_products(cell, like);
  if (pending.pieces.empty()) return;
  const Tensor whole = assemble(pending.pieces, pending.places, like.shape());
  cell.sum = cell.sum.defined() ? cell.sum + whole : whole;
  pending.pieces.clear();
  pending.places.clear();
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
  const PassLevel level(*this);
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

void Sweep::run(Window& window, const Observer& observer) {
  Tape::State& tape = *state_.tape->state_;
  const std::uint32_t first = window.first, end = first + static_cast<std::uint32_t>(window.cells.size());
  tape.walked += 2 * window.cells.size();
  // Forwards: what lies behind something that was asked for.
  for (std::uint32_t i = first; i < end; ++i) {
    const Record& record = tape.at(i);
    Cell& cell = window.cells[i - first];
    if (cell.live || !record.op.vjp) continue;
    for (const std::uint32_t input : record.inputs()) cell.live |= state_.find(input) != nullptr;
  }
  // Backwards: each record hands on what has arrived at it.
  for (std::uint32_t i = end; i-- > first;) {
    if (i >= first + fetched_ahead) fetch(tape.at(i - fetched_ahead));
    Cell& cell = window.cells[i - first];
    if (!cell.live) continue;
    const Record& record = tape.at(i);
    settle(cell, record.output);
    if (!cell.sum.defined()) continue;
    if (observer) {
      const Pause pause;
      observer(record, cell.sum);
    }
    if (record.op.vjp) record.op.vjp(*this, record, cell.asked ? cell.sum : std::move(cell.sum));
  }
}

void Sweep::expand(const std::function<Tensor()>& f, Tensor g) {
  Expansion expansion(*state_.tape, state_, recorded_);
  Window& window = expansion.run(f);
  window.cells.back().sum = std::move(g);
  run(window, {});
}

// Every result is the caller's own.
void Tape::collect(Pass::State& pass, std::span<Tensor> results, bool recorded) {
  const Window& window = pass.windows.front();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Target& target = pass.targets[i];
    Cell& cell = pass.windows.front().cells[target.position - window.first];
    const Tensor& source = state_->at(target.position).output;
    Tensor g = !cell.sum.defined() ? zeros_like(source) : --cell.asked == 0 ? std::move(cell.sum) : cell.sum;
    g = detail::owned(*this, detail::part_of(*this, target, std::move(g)), recorded);
    if (!recorded && outer_) g.body().position = {id_, Record::none, g.version()};
    results[i] = std::move(g);
  }
}

}  // namespace ebb
