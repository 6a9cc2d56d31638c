// Choice, element by element.
#pragma once

#include "autograd/tensor/tensor.h"

namespace ebb {

// a where the condition isn't 0, else b. The gradient of the branch not taken is 0, and so is that of what it was
// computed from elementwise, also where values or derivatives are NaN or infinite: where(x > 0.0, log(x), 0.0). That
// holds for derivatives of any order and for tangents. (In PyTorch a NaN there comes through.)
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, double b);
[[nodiscard]] Tensor where(const Tensor& condition, double a, const Tensor& b);
[[nodiscard]] Tensor where(const Tensor& condition, double a, double b);

}  // namespace ebb
