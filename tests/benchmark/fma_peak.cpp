#include "fma_peak.h"

#include "handwritten_kernels.h"

namespace ebb::benchmarks {

double multiply_and_add(long rounds) {
  using handwritten::lanes;
  using handwritten::Vector;
  constexpr int chains = 12;  // two units, of a latency of up to five cycles
  Vector sums[chains] = {}, factor = Vector{} + 0.5f, term = Vector{} + 1.0f;
  __asm__("" : "+m"(factor), "+m"(term));  // unknown to the compiler
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = sums[i] * factor + term;
  }
  Vector total = {};
  for (int i = 0; i < chains; ++i) total += sums[i];
  __asm__ volatile("" : : "m"(total));
  return 2.0 * chains * lanes * static_cast<double>(rounds);
}

}  // namespace ebb::benchmarks
