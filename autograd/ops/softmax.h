// Sums of exponentials and shares of them, by whatever is largest so that nothing overflows.
#pragma once

#include "autograd/tensor/tensor.h"

namespace ebb {

// ln Σ eˣ over everything, or along one axis, which is dropped unless `keepdim`. Exact for any finite x; of nothing, or
// of −∞ alone, it is −∞, with gradient 0.
[[nodiscard]] Tensor logsumexp(const Tensor& x);
[[nodiscard]] Tensor logsumexp(const Tensor& x, Index axis, bool keepdim = false);

// eˣ / Σ eˣ along an axis, and its logarithm x − ln Σ eˣ. Exact for any finite x; −∞ gets a share of 0, and −∞ alone
// NaN. ShapeError where the axis is empty. PyTorch's, with the last axis where none is named.
[[nodiscard]] Tensor softmax(const Tensor& x, Index axis = -1);
[[nodiscard]] Tensor log_softmax(const Tensor& x, Index axis = -1);

}  // namespace ebb
