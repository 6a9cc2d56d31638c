// An orthogonal W keeps the norm of every gradient, as long as nothing saturates (Saxe, McClelland & Ganguli 2014;
// Henaff, Szlam & LeCun 2016): in a linear network exactly, in one of tanh no better than a Gaussian W.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/experiment.h"

namespace experiments {
namespace {

constexpr Index hidden = 50, steps = 200;

// ‖∂L/∂s_k‖, k = 1 … T, of L = ⟨c, s_T⟩ with a random c. One input of unit variance, which is enough to saturate.
std::vector<double> state_gradients(ebb::Activation activation, const nn::Init& init, std::uint64_t seed) {
  ebb::Rng rng(seed);
  const nn::Rnn rnn({.inputs = 1,
                     .hidden = hidden,
                     .activation = activation,
                     .input_init = nn::normal(0.1),
                     .recurrent_init = init,
                     .dtype = ebb::f64},
                    rng);
  const Tensor x = ebb::normal({steps, 1, 1}, 0, 1, rng, ebb::f64);
  const Tensor c = ebb::normal({1, hidden}, 0, 1, rng, ebb::f64);
  ebb::Tape tape;
  const nn::Unrolled run = rnn(x);
  nn::GradientFlow flow(rnn, run);
  (void)tape.gradient(ebb::sum(run.last() * c), rnn.W, {.observer = flow.observer()});
  return {flow.state_gradient.begin() + 1, flow.state_gradient.end()};
}

struct Kind {
  const char* name;
  ebb::Activation activation;
  nn::Init init;
};

void run(Experiment& experiment) {
  const nn::Init gaussian = nn::normal(1 / std::sqrt(static_cast<double>(hidden)));
  const std::vector<Kind> kinds{{"linear, orthogonal", ebb::Activation::identity, nn::orthogonal()},
                                {"linear, Gaussian", ebb::Activation::identity, gaussian},
                                {"tanh, orthogonal", ebb::Activation::tanh, nn::orthogonal()},
                                {"tanh, Gaussian", ebb::Activation::tanh, gaussian}};
  const Chart chart{"‖∂L/∂s_k‖, geometric mean over the seeds", "step k", "‖∂L/∂s_k‖", true};
  std::vector<double> kept;  // ‖δ_1‖ / ‖δ_T‖, geometric mean
  for (const Kind& kind : kinds) {
    std::vector<double> logs(steps), ratios;
    double spread = 0;  // largest over smallest along the way
    for (const std::uint64_t seed : experiment.seeds()) {
      const std::vector<double> norms = state_gradients(kind.activation, kind.init, seed);
      const auto [low, high] = std::minmax_element(norms.begin(), norms.end());
      spread = std::max(spread, *high / *low - 1);
      ratios.push_back(std::log(norms.front() / norms.back()));
      for (std::size_t k = 0; k < norms.size(); ++k)
        logs[k] += std::log(norms[k]) / static_cast<double>(experiment.seeds().size());
    }
    double mean = 0;
    for (const double ratio : ratios) mean += ratio / static_cast<double>(ratios.size());
    kept.push_back(std::exp(mean));
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    experiment.say(fmt::format("{:<19} ‖δ_1‖/‖δ_T‖: {:.3g}, from {:.2g} to {:.2g}", kind.name, kept.back(),
                               std::exp(*low), std::exp(*high)));
    Points points;
    for (std::size_t k = 0; k < logs.size(); ++k) points.emplace_back(static_cast<double>(k + 1), std::exp(logs[k]));
    experiment.curve(chart, kind.name, points);
    if (kept.size() == 1) experiment.check_below("linear, orthogonal: max/min of ‖δ_k‖ − 1", spread, 1e-10);
    if (kept.size() == 2 && ratios.size() > 1)
      experiment.check_above("linear, Gaussian: ‖δ_1‖/‖δ_T‖ spans, over the seeds", std::exp(*high - *low), 1e4);
  }
  experiment.check_below("tanh, orthogonal: ‖δ_1‖/‖δ_T‖ decays to", kept[2], 0.1);
  experiment.check_below("tanh, Gaussian: ‖δ_1‖/‖δ_T‖ decays to", kept[3], 0.1);
  experiment.check("tanh: orthogonal over Gaussian", kept[2] / kept[3], "≤ 1: not better", kept[2] <= kept[3]);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv, {.name = "isometry", .claim = "Orthogonality is exact only without saturation.", .seeds = 10},
      experiments::run);
}
