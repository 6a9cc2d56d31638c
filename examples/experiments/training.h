// Networks trained for an experiment, each logged in a folder of its own.
#pragma once

#include <string>
#include <string_view>

#include "experiments/experiment.h"
#include "sequence/trainer.h"

namespace experiments {

struct Goal {
  double errors = 0;     // training ends once a test makes fewer errors than this; 0: never
  Index test_every = 0;  // updates
  Index sequences = 10'000;
};

struct Trained {
  Index updates = 0;
  bool reached = false;         // the goal
  sequence::TestResult tested;  // at the end
};

// The share of seeds at which training ended as it should.
class Share {
 public:
  void add(bool counts) { ++seeds_, counted_ += counts; }
  double value() const { return counted_ / seeds_; }

 private:
  double counted_ = 0, seeds_ = 0;
};

// "clip      seed 3: 0.41 % errors after 12000 updates"
void say_errors(Experiment& experiment, std::string_view how, std::uint64_t seed, const Trained& end);

// What Pascanu, Mikolov & Bengio 2013 train on: temporal order, 50 units, batches of 20, SGD at rate 0.01, weights
// normal with the deviation `std`.
sequence::RunOptions temporal_order(ebb::Activation activation, double std, Index time, Index updates);

// Trains one network as `options` say, from the seed, until it is done or has reached its goal. With `log`, some
// hundred updates of it are logged in that folder of the experiment, under the options' name.
Trained train(Experiment& experiment, sequence::RunOptions options, std::uint64_t seed, const Goal& goal, bool log);

}  // namespace experiments
