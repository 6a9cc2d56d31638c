// Clipping, in place: gradients are the caller's own.
#pragma once

#include <span>

#include "nn/training/optimizer.h"

namespace ebb::nn {

// √Σ‖g‖² over all gradients, in float64: right also where float32 squares would overflow or vanish.
[[nodiscard]] double gradient_norm(std::span<const Tensor> gradients);

// Scales all gradients by limit / norm where their joint norm is above the limit (Pascanu, Mikolov & Bengio 2013,
// algorithm 1; PyTorch's factor is limit / (norm + 10⁻⁶)). Returns the norm before. A norm that is NaN or infinite is a
// NonFiniteError that names the gradient, or with NonFinite::skip is returned; the gradients stay as they are.
double clip_norm(std::span<Tensor> gradients, double limit, NonFinite non_finite = NonFinite::error);

// Limits every element to [−limit, limit]. NonFiniteError as above, or nothing done.
void clip_value(std::span<Tensor> gradients, double limit, NonFinite non_finite = NonFinite::error);

}  // namespace ebb::nn
