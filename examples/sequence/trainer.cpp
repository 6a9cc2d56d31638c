#include "sequence/trainer.h"

#include <limits>

namespace sequence {

namespace {

std::variant<nn::Sgd, nn::Adam> make_optimizer(const RunOptions& options, const nn::Parameters& parameters) {
  if (options.optimizer == "adam") return nn::Adam(parameters, {.learning_rate = options.learning_rate});
  return nn::Sgd(parameters, {.learning_rate = options.learning_rate,
                              .momentum = options.momentum,
                              .nesterov = options.optimizer == "nesterov"});
}

}  // namespace

Magnitude Observation::first_to_last() const {
  const Magnitude &first = state_gradient[1], &last = state_gradient.back();
  if (first.kind != nn::Kind::number) return first;
  if (last.kind != nn::Kind::number) return last;
  return Magnitude::of(first / last);
}

Trainer::Trainer(const RunOptions& options, std::unique_ptr<Task> task)
    : Trainer(options, std::move(task), ebb::Rng(options.seed)) {}

Trainer::Trainer(const RunOptions& options, std::unique_ptr<Task> task, ebb::Rng rng)
    : options_(options),
      task_(std::move(task)),
      data_(rng.split()),
      test_data_(rng.split()),
      model_(make_model(options, task_->inputs, task_->outputs, rng)),
      parameters_(model_.parameters()),
      optimizer_(make_optimizer(options, parameters_)),
      state_(ebb::zeros({options.batch, options.hidden})) {}

Observation Trainer::observe() {
  const Batch batch = task_->next(data_);

  ebb::Tape tape;
  const nn::Unrolled run = model_.rnn(batch.inputs, state_);
  const ebb::Tensor loss = task_->loss(task_->answer(model_, run), batch);

  nn::GradientFlow flow(model_.rnn, run, {.contributions = options_.contributions});
  gradients_ = tape.gradients(loss, parameters_.tensors(), {.observer = flow.observer()});

  const double limit = options_.clip > 0 ? options_.clip : std::numeric_limits<double>::infinity();
  const double norm = nn::clip_norm(gradients_, limit, nn::NonFinite::skip);
  // A source on the next tape: truncated backpropagation through time.
  if (task_->continues) state_ = run.last();
  return {.update = updates_++,
          .loss = Magnitude::of(loss.item()),
          .gradient_norm = Magnitude::of(norm),
          .clipped_gradient_norm = Magnitude::of(nn::gradient_norm(gradients_)),
          .clipped = norm > limit,
          .state_gradient = std::move(flow.state_gradient),
          .contribution = std::move(flow.contribution)};
}

void Trainer::learn() {
  std::visit([this](auto& optimizer) { optimizer.step(gradients_); }, optimizer_);
}

TestResult Trainer::test() const { return sequence::test(model_, *task_, /*sequences=*/1000, test_data_); }

}  // namespace sequence
