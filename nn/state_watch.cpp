#include "nn/state_watch.h"

#include <algorithm>
#include <span>

namespace ebb::nn::detail {

namespace {

// The place of the record that made the state, or of the source that it is; none where the tape never saw it.
std::uint32_t place_of(const Tape& tape, const Tensor& state) {
  const Record* record = tape.find(state);
  return record ? record->index : Record::none;
}

// Whether the records that made s_1 … s_T are one behind the other, from `first` on.
bool are_in_a_row(const Tape& tape, const Unrolled& run, std::uint32_t first) {
  std::uint32_t expected = first;
  for (const Tensor& state : std::span(run.states).subspan(1)) {
    const ebb::detail::Body& body = state.body();
    if (body.position.index != expected++ || !ebb::detail::comes_from(body, tape.id())) return false;
  }
  return true;
}

}  // namespace

StateWatch::StateWatch(const char* what, const Unrolled& run) : what_(what) {
  const Tape* tape = Tape::current();
  const std::size_t states = run.states.size();
  if (!tape || (states > 1 && place_of(*tape, run.last()) == Record::none))
    fail<TapeError>(what,
                    "the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
                    "observer");
  run_tape_ = tape;
  tape_ = tape->id();
  const std::uint32_t first = states > 1 ? place_of(*tape, run.states[1]) : Record::none;
  if (first != Record::none && are_in_a_row(*tape, run, first)) {
    first_ = first;
    in_a_row_ = static_cast<std::uint32_t>(states - 1);
  }
  const std::size_t apart = states - in_a_row_;
  elsewhere_.reserve(apart);
  for (std::size_t k = 0; k < apart; ++k)
    elsewhere_.push_back({place_of(*tape, run.states[k]), static_cast<std::uint32_t>(k)});
  std::sort(elsewhere_.begin(), elsewhere_.end());
}

Unrolled StateWatch::run() const {
  Unrolled run;
  run.states.resize(elsewhere_.size() + in_a_row_);
  for (std::uint32_t k = 0; k < in_a_row_; ++k) run.states[k + 1] = (*run_tape_)[first_ + k].output;
  for (const Place& place : elsewhere_)
    if (place.position != Record::none) run.states[place.step] = (*run_tape_)[place.position].output;
  return run;
}

// A record of another tape than the run's is on it at most as a source.
void StateWatch::require_source(const Record& record) const {
  if (record.count > 0 && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
}

}  // namespace ebb::nn::detail
