// The same values in another type, or in other storage.
#pragma once

#include "autograd/tensor/tensor.h"

namespace ebb {

// The same values in another type; gradients come back in the first. To i64 it truncates, and no gradient passes.
[[nodiscard]] Tensor cast(const Tensor& x, DType dtype);
// The same values in storage of their own; differentiable (detach is the one that cuts).
[[nodiscard]] Tensor clone(const Tensor& x);

}  // namespace ebb
