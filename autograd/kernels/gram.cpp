// ‖Aᵀ B‖² for the level EBB_LEVEL, without the product: Σ over pairs of rows of ⟨a_i, a_j⟩⟨b_i, b_j⟩. A tile of such
// inner products, of a few rows with a few others, stays in registers while the columns run, a vector at a time.
#include <array>
#include <utility>

#include "autograd/kernels/tables.h"
#include "autograd/kernels/vectors.h"

namespace ebb::kernels {
namespace {

constexpr Index tile_rows = level == Level::v4 ? 4 : 2, tile_columns = 4;  // what fits into the registers
constexpr Index pairs = tile_rows * tile_columns;

// Lane l of the result: a[l] + a[l ^ half] where l lacks the bit `half`, b[l ^ half] + b[l] where it has it.
template <Index half, class V, Index... l>
[[gnu::always_inline]] inline V halves(V a, V b, std::integer_sequence<Index, l...>) {
  constexpr Index width = sizeof...(l);
  return __builtin_shufflevector(a, b, (l & half ? l + width : l)...) +
         __builtin_shufflevector(a, b, (l & half ? (l ^ half) + width : l ^ half)...);
}

// Lane l of sums[0] becomes the sum of all lanes of sums[l].
template <Index half, class T>
[[gnu::always_inline]] inline void add_lanes(typename VectorOf<T>::type* sums) {
  if constexpr (half > 0) {
    for (Index p = 0; p < half; ++p)
      sums[p] = halves<half>(sums[p], sums[p + half], std::make_integer_sequence<Index, VectorOf<T>::width>());
    add_lanes<half / 2, T>(sums);
  }
}

// Rows of a matrix; beyond its last row the last once more.
template <class T>
struct Rows {
  const T* first;
  Index count, columns;
  const T* operator[](Index i) const { return first + (i < count ? i : count - 1) * columns; }
};

// to[p · tile_columns + q] = ⟨row i + p, row j + q⟩
template <class T>
[[gnu::always_inline]] inline void inner_products(const Rows<T>& rows, Index i, Index j, T* to) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width;
  const T* left[tile_rows];
  const T* right[tile_columns];
  for (Index p = 0; p < tile_rows; ++p) left[p] = rows[i + p];
  for (Index q = 0; q < tile_columns; ++q) right[q] = rows[j + q];

  V sums[pairs] = {};
  Index c = 0;
  for (; c + width <= rows.columns; c += width) {
    V b[tile_columns];
#pragma GCC unroll 4
    for (Index q = 0; q < tile_columns; ++q) b[q] = *reinterpret_cast<const V*>(right[q] + c);
#pragma GCC unroll 4
    for (Index p = 0; p < tile_rows; ++p) {
      const V a = *reinterpret_cast<const V*>(left[p] + c);
#pragma GCC unroll 4
      for (Index q = 0; q < tile_columns; ++q) sums[p * tile_columns + q] += a * b[q];
    }
  }
  // The last columns: a whole vector of them once more, of which those that were counted become 0.
  if (c < rows.columns && rows.columns >= width) {
    static constexpr std::array<T, 2 * width> zeros_then_ones = [] {
      std::array<T, 2 * width> result{};
      for (std::size_t l = width; l < 2 * width; ++l) result[l] = 1;
      return result;
    }();
    const V counts = *reinterpret_cast<const V*>(zeros_then_ones.data() + (rows.columns - c));
    c = rows.columns;
    for (Index p = 0; p < tile_rows; ++p) {
      const V a = counts * *reinterpret_cast<const V*>(left[p] + c - width);
#pragma GCC unroll 4
      for (Index q = 0; q < tile_columns; ++q)
        sums[p * tile_columns + q] += a * *reinterpret_cast<const V*>(right[q] + c - width);
    }
  }
  for (Index s = 0; s < pairs; s += width) add_lanes<width / 2, T>(sums + s);
  for (Index s = 0; s < pairs; s += width) *reinterpret_cast<V*>(to + s) = sums[s];
  for (; c < rows.columns; ++c)
    for (Index p = 0; p < tile_rows; ++p)
      for (Index q = 0; q < tile_columns; ++q) to[p * tile_columns + q] += left[p][c] * right[q][c];
}

// How often a tile's products count: each pair of different rows stands for its mirror image too. Row p of a tile on
// the diagonal is the one of column p + offset.
struct Weights {
  double of[pairs];

  constexpr Weights(Index offset, Index rows, Index columns) : of() {
    for (Index p = 0; p < rows; ++p)
      for (Index q = 0; q < columns; ++q) of[p * tile_columns + q] = q < p + offset ? 0 : q == p + offset ? 1 : 2;
  }
};
constexpr Weights on_diagonal[] = {{0, tile_rows, tile_columns}, {tile_rows, tile_rows, tile_columns}};
constexpr Weights off_diagonal(-tile_rows, tile_rows, tile_columns);

constexpr Index chunks = pairs / doubles;  // of a tile

// sums += the products of two tiles, element by element, as often as they count.
template <class T>
[[gnu::always_inline]] inline void add_products(const T* a, const T* b, const Weights& weights, Doubles* sums) {
#pragma GCC unroll 8
  for (Index c = 0; c < chunks; ++c)
    sums[c] += as_doubles(weights.of + c * doubles) * as_doubles(a + c * doubles) * as_doubles(b + c * doubles);
}

template <class T>
std::array<double, 3> squared_norms_of_product(Index rows, Index m, Index n, const T* a, const T* b) {
  const Rows<T> of_a{a, rows, m}, of_b{b, rows, n};
  Doubles sums[chunks] = {};
  double a_square = 0, b_square = 0;
  for (Index i = 0; i < rows; i += tile_rows)
    for (Index j = i / tile_columns * tile_columns; j < rows; j += tile_columns) {
      alignas(vector_bytes) T for_a[pairs], for_b[pairs];
      inner_products(of_a, i, j, for_a);
      inner_products(of_b, i, j, for_b);
      const Index offset = i - j;
      const Index present = rows - i < tile_rows ? rows - i : tile_rows;
      if (present < tile_rows || j + tile_columns > rows)
        add_products(for_a, for_b, Weights(offset, present, rows - j < tile_columns ? rows - j : tile_columns), sums);
      else
        add_products(for_a, for_b, offset < 0 ? off_diagonal : on_diagonal[offset / tile_rows], sums);
      for (Index p = 0; p < present && offset >= 0; ++p) {
        a_square += static_cast<double>(for_a[p * tile_columns + p + offset]);
        b_square += static_cast<double>(for_b[p * tile_columns + p + offset]);
      }
    }
  double total = 0;
  for (const Doubles& part : sums)
    for (Index l = 0; l < doubles; ++l) total += part[l];
  return {total, a_square, b_square};
}

}  // namespace

template <>
void fill_gram<float, level>(Table<float>& table) {
  table.squared_norms_of_product = squared_norms_of_product<float>;
}
template <>
void fill_gram<double, level>(Table<double>& table) {
  table.squared_norms_of_product = squared_norms_of_product<double>;
}

}  // namespace ebb::kernels
