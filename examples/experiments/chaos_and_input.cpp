// Chaos, silenced by its input (Molgedey, Schuchhardt & Schuster 1992): whether gradients explode is no property of W
// alone. The sign of the largest Lyapunov exponent decides; the same W has a positive one in silence and a
// negative one under noise, which drives units to where tanh is flat.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "experiments/experiment.h"

namespace experiments {
namespace {

constexpr Index units = 100, steps = 2000;

struct Spectra {
  std::vector<double> backwards, forwards;
  double volume;  // ⟨Σ ln σ'⟩ + ln |det W|, which Σ λ_i has to be
};

// tanh, W ~ N(0, g² / N), with Gaussian noise of the given deviation added to each unit's a_k.
class Network {
 public:
  Network(double g, std::uint64_t seed) : rng_(seed), rnn_(make(g, rng_)) {}

  Spectra spectra(double noise) {
    Tensor x = ebb::normal({steps, 1, units}, 0, 1, rng_, ebb::f64);
    if (noise == 0)
      x = ebb::zeros({steps, 1, units}, ebb::f64);
    else
      x = noise * x;
    const Tensor initial = ebb::normal({1, units}, 0, 1, rng_, ebb::f64);
    Spectra result{nn::lyapunov_exponents(rnn_, x, initial),
                   nn::lyapunov_exponents(rnn_, x, initial, {.direction = nn::Direction::forwards}), 0};
    const nn::Unrolled run = rnn_(x, initial);
    for (std::size_t k = 1; k <= steps; ++k) result.volume += ebb::sum(ebb::log(rnn_.slope(run, k))).item() / steps;
    for (const double sigma : ebb::singular_values(rnn_.W)) result.volume += std::log(sigma);
    return result;
  }

 private:
  static nn::Rnn make(double g, ebb::Rng& rng) {
    return nn::Rnn({.inputs = units,
                    .hidden = units,
                    .input_init = nn::identity(),
                    .recurrent_init = nn::normal(g / std::sqrt(static_cast<double>(units))),
                    .dtype = ebb::f64},
                   rng);
  }

  ebb::Rng rng_;
  nn::Rnn rnn_;
};

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// λ_i against i/N.
Points spectrum(const std::vector<double>& exponents) {
  Points points = numbered(exponents);
  for (auto& [i, exponent] : points) i /= static_cast<double>(exponents.size());
  return points;
}

// What each spectrum has to agree with: itself the other way round, and the volume that a step keeps.
void check(Experiment& experiment, const std::string& what, const Spectra& spectra, std::uint64_t seed) {
  experiment.check_below(fmt::format("{}, seed {}: |Σ λ_i − ⟨Σ ln σ'⟩ − ln |det W||", what, seed),
                         std::abs(sum(spectra.backwards) - spectra.volume), 1e-6);
  experiment.check_below(fmt::format("{}, seed {}: λ_1 backwards and forwards differ by", what, seed),
                         std::abs(spectra.backwards[0] - spectra.forwards[0]), 0.005);
}

void run(Experiment& experiment) {
  const Chart chart{"Lyapunov spectra", "i/N, largest first", "λ_i, a step, natural logarithm"};
  for (const std::uint64_t seed : experiment.seeds()) {
    Network strong(2, seed), weak(0.7, seed);
    const Spectra silent = strong.spectra(0), driven = strong.spectra(1.5), calm = weak.spectra(0);
    experiment.check_above(fmt::format("g = 2 in silence, seed {}: λ_1", seed), silent.backwards[0], 0);
    experiment.check_below(fmt::format("the same W under noise of deviation 1.5: λ_1", seed), driven.backwards[0], 0);
    experiment.check_below(fmt::format("g = 0.7 in silence, seed {}: λ_1", seed), calm.backwards[0], 0);
    check(experiment, "g = 2 in silence", silent, seed);
    check(experiment, "g = 2 under noise", driven, seed);
    if (seed != experiment.seed()) continue;
    experiment.curve(chart, "g = 2, silent", spectrum(silent.backwards));
    experiment.curve(chart, "g = 2, noise 1.5", spectrum(driven.backwards));
    experiment.curve(chart, "g = 0.7, silent", spectrum(calm.backwards));
  }
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv, {.name = "chaos_and_input", .claim = "The same W explodes in silence and vanishes when driven."},
      experiments::run);
}
