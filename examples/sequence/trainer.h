// One network being trained, with its gradients under observation.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "sequence/closeup.h"
#include "sequence/tasks.h"

namespace sequence {

// What one update saw. Arrays by k as in Unrolled::states: [0] belongs to the initial state, [T] to the last.
struct Observation {
  Index update = 0;
  Magnitude loss = Magnitude::no_path();
  Magnitude gradient_norm = Magnitude::no_path();          // over all parameters, before clipping
  Magnitude clipped_gradient_norm = Magnitude::no_path();  // and after
  bool clipped = false;
  Magnitudes state_gradient;  // ‖∂L/∂s_k‖ over batch and units
  Magnitudes contribution;    // ‖C_k‖_F, where asked for
  double omega = 0;           // Ω, where it is part of what is minimised; not in the loss

  // Where asked for.
  std::optional<nn::Saturation> saturation;  // of the first shard
  std::optional<Transported> transport;
  std::optional<TapeCopy> tape;  // of the first shard

  bool is_finite() const { return std::isfinite(gradient_norm.value); }
};

class Trainer {
 public:
  // The seed decides both the weights and the sequences, the latter alike for all models.
  Trainer(const RunOptions& options, std::unique_ptr<Task> task);

  // The next sequences: one forward pass, one sweep (of each shard, where the batch is cut), and clipping.
  Observation observe(const Attention& attention = {});
  // One step of the optimiser by the gradients of what was just observed. NonFiniteError unless they are finite.
  void learn();

  Index updates() const { return updates_; }  // observed so far
  const Model& model() const { return model_; }
  const Task& task() const { return *task_; }
  // On at least that many fresh sequences, the same for each call.
  TestResult test(Index sequences = 1000) const;

 private:
  Trainer(const RunOptions& options, std::unique_ptr<Task> task, ebb::Rng rng);
  // Forward and back through a shard; its loss. The first one fills in what `seen` is to hold beyond the flow.
  ebb::Tensor pass(const nn::Shard& shard, const Batch& batch, std::span<ebb::Tensor> gradients,
                   const Attention& attention, Observation& seen);

  RunOptions options_;
  std::unique_ptr<Task> task_;
  ebb::Rng data_, test_data_;
  Model model_;
  nn::Parameters parameters_;
  std::variant<nn::Sgd, nn::Adam> optimizer_;
  nn::DataParallel parallel_;
  // By shard: where its next window goes on, [rows, hidden]; ‖∂L/∂s_k‖ for its own loss; its share of the batch.
  std::vector<ebb::Tensor> states_;
  std::vector<Magnitudes> state_gradients_;
  std::vector<double> shares_;
  std::vector<ebb::Tensor> gradients_;
  Index updates_ = 0;
};

}  // namespace sequence
