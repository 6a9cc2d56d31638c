// Vectors of the instruction set that a file of kernels is compiled for.
#pragma once

#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "autograd/formulas/lane.h"
#include "autograd/tensor/index.h"

namespace ebb::kernels {
namespace {

constexpr Level level = Level::EBB_LEVEL;
constexpr int vector_bytes = level == Level::v4 ? 64 : level == Level::v3 ? 32 : 16;

template <class T>
struct VectorOf {
  static constexpr Index width = vector_bytes / static_cast<Index>(sizeof(T));
  using type __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias)) = T;
};

using Doubles = VectorOf<double>::type;
constexpr Index doubles = VectorOf<double>::width;

// As many elements of x as there are in a vector of doubles.
template <class T>
[[gnu::always_inline]] inline Doubles as_doubles(const T* x) {
  // GCC 12 splits the conversion below in two. (`doubles` is looked at because portable kernels that are compiled with
  // AVX have vectors of two all the same.)
#if defined(__AVX512F__)
  if constexpr (doubles == 8 && sizeof(T) == sizeof(float))
    return reinterpret_cast<Doubles>(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(x)));
#endif
#if defined(__AVX__)
  if constexpr (doubles == 4 && sizeof(T) == sizeof(float))
    return reinterpret_cast<Doubles>(_mm256_cvtps_pd(_mm_loadu_ps(x)));
#endif
  using Elements __attribute__((vector_size(doubles * sizeof(T)), aligned(sizeof(T)), may_alias)) = T;
  return __builtin_convertvector(*reinterpret_cast<const Elements*>(x), Doubles);
}

}  // namespace
}  // namespace ebb::kernels
