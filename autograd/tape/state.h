// The records of a tape, what is known of them, and what appends to them. Private to autograd: for ops that record in
// more than the common way, and for the passes.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autograd/tape/source_table.h"
#include "autograd/tape/tape.h"

namespace ebb {

namespace detail {

// Says that the values which x has now were computed by that tape, or by what is like one.
inline void mark_as_result(const Tensor& x, std::uint64_t tape) {
  x.body().position = {tape, Record::none, x.version()};
}

}  // namespace detail

struct Tape::State {
  static constexpr std::uint32_t chunk_records = 1024;
  struct Chunk {
    alignas(64) std::byte bytes[sizeof(Record) * chunk_records];
  };
  struct ScopeEntry {
    std::string name;
    std::uint32_t outer = 0;
    bool ended = false;  // perhaps before one within it
  };
  // A tape within this one that has ended, or another such source of values.
  struct InnerTape {
    std::uint64_t id;
    std::vector<Tensor> sources;  // what it read
  };
  // What a record keeps besides.
  struct Kept {
    std::uint32_t record;
    std::shared_ptr<const void> object;
  };

  Tape* tape = nullptr;
  std::uint64_t id = 0;
  TapeOptions options;
  Tape* outer = nullptr;           // the tape that recorded before this one
  State* earlier = nullptr;        // of this thread's living tapes
  std::shared_ptr<Tape*> address;  // what Jacobians look for the tape by; null once it is gone
  std::vector<std::unique_ptr<Chunk>> chunks;
  std::uint32_t size = 0, room = 0;  // records there are, and those that the chunks hold
  SourceTable sources;
  std::vector<ScopeEntry> scopes{{}};  // the first one is the outside
  std::uint32_t scope_count = 1;
  std::uint32_t scope = 0;
  std::vector<InnerTape> inner_tapes;
  std::vector<Kept> kept;    // in the order of the records
  int passes = 0;            // that are going over it
  std::uint64_t walked = 0;  // records that passes have looked at so far, which is what they cost

  Record& at(std::uint32_t i) {
    auto* chunk = reinterpret_cast<Record*>(chunks[i / chunk_records]->bytes);
    return chunk[i % chunk_records];
  }
  // Calls f(record, i) for the records [first, end), first to last.
  template <class F>
  void forwards(std::uint32_t first, std::uint32_t end, F f) {
    for (std::uint32_t i = first; i < end;) {
      const std::uint32_t stop = std::min(end, (i / chunk_records + 1) * chunk_records);  // of what lies in one piece
      for (const Record* record = &at(i); i < stop; ++i, ++record) f(*record, i);
    }
  }

  // Where this tape made the body with the values that it now has, or none.
  std::uint32_t made(const detail::Body& body) const {
    return detail::comes_from(body, id) ? body.position.index : Record::none;
  }
  // Where this tape keeps x; x becomes a source where it is new. It holds until x is written.
  std::uint32_t position(const Tensor& x) {
    const std::uint32_t index = made(x.body());
    return index != Record::none ? index : source(x);
  }
  // Says that this tape computed x, of which it has no record, such as a gradient: a tape around this one then sees
  // where a path through x would be cut.
  void mark_as_result(const Tensor& x) const {
    if (outer) detail::mark_as_result(x, id);
  }

  // Appends a record of a tensor that its op made; its inputs are the first `count` of `near`. Its position.
  std::uint32_t append(const Op& op, const Tensor& output, const Record::Few& near, std::uint32_t count,
                       std::int64_t attribute);
  // The same with inputs that are looked up, and become sources where they are new; null for a number. All or nothing.
  std::uint32_t append(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
                       std::int64_t attribute);
  // Back to the first `count` records, as after an error.
  void truncate(std::uint32_t count) noexcept;
  // Destroys the records from `first` on, last to first, and what is known of them.
  void drop(std::uint32_t first) noexcept;

 private:
  std::uint32_t source(const Tensor& x);
  std::uint32_t new_source(const Tensor& x);
  // A record of a value that this tape didn't make.
  std::uint32_t append_found(const Op& op, const Tensor& value, std::span<const Tensor* const> inputs);
  std::uint32_t add(const Op& op, const Tensor& output, const Record::Few& near, std::uint32_t count,
                    std::int64_t attribute, bool made_here);
  std::uint32_t add(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs, std::int64_t attribute,
                    bool made_here);
  std::uint32_t add_far(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
                        std::int64_t attribute, bool made_here);
  void add_chunk();
  void require_finite(const Op& op, const Tensor& output) const;
  void refuse_living_inner_result(std::uint64_t maker) const;
};

extern const Op source_op;        // a value that the tape didn't make
extern const Op inner_result_op;  // one that an inner tape computed from values that this tape knows

namespace detail {

// Numbers for tapes, and for what is like one: each once.
std::uint64_t next_tape_id();
// Has no tape record, as a sweep needs it: an observer may have left a tape of its own.
void record_nothing();
// Whether the record only says that there is a value which the tape didn't make.
inline bool is_source(const Record& record) { return &record.op == &source_op || &record.op == &inner_result_op; }
// "record 7 (tanh, scope \"layer/score\")".
std::string describe(const Tape& tape, const Record& record);

// A walk over a long tape waits for memory more than it computes: the header of what a record made is asked for some
// records before a walk backwards comes there. (Not across pieces of the tape.)
inline void fetch_before(const Record& record) {
  constexpr std::uint32_t ahead = 12;
  if (record.index % Tape::State::chunk_records < ahead) return;
  const auto* header = reinterpret_cast<const char*>(&(&record)[-std::ptrdiff_t{ahead}].output.body());
  __builtin_prefetch(header);
  __builtin_prefetch(header + sizeof(Body) / 2);
}

}  // namespace detail
}  // namespace ebb
