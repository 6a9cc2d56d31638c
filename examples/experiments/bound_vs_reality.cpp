// The article's bound, ‖∂s_t/∂s_k‖ ≤ (γλ)^{t−k}, beside what it bounds: for a tanh network at its initialisation it
// grows by many powers of ten while the gradient it bounds shrinks by as many. γλ > 1 is necessary for an explosion,
// and far from sufficient (Pascanu, Mikolov & Bengio 2013, section 2.1).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/experiment.h"

namespace experiments {
namespace {

constexpr Index hidden = 50, symbols = 6, steps = 50, lag = 49;

// A random symbol at each step, one-hot.
Tensor random_symbols(ebb::Rng& rng) {
  Tensor x = ebb::zeros({steps, 1, symbols});
  auto input = x.edit<float>();
  for (Index t = 0; t < steps; ++t) input(t, 0, rng.below(symbols)) = 1;
  return x;
}

nn::Transport transport_at(std::uint64_t seed) {
  ebb::Rng rng(seed);
  const nn::Rnn rnn(
      {.inputs = symbols, .hidden = hidden, .input_init = nn::normal(0.1), .recurrent_init = nn::normal(0.1)}, rng);
  return nn::transport(rnn, random_symbols(rng), ebb::zeros({1, hidden}));
}

// e to the logarithms, against the lag.
Points by_lag(const std::vector<double>& logs) {
  Points points;
  for (Index k = steps; k >= 0; --k) points.emplace_back(steps - k, std::exp(logs[static_cast<std::size_t>(k)]));
  return points;
}

void run(Experiment& experiment) {
  std::vector<double> actual, bound;
  double worst = 0;  // of what there is over its bound, at any lag
  for (const std::uint64_t seed : experiment.seeds()) {
    const nn::Transport transport = transport_at(seed);
    for (std::size_t k = 0; k < transport.log_norm.size(); ++k)
      worst = std::max(std::exp(transport.log_norm[k] - transport.log_bound[k]), worst);  // keeps a NaN
    actual.push_back(std::exp(transport.log_norm[steps - lag]));
    bound.push_back(std::exp(transport.log_bound[steps - lag]));
    if (seed == experiment.seed()) {
      const Chart chart{"‖∂s_T/∂s_k‖₂ and its bounds", "lag T − k, steps", "‖·‖₂", true};
      experiment.curve(chart, "‖∂s_T/∂s_k‖₂", by_lag(transport.log_norm));
      experiment.curve(chart, "Π ‖∂s_j/∂s_{j−1}‖₂", by_lag(transport.log_product));
      experiment.curve(chart, "(γλ)^{T−k}", by_lag(transport.log_bound));
    }
  }
  experiment.say(fmt::format("tanh, {} units, W normal with deviation 0.1, {} steps of random symbols; {} seeds",
                             hidden, steps, actual.size()));
  // Rounding: fifty products in float64, and equality at lag 0.
  experiment.check_below("the largest ‖∂s_T/∂s_k‖₂ over (γλ)^{T−k}, at any lag", worst, 1 + 1e-12);
  experiment.check_below(fmt::format("‖∂s_T/∂s_k‖₂ at lag {}, median", lag), median(actual), 1e-4);
  experiment.check_above(fmt::format("(γλ)^{} beside it, median", lag), median(bound), 1e4);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv, {.name = "bound_vs_reality", .claim = "The bound always holds and may say nothing.", .seeds = 10},
      experiments::run);
}
