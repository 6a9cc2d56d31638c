// The one place where gradients add up. Private to autograd: rules hand contributions over by Sweep::give and its kin.
#pragma once

#include "autograd/sweep/pass.h"

namespace ebb::detail {

// Adds what waits for the record's gradient, so that all contributions are in the slot's sum.
void settle(const Sweep& sweep, Slot& slot, const Record& record);
// Whether g has the shape and the type of what it is a gradient of.
inline bool fits(const Tensor& like, const Tensor& g) { return g.shape() == like.shape() && g.dtype() == like.dtype(); }
// Makes a sum one that can be added into: `like`'s shape, zeros if there is none yet.
void make_writable(Tensor& sum, const Tensor& like);
// Error unless the contribution has its input's type.
void require_type(const Record& record, const Tensor& input, const Tensor& contribution);

}  // namespace ebb::detail
