// Clipping rescues what plain SGD loses to explosions: tanh networks on the temporal order (Pascanu, Mikolov & Bengio
// 2013, section 4.1). Ω on top of it gets there several times sooner.
#include "experiments/training.h"

namespace experiments {
namespace {

void run(Experiment& experiment) {
  const bool is_short = experiment.is_short();
  const Index time = is_short ? 30 : 50;
  sequence::RunOptions sgd = temporal_order(ebb::Activation::tanh, 0.1, time, is_short ? 10'000 : 100'000);
  // The loss is a mean over 20 sequences. This is rate 0.01 and limit 1 for their sum.
  sgd.learning_rate = 0.2;
  sgd.name = "sgd";
  sequence::RunOptions clipped = sgd;
  clipped.name = "clip";
  clipped.clip = 0.05;
  sequence::RunOptions regularised = clipped;
  if (!is_short) clipped.updates = 400'000;
  regularised.name = "clip and omega";
  regularised.omega = 4;

  const Goal never{}, learned{.errors = 0.01, .test_every = is_short ? 500 : 1000};
  Share lost, rescued, sooner;
  for (const std::uint64_t seed : experiment.seeds()) {
    const bool log = seed == experiment.seed();
    const Trained plain = train(experiment, sgd, seed, never, log);
    say_errors(experiment, "SGD", seed, plain);
    lost.add(plain.tested.error_rate >= 0.7);
    const Trained clip = train(experiment, clipped, seed, learned, log);
    say_errors(experiment, "clip", seed, clip);
    rescued.add(clip.reached || (is_short && clip.tested.error_rate < 0.6));
    const Trained both = train(experiment, regularised, seed, learned, log);
    say_errors(experiment, "clip + Ω", seed, both);
    sooner.add(both.reached);
  }
  experiment.check("SGD: share of seeds with 70 % errors or more (guessing: 75 %)", lost.value(), "= 1",
                   lost.value() == 1);
  if (is_short)
    experiment.check_above("clip: share of seeds with less than 60 % errors, one symbol of two learnt", rescued.value(),
                           0.69);
  else
    experiment.check_above("clip: share of seeds that come to less than 1 % errors", rescued.value(), 0.3);
  experiment.check_above("clip + Ω: share of seeds that do", sooner.value(), 0.89);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv,
      {.name = "tanh_explodes", .claim = "Clipping rescues what SGD loses.", .seeds = 3, .has_short_form = true},
      experiments::run);
}
