// What both directions of a pass over the tape share: scratch memory by record, the values that rules may read, and
// records that stand in for another. Private to autograd.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "autograd/sweep/gathering.h"
#include "autograd/sweep/targets.h"
#include "autograd/tape/state.h"
#include "autograd/tensor/access.h"

namespace ebb {

// What is known of a record in one pass.
struct Slot {
  Tensor sum;              // of the contributions so far: the record's gradient, or its tangent
  std::uint32_t uses = 0;  // of the sum that are to come: results that are asked for, or records that read the tangent
  bool live = false;       // the pass has to do with the record: what is asked for leads to it, forwards or backwards
  std::uint32_t gathering = Record::none;  // the latest with products for it that may wait
  std::uint32_t pieces = Record::none;     // that wait to be put together

  // Whether contributions to the sum may be waiting.
  bool waits() const { return (gathering & pieces) != Record::none; }
};

// A stretch of the tape that a pass works on: slot i is that of record first + i. The first window is what lies between
// x and y; the others are what rules record and have swept in their place (Sweep::expand), inner ones last.
struct Window {
  std::uint32_t first = 0;
  std::vector<Slot> slots;

  std::uint32_t end() const { return first + static_cast<std::uint32_t>(slots.size()); }
  Slot& slot(std::uint32_t position) { return slots[position - first]; }
  // The same; null where the position is outside.
  Slot* find(std::uint32_t position) { return position - first < slots.size() ? &slot(position) : nullptr; }
};

// Pieces of one gradient that a recorded sweep puts together at once.
struct Pieces {
  std::vector<Tensor> pieces;
  std::vector<Region> regions;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> rows;  // by region: the version of its rows, and who read them

  void clear() {
    pieces.clear();
    regions.clear();
    rows.clear();
  }
};

struct Pass::State {
  const char* op = nullptr;  // who asks, for messages
  Tape* tape = nullptr;
  Tape::State* records = nullptr;
  bool check_finite = false;
  const Observer* observer = nullptr;  // whom a sweep shows what arrives at each record; null for nobody
  std::uint32_t at = 0;                // where a sweep is; a rule that goes along a chain of records moves it on
  std::vector<Target> targets;
  std::vector<std::unique_ptr<Window>> windows;
  std::size_t window_count = 0;
  std::vector<Gathering> gatherings;
  std::size_t gathering_count = 0;
  std::vector<Pieces> pieces;
  std::uint32_t pieces_count = 0;

  // The slot of a record that this pass has to do with, else null.
  Slot* find(std::uint32_t position) {
    if (position - first_ < count_) return slots_[position - first_].live ? &slots_[position - first_] : nullptr;
    return window_count > 1 ? find_within(position) : nullptr;
  }
  // The slot that a record has in the first window, live or not; null for another.
  Slot* find_first(std::uint32_t position) { return position - first_ < count_ ? &slots_[position - first_] : nullptr; }
  // A window of records [first, last], all slots blank; and the innermost one closed.
  Window& open_window(std::uint32_t first, std::uint32_t last);
  // The first window: from the earliest target to y.
  Window& open_between_targets_and(const Record& y);
  void close_window() noexcept;
  // The gathering of products with b for these targets, whose slots know of it.
  Gathering& gathering_of(const Gathering::Targets& to, DType type, Index columns) {
    const Slot* known = find(to[0]);
    if (known && known->gathering < gathering_count && gatherings[known->gathering].is_for(to))
      return gatherings[known->gathering];
    return another_gathering_of(to, type, columns);
  }
  // Calls last(gathering) for all, and there are none any more.
  template <class Last>
  void end_gatherings(Last last) {
    for (; gathering_count > 0; --gathering_count) {
      Gathering& gathering = gatherings[gathering_count - 1];
      last(gathering);
      gathering.block = Tensor();
    }
  }
  Pieces& pieces_of(Slot& slot);
  void clear() noexcept;

 private:
  Slot* find_within(std::uint32_t position);
  Gathering& another_gathering_of(const Gathering::Targets& to, DType type, Index columns);

  // The first window once more, for `find` is called most of all.
  std::uint32_t first_ = 0, count_ = 0;
  Slot* slots_ = nullptr;
};

// A pass's scratch memory, which its thread keeps for the next. Given back whatever happens; where an exception leaves
// the pass, the tape is as it was before.
class PassLevel {
 public:
  PassLevel(const char* op, Tape& tape);
  ~PassLevel();
  PassLevel(const PassLevel&) = delete;
  PassLevel& operator=(const PassLevel&) = delete;

  Pass::State& operator*() const { return pass_; }
  Pass::State* operator->() const { return &pass_; }

 private:
  Tape::State& tape_;
  Pass::State& pass_;
  std::uint32_t before_;  // records that there were
  int exceptions_;        // in flight then
};

// A window is swept while this lives, perhaps within another's sweep: afterwards that goes on where it was, observed by
// the same.
class WithinSweep {
 public:
  WithinSweep(Pass::State& pass, const Observer* observer)
      : pass_(pass), at_(pass.at), observer_(std::exchange(pass.observer, observer)) {}
  ~WithinSweep() {
    pass_.at = at_;
    pass_.observer = observer_;
  }
  WithinSweep(const WithinSweep&) = delete;
  WithinSweep& operator=(const WithinSweep&) = delete;

 private:
  Pass::State& pass_;
  std::uint32_t at_;
  const Observer* observer_;
};

// Records that a rule puts on the tape while this lives, at its end, to have them passed through in the rule's place.
// Unless they are kept they are gone afterwards.
class Expansion {
 public:
  Expansion(Tape& tape, Pass::State& pass, bool kept);
  ~Expansion();
  Expansion(const Expansion&) = delete;
  Expansion& operator=(const Expansion&) = delete;

  // Runs f recorded; the window over what it recorded, up to its result.
  Window& run(const std::function<Tensor()>& f);

 private:
  Tape& tape_;
  Pass::State& pass_;
  bool kept_;
  std::uint32_t before_;
  bool opened_ = false;
};

namespace detail {

// The value of `source`, for the derivative of `reader`. StaleValueError if it was written since it was recorded, or an
// Edit of it is open.
[[noreturn]] void refuse_stale(const char* op, const Record& source, const Record& reader);
inline const Tensor& checked(const char* op, const Record& source, const Record& reader) {
  if (!has_version(source.output.body(), source.version)) refuse_stale(op, source, reader);
  return source.output;
}

}  // namespace detail
}  // namespace ebb
