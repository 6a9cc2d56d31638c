// The training step of problem.h as users of ebb would write it, in several ways.
#pragma once

#include <nn/nn.h>

#include "problem.h"

namespace ebb::benchmarks {

// A model with the problem's weights, and its optimiser.
struct Model {
  explicit Model(const Problem& problem);

  Tensor loss_of(const Tensor& last_state) const { return nn::mse(readout(last_state), y); }
  // Of the last step.
  Sums sums() const;

  nn::Rnn rnn;
  nn::Linear readout;
  nn::Parameters parameters;
  nn::Sgd optimizer;
  Tensor x, y;
  std::vector<Tensor> gradients;
  double loss = 0;
};

// One step each: forward, backward and an update.
void step_through_rnn(Model& model);                                      // nn::Rnn: a record a time step
void step_op_by_op(Model& model);                                         // matmul, +, tanh
void step_watched(Model& model, const nn::GradientFlowOptions& options);  // nn::Rnn under a GradientFlow
void step_in_shards(Model& model, nn::DataParallel& parallel);            // nn::Rnn, a tape a shard

}  // namespace ebb::benchmarks
