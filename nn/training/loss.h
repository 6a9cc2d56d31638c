// Losses, in forms that stay finite and exact for large logits. Predictions and targets have one shape and one float
// type, and gradients pass to both. Names and values are PyTorch's.
#pragma once

#include <cstdint>
#include <optional>

#include "autograd/tensor/tensor.h"

namespace ebb::nn {

// What becomes of the losses of single elements: their mean (NaN of nothing), their sum, or they stay as they are.
enum class Reduction { mean, sum, none };

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

// (prediction − target)², and |prediction − target|, whose derivative at 0 is 0.
[[nodiscard]] Tensor mse(const Tensor& prediction, const Tensor& target, const LossOptions& options = {});
[[nodiscard]] Tensor mae(const Tensor& prediction, const Tensor& target, const LossOptions& options = {});

struct HuberOptions {
  double delta = 1;  // > 0, or an Error
  Reduction reduction = Reduction::mean;
};
// With d = prediction − target: d² / 2 up to |d| = delta, and delta · (|d| − delta / 2) from there on.
[[nodiscard]] Tensor huber(const Tensor& prediction, const Tensor& target, const HuberOptions& options = {});

// −t ln σ(z) − (1 − t) ln(1 − σ(z)) for logits z and targets t in [0, 1], in nats. Finite and exact for logits of ±1e4.
[[nodiscard]] Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                                      const LossOptions& options = {});

struct CrossEntropyOptions {
  // Entries of this class count for nothing, whatever their logits. (PyTorch ignores −100 unasked; here it is an error
  // as any class out of range is.) For classes only, or an Error.
  std::optional<std::int64_t> ignore_index = {};
  Reduction reduction = Reduction::mean;
};
// −Σ p ln softmax(logits), in nats, where logits: [..., classes], float, have the classes on the last axis (PyTorch: on
// axis 1). The target is either int64 classes, [...], whose p is 1, or probabilities p of the logits' shape and type. A
// loss for each [...]; the mean is over those that aren't ignored, NaN if there are none. Finite and exact for logits
// of ±1e4. ShapeError naming a class out of range and its place.
[[nodiscard]] Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {});

}  // namespace ebb::nn
