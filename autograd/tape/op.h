// What an op supplies, and what a pass over the tape offers to its rules. With this header, `record` and a kernel,
// anyone can add one.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>

#include "autograd/tensor/tensor.h"

namespace ebb {

struct Record;
class Sweep;
class Tangents;

// A function on the tape. Objects of this type live as long as the program.
struct Op {
  static constexpr unsigned reads_output = 1u << 31;

  std::string_view name;

  // Given the cotangent of the record's output, hands each input that `sweep` wants its contribution. It is written
  // with ordinary ops: in a plain sweep they just compute, in a recorded one they are recorded in their turn, so that
  // one rule serves every order. `g` is the rule's own: where it is the only handle, it may be overwritten. Null when
  // no gradient passes (comparisons, indices).
  void (*vjp)(Sweep& sweep, const Record& record, Tensor g) = nullptr;

  // The other direction: given the tangents of the inputs, the tangent of the output, written with ordinary ops too. It
  // may have any shape that broadcasts to the output's; undefined means zero. An op with a vjp and no jvp can't be
  // differentiated forwards (TapeError).
  Tensor (*jvp)(const Tangents& tangents, const Record& record) = nullptr;

  // The values that these rules read: bit i for input i, `reads_output` for the output.
  unsigned reads = 0;

  // What the vjp gives, for people: "g · (1 − y²)", g the cotangent, y the output.
  std::string_view derivative = {};

  friend bool operator==(const Op& op, std::string_view other) { return op.name == other; }
};

// Where a piece sits in a larger tensor: the positions [begin, begin + extent) of an axis, or the rows that `rows`
// (int64) names.
struct Region {
  Index axis = 0;
  Index begin = 0;
  Tensor rows = {};
};

// A pass over the tape as a rule sees it: what it may read. Inputs are numbered as the record has them.
class Pass {
 public:
  struct State;  // what the pass knows of the records, for the files that make passes (sweep/pass.h)

  Pass(State& state, bool recorded) : state_(state), recorded_(recorded) {}
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  // Whether the ops of the rules are being recorded.
  bool recorded() const { return recorded_; }
  // A value for use in the derivative. StaleValueError if it was written since it was recorded, or an Edit of it is
  // open.
  const Tensor& input(const Record& record, Index input) const;
  const Tensor& output(const Record& record) const;
  // For a value that the rule keeps besides: StaleValueError unless it is of that version still.
  void require_version(const Tensor& x, std::uint32_t version, const Record& record) const;
  // Shape and type of an input, which need no check.
  const Tensor& unread_input(const Record& record, Index input) const;

  State& state() const { return state_; }

 private:
  State& state_;
  bool recorded_;
};

// The left factor a of a product aᵀ b, and where the product goes. Input `into` is given the product. a is the value of
// input `from`, seen as rows of its last axis: as many rows as b has, beginning with row `first`. Without a `from`, a
// is a column of ones, which makes the product what a bias gets: the sum of b's rows.
struct LeftFactor {
  static constexpr Index ones = -1;

  Index into;
  Index from = ones;
  Index first = 0;
};

// A reverse sweep, last record to first.
class Sweep : public Pass {
 public:
  using Pass::Pass;

  // Whether a gradient that was asked for depends on this input. Contributions to others are dropped.
  bool wants(const Record& record, Index input) const;

  // Adds a contribution to the input's gradient. One of a broadcast input is summed back to the input's shape.
  void give(const Record& record, Index input, Tensor contribution);
  // Adds aᵀ b to each of several inputs that have b: [k, n] in common. Contributions to the same inputs from many
  // records (a cell's weights at every time step) are gathered and multiplied a block of rows at a time.
  void give_products(const Record& record, std::initializer_list<LeftFactor> factors, const Tensor& b);
  // Adds a contribution to a part of the input, so that n parts cost what the whole does.
  void give_piece(const Record& record, Index input, Tensor piece, const Region& region);

  // Runs f, which records on the tape, and sweeps from its result, with cotangent g, through all that it recorded, as
  // if that stood in the place of the record whose rule calls this. A plain sweep drops those records again.
  void expand(const std::function<Tensor()>& f, Tensor g);
};

// A forward walk, first record to last.
class Tangents : public Pass {
 public:
  using Pass::Pass;

  // The tangent of an input; undefined where it is zero.
  const Tensor& of(const Record& record, Index input) const;
  // The same with the zeros written out.
  Tensor or_zeros(const Record& record, Index input) const;

  // Runs f, which records on the tape, and pushes the tangents through all that it recorded; the tangent of its result.
  Tensor expand(const std::function<Tensor()>& f) const;
};

}  // namespace ebb

// An op prints as its name.
template <>
struct fmt::formatter<ebb::Op> : fmt::formatter<std::string_view> {
  auto format(const ebb::Op& op, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(op.name, context);
  }
};
