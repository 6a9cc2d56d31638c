// How far the units of a run are from where their nonlinearity is flat. A saturated unit passes no gradient on.
#pragma once

#include <vector>

#include "nn/layers/cell.h"

namespace ebb::nn {

// By k = 1 … T; [0] is NaN. 1 is as open as can be, 0 is shut.
struct Saturation {
  std::vector<double> mean;  // of |σ'(a_k)| / γ over batch and units
  std::vector<double> shut;  // the share of batch and units where |σ'(a_k)| < 0.05 γ
  Tensor by_unit;            // |σ'(a_k)| / γ, mean over the batch: [T, hidden], float64
};

// From the states' values alone; nothing is recorded. Takes a quarter of a training step at batch 20, hidden 50, a
// tenth at hidden 256. ShapeError for a run without states, with states of another size or type than the cell's, or of
// several shapes.
[[nodiscard]] Saturation saturation(const Cell& cell, const Unrolled& run);

}  // namespace ebb::nn
