// Identity initialisation carries the gradient over 150 steps (Le, Jaitly & Hinton 2015): of two numbers marked in a
// long sequence, the sum. Rectified units that begin as W = I learn it; tanh at its usual initialisation does not get
// past answering the mean.
#include <fmt/format.h>

#include "experiments/training.h"

namespace experiments {
namespace {

void run(Experiment& experiment) {
  const bool is_short = experiment.is_short();
  sequence::RunOptions irnn{.name = "relu, W = I",
                            .task = "adding",
                            .input = "",
                            .time = is_short ? 50 : 150,
                            .symbols = 0,
                            .hidden = 50,
                            .batch = 32,
                            .activation = ebb::Activation::relu,
                            .init = "identity",
                            .gain = 1,
                            .input_std = {},
                            .readout_std = {},
                            .optimizer = "adam",
                            .learning_rate = 1e-3,
                            .clip = 1,
                            .updates = is_short ? 2000 : 10'000};
  sequence::RunOptions basic = irnn;
  basic.name = "basic tanh";
  basic.activation = ebb::Activation::tanh;
  basic.init = "normal";
  basic.gain = 0.1;
  basic.input_std = 0.1;

  experiment.say("always answering the mean has an error of 1/6 = 0.1667");
  const Goal never{};
  for (const std::uint64_t seed : experiment.seeds()) {
    const bool log = seed == experiment.seed();
    const Trained learns = train(experiment, irnn, seed, never, log);
    experiment.check_below(
        fmt::format("{}, seed {}: mean squared error after {} updates", irnn.name, seed, learns.updates),
        learns.tested.loss, is_short ? 0.05 : 0.01);
    const Trained guesses = train(experiment, basic, seed, never, log);
    experiment.check_near(fmt::format("{}, seed {}: the same", basic.name, seed), guesses.tested.loss, 0.165, 0.015);
  }
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv,
      {.name = "adding_irnn", .claim = "Identity init carries the gradient 150 steps.", .has_short_form = true},
      experiments::run);
}
