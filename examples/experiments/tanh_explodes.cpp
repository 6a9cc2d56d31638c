// Clipping rescues what plain SGD loses to explosions: tanh networks on the temporal order (Pascanu, Mikolov & Bengio
// 2013, section 4.1). Ω on top of it gets there several times sooner.
#include <fmt/format.h>

#include "experiments/training.h"

namespace {

using namespace experiments;

void run(Experiment& experiment) {
  const bool is_short = experiment.is_short();
  const Index time = is_short ? 30 : 50, updates = is_short ? 10'000 : 100'000;
  sequence::RunOptions sgd = temporal_order(ebb::Activation::tanh, 0.1, time, updates);
  sgd.name = "sgd";
  sequence::RunOptions clipped = sgd, regularised = sgd;
  clipped.name = "clip";
  clipped.clip = 1;
  regularised.name = "clip and omega";
  regularised.clip = 1;
  regularised.omega = 4;
  if (!is_short) regularised.updates = 30'000;

  const Goal never{}, learned{.errors = 0.01, .test_every = is_short ? 500 : 1000};
  for (const std::uint64_t seed : experiment.seeds()) {
    const bool log = seed == experiment.seed();
    const auto what = [&](const char* how, const Trained& end) {
      return fmt::format("{}, seed {}: share of errors after {} updates", how, seed, end.updates);
    };
    const Trained lost = train(experiment, sgd, seed, never, log);
    experiment.check_above(what("SGD", lost), lost.tested.error_rate, is_short ? 0.4 : 0.7);
    const Trained rescued = train(experiment, clipped, seed, learned, log);
    experiment.check_below(what("clip", rescued), rescued.tested.error_rate, 0.01);
    const Trained sooner = train(experiment, regularised, seed, learned, log);
    experiment.check_below(what("clip + Ω", sooner), sooner.tested.error_rate, 0.01);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return experiments::main(
      argc, argv, {.name = "tanh_explodes", .claim = "Clipping rescues what SGD loses.", .has_short_form = true}, run);
}
