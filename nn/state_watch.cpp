#include "nn/state_watch.h"

namespace ebb::nn::detail {

StateWatch::StateWatch(const char* what, const Unrolled& run) : what_(what) {
  const Tape* tape = Tape::current();
  const auto position_of = [tape](const Tensor& state) {
    const Record* record = tape->find(state);
    return record ? record->index : Record::none;
  };
  const std::size_t states = run.states.size();
  const std::uint32_t last = tape && states > 1 ? position_of(run.last()) : Record::none;
  if (!tape || (states > 1 && last == Record::none))
    fail<TapeError>(what,
                    "the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
                    "observer");
  run_tape_ = tape;
  tape_ = tape->id();
  // Each state was made after the one before, so where the last one is as many places from the first as there are
  // steps between them, none is anywhere else.
  if (states > 1) {
    const std::uint32_t first = position_of(run.states[1]);
    if (last - first == states - 2) {
      first_ = first;
      in_a_row_ = static_cast<std::uint32_t>(states - 1);
    }
  }
  const std::size_t apart = states - in_a_row_;
  positions_.reserve(apart);
  for (std::size_t k = 0; k < apart; ++k) positions_.push_back(position_of(run.states[k]));
}

Unrolled StateWatch::run() const {
  Unrolled run;
  run.states.reserve(positions_.size() + in_a_row_);
  const auto add = [&](std::uint32_t position) {
    run.states.push_back(position == Record::none ? Tensor() : (*run_tape_)[position].output);
  };
  for (const std::uint32_t position : positions_) add(position);
  for (std::uint32_t k = 0; k < in_a_row_; ++k) add(first_ + k);
  return run;
}

// A record of another tape than the run's is on it at most as a source.
void StateWatch::require_source(const Record& record) const {
  if (record.count > 0 && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
}

}  // namespace ebb::nn::detail
