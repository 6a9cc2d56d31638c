#include "nn/cell.h"

#include "autograd/indexing.h"

namespace ebb::nn {

Tensor Unrolled::outputs() const {
  if (steps() == 0) fail<ShapeError>("Unrolled::outputs", "a run of no steps has no outputs, only its initial state");
  return stack(std::span(states).subspan(1));
}

}  // namespace ebb::nn
