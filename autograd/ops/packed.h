// Copies of a matrix laid out for products (kernels/kernels.h), kept with the tensor until its values change: a weight
// that multiplies at every time step is laid out once, and its transpose once for the way back.
#pragma once

#include "autograd/tensor/tensor.h"

namespace ebb::detail {

// The matrix b, or bᵀ, packed. It is made on first use after each write and shared by all threads that ask; while an
// Edit is open it is made for this call alone.
Tensor packed(const Tensor& b, bool transposed);
// The same for this call alone in any case.
Tensor packed_once(const Tensor& b, bool transposed);

// For a b that is about to multiply: the copy that is kept, to be looked at while b lives and isn't written, from the
// second time on with the same values, for then packing pays; before that, and while an Edit is open, null.
const Tensor* packed_if_it_pays(const Tensor& b, bool transposed);

}  // namespace ebb::detail
