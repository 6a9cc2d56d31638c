// What products are made of, for the level EBB_LEVEL. A tile of C, a few rows times one or two vectors of columns,
// stays in registers while k runs. Its columns' part of B is a panel: k rows of two vectors, packed one after another
// or read in place. Products are fused into the sums where the instruction set can.
#pragma once

#include "autograd/kernels/vectors.h"

namespace ebb::kernels {
namespace {

constexpr int panel_vectors = 2;
constexpr int most_rows = level == Level::v4 ? 14 : level == Level::v3 ? 6 : 4;  // with two vectors each, what fits

template <class T>
constexpr Index panel_columns = panel_vectors* VectorOf<T>::width;

// A, by steps or by the rows' addresses: element (i, r), of row i of C and row r of B.
template <class T>
struct Strided {
  const T* a;
  Index row, column;
  T operator()(Index i, Index r) const { return a[i * row + r * column]; }
  Strided after(Index r) const { return {a + r * column, row, column}; }
};
template <class T>
struct Gathered {
  const T* const* rows;
  T operator()(Index i, Index r) const { return rows[r][i]; }
};

// A panel of B: the address of its row r.
template <class T>
struct Evenly {
  const T* b;
  Index step;
  const T* operator()(Index r) const { return b + r * step; }
};
template <class T>
struct Scattered {
  const T* const* rows;
  Index column;
  const T* operator()(Index r) const { return rows[r] + column; }
};

template <class T, int rows, int vectors>
using Sums = typename VectorOf<T>::type[rows][vectors];

// sum += A B over the rows [r, r + 1) of B.
template <int rows, int vectors, class T, class Left, class Right>
[[gnu::always_inline]] inline void add_row(Sums<T, rows, vectors>& sum, const Left& left, Index i, const Right& right,
                                           Index r) {
  using V = typename VectorOf<T>::type;
  const T* from = right(r);
  V b[vectors];
#pragma GCC unroll 4
  for (int q = 0; q < vectors; ++q) b[q] = *reinterpret_cast<const V*>(from + q * VectorOf<T>::width);
#pragma GCC unroll 16
  for (int p = 0; p < rows; ++p) {
    const T a = left(i + p, r);
#pragma GCC unroll 4
    for (int q = 0; q < vectors; ++q) sum[p][q] += a * b[q];
  }
}

// sum += A B over all k rows of B. A tile of few rows runs several sums side by side, for each has to wait for itself.
template <int rows, int vectors, class T, class Left, class Right>
[[gnu::always_inline]] inline void add_products(Sums<T, rows, vectors>& sum, const Left& left, Index i,
                                                const Right& right, Index k) {
  constexpr int chains = rows * vectors >= 8 ? 1 : rows * vectors >= 4 ? 2 : 4;
  Index r = 0;
  if constexpr (chains > 1) {
    if (k >= chains) {
      Sums<T, rows, vectors> others[chains - 1] = {};
      for (; r + chains <= k; r += chains) {
        add_row<rows, vectors, T>(sum, left, i, right, r);
#pragma GCC unroll 4
        for (int c = 1; c < chains; ++c) add_row<rows, vectors, T>(others[c - 1], left, i, right, r + c);
      }
#pragma GCC unroll 4
      for (int c = 1; c < chains; ++c)
#pragma GCC unroll 16
        for (int p = 0; p < rows; ++p)
#pragma GCC unroll 4
          for (int q = 0; q < vectors; ++q) sum[p][q] += others[c - 1][p][q];
    }
  }
  for (; r < k; ++r) add_row<rows, vectors, T>(sum, left, i, right, r);
}

// Copies `count` ≤ most elements, in pieces whose sizes the compiler knows. `most` is a power of two.
template <Index most, class T>
[[gnu::always_inline]] inline void copy_some(const T* from, T* to, Index count) {
  if (count & most) {
    __builtin_memcpy(to, from, most * sizeof(T));
    from += most;
    to += most;
  }
  if constexpr (most > 1) copy_some<most / 2>(from, to, count);
}

// Where a tile goes.
template <class T>
struct Destination {
  T* c;  // its upper left corner
  Index row;
  Index columns;  // of the panel that C has
  bool accumulate;
};

template <int rows, int vectors, class T>
[[gnu::always_inline]] inline void to_memory(const Sums<T, rows, vectors>& sum, T* tile) {
  using V = typename VectorOf<T>::type;
#pragma GCC unroll 16
  for (int p = 0; p < rows; ++p)
#pragma GCC unroll 4
    for (int q = 0; q < vectors; ++q) *reinterpret_cast<V*>(tile + (p * vectors + q) * VectorOf<T>::width) = sum[p][q];
}

template <int rows, int vectors, class T>
[[gnu::always_inline]] inline void finish(const Sums<T, rows, vectors>& sum, const Destination<T>& to, Index i) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width, panel = vectors * width;
  if (to.columns < panel) {
    alignas(vector_bytes) T tile[rows * panel];
    to_memory<rows, vectors>(sum, tile);
    for (int p = 0; p < rows; ++p) {
      T* c = to.c + (i + p) * to.row;
      T* from = tile + p * panel;
      if (to.accumulate)
        for (Index j = 0; j < to.columns; ++j) from[j] += c[j];
      copy_some<panel>(from, c, to.columns);
    }
    return;
  }
#pragma GCC unroll 16
  for (int p = 0; p < rows; ++p) {
    T* c = to.c + (i + p) * to.row;
#pragma GCC unroll 4
    for (int q = 0; q < vectors; ++q) {
      V& target = *reinterpret_cast<V*>(c + q * width);
      target = to.accumulate ? target + sum[p][q] : sum[p][q];
    }
  }
}

// Calls body.template operator()<rows>(i) for blocks of nearly equal height that cover m rows.
template <int rows, class Body>
[[gnu::always_inline]] inline void one_block(int count, Index i, const Body& body) {
  if (count == rows) {
    body.template operator()<rows>(i);
  } else if constexpr (rows > 1) {
    one_block<rows - 1>(count, i, body);
  }
}
template <class Body>
[[gnu::always_inline]] inline void blocks_of_rows(Index m, const Body& body) {
  if (m == 1) return body.template operator()<1>(0);
  const Index blocks = (m + most_rows - 1) / most_rows;
  Index i = 0;
  for (Index b = 0; b < blocks; ++b) {
    const Index rows = (m - i) / (blocks - b);
    one_block<most_rows>(static_cast<int>(rows), i, body);
    i += rows;
  }
}

// Calls body.template operator()<vectors>(j, columns) for each panel of n columns: it begins at column j.
template <class T, class Body>
[[gnu::always_inline]] inline void by_panels(Index n, const Body& body) {
  for (Index j = 0; j < n; j += panel_columns<T>) {
    const Index columns = n - j < panel_columns<T> ? n - j : panel_columns<T>;
    if (columns > VectorOf<T>::width)
      body.template operator()<2>(j, columns);
    else
      body.template operator()<1>(j, columns);
  }
}

}  // namespace
}  // namespace ebb::kernels
