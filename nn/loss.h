#pragma once

#include "autograd/tensor.h"

namespace ebb::nn {

// The mean over all elements of (prediction − target)². ShapeError unless the shapes are equal.
[[nodiscard]] Tensor mse(const Tensor& prediction, const Tensor& target);

// The mean of −log softmax(logits)[class], in nats. logits: [..., classes], float; classes: int64, [...]. Finite and
// exact for logits of ±1e4. ShapeError naming a class out of range and its place.
[[nodiscard]] Tensor cross_entropy(const Tensor& logits, const Tensor& classes);

}  // namespace ebb::nn
