#include "nn/layers/initialize.h"

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "autograd/ops/cast.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/matmul.h"
#include "autograd/tape/tape.h"

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

namespace {

// [units, units]: each row holds `connections` normal numbers at random places, and zeros.
Tensor sparse_rows(Index units, Index connections, Rng& rng) {
  Tensor result = ebb::zeros({units, units}, f64);
  auto weights = result.edit<double>();
  std::vector<Index> places(static_cast<std::size_t>(units));
  std::iota(places.begin(), places.end(), 0);
  for (Index i = 0; i < units; ++i) {
    for (Index c = 0; c < connections; ++c) {  // the beginning of a random permutation (Fisher & Yates)
      std::swap(places[static_cast<std::size_t>(c)], places[static_cast<std::size_t>(c + rng.below(units - c))]);
      weights(i, places[static_cast<std::size_t>(c)]) = rng.normal();
    }
  }
  return result;
}

}  // namespace

Init sparse(Index connections, double spectral_radius) {
  return [=](const Shape& shape, DType dtype, Rng& rng) {
    require_matrix("sparse", shape);
    if (shape[0] != shape[1]) fail<ShapeError>("sparse", "initialises square matrices, not {}", shape);
    if (connections < 1 || connections > shape[0])
      fail("sparse", "{} connections of each of {} units; give 1 to {}", connections, shape[0], shape[0]);
    if (!(spectral_radius >= 0) || std::isinf(spectral_radius))
      fail("sparse", "the spectral radius is {}; it must be finite and not negative", spectral_radius);
    const Pause pause;
    // Every unit feeds one, so there is a cycle, and the radius isn't 0.
    const Tensor weights = sparse_rows(shape[0], connections, rng);
    return cast(weights * (spectral_radius / ebb::spectral_radius(weights)), dtype);
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
