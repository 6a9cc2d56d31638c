// The numbers that an elementwise formula is read with. A formula is a template over its operands, written once:
//
//   static auto value(auto x) { return tanh(x); }
//   static auto derivative(auto, auto y) { return 1.0 - y * y; }
//
// Read with `Lane` it is a loop over numbers, which the compiler vectorises; read with `Tensor` it is recorded ops, so
// that gradients have gradients; read with `Symbol` (symbol.h) it tells which operands it needs, and how it is written.
// Literals take the operands' type, choice is `where`, never `?:`.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace ebb {

// The instruction set that a lane is compiled for. It is part of the type, so that code for one can't be linked where
// code for another is expected.
enum class Level { portable, v3, v4 };

template <class T, Level level = Level::portable>
struct Mask {
  bool value;
};

template <class T, Level level = Level::portable>
struct Lane {
  T value;

  Lane() = default;
  constexpr explicit Lane(T v) : value(v) {}
  // A literal, rounded to the element type.
  template <class Literal>
  requires std::is_arithmetic_v<Literal>
  constexpr Lane(Literal v) : value(static_cast<T>(v)) {}  // NOLINT(google-explicit-constructor)

  friend Lane operator+(Lane a, Lane b) { return Lane(a.value + b.value); }
  friend Lane operator-(Lane a, Lane b) { return Lane(a.value - b.value); }
  friend Lane operator*(Lane a, Lane b) { return Lane(a.value * b.value); }
  friend Lane operator/(Lane a, Lane b) { return Lane(a.value / b.value); }
  friend Lane operator-(Lane a) { return Lane(-a.value); }
  friend Mask<T, level> operator<(Lane a, Lane b) { return {a.value < b.value}; }
  friend Mask<T, level> operator<=(Lane a, Lane b) { return {a.value <= b.value}; }
  friend Mask<T, level> operator>(Lane a, Lane b) { return {a.value > b.value}; }
  friend Mask<T, level> operator>=(Lane a, Lane b) { return {a.value >= b.value}; }
  friend Mask<T, level> operator==(Lane a, Lane b) { return {a.value == b.value}; }
  friend Mask<T, level> operator!=(Lane a, Lane b) { return {a.value != b.value}; }
};

template <class T, Level level>
Lane<T, level> where(Mask<T, level> condition, std::type_identity_t<Lane<T, level>> a,
                     std::type_identity_t<Lane<T, level>> b) {
  return Lane<T, level>(condition.value ? a.value : b.value);
}

namespace detail {

// a b + c, rounded once where the instruction set can. (Elsewhere __builtin_fma would be a call into the system's
// library.)
template <Level level, class T>
inline T multiply_add(T a, T b, T c) {
  if constexpr (level == Level::portable)
    return a * b + c;
  else if constexpr (std::is_same_v<T, float>)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
}

// exp(x) = 2ⁿ(1 + q), n = round(x / ln 2), q = exp(x − n ln 2) − 1 by a polynomial. Branch-free, so that loops over it
// vectorise. Adding `shift`, 1.5 · 2^(mantissa bits), leaves the nearest integer in the low bits.
template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  using Bits = std::int32_t;
  static constexpr float shift = 12582912.f, log2_e = 1.44269504f;
  static constexpr float ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  static constexpr int mantissa = 23;
  static constexpr Bits one = 0x3f800000, magnitude = 0x7fffffff;
  static constexpr float lowest = -110, highest = 89;  // beyond these x eˣ is 0 and eˣ infinity
  static constexpr float tanh_is_one = 9.02f;          // from here on, as rounded
  static constexpr int count = 6;
  static constexpr float terms[count] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                         4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};  // Cephes, expf
};

template <>
struct ExpConstants<double> {
  using Bits = std::int64_t;
  static constexpr double shift = 6755399441055744.0, log2_e = 1.4426950408889634;
  static constexpr double ln2_high = 0.693147180369123816490, ln2_low = 1.90821492927058770002e-10;
  static constexpr int mantissa = 52;
  static constexpr Bits one = 0x3ff0000000000000, magnitude = 0x7fffffffffffffff;
  static constexpr double lowest = -754, highest = 710;
  static constexpr double tanh_is_one = 19.07;
  static constexpr int count = 12;
  static constexpr double terms[count] = {1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0,
                                          1 / 362880.0,     1 / 40320.0,     1 / 5040.0,     1 / 720.0,
                                          1 / 120.0,        1 / 24.0,        1 / 6.0,        0.5};  // 1/13! … 1/2!
};

template <class T>
struct ExpParts {
  T q;
  typename ExpConstants<T>::Bits n;
};

// Σ terms[k] r^(count − 1 − k) by Horner's rule. A fold, not a loop: a loop within a loop isn't always vectorised.
template <Level level, class C, class T, int... k>
inline T polynomial(T r, std::integer_sequence<int, k...>) {
  T p = C::terms[0];
  ((p = multiply_add<level>(p, r, C::terms[k + 1])), ...);
  return p;
}

template <Level level, class T>
inline ExpParts<T> exp_parts(T x) {
  using C = ExpConstants<T>;
  const T shifted = multiply_add<level>(x, C::log2_e, C::shift);
  const T n = shifted - C::shift;
  const T r = multiply_add<level>(n, -C::ln2_low, multiply_add<level>(n, -C::ln2_high, x));
  const T p = polynomial<level, C>(r, std::make_integer_sequence<int, C::count - 1>());
  using Bits = typename C::Bits;
  return {multiply_add<level>(p * r, r, r), __builtin_bit_cast(Bits, shifted) - __builtin_bit_cast(Bits, C::shift)};
}

template <Level level, class T>
inline T power_of_two(typename ExpConstants<T>::Bits n) {
  using C = ExpConstants<T>;
  return __builtin_bit_cast(T, static_cast<typename C::Bits>((n << C::mantissa) + C::one));
}

// x · 2ⁿ: in two halves, so that infinity comes out by itself, and results below the normal range with one rounding.
template <Level level, class T>
inline T scaled(T x, typename ExpConstants<T>::Bits n) {
  const auto half = n >> 1;
  return x * power_of_two<level, T>(half) * power_of_two<level, T>(n - half);
}

// factor · eˣ over the whole range.
template <Level level, class T>
inline T exp_number(T x, T factor = 1) {
  using C = ExpConstants<T>;
  T a = x > C::highest ? C::highest : x;  // comparisons that let a NaN through
  a = a < C::lowest ? C::lowest : a;
  const auto [q, n] = exp_parts<level>(a);
  return scaled<level>(multiply_add<level>(factor, q, factor), n);
}

// ln(1 + t) for t from 0 to 1: with s = t / (1 + t/2) it is 2 artanh(s/2) = s + s³ p(s²), p fitted at Chebyshev's
// points.
template <class T>
struct LogConstants;

template <>
struct LogConstants<float> {
  static constexpr int count = 5;
  static constexpr float terms[count] = {1.13400049e-04f, 4.23956546e-04f, 2.23377789e-03f, 1.24999080e-02f,
                                         8.33333358e-02f};
};

template <>
struct LogConstants<double> {
  static constexpr int count = 10;
  static constexpr double terms[count] = {7.7076175746648460e-08, 1.6786076519288395e-07, 9.1560919262624456e-07,
                                          4.0631543608566086e-06, 1.8781213458201444e-05, 8.8778268731117474e-05,
                                          4.3402778744976297e-04, 2.2321428568053718e-03, 1.2500000000004558e-02,
                                          8.3333333333333329e-02};
};

template <Level level, class T>
inline T log1p_of_fraction(T t) {
  using C = LogConstants<T>;
  const T s = t / (1 + T(0.5) * t);
  const T s2 = s * s;
  return multiply_add<level>(s * s2, polynomial<level, C>(s2, std::make_integer_sequence<int, C::count - 1>()), s);
}

// Φ(−t) e^(t²/2), Φ the distribution function of the standard normal, times t + 3 is a polynomial in 2t / (t + 3) −
// centre, fitted at Chebyshev's points from 0 to `farthest`. (After Shepherd and Laframboise, "Chebyshev approximation
// of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Mathematics of Computation 36, 1981. Off the middle the centre costs a few
// terms and leaves less to round near 0.)
template <class T>
struct NormalConstants;

template <>
struct NormalConstants<float> {
  static constexpr float centre = 0.5f;
  static constexpr float farthest = 15;  // beyond it t Φ(−t) is 0
  static constexpr int count = 11;
  static constexpr float terms[count] = {5.54918717e-05f, -1.44135404e-04f, -2.20383558e-04f, 3.11898244e-04f,
                                         2.26028930e-03f, 7.92339181e-04f,  -2.09341481e-02f, -1.31854890e-02f,
                                         2.78010205e-01f, -7.67673770e-01f, 1.04631317e+00f};
};

template <>
struct NormalConstants<double> {
  static constexpr double centre = 0.625;
  static constexpr double farthest = 39;
  static constexpr int count = 24;
  static constexpr double terms[count] = {
      -4.7870720959922925e-09, 2.8152563425686248e-08,  -4.5373267471412469e-08, -1.5254619486172193e-08,
      6.3157126548062009e-08,  -1.1294669214640374e-08, 8.3309776545087980e-08,  1.8402472979446320e-07,
      -2.7480599128523562e-07, -1.4705289394013930e-06, -2.0553457629410039e-06, 3.4004727663053105e-06,
      2.0218952384453672e-05,  2.3986822596553435e-05,  -7.9777958419208409e-05, -3.1585212595930010e-04,
      1.7248876198835754e-05,  2.4072527005611008e-03,  2.5647772853227072e-03,  -1.9891012444417051e-02,
      -2.3438630647536315e-02, 2.7112694622628564e-01,  -6.9895143391845826e-01, 9.5466702642891477e-01};
};

// What t², rounded, has lost. Where no multiply_add is exact t's upper half is cut off, so that its square is. (Dekker)
template <Level level, class T>
inline T lost_in_square(T t, T rounded) {
  if constexpr (level != Level::portable) {
    return multiply_add<level>(t, t, -rounded);
  } else {
    using Bits = typename ExpConstants<T>::Bits;
    constexpr Bits upper = ~((Bits{1} << (ExpConstants<T>::mantissa + 2) / 2) - 1);
    const T high = __builtin_bit_cast(T, static_cast<Bits>(__builtin_bit_cast(Bits, t) & upper));
    const T low = t - high;
    return ((high * high - rounded) + 2 * high * low) + low * low;
  }
}

inline float sqrt_number(float x) { return __builtin_sqrtf(x); }
inline double sqrt_number(double x) { return __builtin_sqrt(x); }

// One of the system's functions.
template <class T, Level level>
inline Lane<T, level> system(float (*of_float)(float), double (*of_double)(double), Lane<T, level> x) {
  if constexpr (std::is_same_v<T, float>)
    return Lane<T, level>(of_float(x.value));
  else
    return Lane<T, level>(of_double(x.value));
}

}  // namespace detail

template <class T, Level level>
inline Lane<T, level> abs(Lane<T, level> x) {
  return detail::system(::fabsf, ::fabs, x);
}

template <class T, Level level>
inline Lane<T, level> exp(Lane<T, level> x) {
  return Lane<T, level>(detail::exp_number<level>(x.value));
}

// (e^{2|x|} − 1) / (e^{2|x|} + 1) with the sign of x, from e^{2|x|} − 1 so that small x keeps its digits.
template <class T, Level level>
inline Lane<T, level> tanh(Lane<T, level> x) {
  using C = detail::ExpConstants<T>;
  using Bits = typename C::Bits;
  const Bits bits = __builtin_bit_cast(Bits, x.value);
  const T magnitude = __builtin_bit_cast(T, static_cast<Bits>(bits & C::magnitude));
  const T a = magnitude > C::tanh_is_one ? C::tanh_is_one : magnitude;
  const auto [q, n] = detail::exp_parts<level>(a + a);
  const T power = detail::power_of_two<level, T>(n);
  const T expm1 = detail::multiply_add<level>(power, q, power - 1);
  const T y = expm1 / (expm1 + 2);
  return Lane<T, level>(__builtin_bit_cast(T, static_cast<Bits>(__builtin_bit_cast(Bits, y) | (bits & ~C::magnitude))));
}

// The logistic function 1 / (1 + e⁻ˣ), from e^{−|x|} so that neither end overflows or cancels.
template <class T, Level level>
inline Lane<T, level> sigmoid(Lane<T, level> x) {
  const T t = detail::exp_number<level>(x.value < 0 ? x.value : -x.value);
  return Lane<T, level>((x.value < 0 ? t : 1) / (1 + t));
}

// x · sigmoid(x) from e^{−|x|} too, multiplied by x before anything falls below the normal range.
template <class T, Level level>
inline Lane<T, level> silu(Lane<T, level> x) {
  constexpr T lowest = detail::ExpConstants<T>::lowest;
  const T a = x.value < lowest ? lowest : x.value;
  const T exponent = a < 0 ? a : -a;
  const T quotient = a / (1 + detail::exp_number<level>(exponent));
  return Lane<T, level>(a < 0 ? detail::exp_number<level>(exponent, quotient) : quotient);
}

// ln(1 + eˣ), from e^{−|x|} likewise.
template <class T, Level level>
inline Lane<T, level> softplus(Lane<T, level> x) {
  const T t = detail::exp_number<level>(x.value < 0 ? x.value : -x.value);
  return Lane<T, level>((x.value < 0 ? 0 : x.value) + detail::log1p_of_fraction<level>(t));
}

// x Φ(x): below 0 it is −t Φ(−t) with t = |x|, above 0 that and x. The exponent −t²/2 is large, and what its rounding
// loses would show: it is made up for.
template <class T, Level level>
inline Lane<T, level> gelu(Lane<T, level> x) {
  using C = detail::NormalConstants<T>;
  const T magnitude = abs(x).value;
  const T t = magnitude > C::farthest ? C::farthest : magnitude;
  const T v = t / (t + 3);
  const T factor = v * detail::polynomial<level, C>(v + v - C::centre, std::make_integer_sequence<int, C::count - 1>());
  const T t2 = t * t;
  const auto [q, n] = detail::exp_parts<level>(T(-0.5) * t2);
  const T lost = T(-0.5) * detail::lost_in_square<level>(t, t2);
  const T expm1 = detail::multiply_add<level>(lost, 1 + q, q);
  const T tail = detail::scaled<level>(detail::multiply_add<level>(factor, expm1, factor), n);
  return Lane<T, level>(x.value < 0 ? -tail : x.value - tail);
}

template <class T, Level level>
inline Lane<T, level> sqrt(Lane<T, level> x) {
  return Lane<T, level>(detail::sqrt_number(x.value));
}

template <class T, Level level>
inline Lane<T, level> square(Lane<T, level> x) {
  return x * x;
}

template <class T, Level level>
inline Lane<T, level> relu(Lane<T, level> x) {
  return where(x < 0.0, 0.0, x);
}

// g · d, but 0 where g is: what doesn't arrive, or doesn't count, passes nothing on, also where d is infinite or NaN.
template <class T, Level level>
inline Lane<T, level> pull_back(Lane<T, level> g, Lane<T, level> d) {
  return where(g == 0.0, 0.0, g * d);
}

// ---- as good as the system's, one number at a time

template <class T, Level level>
inline Lane<T, level> log(Lane<T, level> x) {
  return detail::system(::logf, ::log, x);
}

template <class T, Level level>
inline Lane<T, level> log1p(Lane<T, level> x) {
  return detail::system(::log1pf, ::log1p, x);
}

template <class T, Level level>
inline Lane<T, level> expm1(Lane<T, level> x) {
  return detail::system(::expm1f, ::expm1, x);
}

template <class T, Level level>
inline Lane<T, level> sin(Lane<T, level> x) {
  return detail::system(::sinf, ::sin, x);
}

template <class T, Level level>
inline Lane<T, level> cos(Lane<T, level> x) {
  return detail::system(::cosf, ::cos, x);
}

template <class T, Level level>
inline Lane<T, level> erf(Lane<T, level> x) {
  return detail::system(::erff, ::erf, x);
}

template <class T, Level level>
inline Lane<T, level> erfc(Lane<T, level> x) {
  return detail::system(::erfcf, ::erfc, x);
}

template <class T, Level level>
inline Lane<T, level> pow(Lane<T, level> a, Lane<T, level> b) {
  if constexpr (std::is_same_v<T, float>)
    return Lane<T, level>(::powf(a.value, b.value));
  else
    return Lane<T, level>(::pow(a.value, b.value));
}
template <class T, Level level>
inline Lane<T, level> pow(Lane<T, level> a, double b) {
  return pow(a, Lane<T, level>(b));
}
template <class T, Level level>
inline Lane<T, level> pow(double a, Lane<T, level> b) {
  return pow(Lane<T, level>(a), b);
}

}  // namespace ebb
