// What is remembered of a run for its table and its picture: a few updates, and when things happened.
#pragma once

#include <optional>
#include <vector>

#include "report/words.h"
#include "sequence/trainer.h"

namespace sequence {

// An update that went into the log.
struct Logged {
  Observation seen;
  Weights weights;  // before the update
};

struct History {
  History(const RunOptions& run_options, const Task& task)
      : options(run_options),
        scored(task.scored),
        classes(task.classes),
        trivial_loss(task.trivial_loss),
        trivial_answer(task.trivial_answer) {}

  RunOptions options;
  Index scored;  // the loss reads this many last states
  bool classes;
  double trivial_loss;
  std::string trivial_answer;

  std::vector<Logged> kept;  // the first logged update of each quarter of the way, and the last of all
  Index updates_done = 0;
  double least_ratio = 0, greatest_ratio = 0;  // of ‖∂L/∂s_1‖ / ‖∂L/∂s_anchor‖, over the logged updates; a zero is 0
  std::optional<Index> below_trivial;     // the first update whose loss was
  std::optional<Observation> first_zero;  // the first update at which ∂L/∂s_1 was exactly zero
  Index zeros = 0;                        // how many updates it was
  double norm_before_zero = 0;            // of the gradient, after clipping, at the update before the first zero
  std::optional<TestResult> tested;

  const Logged& first() const { return kept.front(); }
  const Logged& last() const { return kept.back(); }
  // The first step whose state the loss reads. From there back to step 1, ‖∂L/∂s_k‖ grows by at most γλ a step.
  Index anchor() const { return options.time - scored + 1; }
  report::WayBack way_back(const Observation& seen) const {
    return {seen.state_gradient, static_cast<std::size_t>(anchor())};
  }
  // log10 of (γλ)^lag.
  double log10_bound(const Logged& logged, Index lag) const;

  void add(const Observation& seen);                                 // every update
  void add_logged(const Observation& seen, const Weights& weights);  // and the logged ones
};

}  // namespace sequence
