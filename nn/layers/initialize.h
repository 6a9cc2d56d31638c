// What parameters start as.
#pragma once

#include <functional>

#include "autograd/tensor/random.h"
#include "autograd/tensor/tensor.h"

namespace ebb::nn {

// Makes a tensor of a shape. A weight's shape is [inputs, outputs].
using Init = std::function<Tensor(const Shape& shape, DType dtype, Rng& rng)>;

Init zeros();
Init normal(double std);
Init uniform(double limit);  // in [−limit, limit)
// U(−a, a) with a = gain √(6 / (inputs + outputs)) (Glorot & Bengio 2010). For matrices, like the two below.
Init xavier(double gain = 1);
// gain times a uniformly random matrix with orthonormal columns, or rows where there are fewer of them (Saxe et al.
// 2014): all singular values are `gain`.
Init orthogonal(double gain = 1);
// gain times the identity; of a matrix that isn't square, its main diagonal (Le, Jaitly & Hinton 2015).
Init identity(double gain = 1);
// Each unit feeds `connections` units (itself may be one), drawn at random, with normal weights, and the whole is
// scaled to the spectral radius: "smart tanh" of Pascanu, Mikolov & Bengio 2013, with 15 and 0.95. For square matrices;
// ShapeError otherwise, Error unless 1 ≤ connections ≤ units and the radius is finite and not negative.
Init sparse(Index connections, double spectral_radius);

namespace detail {

// What `init` makes of a weight of `what`. Error when it is empty or makes another shape or type.
Tensor initialised(const char* what, const Init& init, const Shape& shape, DType dtype, Rng& rng);

}  // namespace detail
}  // namespace ebb::nn
