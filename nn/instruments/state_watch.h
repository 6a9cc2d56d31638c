// Which of the records that a sweep passes are states of a run: what every observer of one has to know.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/tape/tape.h"
#include "nn/layers/cell.h"

namespace ebb::nn::detail {

class StateWatch {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // TapeError naming `what` unless the run was recorded on the tape that now records; ShapeError unless it may be the
  // cell's (cell.h).
  StateWatch(const char* what, const Cell& cell, const Unrolled& run);

  // The run once more, while its tape is there: during a sweep over that.
  [[nodiscard]] Unrolled run() const;

  std::size_t states() const { return states_; }
  // Expects another sweep.
  void restart() {
    next_ = elsewhere_.size();
    last_index_ = Record::none;
  }
  // For every record that the sweep passes, last to first: whether it is the first of another sweep than the one
  // before, which is then expected as by `restart`. (Not told where that begins below the end of the one before.)
  // TapeError where the sweep is over another tape.
  [[nodiscard]] bool begins(const Record& record) {
    is_source_ = record.output.position().tape != tape_;
    if (is_source_) require_source(record);
    const bool another = record.index >= last_index_;
    if (another) restart();
    last_index_ = record.index;
    return another;
  }
  // Then: the k for which the record is that of s_k, or none. By place, so that states that were not reached do no
  // harm.
  [[nodiscard]] std::size_t step_of(const Record& record) {
    const std::uint32_t after_first = record.index - first_;
    if (after_first < in_a_row_ && !is_source_) return after_first + 1;
    const std::size_t k = step_elsewhere(record.index);
    return k != none && is_source_ && !is_state(k, record.output) ? none : k;
  }
  // Whether the run may have the same state more than once; then the next k for that record, until it is none.
  [[nodiscard]] bool may_repeat() const { return in_a_row_ == 0; }
  [[nodiscard]] std::size_t another_step() { return may_repeat() ? step_elsewhere(last_index_) : none; }

 private:
  void require_source(const Record& record) const;
  // Whether it is that state itself: another tape may have a source in its place.
  bool is_state(std::size_t k, const Tensor& value) const {
    return value.is(in_a_row_ > 0 ? initial_ : kept_.states[k]);
  }
  std::size_t step_elsewhere(std::uint32_t index) {
    while (next_ > 0 && elsewhere_[next_ - 1].position > index) --next_;  // records arrive last to first
    if (next_ == 0 || elsewhere_[next_ - 1].position != index) return none;
    return elsewhere_[--next_].step;
  }

  const char* what_;
  std::size_t states_;
  const Tape* run_tape_ = nullptr;
  std::uint64_t tape_ = 0;
  struct Place {
    std::uint32_t position;  // on the tape, or Record::none
    std::uint32_t step;      // k
  };
  // Either s_1 … s_T lie in a row from `first_` on, as a cell's steps do, and s_0 elsewhere; or all lie elsewhere, in
  // the order of their places, and are kept.
  std::uint32_t first_ = 0;
  std::uint32_t in_a_row_ = 0;
  Tensor initial_;
  bool is_source_ = false;  // the record that the sweep is at
  std::vector<Place, Reused<Place>> elsewhere_;
  Unrolled kept_;
  std::size_t next_ = 0;                     // of those elsewhere, these from here on have been passed
  std::uint32_t last_index_ = Record::none;  // of the record observed before
};

}  // namespace ebb::nn::detail
