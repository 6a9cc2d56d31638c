#include "nn/instruments/magnitude.h"

#include <array>
#include <cmath>
#include <limits>

namespace ebb::nn {

namespace {
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
}

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, 6> names{"number", "no path", "saturated", "underflow", "infinity", "nan"};
  return names[static_cast<std::size_t>(kind)];
}

Magnitude Magnitude::not_finite(double norm) {
  return std::isnan(norm) ? Magnitude{not_a_number, Kind::nan} : Magnitude{norm, Kind::infinite};
}

Magnitude Magnitude::no_path() { return {not_a_number, Kind::no_path}; }

double Decay::half_life() const { return std::log(2.0) / std::abs(rate); }

Decay decay(std::span<const Magnitude> magnitudes, std::size_t first, std::size_t last) {
  const auto counts = [&](std::size_t k) { return magnitudes[k].kind == Kind::number && magnitudes[k].value > 0; };
  double count = 0, mean_step = 0, mean_log = 0;
  for (std::size_t k = first; k <= last && k < magnitudes.size(); ++k) {
    if (!counts(k)) continue;
    ++count;
    mean_step += (static_cast<double>(k) - mean_step) / count;
    mean_log += (std::log(magnitudes[k].value) - mean_log) / count;
  }
  if (count < 2) return {not_a_number};
  double product = 0, square = 0;
  for (std::size_t k = first; k <= last && k < magnitudes.size(); ++k) {
    if (!counts(k)) continue;
    const double step = static_cast<double>(k) - mean_step;
    product += step * (std::log(magnitudes[k].value) - mean_log);
    square += step * step;
  }
  return {-product / square};
}

}  // namespace ebb::nn
