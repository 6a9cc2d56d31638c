// Loops over raw pointers, built once per instruction set and chosen once at start. Nothing here knows of tensors.
// A pointer may be null where its count is 0. Matrices are row-major with a step from row to row, in elements.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "autograd/formulas/formulas.h"
#include "autograd/formulas/loops.h"
#include "autograd/tensor/index.h"

namespace ebb::kernels {

// y = f(x) elementwise, as UnaryLoops::value.
template <class T>
using Activate = void (*)(const T* x, T* y, Index n);

// y = f(bias + x U + s W) for dense x: [batch, inputs], s: [batch, hidden], y: [batch, outputs], in one pass.
template <class T>
struct Affine {
  Index batch, inputs, hidden, outputs;
  const T* bias;  // [outputs]
  const T* x;
  const T* U;  // packed
  const T* s;
  const T* W;  // packed
  T* y;
  Activate<T> activate;  // null: the identity
};

// The rows of a left factor, and where its product goes.
template <class T>
struct GatheredLeft {
  Index m;
  const T* const* a;
  T* c;
  Index c_row;
};

template <class T>
struct Table {
  std::array<UnaryLoops<T>, formulas::Unary::size> unary;
  std::array<BinaryLoops<T>, formulas::Binary::size> binary;

  // y += x.
  void (*add_into)(const T* x, T* y, Index n);
  // y = where(condition ≠ 0, a, b), steps as for BinaryLoops.
  void (*where)(const T* condition, Index condition_step, const T* a, Index a_step, const T* b, Index b_step, T* y,
                Index n);

  // Σ x and Σ (x · c)², both in double whatever T; the largest |x|, or NaN when there is one.
  double (*sum)(const T* x, Index n);
  double (*sum_of_squares)(const T* x, double c, Index n);
  double (*largest)(const T* x, Index n);
  // Σ e^(x − shift), in double.
  double (*sum_of_exp)(const T* x, T shift, Index n);
  // y = eˣ / Σ eˣ along each row.
  void (*softmax)(const T* x, T* y, Index rows, Index columns);
  // y = x − ln Σ eˣ along each row.
  void (*log_softmax)(const T* x, T* y, Index rows, Index columns);

  // C[m,n] = A[m,k] B[k,n] (+ C), A with any steps.
  void (*product)(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* b, Index b_row, T* c,
                  Index c_row, bool accumulate);
  // B laid out for products, worth it where it serves many: how many elements that takes; from b, in which element
  // (r, j) is at b[r · b_row + j], or transposed at b[j · b_row + r]; and C = A B (+ C) with it.
  Index (*packed_size)(Index k, Index n);
  void (*pack)(Index k, Index n, const T* b, Index b_row, bool transposed, T* packed);
  void (*packed_product)(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* packed, T* c,
                         Index c_row, bool accumulate);
  void (*affine)(const Affine<T>& f);
  // For each of several left factors C[m,n] += Σ over r < k of a[r][0..m) ⊗ b[r][0..n): rows gathered from anywhere.
  void (*gathered_products)(Index n, Index k, const T* const* b, const GatheredLeft<T>* lefts, Index count);
  // ‖AᵀB‖², ‖A‖², ‖B‖² (Frobenius) for dense A[rows,m], B[rows,n], in rows² (m + n) / 2 multiplications. Inner products
  // of rows are summed in T, their products in double: these may cancel, down to ‖A‖²‖B‖² times T's rounding.
  std::array<double, 3> (*squared_norms_of_product)(Index rows, Index m, Index n, const T* a, const T* b);
  // B[n,m] = A[m,n]ᵀ, both dense.
  void (*transpose)(Index m, Index n, const T* a, T* b);
};

// The table of the best instruction set that this machine has (or of the one that the environment variable
// EBB_INSTRUCTION_SET names: portable, x86-64-v3, x86-64-v4; tests use it).
template <class T>
inline constinit std::atomic<const Table<T>*> chosen = nullptr;  // until the first use
template <class T>
const Table<T>& choose();

template <class T>
inline const Table<T>& table() {
  const Table<T>* known = chosen<T>.load(std::memory_order_acquire);
  return known ? *known : choose<T>();
}

}  // namespace ebb::kernels
