#include "experiments/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sequence/run_log.h"

namespace experiments {

sequence::RunOptions temporal_order(ebb::Activation activation, double std, Index time, Index updates) {
  return {.name = "",
          .task = "temporal-order",
          .input = "",
          .time = time,
          .symbols = 0,
          .hidden = 50,
          .batch = 20,
          .activation = activation,
          .init = "normal",
          .gain = std,
          .input_std = std,
          .readout_std = std,
          .optimizer = "sgd",
          .learning_rate = 0.01,
          .updates = updates};
}

void say_errors(Experiment& experiment, std::string_view how, std::uint64_t seed, const Trained& end) {
  experiment.say(fmt::format("{:<8}  seed {}: {:.2f} % errors after {} updates", how, seed, 100 * end.tested.error_rate,
                             end.updates));
}

Trained train(Experiment& experiment, sequence::RunOptions options, std::uint64_t seed, const Goal& goal, bool log) {
  options.seed = seed;
  options.log_every = std::max<Index>(1, options.updates / 100);
  sequence::Trainer trainer(options, sequence::make_task(options));
  std::optional<sequence::RunLog> run_log;
  if (log) run_log.emplace(experiment.run_folder(options.name), options, trainer.task());

  Trained result;
  bool diverged = false;
  while (result.updates < options.updates && !result.reached && !diverged) {
    const bool logged = log && result.updates % options.log_every == 0;
    const sequence::Observation seen = trainer.observe({.saturation = logged});
    if (logged) run_log->add(seen, sequence::weights(trainer.model().rnn.W), /*map=*/false);
    diverged = !seen.is_finite();
    if (!diverged) trainer.learn();
    ++result.updates;
    if (goal.errors > 0 && result.updates % goal.test_every == 0)
      result.reached = trainer.test(goal.sequences).error_rate < goal.errors;
  }
  result.tested = trainer.test(goal.sequences);
  if (run_log) run_log->end({.updates = result.updates, .tested = result.tested});
  return result;
}

}  // namespace experiments
