// Programs of ops made from bytes: what the properties of RapidCheck and the fuzzer run. One table has the ops; a line
// there puts another one into both.
#pragma once

#include <autograd/autograd.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ebb::test {

// Decisions read off bytes, first to last; zeros when they have run out. Wild ones may be wrong: axes that there
// aren't, indices out of range, shapes that don't fit, numbers that aren't finite.
class Choices {
 public:
  Choices(std::span<const std::uint8_t> bytes, bool wild) : bytes_(bytes), wild_(wild) {}

  bool wild() const { return wild_; }
  bool more() const { return at_ < bytes_.size(); }
  Index below(Index bound);  // in [0, bound), for a bound of at most 256
  bool flip() { return below(2) == 1; }
  double number();  // in [-1.5, 1.5)
  Index axis(const Tensor& x);
  Index position(Index extent);  // in [0, extent)
  Tensor positions(Index extent, const Shape& shape);
  Shape shape_of_as_many(Index size);  // for `size` elements
  Shape shape();                       // small
  DType float_type() { return wild_ && flip() ? f32 : f64; }

 private:
  std::span<const std::uint8_t> bytes_;
  bool wild_;
  std::size_t at_ = 0;
};

struct ProgramOp {
  // What it needs where nothing may go wrong: arguments of any shape; a of one axis or more; two that broadcast; a
  // matrix; two matrices that multiply; two of one shape.
  enum class Takes { any, axes, broadcasting, matrix, matrices, alike };
  enum class Domain { all, positive };
  enum class Form { smooth, kinked };  // kinks and steps: no differences across them

  std::string_view name;
  Takes takes;
  Tensor (*apply)(const Tensor& a, const Tensor& b, Choices& choices);
  Domain domain = Domain::all;
  Form form = Form::smooth;
};
std::span<const ProgramOp> program_ops();

// A function that bytes name, of 5 to 50 ops over a few small float64 tensors. Arguments are adapted so that every op
// has what it takes, and large values are bounded by tanh. The same bytes give the same program.
class RandomProgram {
 public:
  RandomProgram(std::vector<std::uint8_t> bytes, bool smooth);

  std::vector<Tensor> arguments() const;
  // One tensor of one axis: all results that no later op used, end to end.
  Tensor operator()(std::span<const Tensor> arguments) const;
  std::vector<std::string_view> names() const;  // of the ops, in order

 private:
  std::vector<std::uint8_t> bytes_;
  bool smooth_;
};

}  // namespace ebb::test
