// Which of the records that a sweep passes are states of a run: what every observer of one has to know.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/tape.h"
#include "nn/cell.h"

namespace ebb::nn::detail {

class StateWatch {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // TapeError naming `what` unless the run was recorded on the tape that now records.
  StateWatch(const char* what, const Unrolled& run);

  // The run once more, while its tape is there: during a sweep over that.
  [[nodiscard]] Unrolled run() const;

  // Expects another sweep.
  void restart() {
    next_ = positions_.size();
    last_index_ = Record::none;
  }
  // For every record that the sweep passes, last to first: whether it is the first of another sweep than the one
  // before, which is then expected as by `restart`. TapeError where the sweep is over another tape.
  [[nodiscard]] bool begins(const Record& record) {
    if (record.output.position().tape != tape_) require_source(record);
    const bool another = record.index >= last_index_;
    if (another) restart();
    last_index_ = record.index;
    return another;
  }
  // Then: the k for which the record is that of s_k, or none. By place, so that states that were not reached do no
  // harm.
  [[nodiscard]] std::size_t step_of(const Record& record) {
    const std::uint32_t after_first = record.index - first_;
    if (after_first < in_a_row_) return after_first + 1;
    while (next_ > 0 && positions_[next_ - 1] > record.index)
      --next_;  // records arrive last to first, so states do too
    if (next_ == 0 || positions_[next_ - 1] != record.index) return none;
    return --next_;
  }

 private:
  void require_source(const Record& record) const;

  const char* what_;
  const Tape* run_tape_ = nullptr;
  std::uint64_t tape_ = 0;
  // Where the states are on the tape: s_1 and those after it in a row, as a cell's steps are, and s_0 at positions_[0];
  // or each s_k at positions_[k].
  std::uint32_t first_ = 0;
  std::uint32_t in_a_row_ = 0;
  std::vector<std::uint32_t, Reused<std::uint32_t>> positions_;
  std::size_t next_ = 0;                     // of positions_, those from this one on have been passed
  std::uint32_t last_index_ = Record::none;  // of the record observed before
};

}  // namespace ebb::nn::detail
