#include "handwritten_product.h"

#include "handwritten_kernels.h"

namespace ebb::benchmarks {

struct HandwrittenProduct::State {
  handwritten::Packed b;
  int k, n;
};

HandwrittenProduct::HandwrittenProduct(const float* b, int k, int n)
    : state_(new State{handwritten::Packed(k, n), k, n}) {
  state_->b.pack(handwritten::rows(b, n), k);
}
HandwrittenProduct::~HandwrittenProduct() = default;

void HandwrittenProduct::multiply(const float* a, int m, float* c) const {
  product(m, handwritten::rows(a, state_->k), state_->b, c, state_->n, handwritten::Into::replace);
}

}  // namespace ebb::benchmarks
