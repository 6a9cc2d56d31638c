// How much of a change in each state reaches the last one, ‖∂s_T/∂s_k‖₂, and what the article bounds it by.
#pragma once

#include <vector>

#include "nn/layers/cell.h"

namespace ebb::nn {

struct TransportOptions {
  bool spectrum = false;  // also all singular values; two to three times the price
};

// Natural logarithms, by k = 0 … T, so that 1e-1000 and 1e+1000 are numbers like others; −∞ is an exact zero, NaN where
// a derivative is no finite number. At k = T all are 0: ∂s_T/∂s_T is the identity. Where a bound is reached it is so
// but for rounding, on either side.
struct Transport {
  std::vector<double> log_norm;     // ln ‖∂s_T/∂s_k‖₂
  std::vector<double> log_product;  // ln Π_{j=k+1..T} ‖∂s_j/∂s_{j−1}‖₂, at least the above
  // ln (γλ)^{T−k} with λ = ‖W‖₂, at least the above (Khurana 2019; Pascanu, Mikolov & Bengio 2013, section 2.1).
  std::vector<double> log_bound;
  // Where asked for, ln σ_i(∂s_T/∂s_k), largest first, by k and i. Those below 1e-15 σ_1 are rounding.
  std::vector<std::vector<double>> log_spectrum;
};

// Along one sequence, x: [time, 1, inputs] from initial: [1, hidden], in float64 whatever the cell's type. The sequence
// is repeated `hidden` times along the batch and each step swept from the identity: O(T H³), about 11 · hidden / batch
// times a training step on a batch in float64 (twice that in float32's), most of it for norms, and memory for T · H
// numbers. Nothing is recorded on a tape outside. ShapeError unless x is a single sequence.
[[nodiscard]] Transport transport(const Cell& cell, const Tensor& x, const Tensor& initial,
                                  const TransportOptions& options = {});

}  // namespace ebb::nn
