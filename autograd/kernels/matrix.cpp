// Matrix products for the level EBB_LEVEL: a block of rows of C times a few vectors of columns stays in registers while
// k runs. Products are fused into the sums where the instruction set can.
#include "autograd/kernels/tables.h"

namespace ebb::kernels {
namespace {

constexpr Level level = Level::EBB_LEVEL;
constexpr int vector_bytes = level == Level::v4 ? 64 : level == Level::v3 ? 32 : 16;
constexpr int most_rows = level == Level::v4 ? 12 : level == Level::v3 ? 6 : 4;
constexpr Index tail_rows = 128;  // of B that are padded at a time where the columns don't fill a vector

template <class T>
struct VectorOf {
  static constexpr Index width = vector_bytes / static_cast<Index>(sizeof(T));
  using type __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias)) = T;
};

// A(i, r) and the row r of B, for a strided product and for gathered rows.
template <class T>
struct Strided {
  const T* a;
  Index a_row, a_column;
  const T* b;
  Index b_row;
  T left(Index i, Index r) const { return a[i * a_row + r * a_column]; }
  const T* right(Index r) const { return b + r * b_row; }
};
template <class T>
struct Gathered {
  const T* const* a;
  const T* const* b;
  T left(Index i, Index r) const { return a[r][i]; }
  const T* right(Index r) const { return b[r]; }
};
// The same A, with B's last columns padded to a vector.
template <class T, class Source>
struct Padded {
  const Source& source;
  const T* b;
  Index first;
  T left(Index i, Index r) const { return source.left(i, first + r); }
  const T* right(Index r) const { return b + r * VectorOf<T>::width; }
};

// C[i..i+rows)[j..j+columns) += A B over `k`, with `columns` at most `vectors` vectors.
template <int rows, int vectors, class T, class Source>
inline void block(const Source& source, Index i, Index j, Index k, T* c, Index c_row, Index columns) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width;
  V sum[rows][vectors] = {};
  for (Index r = 0; r < k; ++r) {
    const T* right = source.right(r) + j;
    V b[vectors] = {};
    for (Index q = 0; q < vectors; ++q) b[q] = *reinterpret_cast<const V*>(right + q * width);
    for (Index p = 0; p < rows; ++p) {
      const T left = source.left(i + p, r);
      for (Index q = 0; q < vectors; ++q) sum[p][q] += left * b[q];
    }
  }
  for (Index p = 0; p < rows; ++p) {
    T* to = c + (i + p) * c_row;
    if (columns == vectors * width) {
      for (Index q = 0; q < vectors; ++q) *reinterpret_cast<V*>(to + q * width) += sum[p][q];
    } else {
      for (Index q = 0; q < columns; ++q) to[q] += sum[p][q / width][q % width];
    }
  }
}

// All rows of C for the columns that `block` takes at once: in blocks of nearly equal height.
template <int vectors, int rows, class T, class Source>
inline void rows_of_block(int count, const Source& source, Index i, Index j, Index k, T* c, Index c_row,
                          Index columns) {
  if (count == rows) {
    block<rows, vectors>(source, i, j, k, c, c_row, columns);
  } else if constexpr (rows > 1) {
    rows_of_block<vectors, rows - 1>(count, source, i, j, k, c, c_row, columns);
  }
}

template <int vectors, class T, class Source>
void panel(const Source& source, Index m, Index j, Index k, T* c, Index c_row, Index columns) {
  const Index blocks = (m + most_rows - 1) / most_rows;
  Index i = 0;
  for (Index b = 0; b < blocks; ++b) {
    const Index rows = (m - i) / (blocks - b);
    rows_of_block<vectors, most_rows>(static_cast<int>(rows), source, i, j, k, c, c_row, columns);
    i += rows;
  }
}

template <class T, class Source>
void accumulate_product(const Source& source, Index m, Index n, Index k, T* c, Index c_row) {
  constexpr Index width = VectorOf<T>::width;
  Index j = 0;
  for (; j + 2 * width <= n; j += 2 * width) panel<2>(source, m, j, k, c + j, c_row, 2 * width);
  for (; j + width <= n; j += width) panel<1>(source, m, j, k, c + j, c_row, width);
  if (j == n) return;
  T padded[tail_rows * width];
  for (Index first = 0; first < k; first += tail_rows) {
    const Index count = k - first < tail_rows ? k - first : tail_rows;
    for (Index r = 0; r < count; ++r)
      for (Index q = 0; q < width; ++q) padded[r * width + q] = j + q < n ? source.right(first + r)[j + q] : T(0);
    panel<1>(Padded<T, Source>{source, padded, first}, m, Index{0}, count, c + j, c_row, n - j);
  }
}

template <class T>
void product(Index m, Index n, Index k, const T* a, Index a_row, Index a_column, const T* b, Index b_row, T* c,
             Index c_row, bool accumulate) {
  if (!accumulate)
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) c[i * c_row + j] = 0;
  accumulate_product(Strided<T>{a, a_row, a_column, b, b_row}, m, n, k, c, c_row);
}

template <class T>
void gathered_product(Index m, Index n, Index k, const T* const* a, const T* const* b, T* c, Index c_row) {
  accumulate_product(Gathered<T>{a, b}, m, n, k, c, c_row);
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
  table.gathered_product = gathered_product<T>;
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
