#include "nn/layers/linear.h"

#include <vector>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/matmul.h"
#include "autograd/tape/tape.h"

namespace ebb::nn {

Linear::Linear(const LinearOptions& options, Rng& rng) {
  if (options.inputs < 1 || options.outputs < 1)
    fail<ShapeError>("Linear", "{} inputs and {} outputs; both must be positive", options.inputs, options.outputs);
  W = detail::initialised("Linear", options.weight_init, {options.inputs, options.outputs}, options.dtype, rng);
  b = ebb::zeros({options.outputs}, options.dtype);
}

Tensor Linear::operator()(const Tensor& x) const {
  if (x.rank() == 0 || x.extent(-1) != W.extent(0))
    fail<ShapeError>("Linear", "the last axis of x {} must be the {} inputs of W {}", x.shape(), W.extent(0),
                     W.shape());
  const Transaction transaction;
  if (x.rank() == 2) return matmul(x, W) + b;
  const Index rows = x.size() / W.extent(0);
  return reshape(matmul(reshape(x, Shape{rows, W.extent(0)}), W) + b, x.shape().with(x.rank() - 1, W.extent(1)));
}

}  // namespace ebb::nn
