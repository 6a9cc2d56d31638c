#include "nn/state_watch.h"

namespace ebb::nn::detail {

StateWatch::StateWatch(const char* what, const Unrolled& run) : what_(what) {
  const Tape* tape = Tape::current();
  if (!tape || (run.steps() > 0 && !tape->find(run.last())))
    fail<TapeError>(what,
                    "the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
                    "observer");
  tape_ = tape->id();
  positions_.reserve(run.states.size());
  for (const Tensor& state : run.states) {
    std::uint32_t index = state.position().index;
    if (state.position().tape != tape_ || state.position().version != state.version()) {
      const Record* record = tape->find(state);
      index = record ? record->index : Record::none;
    }
    positions_.push_back(index);
  }
}

// A record of another tape than the run's is on it at most as a source.
void StateWatch::require_source(const Record& record) const {
  if (record.count > 0 && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
}

}  // namespace ebb::nn::detail
