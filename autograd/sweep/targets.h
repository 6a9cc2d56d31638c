// What a pass is asked about: finding it on the tape, and handing out what belongs to it. Private to autograd.
#pragma once

#include <span>
#include <vector>

#include "autograd/tape/tape.h"

namespace ebb {

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

namespace detail {

// y's record. TapeError unless this tape computed y, a float tensor. `op` is who asks, for messages, here and below.
const Record& find_result(const char* op, const Tape& tape, const Tensor& y);
// Finds what was asked about, xs before `y`. TapeError naming the one that this tape never saw, or that came after the
// result.
void find_targets(const char* op, const Tape& tape, const Record& y, std::span<const Tensor> xs,
                  std::vector<Target>& targets);
// From the source of a target to the target: that part of its gradient; and back, a tangent among zeros.
Tensor part_of(const Tape& tape, const Target& target, Tensor whole);
Tensor among_zeros(const Tape& tape, const Target& target, Tensor part);
// What a pass hands out, made the caller's own: copied where somebody else holds it too.
Tensor owned(const Tape& tape, Tensor x, bool recorded);

}  // namespace detail
}  // namespace ebb
