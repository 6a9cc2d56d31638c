#include "training.h"

#include <autograd/autograd.h>

namespace ebb::benchmarks {
namespace {

nn::Rnn rnn_of(const Size& size) {
  Rng rng(0);
  return nn::Rnn({.inputs = inputs, .hidden = size.hidden}, rng);
}

nn::Linear readout_of(const Size& size) {
  Rng rng(0);
  return nn::Linear({.inputs = size.hidden, .outputs = 1}, rng);
}

double sum_of_magnitudes(const Tensor& x) { return benchmarks::sum_of_magnitudes(x.values<float>()); }

// What every way ends with.
void finish(Model& model, Tape& tape, const Tensor& loss, const Observer& observer = {}) {
  tape.gradients(loss, model.parameters.tensors(), model.gradients, {.observer = observer});
  model.optimizer.step(model.gradients);
  model.loss = loss.item();
}

}  // namespace

Model::Model(const Problem& problem)
    : rnn(rnn_of(problem.size)),
      readout(readout_of(problem.size)),
      parameters({{"rnn", rnn}, {"readout", readout}}),
      optimizer(parameters, {.learning_rate = learning_rate}),
      x(from_values(problem.x, {problem.size.time, problem.size.batch, inputs})),
      y(from_values(problem.y, {problem.size.batch, 1})),
      gradients(parameters.count()) {
  rnn.U.assign(from_values(problem.U, rnn.U.shape()));
  rnn.W.assign(from_values(problem.W, rnn.W.shape()));
  rnn.b.assign(from_values(problem.b, rnn.b.shape()));
  readout.W.assign(from_values(problem.V, readout.W.shape()));
}

Sums Model::sums() const {
  return {loss,
          sum_of_magnitudes(gradients[0]),
          sum_of_magnitudes(gradients[1]),
          sum_of_magnitudes(gradients[2]),
          sum_of_magnitudes(gradients[3]),
          sum_of_magnitudes(gradients[4])};
}

void step_through_rnn(Model& model) {
  Tape tape;
  const nn::Unrolled run = model.rnn(model.x);
  finish(model, tape, model.loss_of(run.last()));
}

void step_op_by_op(Model& model) {
  Tape tape;
  const Tensor &U = model.rnn.U, &W = model.rnn.W, &b = model.rnn.b;
  Tensor s = zeros({model.x.extent(1), W.extent(0)});
  for (Index t = 0; t < model.x.extent(0); ++t) s = tanh(matmul(model.x[t], U) + matmul(s, W) + b);
  finish(model, tape, model.loss_of(s));
}

void step_watched(Model& model, const nn::GradientFlowOptions& options) {
  Tape tape;
  const nn::Unrolled run = model.rnn(model.x);
  nn::GradientFlow flow(model.rnn, run, options);
  finish(model, tape, model.loss_of(run.last()), flow.observer());
}

void step_in_shards(Model& model, nn::DataParallel& parallel) {
  model.loss = parallel.loss_and_gradients(model.x.extent(1), model.gradients,
                                           [&](const nn::Shard& shard, std::span<Tensor> gradients) {
                                             Tape tape;
                                             const Tensor last = model.rnn(shard.rows(model.x, 1)).last();
                                             Tensor loss = nn::mse(model.readout(last), shard.rows(model.y));
                                             tape.gradients(loss, model.parameters.tensors(), gradients);
                                             return loss;
                                           });
  model.optimizer.step(model.gradients);
}

}  // namespace ebb::benchmarks
