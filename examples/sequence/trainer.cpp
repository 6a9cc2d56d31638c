#include "sequence/trainer.h"

#include <limits>
#include <utility>

namespace sequence {

namespace {

constexpr std::size_t recurrent_weights = 1;  // among the parameters: rnn.U, rnn.W, …

std::variant<nn::Sgd, nn::Adam> make_optimizer(const RunOptions& options, const nn::Parameters& parameters) {
  if (options.optimizer == "adam") return nn::Adam(parameters, {.learning_rate = options.learning_rate});
  return nn::Sgd(parameters, {.learning_rate = options.learning_rate,
                              .momentum = options.momentum,
                              .nesterov = options.optimizer == "nesterov"});
}

}  // namespace

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

namespace {

// Along the first sequence of the batch.
Transported transported(const nn::Rnn& rnn, const ebb::Tensor& inputs, const ebb::Tensor& states) {
  const ebb::Pause pause;
  const ebb::Tensor x = ebb::slice(inputs, 0, 1, /*axis=*/1), initial = ebb::slice(states, 0, 1);
  Transported result{nn::transport(rnn, x, initial), 0};
  result.lyapunov = nn::lyapunov_exponents(rnn, x, initial, {.count = 1}).front();
  return result;
}

}  // namespace

ebb::Tensor Trainer::pass(const nn::Shard& shard, const Batch& batch, std::span<ebb::Tensor> gradients,
                          const Attention& attention, Observation& seen) {
  const auto index = static_cast<std::size_t>(shard.index);
  const bool is_first = index == 0;
  const Batch rows = batch.rows(shard);

  ebb::Tape tape;
  const nn::Unrolled run = model_.rnn(rows.inputs, states_[index]);
  ebb::Tensor loss = task_->loss(task_->answer(model_, run), rows);

  nn::GradientFlow flow(model_.rnn, run, {.contributions = attention.contributions});
  std::optional<nn::Omega> omega;
  if (options_.omega > 0) omega.emplace(model_.rnn, run);
  std::optional<TapeWatch> watch;
  if (is_first && attention.tape) watch.emplace(tape);
  ebb::Observer observer = flow.observer();
  if (omega || watch)
    observer = [&watch, to_flow = std::move(observer), to_omega = omega ? omega->observer() : ebb::Observer()](
                   const ebb::Record& record, const ebb::Tensor& gradient) {
      to_flow(record, gradient);
      if (to_omega) to_omega(record, gradient);
      if (watch) watch->observe(record, gradient);
    };
  tape.gradients(loss, parameters_.tensors(), gradients, {.observer = observer});

  if (omega) {
    const nn::OmegaValue regulariser = omega->value();
    seen.omega = regulariser.value;
    ebb::Tensor& by_W = gradients[recurrent_weights];
    const ebb::Pause pause;
    by_W = by_W + options_.omega * regulariser.by_W;
  }
  if (watch) {
    std::vector<std::pair<std::string, ebb::Tensor>> sources{
        {"x", rows.inputs}, {"s_0", run.states[0]}, {"targets", rows.targets}};
    for (std::size_t i = 0; i < parameters_.count(); ++i)
      sources.emplace_back(parameters_.names()[i], parameters_.tensors()[i]);
    seen.tape = std::move(*watch).copy(run, flow, sources);
  }
  if (is_first && attention.saturation) seen.saturation = nn::saturation(model_.rnn, run);
  if (is_first && attention.transport) seen.transport = transported(model_.rnn, rows.inputs, states_[index]);
  if (attention.contributions) seen.contribution = std::move(flow.contribution);
  state_gradients_[index] = std::move(flow.state_gradient);
  // A source on the next tape: truncated backpropagation through time.
  if (task_->continues) states_[index] = run.last();
  return loss;
}

Observation Trainer::observe(const Attention& attention) {
  const Batch batch = task_->next(data_);
  Observation seen;
  seen.update = updates_++;
  const double loss = parallel_.loss_and_gradients(options_.batch, gradients_,
                                                   [&](const nn::Shard& shard, std::span<ebb::Tensor> gradients) {
                                                     return pass(shard, batch, gradients, attention, seen);
                                                   });

  const double limit = options_.clip > 0 ? options_.clip : std::numeric_limits<double>::infinity();
  const double norm = nn::clip_norm(gradients_, limit, nn::NonFinite::skip);
  seen.loss = Magnitude::of(loss);
  seen.gradient_norm = Magnitude::of(norm);
  seen.clipped_gradient_norm = Magnitude::of(nn::gradient_norm(gradients_));
  seen.clipped = norm > limit;
  seen.state_gradient = nn::joined(state_gradients_, shares_);
  return seen;
}

void Trainer::learn() {
  std::visit([this](auto& optimizer) { optimizer.step(gradients_); }, optimizer_);
}

TestResult Trainer::test(Index sequences) const { return sequence::test(model_, *task_, sequences, test_data_); }

}  // namespace sequence
