#include "nn/initialize.h"

#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/linear_algebra.h"
#include "autograd/matrix.h"
#include "autograd/tape.h"

namespace ebb::nn {

namespace {

void require_matrix(const char* init, const Shape& shape) {
  if (shape.rank() != 2) fail<ShapeError>(init, "initialises matrices, not a tensor of shape {}", shape);
}

}  // namespace

Init zeros() {
  return [](const Shape& shape, DType dtype, Rng&) { return ebb::zeros(shape, dtype); };
}

Init normal(double std) {
  return [std](const Shape& shape, DType dtype, Rng& rng) { return ebb::normal(shape, 0, std, rng, dtype); };
}

Init uniform(double limit) {
  return [limit](const Shape& shape, DType dtype, Rng& rng) { return ebb::uniform(shape, -limit, limit, rng, dtype); };
}

Init xavier(double gain) {
  return [gain](const Shape& shape, DType dtype, Rng& rng) {
    require_matrix("xavier", shape);
    const double limit = gain * std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
    return ebb::uniform(shape, -limit, limit, rng, dtype);
  };
}

Init orthogonal(double gain) {
  return [gain](const Shape& shape, DType dtype, Rng& rng) {
    require_matrix("orthogonal", shape);
    const Pause pause;
    const bool wide = shape[0] < shape[1];
    const Shape tall = wide ? Shape{shape[1], shape[0]} : shape;
    const Tensor q = orthonormal_columns(ebb::normal(tall, 0, 1, rng, f64));
    return cast(gain * (wide ? transpose(q) : q), dtype);
  };
}

Init identity(double gain) {
  return [gain](const Shape& shape, DType dtype, Rng&) {
    require_matrix("identity", shape);
    Index i = 0;
    std::vector<double> values(static_cast<std::size_t>(shape.size()));
    for (double& value : values) {
      value = i / shape[1] == i % shape[1] ? gain : 0;
      ++i;
    }
    const Pause pause;
    return cast(from_values(values, shape), dtype);
  };
}

Tensor detail::initialised(const char* what, const Init& init, const Shape& shape, DType dtype, Rng& rng) {
  if (!init) fail(what, "an init is empty; use nn::zeros(), nn::xavier() or another");
  Tensor result = init(shape, dtype, rng);
  if (!(result.shape() == shape) || result.dtype() != dtype)
    fail<ShapeError>(what, "an init made {} {} where {} {} was asked for", name(result.dtype()), result.shape(),
                     name(dtype), shape);
  return result;
}

}  // namespace ebb::nn
