// The handwritten programs' matrix product by itself.
#pragma once

#include <memory>

namespace ebb::benchmarks {

// C = A B, with a B that is packed beforehand, as the weights of a network are once a step.
class HandwrittenProduct {
 public:
  // b: [k, n].
  HandwrittenProduct(const float* b, int k, int n);
  ~HandwrittenProduct();
  // a: [m, k], c: [m, n].
  void multiply(const float* a, int m, float* c) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ebb::benchmarks
