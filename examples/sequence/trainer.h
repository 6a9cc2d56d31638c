// One network being trained, with its gradients under observation.
#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "sequence/tasks.h"

namespace sequence {

using nn::Magnitude;

// What one update saw. Arrays by k as in Unrolled::states: [0] belongs to the initial state, [T] to the last.
struct Observation {
  Index update = 0;
  Magnitude loss = Magnitude::no_path();
  Magnitude gradient_norm = Magnitude::no_path();          // over all parameters, before clipping
  Magnitude clipped_gradient_norm = Magnitude::no_path();  // and after
  bool clipped = false;
  std::vector<Magnitude> state_gradient;  // ‖∂L/∂s_k‖ over batch and units
  std::vector<Magnitude> contribution;    // ‖C_k‖_F, where asked for

  bool is_finite() const { return std::isfinite(gradient_norm.value); }
  // ‖∂L/∂s_1‖ / ‖∂L/∂s_T‖, or the kind of whichever of the two isn't a number.
  Magnitude first_to_last() const;
};

class Trainer {
 public:
  // The seed decides both the weights and the sequences, the latter alike for all models.
  Trainer(const RunOptions& options, std::unique_ptr<Task> task);

  // The next sequences: one forward pass, one sweep (of each shard, where the batch is cut), and clipping.
  Observation observe();
  // One step of the optimiser by the gradients of what was just observed. NonFiniteError unless they are finite.
  void learn();

  const Model& model() const { return model_; }
  const Task& task() const { return *task_; }
  // γ ‖W‖₂ bounds what one step back can multiply the gradient by. float64.
  double lambda() const { return ebb::spectral_norm(model_.rnn.W); }
  // On fresh sequences, the same for each call.
  TestResult test() const;

 private:
  Trainer(const RunOptions& options, std::unique_ptr<Task> task, ebb::Rng rng);
  // Forward and back through a shard; its loss.
  ebb::Tensor pass(const nn::Shard& shard, const Batch& batch, std::span<ebb::Tensor> gradients);

  RunOptions options_;
  std::unique_ptr<Task> task_;
  ebb::Rng data_, test_data_;
  Model model_;
  nn::Parameters parameters_;
  std::variant<nn::Sgd, nn::Adam> optimizer_;
  nn::DataParallel parallel_;
  // By shard: where its next window goes on, [rows, hidden]; ‖∂L/∂s_k‖ for its own loss; its share of the batch.
  std::vector<ebb::Tensor> states_;
  std::vector<std::vector<Magnitude>> state_gradients_;
  std::vector<double> shares_;
  std::vector<Magnitude> contribution_;  // of the one shard, where asked for
  std::vector<ebb::Tensor> gradients_;
  Index updates_ = 0;
};

}  // namespace sequence
