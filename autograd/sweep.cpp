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

const Tensor& checked(const Record& source, const Record& reader) {
  const std::uint32_t now = source.output.version();
  if (now != source.version)
    fail<StaleValueError>("gradient",
                          "the derivative of record {} ({}) reads the value of record {} ({}, shape {}), which was "
                          "written since: version {} was recorded, now it is {}; sweep before writing, or clone it",
                          reader.index, reader.op.name, source.index, source.op.name, source.output.shape(),
                          source.version, now);
  return source.output;
}

}  // namespace

// ---- what a rule sees

bool Sweep::wants(const Record& record, Index input) const {
  return state_.find(record.inputs()[static_cast<std::size_t>(input)]) != nullptr;
}

const Tensor& Sweep::unread_input(const Record& record, Index input) const {
  return state_.tape->state_->at(record.inputs()[static_cast<std::size_t>(input)]).output;
}

const Tensor& Sweep::input(const Record& record, Index input) const {
  return checked(state_.tape->state_->at(record.inputs()[static_cast<std::size_t>(input)]), record);
}

const Tensor& Sweep::output(const Record& record) const { return checked(record, record); }

void Sweep::give(const Record& record, Index input, Tensor contribution) {
  Cell* cell = state_.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!cell) return;
  const Tensor& like = unread_input(record, input);
  require_type(record, like, contribution);
  if (!(contribution.shape() == like.shape())) contribution = sum_to(contribution, like.shape());
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
  if (recorded_) {
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

// ---- contributions that waited

Pending& Sweep::State::pending_of(Cell& cell) {
  if (cell.pending == Record::none) {
    if (pending_count == pending.size()) pending.emplace_back();
    cell.pending = pending_count++;
  }
  return pending[cell.pending];
}

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

void Sweep::State::clear() {
  cells.clear();
  for (std::uint32_t i = 0; i < pending_count; ++i) {
    pending[i].products.clear();
    pending[i].pieces.clear();
    pending[i].places.clear();
    pending[i].rows = 0;
  }
  pending_count = 0;
  targets.clear();
}

// ---- what was asked for

namespace {

// The first record whose values those of x, a view, are part of; null if there is none.
const Record* find_viewed(const Tape& tape, const Tensor& x, Index& offset) {
  for (Index i = 0; i < tape.size(); ++i) {
    const detail::Body& other = tape[i].output.body();
    offset = (x.body().data - other.data) / static_cast<std::ptrdiff_t>(bytes_of(x.dtype()));
    if (&other.storage() == x.body().root && offset >= 0 && offset + x.size() <= other.size) return &tape[i];
  }
  return nullptr;
}

// Finds x on the tape: its record, or that of the tensor which x is a view of. A view that the tape met only after the
// result, if at all, is looked for in what it is a view of.
void find_target(const Tape& tape, const Record& y, const Tensor& x, std::size_t argument, Target& target) {
  target.shape = x.shape();
  if (x.dtype() == i64) fail<TapeError>("gradient", "argument {} is int64: indices have no gradient", argument);
  const Record* record = tape.find(x);
  for (Tensor at = x; true; at = record->output) {
    const bool unknown = !record || (record->index > y.index && !detail::is_view(*record));
    Index offset = 0;
    if (const Record* viewed = unknown && at.body().root ? find_viewed(tape, at, offset) : nullptr) {
      target.views.push_back({.offset = offset, .shape = at.shape()});
      record = viewed;
    }
    if (!record)
      fail<TapeError>("gradient",
                      "argument {}, of shape {}, was never used on this tape; compute the result from it while the "
                      "tape records",
                      argument, x.shape());
    if (!detail::is_view(*record)) break;
    target.views.push_back({.record = record->index});
    record = &tape[record->inputs()[0]];
  }
  target.position = record->index;
}

void require_before(const Record& y, const Target& target, std::size_t argument, const Tape& tape) {
  const Record& x = tape[target.position];
  if (x.index > y.index)
    fail<TapeError>(
        "gradient",
        "argument {} is record {} ({}, shape {}), made after the result, which is record {} ({}); if it was "
        "written since, ask before writing",
        argument, x.index, x.op.name, target.shape, y.index, y.op.name);
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
  const Record* end = find(y);
  if (!end)
    fail<TapeError>("gradient", "the result, of shape {}, wasn't computed on this tape{}", y.shape(),
                    size() == 0 ? ", which is empty" : "; compute it while the tape records");
  if (y.dtype() == i64) fail<TapeError>("gradient", "the result is int64: indices have no gradient");

  // A level of scratch memory, given back whatever happens.
  State& state = *state_;
  if (state.sweep_depth == state.sweeps.size()) state.sweeps.push_back(std::make_unique<Sweep::State>());
  Sweep::State& scratch = *state.sweeps[state.sweep_depth];
  struct Level {
    State& state;
    Sweep::State& scratch;
    ~Level() {
      scratch.clear();
      --state.sweep_depth;
    }
  };
  ++state.sweep_depth;
  const Level level{state, scratch};

  scratch.tape = this;
  scratch.targets.resize(xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    find_target(*this, *end, xs[i], i, scratch.targets[i]);
    require_before(*end, scratch.targets[i], i, *this);
  }
  const std::uint32_t before = state.size;
  try {
    const Pause pause(options.recorded ? this : nullptr);
    sweep(end->index, scratch, seed_of(y, options.seed), options);
    collect(scratch, results, options.recorded);
  } catch (...) {
    truncate(before);
    throw;
  }
}

void Tape::sweep(std::uint32_t last, Sweep::State& scratch, Tensor seed, const GradientOptions& options) {
  State& state = *state_;
  std::uint32_t first = last;
  for (const Target& target : scratch.targets) first = std::min(first, target.position);
  scratch.first = first;
  scratch.cells.resize(last - first + 1);
  for (const Target& target : scratch.targets) {
    ++scratch.cells[target.position - first].asked;
    scratch.cells[target.position - first].live = true;
  }
  // Forwards: what lies behind something that was asked for.
  for (std::uint32_t i = first; i <= last; ++i) {
    const Record& record = state.at(i);
    Cell& cell = scratch.cells[i - first];
    if (cell.live || !record.op.vjp) continue;
    for (const std::uint32_t input : record.inputs()) cell.live |= scratch.find(input) != nullptr;
  }
  // Backwards: each record hands on what has arrived at it.
  if (scratch.cells.back().live) scratch.cells.back().sum = std::move(seed);
  Sweep sweep(scratch, options.recorded);
  for (std::uint32_t i = last + 1; i-- > first;) {
    if (i >= first + fetched_ahead) fetch(state.at(i - fetched_ahead));
    Cell& cell = scratch.cells[i - first];
    if (!cell.live) continue;
    const Record& record = state.at(i);
    sweep.settle(cell, record.output);
    if (!cell.sum.defined()) continue;
    if (options.observer) {
      const Pause pause;
      options.observer(record, cell.sum);
    }
    if (record.op.vjp) record.op.vjp(sweep, record, cell.asked ? cell.sum : std::move(cell.sum));
  }
}

// Every result is the caller's own: what is held elsewhere too is copied.
void Tape::collect(Sweep::State& scratch, std::span<Tensor> results, bool recorded) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Target& target = scratch.targets[i];
    Cell& cell = scratch.cells[target.position - scratch.first];
    const Tensor& source = state_->at(target.position).output;
    Tensor g = !cell.sum.defined() ? zeros_like(source) : --cell.asked == 0 ? std::move(cell.sum) : cell.sum;
    for (auto view = target.views.rbegin(); view != target.views.rend(); ++view)
      g = view->record != Record::none
              ? detail::view_again(state_->at(view->record), g)
              : reshape(slice(reshape(g, Shape{g.size()}), view->offset, view->offset + view->shape.size()),
                        view->shape);
    const std::uint32_t own_handles = recorded && g.position().tape == id_ ? 2 : 1;
    if (g.body().root || g.body().references.get() > own_handles) g = recorded ? clone(g) : detach(g);
    if (!recorded && outer_) g.body().position = {id_, Record::none};
    results[i] = std::move(g);
  }
}

}  // namespace ebb
