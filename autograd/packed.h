// Copies of a matrix laid out for products (kernels/kernels.h), kept with the tensor until its values change: a weight
// that multiplies at every time step is laid out once, and its transpose once for the way back.
#pragma once

#include "autograd/tensor.h"

namespace ebb::detail {

// The matrix b, or bᵀ, packed. It is made on first use after each write and shared by all threads that ask; while an
// Edit is open it is made for this call alone.
Tensor packed(const Tensor& b, bool transposed);
// The same, not kept.
Tensor packed_once(const Tensor& b, bool transposed);

// Notes that b is about to multiply. True from the second time on with the same values: then packing pays.
bool multiplied_before(const Tensor& b);

}  // namespace ebb::detail
