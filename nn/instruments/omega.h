// The vanishing-gradient regulariser Ω of Pascanu, Mikolov & Bengio 2013 (section 3.3): it asks each step to pull the
// gradient back without changing its norm, in the direction that matters to the loss.
#pragma once

#include <span>
#include <vector>

#include "autograd/tape/tape.h"
#include "nn/instruments/magnitude.h"
#include "nn/instruments/state_watch.h"
#include "nn/layers/cell.h"

namespace ebb::nn {

// Ω_k = (‖δ_k‖ / ‖δ_{k+1}‖ − 1)² for k = 0 … T − 1 as a diagnostic, from the norms that a GradientFlow saw; right where
// the loss reads the last state alone, so that δ_k is nothing but δ_{k+1} pulled back. NaN where either is no number,
// or δ_{k+1} is 0.
[[nodiscard]] std::vector<double> omega_terms(std::span<const Magnitude> state_gradient);

// Ω and its gradient, from one training sweep:
//
//   nn::Omega omega(rnn, run);
//   auto gradients = tape.gradients(loss, parameters.tensors(), {.observer = omega.observer()});
//   const nn::OmegaValue value = omega.value();  // then add weight · value.by_W to the gradient of W
//
// The form is that of the authors' published code, which differs from the paper's equation (9): squared norms, for each
// sequence n of the batch by itself, averaged over batch and steps, steps whose ‖δ‖² is below 1e-20 (or whose ‖δ‖ is no
// finite number) left out:
//
//   Ω = Σ_k Σ_n (‖(σ'(a_k) ∘ δ_k) Wᵀ‖² / ‖δ_k‖² − 1)² / (number of the (k, n) that count), over k = 1 … T,
//
// with δ_k,n = ∂L/∂s_k,n. Its derivative ∂⁺Ω/∂W takes δ, σ' and s as constants (equation 10). Keeps δ of all steps
// until `value`, which takes two products of [T · batch, hidden] by [hidden, hidden] and room for two arrays like that
// more: in all, nine tenths of a training step on top of it (hidden 50 to 256; four tenths at batch 1, hidden 16).
struct OmegaValue {
  double value;
  Tensor by_W;  // [hidden, hidden]
};

class Omega {
 public:
  // TapeError unless the run was recorded on the tape that now records; ShapeError for one without states, with
  // states of another size or type than the cell's, or of several shapes. states[k] is one step of the cell from
  // states[k − 1]. The cell must outlive it, and it the observer's use.
  Omega(const Cell& cell, const Unrolled& run);
  Omega(const Omega&) = delete;
  Omega& operator=(const Omega&) = delete;

  // For one sweep at a time, over the tape that the run is on; forgets what an earlier one showed. (So does a sweep
  // that begins above where the last one ended.)
  [[nodiscard]] Observer observer();
  // Of the sweep that was observed; 0 where no step counts. Nothing of it is recorded. StaleValueError where W or a
  // state was written since: ask before the optimiser steps.
  [[nodiscard]] OmegaValue value() const;

 private:
  void forget();
  void observe(const Record& record, const Tensor& gradient);
  void require_unwritten() const;

  const Cell& cell_;
  Unrolled run_;
  detail::StateWatch watch_;
  std::vector<Tensor> gradients_;        // δ_k, undefined where there is none
  std::vector<std::uint32_t> versions_;  // of the states, and of W, when the sweep began
};

}  // namespace ebb::nn
