// Speed alone: products that wait to be multiplied together. The plain way is Sweep::give of one product at a time,
// which recorded sweeps go; tests/autograd/recurrent_test.cpp and tape_gradients_test.cpp hold the two together. A
// recurrent network's ∂L/∂W takes a product of a few rows at every time step. One product of 256 rows instead makes a
// whole training step 1.10 times as fast at (batch, hidden) = (20, 50), and 1.05 times at (32, 128).
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

#include "autograd/tape/state.h"

namespace ebb {

// Products aᵀ b that wait to be added to the gradients of several records, their targets, all with the same b: the
// addresses of the rows of all the a and b.
struct Gathering {
  static constexpr std::size_t most_factors = 4;
  static constexpr std::size_t most_rows = 256;  // that wait at a time
  using Targets = std::array<std::uint32_t, most_factors>;
  using Rows = std::vector<const void*>;

  Targets targets;  // positions, as a rule names them; none behind the last
  // Of a's rows: 1 for a bias, 0 where nobody asks for the target, -1 where b doesn't fit it.
  std::array<Index, most_factors> extents;
  std::array<bool, most_factors> is_bias;
  DType type;
  Index columns;          // of each b
  std::size_t count = 0;  // of rows so far; their tables have room for more
  std::array<Rows, most_factors> left;
  Rows right;
  std::vector<Tensor> held;  // the b; each a is a value on the tape
  Tensor block;              // or what a chain writes its b into (recurrent/chain.h)
  // The records of the a, each with the one whose derivative reads it. What runs in the meantime, an observer or a
  // rule, may write to an a.
  struct Read {
    const Record* source;
    const Record* reader;
  };
  std::vector<Read> reads;

  // (One by one: read as a whole, targets that were just written would be waited for.)
  bool is_for(const Targets& others) const {
    static_assert(most_factors == 4);
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

namespace detail {

// Whether g is the addend, for every row of a few, of a row that was added to each: a product with a column of ones.
bool is_bias(const Tensor& like, const Tensor& g);
// A row of a column of ones.
inline constexpr float f32_one = 1;
inline constexpr double f64_one = 1;
inline const std::byte* one_of(DType type) {
  return type == f32 ? reinterpret_cast<const std::byte*>(&f32_one) : reinterpret_cast<const std::byte*>(&f64_one);
}
// The targets of these factors' products at the record.
inline Gathering::Targets targets_of(const Record& record, std::initializer_list<LeftFactor> factors) {
  const std::span<const std::uint32_t> inputs = record.inputs();
  const auto target = [&](std::size_t i) {
    return i < factors.size() ? inputs[static_cast<std::size_t>(factors.begin()[i].into)] : Record::none;
  };
  static_assert(Gathering::most_factors == 4);
  return {target(0), target(1), target(2), target(3)};
}
// Has the products aᵀ b wait, where their shapes fit; whether they do.
bool gather(const Sweep& sweep, const Record& record, std::initializer_list<LeftFactor> factors, const Tensor& b);
// Multiplies what waits, and adds it to the targets' gradients. StaleValueError where an a was written meanwhile.
void multiply(Pass::State& pass, Gathering& gathering);

}  // namespace detail
}  // namespace ebb
