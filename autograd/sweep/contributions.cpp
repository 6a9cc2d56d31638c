#include "autograd/sweep/contributions.h"

#include <algorithm>

#include "autograd/kernels/kernels.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduction.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_float_type;
using detail::claim;
using detail::data;
using detail::fits;
using detail::make_writable;
using detail::require_type;

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

void require_finite(const Pass::State& pass, const Record& record, Index input, const Tensor& contribution) {
  const Index bad = detail::first_nonfinite(contribution);
  if (bad < 0) return;
  const Record& source = pass.records->at(record.inputs()[static_cast<std::size_t>(input)]);
  fail<NonFiniteError>("gradient",
                       "{} gives {} a gradient that isn't finite: {}; keep its input from where the derivative isn't "
                       "finite",
                       detail::describe(*pass.tape, record), detail::describe(*pass.tape, source),
                       detail::describe_element(contribution, bad));
}

void add_elements(const Tensor& sum, const Tensor& x) {
  by_float_type("gradient", sum.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::table<T>().add_into(data<T>(x), data<T>(sum), sum.size());
  });
}

// sum += x; in a plain sweep in the place of whichever of the two nobody else holds.
void add(Tensor& sum, Tensor& x, bool recorded) {
  if (recorded || !(claim(sum) || claim(x))) {
    sum = sum + x;
    return;
  }
  if (!detail::unique(sum)) std::swap(sum, x);
  add_elements(sum, x);
}

// A contribution that is to be looked at, or of another shape than the input, or to an input outside the first window.
[[gnu::noinline]] void give_checked(const Sweep& sweep, const Record& record, Index input, Tensor& contribution) {
  Pass::State& pass = sweep.state();
  Slot* const slot = pass.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!slot) return;
  const Tensor& like = sweep.unread_input(record, input);
  require_type(record, like, contribution);
  if (pass.check_finite) require_finite(pass, record, input, contribution);
  if (!fits(like, contribution)) {
    // A bias at every time step is gathered too, unless it met a single row.
    const bool waits = !sweep.recorded() && contribution.size() > like.size() && detail::is_bias(like, contribution);
    if (waits && detail::gather(sweep, record, {{.into = input}}, contribution)) return;
    if (!broadcasts_to(like.shape(), contribution.shape()))
      fail<ShapeError>("gradient", "the rule of {} gives a contribution of shape {} to an input of shape {}",
                       record.op.name, contribution.shape(), like.shape());
    if (!sweep.recorded() && contribution.size() == like.size()) {
      make_writable(slot->sum, like);
      return add_elements(slot->sum, contribution);
    }
    contribution = sum_to(contribution, like.shape());
  }
  if (slot->sum.defined())
    add(slot->sum, contribution, sweep.recorded());
  else
    std::swap(slot->sum, contribution);
}

}  // namespace

void Sweep::give(const Record& record, Index input, Tensor contribution) {
  Pass::State& pass = state();
  const std::uint32_t position = record.inputs()[static_cast<std::size_t>(input)];
  if (Slot* slot = pass.find_first(position)) {
    if (!slot->live) return;
    if (!pass.check_finite && fits(pass.records->at(position).output, contribution)) {
      if (slot->sum.defined()) return add(slot->sum, contribution, recorded());
      return std::swap(slot->sum, contribution);
    }
  }
  give_checked(*this, record, input, contribution);
}

void Sweep::give_piece(const Record& record, Index input, Tensor piece, const Region& region) {
  Pass::State& pass = state();
  Slot* slot = pass.find(record.inputs()[static_cast<std::size_t>(input)]);
  if (!slot) return;
  if (pass.check_finite) require_finite(pass, record, input, piece);
  if (recorded()) {
    Pieces& pieces = pass.pieces_of(*slot);
    pieces.pieces.push_back(std::move(piece));
    pieces.regions.push_back(region);
    pieces.rows.emplace_back(region.rows.defined() ? region.rows.version() : 0, record.index);
    return;
  }
  require_type(record, unread_input(record, input), piece);
  make_writable(slot->sum, unread_input(record, input));
  detail::add_piece(slot->sum, piece, region);
}

void detail::settle(const Sweep& sweep, Slot& slot, const Record& record) {
  Pass::State& pass = sweep.state();
  if (slot.gathering != Record::none) {
    for (std::size_t i = 0; i < pass.gathering_count; ++i) {
      const Gathering::Targets& targets = pass.gatherings[i].targets;
      if (std::find(targets.begin(), targets.end(), record.index) != targets.end()) multiply(pass, pass.gatherings[i]);
    }
    slot.gathering = Record::none;
  }
  if (slot.pieces == Record::none) return;
  Pieces& pieces = pass.pieces[slot.pieces];
  if (pieces.pieces.empty()) return;
  for (std::size_t i = 0; i < pieces.rows.size(); ++i) {
    const auto& [version, reader] = pieces.rows[i];
    sweep.require_version(pieces.regions[i].rows, version, pass.records->at(reader));
  }
  const Tensor whole = assemble(pieces.pieces, pieces.regions, record.output.shape());
  slot.sum = slot.sum.defined() ? slot.sum + whole : whole;
  pieces.clear();
}

}  // namespace ebb
