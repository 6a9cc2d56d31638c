// Steps of recurrent cells for the level EBB_LEVEL.
#include "autograd/kernels/tables.h"
#include "autograd/kernels/tiles.h"

namespace ebb::kernels {
namespace {

// Rows [i, i + rows) of y, `columns` of them from j on. (Not inlined, or its counters would leave the registers.)
template <int rows, int vectors, class T>
[[gnu::noinline]] void affine_tile(const Affine<T>& f, Index j, Index columns, Index i) {
  using V = typename VectorOf<T>::type;
  constexpr Index width = VectorOf<T>::width, panel = vectors * width;
  V bias[vectors] = {};
  if (columns == panel)
    for (int q = 0; q < vectors; ++q) bias[q] = *reinterpret_cast<const V*>(f.bias + j + q * width);
  else
    copy_some<panel>(f.bias + j, reinterpret_cast<T*>(bias), columns);
  Sums<T, rows, vectors> sum;
#pragma GCC unroll 16
  for (int p = 0; p < rows; ++p)
#pragma GCC unroll 4
    for (int q = 0; q < vectors; ++q) sum[p][q] = bias[q];
  const Evenly<T> U{f.U + j * f.inputs, panel_columns<T>}, W{f.W + j * f.hidden, panel_columns<T>};
  add_products<rows, vectors, T>(sum, Strided<T>{f.x, f.inputs, 1}, i, U, f.inputs);
  add_products<rows, vectors, T>(sum, Strided<T>{f.s, f.hidden, 1}, i, W, f.hidden);

  if (!f.activate) return finish<rows, vectors>(sum, Destination<T>{f.y + j, f.outputs, columns, false}, i);
  alignas(vector_bytes) T tile[rows * panel];
  to_memory<rows, vectors>(sum, tile);
  f.activate(tile, tile, rows * panel);
  T* y = f.y + i * f.outputs + j;
  for (int p = 0; p < rows; ++p, y += f.outputs)
    if (columns == panel)
      __builtin_memcpy(y, tile + p * panel, panel * sizeof(T));
    else
      copy_some<panel>(tile + p * panel, y, columns);
}

template <class T>
void affine(const Affine<T>& f) {
  by_panels<T>(f.outputs, [&]<int vectors>(Index j, Index columns) {
    blocks_of_rows(f.batch, [&]<int rows>(Index i) { affine_tile<rows, vectors>(f, j, columns, i); });
  });
}

}  // namespace

template <>
void fill_affine<float, level>(Table<float>& table) {
  table.affine = affine<float>;
}
template <>
void fill_affine<double, level>(Table<double>& table) {
  table.affine = affine<double>;
}

}  // namespace ebb::kernels
