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
    const Record* record = tape->find(state);
    positions_.push_back(record ? record->index : Record::none);
  }
}

void StateWatch::restart() {
  next_ = positions_.size();
  last_index_ = Record::none;
}

bool StateWatch::begins(const Record& record) {
  const std::uint64_t tape = record.output.position().tape;
  if (record.count > 0 && tape != tape_ && !(record.op == "inner_result"))
    fail<TapeError>(what_, "the sweep is over another tape than the run; make an observer for each run");
  const bool another = record.index >= last_index_;
  if (another) restart();
  last_index_ = record.index;
  return another;
}

// Records arrive last to first, so the states do too.
std::size_t StateWatch::step_of(const Record& record) {
  while (next_ > 0 && positions_[next_ - 1] > record.index) --next_;
  if (next_ == 0 || positions_[next_ - 1] != record.index) return none;
  return --next_;
}

}  // namespace ebb::nn::detail
