// Matrix products for the level EBB_LEVEL. A tile of C, a few rows times two vectors of columns, stays in registers
// while k runs. Its columns' part of B is a panel: k rows of two vectors, packed one after another or read in place.
// Products are fused into the sums where the instruction set can.
#include "autograd/kernels/tables.h"
#include "autograd/kernels/vectors.h"

namespace ebb::kernels {
namespace {

constexpr int panel_vectors = 2;
constexpr int most_rows = level == Level::v4 ? 14 : level == Level::v3 ? 6 : 4;  // with two vectors each, what fits
constexpr Index scratch_rows = 256;                                              // of a panel that is packed on the way

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
  Activate<T> activate;  // or null
};

template <int rows, int vectors, class T>
[[gnu::always_inline]] inline void finish(Sums<T, rows, vectors>& sum, const Destination<T>& to, Index i) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width, panel = vectors * width;
  if (to.activate || to.columns < panel) {
    alignas(vector_bytes) T tile[rows * panel];
#pragma GCC unroll 16
    for (int p = 0; p < rows; ++p)
#pragma GCC unroll 4
      for (int q = 0; q < vectors; ++q) *reinterpret_cast<V*>(tile + (p * vectors + q) * width) = sum[p][q];
    if (to.activate) to.activate(tile, tile, rows * panel);
    for (int p = 0; p < rows; ++p) {
      T* c = to.c + (i + p) * to.row;
      T* from = tile + p * panel;
      if (to.accumulate)
        for (Index j = 0; j < to.columns; ++j) from[j] += c[j];
      if (to.columns == panel)
        __builtin_memcpy(c, from, panel * sizeof(T));
      else
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
  const Index blocks = (m + most_rows - 1) / most_rows;
  Index i = 0;
  for (Index b = 0; b < blocks; ++b) {
    const Index rows = (m - i) / (blocks - b);
    one_block<most_rows>(static_cast<int>(rows), i, body);
    i += rows;
  }
}

// A panel's worth of C, all m rows.
template <int vectors, class T, class Left, class Right>
void product_panel(Index m, Index k, const Left& left, const Right& right, const Destination<T>& to) {
  blocks_of_rows(m, [&]<int rows>(Index i) {
    Sums<T, rows, vectors> sum = {};
    add_products<rows, vectors, T>(sum, left, i, right, k);
    finish<rows, vectors>(sum, to, i);
  });
}

template <class T, class Left, class Right>
void product_of_panel(Index m, Index k, const Left& left, const Right& right, const Destination<T>& to) {
  if (to.columns > VectorOf<T>::width)
    product_panel<2>(m, k, left, right, to);
  else
    product_panel<1>(m, k, left, right, to);
}

// Rows of a panel, `columns` of them real and the rest zero.
template <class T, class Rows>
void pack_rows(const Rows& rows, Index k, Index columns, T* to) {
  constexpr Index all = panel_columns<T>;
  if (columns == all) {
    for (Index r = 0; r < k; ++r, to += all) __builtin_memcpy(to, rows(r), all * sizeof(T));
    return;
  }
  for (Index r = 0; r < k; ++r, to += all) {
    copy_some<all>(rows(r), to, columns);
    for (Index j = columns; j < all; ++j) to[j] = 0;
  }
}

// The same where B lies transposed: column j of the panel is at b + j · step. In tiles, so that both sides stay in the
// cache.
template <class T>
void pack_columns(const T* b, Index step, Index k, Index columns, T* to) {
  constexpr Index all = panel_columns<T>, tile = 16;
  for (Index first = 0; first < k; first += tile) {
    const Index last = first + tile < k ? first + tile : k;
    for (Index j = 0; j < columns; ++j)
      for (Index r = first; r < last; ++r) to[r * all + j] = b[j * step + r];
    for (Index r = first; r < last; ++r)
      for (Index j = columns; j < all; ++j) to[r * all + j] = 0;
  }
}

template <class T>
Index columns_from(Index j, Index n) {
  return n - j < panel_columns<T> ? n - j : panel_columns<T>;
}

template <class T>
Index packed_size(Index k, Index n) {
  return k * ((n + panel_columns<T> - 1) / panel_columns<T> * panel_columns<T>);
}

template <class T>
void pack(Index k, Index n, const T* b, Index b_row, bool transposed, T* packed) {
  for (Index j = 0; j < n; j += panel_columns<T>) {
    const Index columns = columns_from<T>(j, n);
    if (transposed)
      pack_columns(b + j * b_row, b_row, k, columns, packed + j * k);
    else
      pack_rows(Evenly<T>{b + j, b_row}, k, columns, packed + j * k);
  }
}

// A panel's worth of C from a stretch of k at a time, whose sums are added to C at the end of each: f(first, count,
// to).
template <class T, class F>
[[gnu::always_inline]] inline void by_stretches(Index k, Destination<T> to, const F& f) {
  Index first = 0;
  do {
    const Index count = k - first < scratch_rows ? k - first : scratch_rows;
    f(first, count, to);
    to.accumulate = true;
    first += count;
  } while (first < k);
}

// A panel that is packed on the way.
template <class T, class Left, class Right>
void product_by_scratch(Index m, Index k, const Left& left, const Right& right, const Destination<T>& to) {
  alignas(vector_bytes) T scratch[scratch_rows * panel_columns<T>];
  by_stretches(k, to, [&](Index first, Index count, const Destination<T>& part) {
    pack_rows([&](Index r) { return right(first + r); }, count, to.columns, scratch);
    product_of_panel(m, count, left.after(first), Evenly<T>{scratch, panel_columns<T>}, part);
  });
}

// Whether a panel that isn't packed is read where it lies.
template <class T>
bool is_read_in_place(Index m, const Destination<T>& to) {
  return to.columns % VectorOf<T>::width == 0 && m <= Index{2} * most_rows;
}

template <class T>
void product(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* b, Index b_row, T* c,
             Index c_row, bool accumulate) {
  const Strided<T> left{a, a_row, a_column};
  for (Index j = 0; j < n; j += panel_columns<T>) {
    const Destination<T> to{c + j, c_row, columns_from<T>(j, n), accumulate, nullptr};
    const Evenly<T> right{b + j, b_row};
    if (is_read_in_place(m, to))
      product_of_panel(m, k, left, right, to);
    else
      product_by_scratch(m, k, left, right, to);
  }
}

// Adds in the order of `product`: whether b was packed before must not be seen in the sums.
template <class T>
void packed_product(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* packed, T* c,
                    Index c_row, bool accumulate) {
  const Strided<T> left{a, a_row, a_column};
  for (Index j = 0; j < n; j += panel_columns<T>) {
    const Destination<T> to{c + j, c_row, columns_from<T>(j, n), accumulate, nullptr};
    const T* panel = packed + j * k;
    if (is_read_in_place(m, to))
      product_of_panel(m, k, left, Evenly<T>{panel, panel_columns<T>}, to);
    else
      by_stretches(k, to, [&](Index first, Index count, const Destination<T>& part) {
        product_of_panel(m, count, left.after(first), Evenly<T>{panel + first * panel_columns<T>, panel_columns<T>},
                         part);
      });
  }
}

// Each panel of B is packed once for all, unless all read it so little that they may where it lies.
template <class T>
void gathered_products(Index n, Index k, const T* const* b, const GatheredLeft<T>* lefts, Index count) {
  alignas(vector_bytes) T scratch[scratch_rows * panel_columns<T>];
  for (Index j = 0; j < n; j += panel_columns<T>) {
    const Index columns = columns_from<T>(j, n);
    bool packs = columns % VectorOf<T>::width != 0;
    for (Index i = 0; i < count; ++i) packs = packs || lefts[i].m > most_rows;
    for (Index first = 0; first < k; first += scratch_rows) {
      const Index rows = k - first < scratch_rows ? k - first : scratch_rows;
      const Scattered<T> right{b + first, j};
      if (packs) pack_rows(right, rows, columns, scratch);
      for (Index i = 0; i < count; ++i) {
        const Gathered<T> left{lefts[i].a + first};
        const Destination<T> to{lefts[i].c + j, lefts[i].c_row, columns, /*accumulate=*/true, nullptr};
        if (packs)
          product_of_panel(lefts[i].m, rows, left, Evenly<T>{scratch, panel_columns<T>}, to);
        else
          product_of_panel(lefts[i].m, rows, left, right, to);
      }
    }
  }
}

template <int vectors, class T>
void affine_panel(const Affine<T>& f, Index j, const Destination<T>& to) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width;
  V bias[vectors] = {};
  copy_some<vectors * width>(f.bias + j, reinterpret_cast<T*>(bias), to.columns);
  const Strided<T> x{f.x, f.inputs, 1}, s{f.s, f.hidden, 1};
  const Evenly<T> U{f.U + j * f.inputs, panel_columns<T>}, W{f.W + j * f.hidden, panel_columns<T>};
  blocks_of_rows(f.batch, [&]<int rows>(Index i) {
    Sums<T, rows, vectors> sum;
#pragma GCC unroll 16
    for (int p = 0; p < rows; ++p)
#pragma GCC unroll 4
      for (int q = 0; q < vectors; ++q) sum[p][q] = bias[q];
    add_products<rows, vectors, T>(sum, x, i, U, f.inputs);
    add_products<rows, vectors, T>(sum, s, i, W, f.hidden);
    finish<rows, vectors>(sum, to, i);
  });
}

template <class T>
void affine(const Affine<T>& f) {
  for (Index j = 0; j < f.outputs; j += panel_columns<T>) {
    const Destination<T> to{f.y + j, f.outputs, columns_from<T>(j, f.outputs), /*accumulate=*/false, f.activate};
    if (to.columns > VectorOf<T>::width)
      affine_panel<2>(f, j, to);
    else
      affine_panel<1>(f, j, to);
  }
}

// In tiles, so that both sides stay in the cache.
template <class T>
void transpose(Index m, Index n, const T* a, T* b) {
  constexpr Index tile = 16;
  for (Index i0 = 0; i0 < m; i0 += tile)
    for (Index j0 = 0; j0 < n; j0 += tile)
      for (Index j = j0; j < n && j < j0 + tile; ++j)
        for (Index i = i0; i < m && i < i0 + tile; ++i) b[j * m + i] = a[i * n + j];
}

template <class T>
void fill(Table<T>& table) {
  table.product = product<T>;
  table.packed_size = packed_size<T>;
  table.pack = pack<T>;
  table.packed_product = packed_product<T>;
  table.gathered_products = gathered_products<T>;
  table.affine = affine<T>;
  table.transpose = transpose<T>;
}

}  // namespace

template <>
void fill_matrix<float, level>(Table<float>& table) {
  fill(table);
}
template <>
void fill_matrix<double, level>(Table<double>& table) {
  fill(table);
}

}  // namespace ebb::kernels
