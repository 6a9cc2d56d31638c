// What both directions share: the values that rules read, scratch memory, and records that stand in for another.
#include <cmath>

#include "autograd/reduction.h"
#include "autograd/tape_state.h"

namespace ebb {

using detail::checked;

void detail::refuse_stale(const char* op, const Record& source, const Record& reader) {
  if (source.output.version() == source.version)
    fail<StaleValueError>(op,
                          "the derivative of record {} ({}) reads the value of record {} ({}, shape {}), of which an "
                          "Edit is open: version {} was recorded, and what stands there now may be another; end the "
                          "Edit before recording, or clone the tensor",
                          reader.index, reader.op.name, source.index, source.op.name, source.output.shape(),
                          source.version);
  fail<StaleValueError>(op,
                        "the derivative of record {} ({}) reads the value of record {} ({}, shape {}), which was "
                        "written since: version {} was recorded, now it is {}; sweep before writing, or clone it",
                        reader.index, reader.op.name, source.index, source.op.name, source.output.shape(),
                        source.version, source.output.version());
}

const Tensor& Pass::unread_input(const Record& record, Index input) const {
  return state_.records->at(record.inputs()[static_cast<std::size_t>(input)]).output;
}

const Tensor& Pass::input(const Record& record, Index input) const {
  return checked(state_.op, state_.records->at(record.inputs()[static_cast<std::size_t>(input)]), record);
}

const Tensor& Pass::output(const Record& record) const { return checked(state_.op, record, record); }

void Pass::require_version(const Tensor& x, std::uint32_t version, const Record& record) const {
  if (!x.defined() || detail::has_version(x.body(), version)) return;
  fail<StaleValueError>(
      state_.op,
      "the derivative of record {} ({}) reads a value of shape {} that it saved, and that was written "
      "since, or is open to be: version {} was saved, now it is {}; save a clone of it",
      record.index, record.op.name, x.shape(), version, x.version());
}

// ---- scratch memory

Window& Pass::State::open_window(std::uint32_t from, std::uint32_t last) {
  if (window_count == windows.size()) windows.push_back(std::make_unique<Window>());
  Window& window = *windows[window_count];
  window.first = from;
  window.cells.resize(last - from + 1);
  if (window_count++ == 0) {
    first = from;
    count = static_cast<std::uint32_t>(window.cells.size());
    cells = window.cells.data();
  }
  return window;
}

void Pass::State::close_window() noexcept {
  windows[--window_count]->cells.clear();
  if (window_count == 0) count = 0;
}

Cell* Pass::State::find_within(std::uint32_t position) {
  for (std::size_t i = 1; i < window_count; ++i) {
    Window& window = *windows[i];
    if (position - window.first >= window.cells.size()) continue;
    Cell& cell = window.cells[position - window.first];
    return cell.live ? &cell : nullptr;
  }
  return nullptr;
}

Pieces& Pass::State::pieces_of(Cell& cell) {
  if (cell.pieces == Record::none) {
    if (pieces_count == pieces.size()) pieces.emplace_back();
    cell.pieces = pieces_count++;
  }
  return pieces[cell.pieces];
}

void Pass::State::clear() noexcept {
  while (window_count > 0) close_window();
  end_gatherings([](Gathering& gathering) { gathering.clear(); });
  for (std::uint32_t i = 0; i < pieces_count; ++i) {
    pieces[i].pieces.clear();
    pieces[i].places.clear();
  }
  pieces_count = 0;
  targets.clear();
}

namespace {

Pass::State& next_level(const char* op, Tape& tape, Tape::State& state) {
  if (state.pass_depth == state.passes.size()) state.passes.push_back(std::make_unique<Pass::State>());
  Pass::State& pass = *state.passes[state.pass_depth];
  pass.op = op;
  pass.tape = &tape;
  pass.records = &state;
  pass.check_finite = tape.options().check_finite;
  ++state.pass_depth;
  return pass;
}

}  // namespace

PassLevel::PassLevel(const char* op, Tape& tape) : tape_(tape), pass_(next_level(op, tape, *tape.state_)) {}

PassLevel::~PassLevel() {
  pass_.clear();
  --tape_.state_->pass_depth;
}

// ---- records that stand in for another

Expansion::Expansion(Tape& tape, Pass::State& pass, bool kept)
    : tape_(tape), pass_(pass), kept_(kept), before_(tape.state_->size) {}

Expansion::~Expansion() {
  if (opened_) pass_.close_window();
  if (!kept_) tape_.truncate(before_);
}

Window& Expansion::run(const std::function<Tensor()>& f) {
  const Pause pause(&tape_);
  const Tensor y = f();
  const Record* end = tape_.find(y);
  if (!end || end->index < before_) fail<TapeError>("expand", "the result wasn't recorded by the function itself");
  Window& window = pass_.open_window(before_, end->index);
  opened_ = true;
  return window;
}

// ---- finite or not

Index detail::first_nonfinite(const Tensor& x) {
  if (x.dtype() == i64 || std::isfinite(largest_magnitude(x))) return -1;
  Index i = 0;
  while (std::isfinite(element(x, i))) ++i;
  return i;
}

std::string detail::describe_element(const Tensor& x, Index flat) {
  std::vector<Index> at(static_cast<std::size_t>(x.rank()));
  Index rest = flat;
  for (Index axis = x.rank() - 1; axis >= 0; --axis) {
    at[static_cast<std::size_t>(axis)] = rest % x.extent(axis);
    rest /= x.extent(axis);
  }
  return fmt::format("{} at [{}] of shape {}", std::isnan(element(x, flat)) ? NAN : element(x, flat),
                     fmt::join(at, ", "), x.shape());
}

std::string detail::describe(const Tape& tape, const Record& record) {
  const std::string scope = tape.scope(record);
  return fmt::format("record {} ({}{})", record.index, record.op.name,
                     scope.empty() ? "" : fmt::format(", scope \"{}\"", scope));
}

}  // namespace ebb
