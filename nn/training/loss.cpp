#include "nn/training/loss.h"

#include <cmath>
#include <vector>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/reduction.h"
#include "autograd/ops/softmax.h"
#include "autograd/tape/tape.h"

namespace ebb::nn {

namespace {

void require_alike(const char* loss, const Tensor& prediction, const Tensor& target) {
  if (!(prediction.shape() == target.shape()))
    fail<ShapeError>(loss, "prediction {} and target {} must have one shape; reshape one of them", prediction.shape(),
                     target.shape());
  if (prediction.dtype() != target.dtype())
    fail(loss, "the prediction is {} and the target {}; cast one of them", name(prediction.dtype()),
         name(target.dtype()));
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

struct Huber {
  static constexpr auto name = "huber";
  static auto value(auto d, auto delta) {
    const auto clamped = where(d > delta, delta, where(d < -delta, -delta, d));
    return clamped * (d - 0.5 * clamped);
  }
  static auto derivative(auto d, auto delta, auto) {
    const auto clamped = where(d - delta >= 0.0, delta, where(d + delta <= 0.0, -delta, d));
    return std::pair(clamped, where(d - delta > 0.0, d - delta, where(d + delta < 0.0, -d - delta, 0.0)));
  }
};

// For a formula that is given a number.
double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// max(z, 0) − z t + ln(1 + e^−|z|), so that nothing overflows.
struct BinaryCrossEntropy {
  static constexpr auto name = "binary_cross_entropy_with_logits";
  static auto value(auto z, auto t) { return relu(z) - z * t + softplus(-abs(z)); }
  static auto derivative(auto z, auto t, auto) { return std::pair(sigmoid(z) - t, -z); }
};

// ---- cross-entropy with classes

void require_classes(const Tensor& logits, const Tensor& classes, std::optional<std::int64_t> ignored) {
  if (logits.rank() == 0 || !(logits.shape().without(logits.rank() - 1) == classes.shape()))
    fail<ShapeError>("cross_entropy", "logits {} and classes {} don't fit; expected [..., classes] and [...]",
                     logits.shape(), classes.shape());
  const Index count = logits.extent(-1);
  Index place = 0;
  for (const std::int64_t c : classes.values<std::int64_t>()) {
    if (c != ignored && (c < 0 || c >= count))
      fail<ShapeError>("cross_entropy", "class {} at place {} isn't one of {} (0 to {})", c, place, count, count - 1);
    ++place;
  }
}

// −ln softmax(logits)[class] for each row of a matrix.
Tensor losses_of_rows(const Tensor& logits, std::span<const std::int64_t> classes) {
  std::vector<std::int64_t> places;  // of the right classes' entries among all
  for (const std::int64_t c : classes) places.push_back(static_cast<Index>(places.size()) * logits.extent(1) + c);
  const Tensor entries = reshape(log_softmax(logits), Shape{logits.size()});
  return -take_rows(entries, from_values(places, {static_cast<Index>(places.size())}));
}

Tensor cross_entropy_of_classes(const Tensor& logits, const Tensor& classes, const CrossEntropyOptions& options) {
  require_classes(logits, classes, options.ignore_index);
  std::vector<std::int64_t> kept, kept_classes;
  std::int64_t row = 0;
  for (const std::int64_t c : classes.values<std::int64_t>()) {
    if (c != options.ignore_index) {
      kept.push_back(row);
      kept_classes.push_back(c);
    }
    ++row;
  }
  const Tensor rows = reshape(logits, Shape{classes.size(), logits.extent(-1)});
  const auto kept_count = static_cast<Index>(kept.size());
  if (kept_count == classes.size()) {
    const Tensor losses = losses_of_rows(rows, kept_classes);
    return reduced(options.reduction == Reduction::none ? reshape(losses, classes.shape()) : losses, options.reduction);
  }
  const Tensor chosen = from_values(kept, {kept_count});
  const Tensor losses = losses_of_rows(take_rows(rows, chosen), kept_classes);
  if (options.reduction != Reduction::none) return reduced(losses, options.reduction);
  const Tensor pieces[] = {losses};
  const Region places[] = {{.rows = chosen}};
  return reshape(assemble(pieces, places, Shape{classes.size()}), classes.shape());
}

}  // namespace

Tensor mse(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  require_alike("mse", prediction, target);
  const Transaction transaction;
  return reduced(square(prediction - target), options.reduction);
}

Tensor mae(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  require_alike("mae", prediction, target);
  const Transaction transaction;
  return reduced(abs(prediction - target), options.reduction);
}

Tensor huber(const Tensor& prediction, const Tensor& target, const HuberOptions& options) {
  require_alike("huber", prediction, target);
  const Transaction transaction;
  if (!(options.delta > 0)) fail("huber", "delta is {}; it must be above 0", options.delta);
  return reduced(elementwise<Huber>(prediction - target, options.delta), options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets, const LossOptions& options) {
  require_alike("binary_cross_entropy_with_logits", logits, targets);
  const Transaction transaction;
  return reduced(elementwise<BinaryCrossEntropy>(logits, targets), options.reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options) {
  const Transaction transaction;
  if (target.dtype() == i64) return cross_entropy_of_classes(logits, target, options);
  if (target.dtype() != logits.dtype() || target.rank() < logits.rank())
    fail("cross_entropy", "a {} target {} doesn't go with {} logits {}; give int64 classes, or as many probabilities",
         name(target.dtype()), target.shape(), name(logits.dtype()), logits.shape());
  if (logits.rank() == 0 || !(logits.shape() == target.shape()))
    fail<ShapeError>("cross_entropy",
                     "probabilities {} must have the shape of the logits, {}, and a last axis of classes",
                     target.shape(), logits.shape());
  if (options.ignore_index)
    fail("cross_entropy", "class {} can't be ignored among probabilities; give int64 classes", *options.ignore_index);
  return reduced(-sum(target * log_softmax(logits), -1), options.reduction);
}

}  // namespace ebb::nn
