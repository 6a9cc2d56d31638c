// What an op supplies, and what a sweep offers to its rule. With this header, `record` and a kernel, anyone can add
// one.
#pragma once

#include <cstdint>
#include <string_view>

#include "autograd/tensor.h"

namespace ebb {

struct Record;
struct Cell;
class Sweep;

// A function on the tape. Objects of this type live as long as the program.
struct Op {
  std::string_view name;

  // Given the cotangent of the record's output, hands each input that `sweep` wants its contribution. It is written
  // with ordinary ops: in a plain sweep they just compute, in a recorded one they are recorded in their turn, so that
  // one rule serves every order. `g` is the rule's own: where it is the only handle, it may be overwritten. Null when
  // no gradient passes (comparisons, indices).
  void (*vjp)(Sweep& sweep, const Record& record, Tensor g) = nullptr;

  friend bool operator==(const Op& op, std::string_view other) { return op.name == other; }
};

// Where a piece sits in a larger tensor: the positions [begin, begin + extent) of an axis, or the rows that `rows`
// (int64) names.
struct Place {
  Index axis = 0;
  Index begin = 0;
  Tensor rows = {};
};

// A reverse sweep in progress, as a rule sees it. Inputs are numbered as the record has them.
class Sweep {
 public:
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  // Whether the ops of the rules are being recorded.
  bool recorded() const { return recorded_; }
  // Whether anything that was asked for lies behind this input. Contributions to others are dropped.
  bool wants(const Record& record, Index input) const;
  // A value for use in the derivative. StaleValueError if it was written since it was recorded.
  const Tensor& input(const Record& record, Index input) const;
  const Tensor& output(const Record& record) const;
  // Shape and type of an input, which need no check.
  const Tensor& unread_input(const Record& record, Index input) const;

  // Adds a contribution. This is the one place where gradients are summed, and where one of a broadcast input's is
  // summed back to the input's shape.
  void give(const Record& record, Index input, Tensor contribution);
  // Adds aᵀ b, for a: [k, m] and b: [k, n]. Contributions to one input from many records (a weight at every time step)
  // are gathered and multiplied a block of rows at a time.
  void give_product(const Record& record, Index input, const Tensor& a, const Tensor& b);
  // Adds a contribution to a part of the input, so that n parts cost what the whole does.
  void give_piece(const Record& record, Index input, Tensor piece, const Place& place);

 private:
  friend class Tape;
  struct State;
  Sweep(State& state, bool recorded) : state_(state), recorded_(recorded) {}
  void add_products(Cell& cell, const Tensor& like);
  void settle(Cell& cell, const Tensor& like);

  State& state_;
  bool recorded_;
};

}  // namespace ebb

// An op prints as its name.
template <>
struct fmt::formatter<ebb::Op> : fmt::formatter<std::string_view> {
  auto format(const ebb::Op& op, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(op.name, context);
  }
};
