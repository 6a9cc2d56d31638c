#include "nn/state_watch.h"

namespace ebb::nn::detail {

StateWatch::StateWatch(const char* what, const Unrolled& run) : what_(what) {
  const Tape* tape = Tape::current();
  if (!tape || (run.steps() > 0 && !tape->find(run.last())))
    fail<TapeError>(what,
                    "the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
                    "observer");
  run_tape_ = tape;
  tape_ = tape->id();
  positions_.resize(run.states.size());
  std::uint32_t* position = positions_.data();
  for (const Tensor& state : run.states) {
    if (ebb::detail::comes_from(state.body(), tape_) && state.position().index != Record::none) {  // as states are
      *position++ = state.position().index;
    } else {
      const Record* record = tape->find(state);
      *position++ = record ? record->index : Record::none;
    }
  }
}

Unrolled StateWatch::run() const {
  Unrolled run;
  run.states.reserve(positions_.size());
  for (const std::uint32_t position : positions_)
    run.states.push_back(position == Record::none ? Tensor() : (*run_tape_)[position].output);
  return run;
}

// A record of another tape than the run's is on it at most as a source.
void StateWatch::require_source(const Record& record) const {
  if (record.count > 0 && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
}

}  // namespace ebb::nn::detail
