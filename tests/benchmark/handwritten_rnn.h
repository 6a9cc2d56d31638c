// Backpropagation through time of a vanilla network, written out by hand without a tape: what a training step could
// cost. The weights are packed once a step; ∂L/∂W is one product over all time steps.
#pragma once

#include <memory>

#include "problem.h"

namespace ebb::benchmarks {

class HandwrittenRnn {
 public:
  explicit HandwrittenRnn(const Problem& problem);
  ~HandwrittenRnn();

  // Forward, backward and an update of the weights.
  void step();
  // Of the last step.
  Sums sums() const;

  // What it was compiled for: "x86-64-v4", "x86-64-v3" or "portable".
  static const char* instruction_set();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ebb::benchmarks
