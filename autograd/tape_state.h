// What a tape and the passes over it keep, in memory that their thread reuses from tape to tape. Private to autograd.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/source_table.h"
#include "autograd/tape.h"

namespace ebb {

// What is known of a record in one pass.
struct Cell {
  Tensor sum;               // of the contributions so far: its gradient, or its tangent
  std::uint32_t asked = 0;  // backwards: how many of the wanted gradients are this one's; forwards: readers to come
  bool live = false;        // backwards: something that was asked for is at or behind it; forwards: y depends on it
  std::uint32_t gathering = Record::none;  // the latest with products for it that may wait
  std::uint32_t pieces = Record::none;
};

// A stretch of the tape that a pass works on: cell i is record first + i. The first one is what lies between x and y;
// the others are what rules record and have swept in their place (Sweep::expand), inner ones last.
struct Window {
  std::uint32_t first = 0;
  std::vector<Cell> cells;
};

// Products aᵀ b that wait to be added to the gradients of several records, their targets, all with the same b: the
// addresses of the rows of all the a and b.
struct Gathering {
  using Targets = Sweep::Targets;
  using Rows = std::vector<const void*>;

  Targets targets;  // as a rule names them; none behind the last
  // Of a's rows: 1 for a bias, 0 where nobody asks for the target, -1 where b doesn't fit it.
  std::array<Index, Sweep::most_factors> extents;
  std::array<bool, Sweep::most_factors> is_bias;
  DType type;
  Index columns;          // of each b
  std::size_t count = 0;  // of rows so far; their tables have room for more
  std::array<Rows, Sweep::most_factors> left;
  Rows right;
  std::vector<Tensor> held;  // the b; each a is a value on the tape
  Tensor block;              // or what a chain writes its b into (chain.h)
  // Records of the a, with the record whose derivative reads it, where an observer may write to one in the meantime.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> reads;

  // (One by one: read as a whole, targets that were just written would be waited for.)
  bool is_for(const Targets& others) const {
    static_assert(Sweep::most_factors == 4);
    return others[0] == targets[0] && others[1] == targets[1] && others[2] == targets[2] && others[3] == targets[3];
  }
  void make_room(std::size_t rows) {
    if (count + rows > right.size()) enlarge(rows);
  }
  void enlarge(std::size_t rows);
  // Enters the addresses of the next rows, a step apart, into one of the tables.
  void place(Rows& table, const std::byte* row, std::size_t step, std::size_t rows) const {
    if (rows == 1)
      table[count] = row;
    else
      place_many(table, row, step, rows);
  }
  void place_many(Rows& table, const std::byte* row, std::size_t step, std::size_t rows) const;
  void clear() noexcept;
};

// Pieces of one gradient that a recorded sweep puts together at once.
struct Pieces {
  std::vector<Tensor> pieces;
  std::vector<Place> places;
};

// A look at a part of a tensor: a record's, or one that no record made, from `offset` in its source's elements on.
struct View {
  std::uint32_t record = Record::none;
  Index offset = 0;
  Shape shape = {};
};

// One of the tensors that were asked about: a record, and the views that lead from it to the tensor.
struct Target {
  std::uint32_t position = 0;
  std::vector<View> views;  // last one first
  Shape shape;
};

// What a pass works in.
struct Pass::State {
  const char* op = nullptr;  // who asks, for messages
  Tape* tape = nullptr;
  Tape::State* records = nullptr;
  bool check_finite = false;
  std::vector<std::unique_ptr<Window>> windows;
  std::size_t window_count = 0;
  std::vector<Gathering> gatherings;
  std::size_t gathering_count = 0;
  std::vector<Pieces> pieces;
  std::uint32_t pieces_count = 0;
  std::vector<Target> targets;

  std::uint32_t first = 0, count = 0;  // the outermost window once more, for `find` is called most of all
  Cell* cells = nullptr;

  // The cell of a record that this pass is concerned with, else null.
  Cell* find(std::uint32_t position) {
    if (position - first < count) return cells[position - first].live ? &cells[position - first] : nullptr;
    return window_count > 1 ? find_within(position) : nullptr;
  }
  // A window of records [first, last], all cells blank; and the innermost one closed.
  Window& open_window(std::uint32_t first, std::uint32_t last);
  void close_window() noexcept;
  // The gathering of products with b for these targets, whose cells know of it.
  Gathering& gathering_of(const Gathering::Targets& targets, DType type, Index columns) {
    const Cell* known = find(targets[0]);
    if (known && known->gathering < gathering_count && gatherings[known->gathering].is_for(targets))
      return gatherings[known->gathering];
    return another_gathering_of(targets, type, columns);
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
  Pieces& pieces_of(Cell& cell);
  void clear() noexcept;

 private:
  Cell* find_within(std::uint32_t position);
  Gathering& another_gathering_of(const Gathering::Targets& targets, DType type, Index columns);
};

// Records that a rule puts on the tape while this lives, at its end, to have them passed through in its place. Unless
// they are kept they are gone afterwards.
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

struct Tape::State {
  static constexpr std::uint32_t chunk_records = 1024;
  struct Chunk {
    alignas(64) std::byte bytes[sizeof(Record) * chunk_records];
  };
  struct ScopeEntry {
    std::string name;
    std::uint32_t outer = 0;
  };
  struct InnerTape {
    std::uint64_t id;
    std::vector<Tensor> sources;  // what it read
  };
  // What a record keeps besides.
  struct Kept {
    std::uint32_t record;
    std::shared_ptr<const void> object;
  };

  std::vector<std::unique_ptr<Chunk>> chunks;
  std::uint32_t size = 0, room = 0;  // records there are, and those that the chunks hold
  SourceTable sources;
  std::vector<ScopeEntry> scopes{{}};  // the first one is the outside
  std::uint32_t scope_count = 1;
  std::uint32_t scope = 0;
  std::vector<InnerTape> inner_tapes;
  std::vector<Kept> kept;                            // in the order of the records
  std::vector<std::unique_ptr<Pass::State>> passes;  // one for each level of passes within passes
  std::size_t pass_depth = 0;
  std::uint64_t walked = 0;

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
  static std::uint32_t made(const detail::Body& body, std::uint64_t id) {
    return detail::comes_from(body, id) ? body.position.index : Record::none;
  }
  // Destroys the records from `first` on, last to first, and what is known of them.
  void drop(std::uint32_t first) noexcept;
};

// A pass's level of scratch memory, given back whatever happens; and the tape as it was before, after an exception.
class PassLevel {
 public:
  PassLevel(const char* op, Tape& tape);
  ~PassLevel();
  PassLevel(const PassLevel&) = delete;
  PassLevel& operator=(const PassLevel&) = delete;

  Pass::State& operator*() const { return pass_; }

 private:
  Tape& tape_;
  Pass::State& pass_;
};

// For products of these factors at the record.
inline Sweep::Targets Sweep::targets_of(const Record& record, std::initializer_list<LeftFactor> factors) {
  const std::span<const std::uint32_t> inputs = record.inputs();
  const auto target = [&](std::size_t i) {
    return i < factors.size() ? inputs[static_cast<std::size_t>(factors.begin()[i].into)] : Record::none;
  };
  static_assert(most_factors == 4);
  return {target(0), target(1), target(2), target(3)};
}

// To the observer, which there is.
inline void Sweep::show(const Record& record, const Tensor& gradient) const {
  if (recorded_) {
    const Pause pause;
    return (*observer_)(record, gradient);
  }
  (*observer_)(record, gradient);
  if (Tape::current()) Tape::record_nothing();  // as before: it may have left a tape of its own
}

namespace detail {

// A walk over a long tape waits for memory more than it computes: the header of what a record made is asked for some
// records before a walk backwards comes there. (Not across pieces of the tape.)
inline void fetch_before(const Record& record) {
  constexpr std::uint32_t ahead = 12;
  if (record.index % Tape::State::chunk_records < ahead) return;
  const auto* header = reinterpret_cast<const char*>(&(&record)[-std::ptrdiff_t{ahead}].output.body());
  __builtin_prefetch(header);
  __builtin_prefetch(header + sizeof(Body) / 2);
}

// The value of `source`, for the derivative of `reader`. StaleValueError if it was written since it was recorded, or an
// Edit of it is open.
[[noreturn]] void refuse_stale(const char* op, const Record& source, const Record& reader);
inline const Tensor& checked(const char* op, const Record& source, const Record& reader) {
  if (!has_version(source.output.body(), source.version)) refuse_stale(op, source, reader);
  return source.output;
}

// ---- contributions (sweep.cpp, gathering.cpp)

// Whether g has the shape and the type of what it is a gradient of.
inline bool fits(const Tensor& like, const Tensor& g) { return g.shape() == like.shape() && g.dtype() == like.dtype(); }

// Whether g is the addend, for every row of a few, of a row that was added to each: a product with a column of ones.
bool is_bias(const Tensor& like, const Tensor& g);
// Rows of products that are gathered before they are multiplied.
inline constexpr std::size_t gathered_rows = 256;
// A row of a column of ones.
inline constexpr float f32_one = 1;
inline constexpr double f64_one = 1;
inline const std::byte* one_of(DType type) {
  return type == f32 ? reinterpret_cast<const std::byte*>(&f32_one) : reinterpret_cast<const std::byte*>(&f64_one);
}
// Makes a sum one that can be added into: `like`'s shape, zeros if there is none yet.
void make_writable(Tensor& sum, const Tensor& like);
void require_type(const Record& record, const Tensor& input, const Tensor& contribution);

// ---- what was asked for (targets.cpp); `op` is who asks, for messages

// y's record. TapeError unless this tape computed y, a float tensor.
const Record& find_result(const char* op, const Tape& tape, const Tensor& y);
// Finds what was asked about: xs, before `y`, into pass.targets. TapeError naming the one that this tape never saw, or
// that came after the result.
void find_targets(const char* op, const Tape& tape, const Record& y, std::span<const Tensor> xs, Pass::State& pass);
// From the source of a target to the target: that part of its gradient; and back, a tangent among zeros.
Tensor part_of(const Tape& tape, const Target& target, Tensor whole);
Tensor among_zeros(const Tape& tape, const Target& target, Tensor part);
// What a pass hands out, made the caller's own: copied where somebody else holds it too.
Tensor owned(const Tape& tape, Tensor x, bool recorded);

// Whether the record only says that there is a value which the tape didn't make.
bool is_source(const Record& record);
// "record 7 (tanh, scope \"layer/score\")".
std::string describe(const Tape& tape, const Record& record);
// The flat index of the first element that is NaN or infinite; -1 for none, and for int64.
Index first_nonfinite(const Tensor& x);
// "nan at [2, 0] of shape [3, 4]".
std::string describe_element(const Tensor& x, Index flat);

}  // namespace detail

extern const Op source_op;        // a value that the tape didn't make
extern const Op inner_result_op;  // one that an inner tape computed from values that this tape knows

}  // namespace ebb
