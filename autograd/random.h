// Random numbers that are the same on every platform, compiler and instruction set.
#pragma once

#include <array>
#include <cstdint>

#include "autograd/shape.h"

namespace ebb {

// xoshiro256++ (Blackman & Vigna 2019), seeded through splitmix64. A value: copy it to repeat its numbers.
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;

  explicit Rng(std::uint64_t seed);

  std::uint64_t next();                            // 64 random bits
  double uniform();                                // in [0, 1), a multiple of 2⁻⁵³
  double uniform(double low, double high);         // in [low, high)
  double normal(double mean = 0, double std = 1);  // Marsaglia's polar method
  Index below(Index bound);                        // in [0, bound), each equally likely; Error unless bound > 0

  // Another generator whose numbers have nothing to do with those that this one goes on to give.
  Rng split();

  // To save it and go on later at the same place.
  const State& state() const { return state_; }
  static Rng from_state(const State& state);

 private:
  Rng() = default;
  State state_{};
};

}  // namespace ebb
