// The laboratory's first instrument: how large the gradient is at every time step, seen in the one training sweep.
#pragma once

#include <span>
#include <vector>

#include "autograd/tape/tape.h"
#include "nn/instruments/magnitude.h"
#include "nn/instruments/state_watch.h"
#include "nn/layers/cell.h"

namespace ebb::nn {

struct GradientFlowOptions {
  // Also ‖C_k‖: inner products of the rows of s and of u, batch / (3 hidden) of the step's products, and passes over u.
  // A seventh of a step at hidden 128 and 256, a third at 50.
  bool contributions = false;
};

// Watches one sweep over a run of a cell:
//
//   nn::GradientFlow flow(rnn, run);
//   auto gradients = tape.gradients(loss, parameters.tensors(), {.observer = flow.observer()});
//   flow.state_gradient[k];  // ‖∂L/∂s_k‖
//
// Right for a loss at the last step, at every step or in the middle: δ_k = ∂L/∂s_k is the whole gradient, by all paths.
// Nothing is flushed to zero: what fades goes through the denormals, with the digits that these have, before it is an
// underflow, and a sweep through them takes less than twice the time of one without.
class GradientFlow {
 public:
  // TapeError unless the run was recorded on the tape that now records; ShapeError for one without states, with states
  // of another size or type than the cell's, or of several shapes where contributions are asked for. For δ states may
  // lie anywhere on the tape; contributions are those of a run in which states[k] is one step of the cell from states[k
  // − 1]. The cell must outlive the flow, and the flow its observer's use.
  GradientFlow(const Cell& cell, const Unrolled& run, const GradientFlowOptions& options = {});
  GradientFlow(const GradientFlow&) = delete;
  GradientFlow& operator=(const GradientFlow&) = delete;

  // For one sweep: forgets what an earlier one showed. (So does a sweep that begins above where the last one ended.)
  [[nodiscard]] Observer observer();

  // ‖δ_k‖ over batch and units, for k = 0 … T; sums of squares in float64. Over √batch, the root mean square over the
  // batch.
  Magnitudes state_gradient;
  // ‖C_k‖_F with C_k = s_{k−1}ᵀ (σ'(a_k) ∘ δ_k), the part of ∂L/∂W that step k contributes: Σ_k C_k = ∂L/∂W. For
  // k = 1 … T ([0] is no path); empty unless asked for. With δ's type's digits, whatever the size: float32's are
  // some 7.
  Magnitudes contribution;

 private:
  void observe(const Record& record, const Tensor& gradient);
  void see(std::size_t k, const Tensor& gradient);
  void see_again(const Tensor& gradient);
  void contribute(std::size_t k, const Tensor& gradient);
  void forget();
  // Whether the results are those of no sweep yet; who took them away is given new ones.
  bool is_fresh() const { return !later_gradient_.defined() && state_gradient.size() == watch_.states(); }
  Kind kind_of_zero(std::size_t k) const;
  Magnitude contribution_at(std::size_t k, const Tensor& gradient);
  Magnitude contribution_of(std::size_t k, const Tensor& gradient, const Tensor& scaled, int exponent);
  Magnitude contribution_with_care(std::size_t k, const Tensor& gradient) const;

  const Unrolled& run() const {
    if (run_.states.empty()) run_ = watch_.run();
    return run_;
  }

  const Cell& cell_;
  bool contributions_;
  mutable Unrolled run_;  // from when it is first asked for: most sweeps never do
  detail::StateWatch watch_;
  Tensor later_gradient_;       // of the state passed last, for the reason of a zero; none since it forgot
  std::size_t later_step_ = 0;  // and its k
  Tensor u_;                    // room for σ' ∘ δ, which is like each state
};

// ‖∂L/∂s_k‖ of a whole batch, from the flows of its shards (data_parallel.h), each of the shard's own mean loss: no row
// is in two shards, so ‖∂L/∂s_k‖² = Σ (share ‖∂L_shard/∂s_k‖)². Where that is zero, the reason is that of the shards
// where it came last. (Contributions of shards are matrices to add; their norms say nothing about that of the sum.)
// ShapeError unless there is one share for each and all have as many steps.
[[nodiscard]] Magnitudes joined(std::span<const Magnitudes> state_gradients, std::span<const double> shares);

}  // namespace ebb::nn
