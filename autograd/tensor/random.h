// Random numbers that are the same on every platform, compiler and instruction set.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "autograd/tensor/shape.h"

namespace ebb {

namespace detail {
class GeneratorNotes;
}

// xoshiro256++ (Blackman & Vigna 2019), seeded through splitmix64. A value: copy it to repeat its numbers.
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;

  explicit Rng(std::uint64_t seed);
  Rng(const Rng& other);
  Rng& operator=(const Rng& other);
  ~Rng();

  std::uint64_t next();                            // 64 random bits
  double uniform();                                // in [0, 1), a multiple of 2⁻⁵³
  double uniform(double low, double high);         // in [low, high)
  double normal(double mean = 0, double std = 1);  // Marsaglia's polar method
  Index below(Index bound);                        // in [0, bound), each equally likely; Error unless bound > 0

  // Another generator whose numbers have nothing to do with those that this one goes on to give.
  Rng split();

  // To save it and go on later at the same place.
  const State& state() const;
  static Rng from_state(const State& state);

 private:
  friend class detail::GeneratorNotes;
  Rng();
  State state_{};
};

namespace detail {

// Notes which generators this thread uses while it lives, and where they stood, apart from those made meanwhile; or
// lets them go through the same numbers again, from the states that were noted, and puts them back at its end. Nests.
class GeneratorNotes {
 public:
  GeneratorNotes();
  explicit GeneratorNotes(std::span<const Rng::State> states);
  ~GeneratorNotes();
  GeneratorNotes(const GeneratorNotes&) = delete;
  GeneratorNotes& operator=(const GeneratorNotes&) = delete;

  // Where each stood when it was first used.
  std::vector<Rng::State> states() const;

 private:
  friend class ebb::Rng;
  struct Used {
    Rng* generator;  // null once it is gone
    Rng::State before;
  };
  void use(Rng& generator);
  void make(const Rng& generator);
  void forget(const Rng& generator) noexcept;

  std::span<const Rng::State> replayed_;
  bool replays_ = false;
  std::vector<Used> used_;
  std::vector<const Rng*> made_;
  GeneratorNotes* outer_;
};

}  // namespace detail

}  // namespace ebb
