// Matrix products for the level EBB_LEVEL (tiles.h).
#include "autograd/kernels/tables.h"
#include "autograd/kernels/tiles.h"

namespace ebb::kernels {
namespace {

constexpr Index scratch_rows = 256;  // of a panel that is packed on the way

// A panel's worth of C, all m rows.
template <int vectors, class T, class Left, class Right>
void product_panel(Index m, Index k, const Left& left, const Right& right, const Destination<T>& to) {
  blocks_of_rows(m, [&]<int rows>(Index i) {
    Sums<T, rows, vectors> sum = {};
    add_products<rows, vectors, T>(sum, left, i, right, k);
    finish<rows, vectors>(sum, to, i);
  });
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
Index packed_size(Index k, Index n) {
  return k * ((n + panel_columns<T> - 1) / panel_columns<T> * panel_columns<T>);
}

template <class T>
void pack(Index k, Index n, const T* b, Index b_row, bool transposed, T* packed) {
  by_panels<T>(n, [&]<int>(Index j, Index columns) {
    if (transposed)
      pack_columns(b + j * b_row, b_row, k, columns, packed + j * k);
    else
      pack_rows(Evenly<T>{b + j, b_row}, k, columns, packed + j * k);
  });
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

// Whether a panel is read where it lies if it isn't packed already. (If not, sums are made by stretches in any case:
// whether b was packed before must not be seen in them.)
template <class T>
bool is_read_in_place(Index m, Index columns) {
  return columns % VectorOf<T>::width == 0 && m <= Index{2} * most_rows;
}

// A panel that is packed on the way.
template <int vectors, class T, class Left, class Right>
void product_by_scratch(Index m, Index k, const Left& left, const Right& right, const Destination<T>& to) {
  alignas(vector_bytes) T scratch[scratch_rows * panel_columns<T>];
  by_stretches(k, to, [&](Index first, Index count, const Destination<T>& part) {
    pack_rows([&](Index r) { return right(first + r); }, count, to.columns, scratch);
    product_panel<vectors>(m, count, left.after(first), Evenly<T>{scratch, panel_columns<T>}, part);
  });
}

template <class T>
void product(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* b, Index b_row, T* c,
             Index c_row, bool accumulate) {
  const Strided<T> left{a, a_row, a_column};
  by_panels<T>(n, [&]<int vectors>(Index j, Index columns) {
    const Destination<T> to{c + j, c_row, columns, accumulate};
    const Evenly<T> right{b + j, b_row};
    if (is_read_in_place<T>(m, columns))
      product_panel<vectors>(m, k, left, right, to);
    else
      product_by_scratch<vectors>(m, k, left, right, to);
  });
}

// One row times a panel. (Not inlined, and by numbers: for so little to do a detour through memory is far.)
template <int vectors, class T>
[[gnu::noinline]] void row_product(Index k, const T* a, const T* panel, T* c, Index columns, bool accumulate) {
  Sums<T, 1, vectors> sum = {};
  add_products<1, vectors, T>(sum, Strided<T>{a, 0, 1}, 0, Evenly<T>{panel, panel_columns<T>}, k);
  finish<1, vectors>(sum, Destination<T>{c, 0, columns, accumulate}, 0);
}

template <class T>
void packed_product(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* packed, T* c,
                    Index c_row, bool accumulate) {
  if (m == 1 && a_column == 1 && k <= scratch_rows)
    return by_panels<T>(n, [=]<int vectors>(Index j, Index columns) {
      row_product<vectors>(k, a, packed + j * k, c + j, columns, accumulate);
    });
  const Strided<T> left{a, a_row, a_column};
  by_panels<T>(n, [&]<int vectors>(Index j, Index columns) {
    const T* panel = packed + j * k;
    const Destination<T> to{c + j, c_row, columns, accumulate};
    const auto rows_from = [&](Index r) { return Evenly<T>{panel + r * panel_columns<T>, panel_columns<T>}; };
    if (is_read_in_place<T>(m, columns)) return product_panel<vectors>(m, k, left, rows_from(0), to);
    by_stretches(k, to, [&](Index first, Index count, const Destination<T>& part) {
      product_panel<vectors>(m, count, left.after(first), rows_from(first), part);
    });
  });
}

// Each panel of B is packed once for all, unless all read it so little that they may where it lies.
template <class T>
void gathered_products(Index n, Index k, const T* const* b, const GatheredLeft<T>* lefts, Index count) {
  alignas(vector_bytes) T scratch[scratch_rows * panel_columns<T>];
  by_panels<T>(n, [&]<int vectors>(Index j, Index columns) {
    bool packs = false;
    for (Index i = 0; i < count; ++i) packs = packs || !is_read_in_place<T>(lefts[i].m, columns);
    for (Index first = 0; first < k; first += scratch_rows) {
      const Index rows = k - first < scratch_rows ? k - first : scratch_rows;
      const Scattered<T> right{b + first, j};
      if (packs) pack_rows(right, rows, columns, scratch);
      for (Index i = 0; i < count; ++i) {
        const Gathered<T> left{lefts[i].a + first};
        const Destination<T> to{lefts[i].c + j, lefts[i].c_row, columns, /*accumulate=*/true};
        if (packs)
          product_panel<vectors>(lefts[i].m, rows, left, Evenly<T>{scratch, panel_columns<T>}, to);
        else
          product_panel<vectors>(lefts[i].m, rows, left, right, to);
      }
    }
  });
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
