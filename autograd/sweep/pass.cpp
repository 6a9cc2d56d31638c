#include "autograd/sweep/pass.h"

#include <array>
#include <exception>

namespace ebb {

using detail::checked;

void detail::refuse_stale(const char* op, const Record& source, const Record& reader) {
  if (source.output.version() == source.version)
    fail<StaleValueError>(op,
                          "the derivative of record {} ({}) reads the value of record {} ({}, shape {}), of which an "
                          "Edit is open: version {} was recorded, and what stands there now may be another; end "
                          "Edits before recording and open them after the sweep, or clone the tensor",
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
  window.slots.resize(last - from + 1);
  if (window_count++ == 0) {
    first_ = from;
    count_ = static_cast<std::uint32_t>(window.slots.size());
    slots_ = window.slots.data();
  }
  return window;
}

Window& Pass::State::open_between_targets_and(const Record& y) {
  std::uint32_t from = y.index;
  for (const Target& target : targets) from = std::min(from, target.position);
  return open_window(from, y.index);
}

void Pass::State::close_window() noexcept {
  windows[--window_count]->slots.clear();
  if (window_count == 0) count_ = 0;
}

Slot* Pass::State::find_within(std::uint32_t position) {
  for (std::size_t i = 1; i < window_count; ++i) {
    Window& window = *windows[i];
    if (position - window.first >= window.slots.size()) continue;
    Slot& slot = window.slots[position - window.first];
    return slot.live ? &slot : nullptr;
  }
  return nullptr;
}

Pieces& Pass::State::pieces_of(Slot& slot) {
  if (slot.pieces == Record::none) {
    if (pieces_count == pieces.size()) pieces.emplace_back();
    slot.pieces = pieces_count++;
  }
  return pieces[slot.pieces];
}

void Pass::State::clear() noexcept {
  while (window_count > 0) close_window();
  end_gatherings([](Gathering& gathering) { gathering.clear(); });
  for (std::uint32_t i = 0; i < pieces_count; ++i) pieces[i].clear();
  pieces_count = 0;
  targets.clear();
}

namespace {

// This thread's scratch memory, for passes within passes. Plain pointers, for a static tape may be swept after its
// thread's objects are gone.
constinit thread_local std::array<Pass::State*, 8> spare{};
constinit thread_local std::size_t spare_count = 0;

const detail::AtRelease frees_spare([] {
  while (spare_count > 0) delete spare[--spare_count];
});

Pass::State& new_pass(const char* op, Tape& tape) {
  Pass::State& pass = spare_count > 0 ? *spare[--spare_count] : *new Pass::State;
  pass.op = op;
  pass.tape = &tape;
  pass.records = &tape.state();
  pass.check_finite = tape.options().check_finite;
  return pass;
}

}  // namespace

PassLevel::PassLevel(const char* op, Tape& tape)
    : tape_(tape.state()), pass_(new_pass(op, tape)), before_(tape_.size), exceptions_(std::uncaught_exceptions()) {
  ++tape_.passes;
}

PassLevel::~PassLevel() {
  pass_.clear();
  --tape_.passes;
  if (std::uncaught_exceptions() > exceptions_) tape_.truncate(before_);
  if (spare_count < spare.size() && detail::thread_keeps_memory())
    spare[spare_count++] = &pass_;
  else
    delete &pass_;
}

// ---- records that stand in for another

Expansion::Expansion(Tape& tape, Pass::State& pass, bool kept)
    : tape_(tape), pass_(pass), kept_(kept), before_(tape.state().size) {}

Expansion::~Expansion() {
  if (opened_) pass_.close_window();
  if (!kept_) tape_.state().truncate(before_);
}

Window& Expansion::run(const std::function<Tensor()>& f) {
  const detail::Meanwhile recording(&tape_);
  const Tensor y = f();
  const Record* end = tape_.find(y);
  if (!end || end->index < before_) fail<TapeError>("expand", "the result wasn't recorded by the function itself");
  Window& window = pass_.open_window(before_, end->index);
  opened_ = true;
  return window;
}

}  // namespace ebb
