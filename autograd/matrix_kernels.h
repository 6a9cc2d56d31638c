// The matrix product on tensors' values, unrecorded and unchecked, for ops that fill their own output.
#pragma once

#include "autograd/tensor.h"

namespace ebb::detail {

// c = a b, or c += a b, with either operand transposed where asked for.
void multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& c, bool accumulate);

}  // namespace ebb::detail
