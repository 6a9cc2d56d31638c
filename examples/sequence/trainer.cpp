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
      parallel_({.shards = options.shards, .threads = options.threads}),
      gradients_(parameters_.count()) {
  for (const nn::Shard& shard : nn::cut(options.batch, options.shards)) {
    states_.push_back(ebb::zeros({shard.size(), options.hidden}));
    shares_.push_back(shard.share());
  }
  state_gradients_.resize(states_.size());
}

ebb::Tensor Trainer::pass(const nn::Shard& shard, const Batch& batch, std::span<ebb::Tensor> gradients) {
  const auto index = static_cast<std::size_t>(shard.index);
  const Batch rows = batch.rows(shard);

  ebb::Tape tape;
  const nn::Unrolled run = model_.rnn(rows.inputs, states_[index]);
  ebb::Tensor loss = task_->loss(task_->answer(model_, run), rows);

  nn::GradientFlow flow(model_.rnn, run, {.contributions = options_.contributions});
  tape.gradients(loss, parameters_.tensors(), gradients, {.observer = flow.observer()});
  state_gradients_[index] = std::move(flow.state_gradient);
  if (options_.contributions) contribution_ = std::move(flow.contribution);
  // A source on the next tape: truncated backpropagation through time.
  if (task_->continues) states_[index] = run.last();
  return loss;
}

Observation Trainer::observe() {
  const Batch batch = task_->next(data_);
  const double loss = parallel_.loss_and_gradients(
      options_.batch, gradients_,
      [&](const nn::Shard& shard, std::span<ebb::Tensor> gradients) { return pass(shard, batch, gradients); });

  const double limit = options_.clip > 0 ? options_.clip : std::numeric_limits<double>::infinity();
  const double norm = nn::clip_norm(gradients_, limit, nn::NonFinite::skip);
  return {.update = updates_++,
          .loss = Magnitude::of(loss),
          .gradient_norm = Magnitude::of(norm),
          .clipped_gradient_norm = Magnitude::of(nn::gradient_norm(gradients_)),
          .clipped = norm > limit,
          .state_gradient = nn::joined(state_gradients_, shares_),
          .contribution = std::move(contribution_)};
}

void Trainer::learn() {
  std::visit([this](auto& optimizer) { optimizer.step(gradients_); }, optimizer_);
}

TestResult Trainer::test() const { return sequence::test(model_, *task_, /*sequences=*/1000, test_data_); }

}  // namespace sequence
