// The spectral radius is no substitute for the norm: a tanh network of two units whose W has no eigenvalue but 0, and
// whose gradients double at every step; and one unit with w = 3, whose gradient fades although γλ = 3.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/experiment.h"

namespace experiments {
namespace {

// In columns s ← tanh(W s + b), W = [[8, 8], [−8, −8]]; the library's rows take Wᵀ. b makes (0, ½) a fixed point: it
// has to be as exact as float64 is, for a network this expansive leaves any other point at once.
nn::Rnn trap() {
  ebb::Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = 2, .input_init = nn::zeros(), .dtype = ebb::f64}, rng);
  rnn.W.assign(ebb::tensor({{8, -8}, {8, -8}}, ebb::f64));
  rnn.b.assign(ebb::tensor({-4, 4 + std::atanh(0.5)}, ebb::f64));
  return rnn;
}

// ‖∂s_t/∂s_0‖₂ for t = 0 … steps.
std::vector<double> growth(const nn::Rnn& rnn, const Tensor& initial, Index steps) {
  ebb::Tape tape;
  const nn::Unrolled run = rnn(ebb::zeros({steps, 1, 1}, ebb::f64), initial);
  std::vector<double> norms;
  for (const Tensor& state : run.states) norms.push_back(ebb::spectral_norm(tape.jacobian(state, run.states[0])));
  return norms;
}

void two_units(Experiment& experiment) {
  const nn::Rnn rnn = trap();
  const std::vector<double> norms = growth(rnn, ebb::tensor({{0, 0.5}}, ebb::f64), 10);
  double worst = 0;
  for (std::size_t t = 2; t < norms.size(); ++t) worst = std::max(worst, std::abs(norms[t] / norms[t - 1] - 2));
  experiment.check("spectral radius of W", ebb::spectral_radius(rnn.W), "= 0", ebb::spectral_radius(rnn.W) == 0);
  // The fixed point repels: rounding doubles with each step, too. 20 steps would lose it.
  experiment.check_below("‖∂s_t/∂s_0‖₂ over the one a step before, its distance from 2, ten steps", worst, 1e-6);
  experiment.check_near("‖∂s_1/∂s_0‖₂ = 10 √2", norms[1], 10 * std::sqrt(2.0), 1e-9);
  experiment.curve({"Gradients of the trap", "step t", "‖∂s_t/∂s_0‖₂", true}, "two units, spectral radius 0",
                   numbered(norms, 0));
}

void one_unit(Experiment& experiment) {
  ebb::Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = 1, .input_init = nn::zeros(), .dtype = ebb::f64}, rng);
  rnn.W.assign(ebb::tensor({{3}}, ebb::f64));
  // 100 steps from ½ end at the fixed point s = tanh(3 s).
  const nn::Unrolled settling = rnn(ebb::zeros({100, 1, 1}, ebb::f64), ebb::tensor({{0.5}}, ebb::f64));
  const std::vector<double> norms = growth(rnn, settling.last(), 10);
  experiment.check_near("one unit, w = 3: its fixed point", settling.last().item(), 0.994902, 1e-6);
  experiment.check_near("what a step there leaves of a gradient", norms[1], 0.0305, 1e-4);
  experiment.curve({"Gradients of the trap", "step t", "‖∂s_t/∂s_0‖₂", true}, "one unit, γλ = 3", numbered(norms, 0));
}

void run(Experiment& experiment) {
  two_units(experiment);
  one_unit(experiment);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv, {.name = "eigenvalue_trap", .claim = "ρ(W) = 0, yet gradients double every step.", .random = false},
      experiments::run);
}
