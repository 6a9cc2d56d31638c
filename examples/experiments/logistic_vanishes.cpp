// Clipping cannot cure what vanishes: a logistic network at Pascanu's initialisation never learns the temporal order,
// clipped or not, because no gradient arrives from where the symbols stood; the regulariser Ω keeps it alive
// (Pascanu, Mikolov & Bengio 2013, sections 3.3 and 4.1).
#include <fmt/format.h>

#include <cmath>

#include "experiments/training.h"

namespace experiments {
namespace {

void run(Experiment& experiment) {
  const bool is_short = experiment.is_short();
  sequence::RunOptions sgd = temporal_order(ebb::Activation::logistic, 0.01, /*time=*/20, is_short ? 4000 : 75'000);
  sgd.name = "sgd";
  sequence::RunOptions clipped = sgd;
  clipped.name = "clip";
  clipped.clip = 1;
  sequence::RunOptions regularised = clipped;
  regularised.name = "clip and omega";
  regularised.omega = 4;
  if (!is_short) regularised.updates = 300'000;

  const Goal never{}, learned{.errors = 0.01, .test_every = 1000};
  Share cured;
  for (const std::uint64_t seed : experiment.seeds()) {
    const bool log = seed == experiment.seed();
    for (const sequence::RunOptions& options : {sgd, clipped}) {
      const Trained end = train(experiment, options, seed, never, log);
      experiment.check_near(
          fmt::format("{}, seed {}: loss after {} updates (ln 4: it guesses)", options.name, seed, end.updates),
          end.tested.loss, std::log(4.0), 0.01);
    }
    const Trained end = train(experiment, regularised, seed, learned, log);
    say_errors(experiment, "clip + Ω", seed, end);
    cured.add(end.reached);
  }
  // In so few updates Ω has hardly begun.
  if (!is_short)
    experiment.check_above("clip + Ω: share of seeds that come to less than 1 % errors", cured.value(), 0.3);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(argc, argv,
                           {.name = "logistic_vanishes",
                            .claim = "Clipping cannot cure vanishing; Ω can.",
                            .seeds = 3,
                            .has_short_form = true},
                           experiments::run);
}
