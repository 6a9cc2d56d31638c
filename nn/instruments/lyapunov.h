// Lyapunov exponents: whether gradients vanish or explode, decided by the network as it runs and not by its weights
// alone. The largest is lim (1/T) ln ‖∂s_T/∂s_0‖ (Mikhaeil, Monfared & Durstewitz 2022); vanishing is λ_1 < 0.
#pragma once

#include <vector>

#include "nn/layers/cell.h"

namespace ebb::nn {

enum class Direction {
  forwards,   // tangents pushed along: ∂s_k/∂s_{k−1} v
  backwards,  // cotangents pulled back, as gradients are: vᵀ ∂s_k/∂s_{k−1}
};

struct LyapunovOptions {
  Direction direction = Direction::backwards;
  Index count = 0;    // how many, from the largest on; 0: all `hidden` of them
  Index discard = 0;  // steps that don't count, while the vectors turn the way they grow: the first ones walked, which
                      // are the last of the sequence where that is backwards
  Rng rng = Rng(1);   // for the vectors to start from
};

// Per step, natural logarithms, largest first: (1/T) Σ_k ln R_ii over the T steps that count, with the QR decomposition
// of the block of vectors at every step (Benettin, Galgani, Giorgilli & Strelcyn 1980). −∞ where a step loses a
// direction for good, as a relu that is off does, or leaves less of it beside the others than rounding (1e-16 hidden);
// NaN all of them where a derivative is no finite number.
//
// Along one sequence, x: [time, 1, inputs] from initial: [1, hidden], in float64 whatever the cell's type: O(T H²
// count) and memory for T · H numbers. All take about 6 · hidden / batch times a training step on a batch in float64
// (twice that in float32's); one alone is cheaper than the step, batches of 20 and more. Nothing is recorded on a tape
// outside. ShapeError unless x is a single sequence of more than `discard` steps, Error unless 0 ≤ count ≤ hidden.
[[nodiscard]] std::vector<double> lyapunov_exponents(const Cell& cell, const Tensor& x, const Tensor& initial,
                                                     const LyapunovOptions& options = {});

}  // namespace ebb::nn
