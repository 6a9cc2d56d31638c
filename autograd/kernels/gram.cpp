// ‖Aᵀ B‖² for the level EBB_LEVEL without the product: Σ over pairs of rows of ⟨a_i, a_j⟩⟨b_i, b_j⟩. A tile of such
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

template <class T>
double squared_norm_of_product(Index rows, Index m, Index n, const T* a, const T* b) {
  const Rows<T> of_a{a, rows, m}, of_b{b, rows, n};
  double total = 0;
  for (Index i = 0; i < rows; i += tile_rows)
    for (Index j = i / tile_columns * tile_columns; j < rows; j += tile_columns) {
      alignas(vector_bytes) T for_a[pairs], for_b[pairs];
      inner_products(of_a, i, j, for_a);
      inner_products(of_b, i, j, for_b);
      double terms[pairs];
      for (Index s = 0; s < pairs; ++s) terms[s] = 2 * static_cast<double>(for_a[s]) * static_cast<double>(for_b[s]);
      // Each pair of different rows stands for its mirror image too.
      if (j < i + tile_rows || i + tile_rows > rows || j + tile_columns > rows)
        for (Index p = 0; p < tile_rows; ++p)
          for (Index q = 0; q < tile_columns; ++q)
            terms[p * tile_columns + q] *= i + p >= rows || j + q >= rows || j + q < i + p ? 0
                                           : j + q == i + p                                ? 0.5
                                                                                           : 1;
      for (Index half = pairs / 2; half > 0; half /= 2)
        for (Index s = 0; s < half; ++s) terms[s] += terms[s + half];
      total += terms[0];
    }
  return total;
}

}  // namespace

template <>
void fill_gram<float, level>(Table<float>& table) {
  table.squared_norm_of_product = squared_norm_of_product<float>;
}
template <>
void fill_gram<double, level>(Table<double>& table) {
  table.squared_norm_of_product = squared_norm_of_product<double>;
}

}  // namespace ebb::kernels
