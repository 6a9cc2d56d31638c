// How large something is, and what it means where that is no ordinary number.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/tensor/storage.h"

namespace ebb::nn {

// What a magnitude is. A zero has a reason, and the reasons mean different things.
enum class Kind : std::uint8_t {
  number,
  no_path,    // the sweep never reached it: nothing was asked for behind it, or the loss doesn't depend on it
  saturated,  // 0 because every σ' that stands in the way is 0 as stored
  underflow,  // 0 because what would be left is below the smallest number of the type
  infinite,
  nan,
};
std::string_view name(Kind kind);  // "number", "no path", "saturated", "underflow", "infinity", "nan"

// A norm and what it is. As a double: the norm; NaN where there is no path.
struct Magnitude {
  double value;
  Kind kind;

  operator double() const { return value; }  // NOLINT(google-explicit-constructor): it is a number first
  // A number, infinite or nan.
  static Magnitude of(double norm) { return norm <= largest ? Magnitude{norm, Kind::number} : not_finite(norm); }
  static Magnitude no_path();

 private:
  static constexpr double largest = std::numeric_limits<double>::max();
  static Magnitude not_finite(double norm);
};

// By time step.
using Magnitudes = std::vector<Magnitude, Reused<Magnitude>>;

// How fast magnitudes change from one step back to the one before: m_{k−1} ≈ m_k · e^rate, by least squares of ln m_k
// over the steps from `first` to `last`, both included, whose magnitude is a number above 0.
struct Decay {
  double rate;  // per step back; below 0 where they fade. NaN with fewer than two such steps

  // Steps back after which half is left, or twice as much where they grow; infinite where neither happens.
  double half_life() const;
};
[[nodiscard]] Decay decay(std::span<const Magnitude> magnitudes, std::size_t first, std::size_t last);

}  // namespace ebb::nn
