#include "nn/loss.h"

#include <vector>

#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/layout.h"
#include "autograd/reduction.h"
#include "autograd/tape.h"

namespace ebb::nn {

Tensor mse(const Tensor& prediction, const Tensor& target) {
  if (!(prediction.shape() == target.shape()))
    fail<ShapeError>("mse", "prediction {} and target {} must have one shape; reshape one of them", prediction.shape(),
                     target.shape());
  const Transaction transaction;
  return mean(square(prediction - target));
}

Tensor cross_entropy(const Tensor& logits, const Tensor& classes) {
  if (classes.dtype() != i64)
    fail("cross_entropy", "the classes are {}; they must be int64 indices", name(classes.dtype()));
  if (logits.rank() == 0 || !(logits.shape().without(logits.rank() - 1) == classes.shape()))
    fail<ShapeError>("cross_entropy", "logits {} and classes {} don't fit; expected [..., classes] and [...]",
                     logits.shape(), classes.shape());
  const Index count = logits.extent(-1);
  std::vector<std::int64_t> places;  // of the right classes' entries among all
  for (const std::int64_t c : classes.values<std::int64_t>()) {
    const auto row = static_cast<Index>(places.size());
    if (c < 0 || c >= count)
      fail<ShapeError>("cross_entropy", "class {} at place {} isn't one of {} (0 to {})", c, row, count, count - 1);
    places.push_back(row * count + c);
  }
  const Transaction transaction;
  const Tensor entries = reshape(log_softmax(logits), Shape{logits.size()});
  return -mean(take_rows(entries, from_values(places, {classes.size()})));
}

}  // namespace ebb::nn
