#include "nn/instruments/state_watch.h"

#include <algorithm>
#include <span>

#include "autograd/inspect/position.h"

namespace ebb::nn::detail {

namespace {

// The place of the record that made the state, or of the source that it is; none where the tape never saw it.
std::uint32_t place_of(const Tape& tape, const Tensor& state) {
  const Record* record = tape.find(state);
  return record ? record->index : Record::none;
}

// Whether the records that made s_1 … s_T are one behind the other, from `first` on.
bool are_in_a_row(std::uint64_t tape, const Unrolled& run, std::uint32_t first) {
  std::uint32_t expected = first;
  for (const Tensor& state : std::span(run.states).subspan(1)) {
    const auto& [made_on, index, version] = state.position();
    if (made_on != tape || index != expected++ || version != state.version()) return false;
  }
  return true;
}

}  // namespace

StateWatch::StateWatch(const char* what, const Cell& cell, const Unrolled& run)
    : what_(what), states_(run.states.size()) {
  require_run_of(what, cell, run);
  Tape* tape = Tape::current();
  const std::size_t states = run.states.size();
  if (tape && states == 1) (void)position_on(*tape, run.last());  // no step has read it
  if (!tape || place_of(*tape, run.last()) == Record::none)
    fail<TapeError>(what,
                    "the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
                    "observer");
  run_tape_ = tape;
  tape_ = tape->id();
  const std::uint32_t initial = place_of(*tape, run.states[0]);
  const std::uint32_t first = states > 1 ? place_of(*tape, run.states[1]) : Record::none;
  if (initial != Record::none && first != Record::none && are_in_a_row(tape_, run, first)) {
    first_ = first;
    in_a_row_ = static_cast<std::uint32_t>(states - 1);
    elsewhere_.push_back({initial, 0});
    initial_ = run.states[0];
    return;
  }
  kept_ = run;
  elsewhere_.reserve(states);
  for (std::size_t k = 0; k < states; ++k)
    elsewhere_.push_back({place_of(*tape, run.states[k]), static_cast<std::uint32_t>(k)});
  std::sort(elsewhere_.begin(), elsewhere_.end(), [](const Place& a, const Place& b) {
    return a.position != b.position ? a.position < b.position : a.step < b.step;
  });
}

Unrolled StateWatch::run() const {
  if (in_a_row_ == 0) return kept_;
  Unrolled run;
  run.states.reserve(in_a_row_ + 1);
  run.states.push_back((*run_tape_)[elsewhere_[0].position].output);
  for (std::uint32_t k = 0; k < in_a_row_; ++k) run.states.push_back((*run_tape_)[first_ + k].output);
  return run;
}

// A record of another tape than the run's is on it at most as a source.
void StateWatch::require_source(const Record& record) const {
  if (record.count > 0 && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
}

}  // namespace ebb::nn::detail
