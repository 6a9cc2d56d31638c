#pragma once

#include "nn/layers/initialize.h"
#include "nn/layers/parameter.h"

namespace ebb::nn {

struct LinearOptions {
  Index inputs = 0;
  Index outputs = 0;
  Init weight_init = xavier();
  DType dtype = f32;
};

// y = x W + b, with b zero at first. x: [..., inputs] → [..., outputs]; W: [inputs, outputs], b: [outputs].
class Linear {
 public:
  // ShapeError unless both extents are positive.
  Linear(const LinearOptions& options, Rng& rng);

  [[nodiscard]] Tensor operator()(const Tensor& x) const;
  Parameters parameters() const { return {{"W", W}, {"b", b}}; }

  Tensor W, b;
};

}  // namespace ebb::nn
