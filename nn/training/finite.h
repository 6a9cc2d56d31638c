// The check that optimisers and clipping share.
#pragma once

#include <span>

#include "nn/training/optimizer.h"

namespace ebb::nn::detail {

// Whether all gradients are finite. Where they aren't, NonFinite::error throws a NonFiniteError that says which one is
// not (by `names`, or by its number where there are none), with its first bad element. With `squares`, an element whose
// square overflows is as bad.
bool all_finite(const char* what, std::span<const Tensor> gradients, std::span<const std::string> names,
                NonFinite non_finite, bool squares = false);

}  // namespace ebb::nn::detail
