// Elementwise loops, reductions and log-softmax for the level EBB_LEVEL. Compiled without FMA contraction, so that a
// formula gives the same bits in a loop's vector part and in its tail.
#include "autograd/kernels/tables.h"
#include "autograd/kernels/vectors.h"

namespace ebb::kernels {
namespace {

template <class T>
void add_into(const T* x, T* y, Index n) {
  EBB_INDEPENDENT
  for (Index i = 0; i < n; ++i) y[i] += x[i];
}

template <class T>
void where_loop(const T* condition, Index condition_step, const T* a, Index a_step, const T* b, Index b_step, T* y,
                Index n) {
  if (condition_step == 1 && a_step == 1 && b_step == 1) {
    EBB_INDEPENDENT
    for (Index i = 0; i < n; ++i) y[i] = condition[i] != T(0) ? a[i] : b[i];
  } else {
    for (Index i = 0; i < n; ++i) y[i] = condition[i * condition_step] != T(0) ? a[i * a_step] : b[i * b_step];
  }
}

constexpr Index parts = 8 / doubles;
using Eight = Doubles[parts];

// The lower half of the lanes and the upper one, until there is one.
template <class Vector>
[[gnu::always_inline]] inline double sum_of_lanes(Vector v) {
  if constexpr (sizeof(Vector) == 8 * sizeof(double))
    return sum_of_lanes(__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7));
  else if constexpr (sizeof(Vector) == 4 * sizeof(double))
    return sum_of_lanes(__builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3));
  else
    return v[0] + v[1];
}

// ((x0 + x4) + (x2 + x6)) + ((x1 + x5) + (x3 + x7)).
[[gnu::always_inline]] inline double sum_of(Eight& x) {
#pragma GCC unroll 2
  for (Index half = parts / 2; half > 0; half /= 2) {
#pragma GCC unroll 2
    for (Index q = 0; q < half; ++q) x[q] += x[q + half];
  }
  return sum_of_lanes(x[0]);
}

// Sums term(i) in eight interleaved partial sums, which fit every vector width and fix the order; these are sums of
// `chains` others where there are many terms, for each of them has to wait for itself.
template <Index chains, class Term>
inline double interleaved_sum(Index n, Term term) {
  double partial[chains][8] = {};
  Index i = 0;
  for (; i + 8 * chains <= n; i += 8 * chains)
    for (Index c = 0; c < chains; ++c)
      for (Index j = 0; j < 8; ++j) partial[c][j] += term(i + 8 * c + j);
  for (; i < n; ++i) partial[i / 8 % chains][i % 8] += term(i);
  for (Index c = 1; c < chains; ++c)
    for (Index j = 0; j < 8; ++j) partial[0][j] += partial[c][j];
  return sum_of(reinterpret_cast<Eight&>(partial[0]));
}
template <class Term>
inline double interleaved_sum(Index n, Term term) {
  return n < 64 ? interleaved_sum<1>(n, term) : interleaved_sum<4>(n, term);
}

template <class T>
double sum(const T* x, Index n) {
  return interleaved_sum(n, [x](Index i) { return static_cast<double>(x[i]); });
}

// The same for squares, by vectors: the loop over eight isn't seen as one.
template <bool scaled, class T>
[[gnu::always_inline]] inline void add_squares(const T* x, double c, Eight& sum) {
#pragma GCC unroll 4
  for (Index q = 0; q < parts; ++q) {
    Doubles v = as_doubles(x + q * doubles);
    if (scaled) v *= c;
    sum[q] += v * v;
  }
}

// The n < 8 elements at the end, and zeros.
template <class T>
[[gnu::noinline]] void copy_rest(const T* x, Index n, T* rest) {
  for (Index j = 0; j < 8; ++j) rest[j] = j < n ? x[j] : T(0);
}

template <bool scaled, Index chains, class T>
[[gnu::always_inline]] inline double sum_of_squares(const T* x, double c, Index n) {
  Eight partial[chains] = {};
  Index i = 0;
  for (; i + 8 * chains <= n; i += 8 * chains) {
#pragma GCC unroll 4
    for (Index k = 0; k < chains; ++k) add_squares<scaled>(x + i + 8 * k, c, partial[k]);
  }
#pragma GCC unroll 4
  for (Index k = 0; k < chains && i < n; ++k, i += 8) {
    if (i + 8 <= n) {
      add_squares<scaled>(x + i, c, partial[k]);
    } else {
      T rest[8];
      copy_rest(x + i, n - i, rest);
      add_squares<scaled>(rest, c, partial[k]);
    }
  }
#pragma GCC unroll 4
  for (Index k = 1; k < chains; ++k) {
#pragma GCC unroll 4
    for (Index q = 0; q < parts; ++q) partial[0][q] += partial[k][q];
  }
  return sum_of(partial[0]);
}

template <class T>
[[gnu::noinline]] double sum_of_any_squares(const T* x, double c, Index n) {
  if (n < 64) return sum_of_squares<true, 1>(x, c, n);
  return c != 1 ? sum_of_squares<true, 4>(x, c, n) : sum_of_squares<false, 4>(x, c, n);
}

// A small network's states have no time for the rest.
template <class T>
double sum_of_squares(const T* x, double c, Index n) {
  if (n >= 64 || n % 8 != 0 || c != 1) return sum_of_any_squares(x, c, n);
  Eight sum = {};
  for (Index i = 0; i < n; i += 8) add_squares<false>(x + i, c, sum);
  return sum_of(sum);
}

// As bits, for these are in the order of the magnitudes, infinity and then NaNs at the end.
template <class T>
double largest(const T* x, Index n) {
  using C = detail::ExpConstants<T>;
  typename C::Bits result = 0;
  for (Index i = 0; i < n; ++i) {
    const auto bits = static_cast<typename C::Bits>(__builtin_bit_cast(typename C::Bits, x[i]) & C::magnitude);
    result = bits > result ? bits : result;
  }
  return static_cast<double>(__builtin_bit_cast(T, result));
}

template <class T>
T highest_of(const T* x, Index n) {
  T highest = -static_cast<T>(__builtin_inf());
  for (Index i = 0; i < n; ++i) highest = x[i] > highest ? x[i] : highest;
  return highest;
}

template <class T>
double sum_of_exp(const T* x, T shift, Index n) {
  return interleaved_sum(
      n, [x, shift](Index i) { return static_cast<double>(detail::exp_number<level>(static_cast<T>(x[i] - shift))); });
}

template <class T>
void softmax(const T* x, T* y, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r, x += columns, y += columns) {
    const T highest = highest_of(x, columns);
    EBB_INDEPENDENT
    for (Index i = 0; i < columns; ++i) y[i] = detail::exp_number<level>(static_cast<T>(x[i] - highest));
    const double total = sum(y, columns);
    for (Index i = 0; i < columns; ++i) y[i] = static_cast<T>(static_cast<double>(y[i]) / total);
  }
}

template <class T>
void log_softmax(const T* x, T* y, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r, x += columns, y += columns) {
    const T highest = highest_of(x, columns);
    const double total = sum_of_exp(x, highest, columns);
    const T shift = static_cast<T>(__builtin_log(total));
    // Two steps, not x − (highest + shift): 1e4 + ln 2 would lose the digits of ln 2.
    for (Index i = 0; i < columns; ++i) y[i] = (x[i] - highest) - shift;
  }
}

template <class T, class... Fs>
void fill_unary(Table<T>& table, FormulaList<Fs...>) {
  table.unary = {loops::unary<Fs, T, level>()...};
}
template <class T, class... Fs>
void fill_binary(Table<T>& table, FormulaList<Fs...>) {
  table.binary = {loops::binary<Fs, T, level>()...};
}

template <class T>
void fill(Table<T>& table) {
  fill_unary(table, formulas::Unary());
  fill_binary(table, formulas::Binary());
  table.add_into = add_into<T>;
  table.where = where_loop<T>;
  table.sum = sum<T>;
  table.sum_of_squares = sum_of_squares<T>;
  table.largest = largest<T>;
  table.sum_of_exp = sum_of_exp<T>;
  table.softmax = softmax<T>;
  table.log_softmax = log_softmax<T>;
}

}  // namespace

template <>
void fill_elementwise<float, level>(Table<float>& table) {
  fill(table);
}
template <>
void fill_elementwise<double, level>(Table<double>& table) {
  fill(table);
}

}  // namespace ebb::kernels
