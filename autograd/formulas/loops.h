// An elementwise formula read as loops over numbers. Compiled here for the baseline instruction set, and in kernels/
// for each of the others; every position goes through the same operations, so that position doesn't change a bit.
#pragma once

#include <type_traits>
#include <utility>

#include "autograd/formulas/lane.h"
#include "autograd/tensor/index.h"

#if defined(__clang__)
// Where a formula doesn't let itself be vectorised, or optimisation is low, the loop is right all the same.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#define EBB_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define EBB_INDEPENDENT _Pragma("GCC ivdep")
#else
#define EBB_INDEPENDENT
#endif

namespace ebb {

// y = f(x); and g ↦ g · f'(x, y) into `out`, which may be g itself.
template <class T>
struct UnaryLoops {
  void (*value)(const T* x, T* y, Index n);
  void (*vjp)(const T* g, const T* x, const T* y, T* out, Index n);
};

// y = f(a, b), and g ↦ g · ∂y/∂a, g ↦ g · ∂y/∂b. An operand's step is 1, or 0 for one number against all.
template <class T>
struct BinaryLoops {
  void (*value)(const T* a, Index a_step, const T* b, Index b_step, T* y, Index n);
  using Vjp = void (*)(const T* g, const T* a, Index a_step, const T* b, Index b_step, const T* y, T* out, Index n);
  Vjp vjp[2];
};

namespace loops {

template <class T>
constexpr bool is_pair = false;
template <class A, class B>
constexpr bool is_pair<std::pair<A, B>> = true;

// One of the derivatives of a formula of two operands: of a pair, of functions or not, or the only one.
template <int operand, class Derivative>
inline auto partial(const Derivative& derivative) {
  if constexpr (is_pair<Derivative>)
    return partial<0>(std::get<operand>(derivative));
  else if constexpr (std::is_invocable_v<Derivative>)
    return derivative();
  else
    return derivative;
}

// Calls body(i · a_step, i · b_step, i) for every i, with the steps known to the compiler.
template <class Body>
inline void by_steps(Index a_step, Index b_step, Index n, Body body) {
  if (a_step != 0 && b_step != 0) {
    EBB_INDEPENDENT
    for (Index i = 0; i < n; ++i) body(i, i, i);
  } else if (a_step != 0) {
    EBB_INDEPENDENT
    for (Index i = 0; i < n; ++i) body(i, Index{0}, i);
  } else if (b_step != 0) {
    EBB_INDEPENDENT
    for (Index i = 0; i < n; ++i) body(Index{0}, i, i);
  } else {
    for (Index i = 0; i < n; ++i) body(Index{0}, Index{0}, i);
  }
}

template <class Formula, class T, Level level>
void unary_value(const T* x, T* y, Index n) {
  EBB_INDEPENDENT
  for (Index i = 0; i < n; ++i) y[i] = Lane<T, level>(Formula::value(Lane<T, level>(x[i]))).value;
}

template <class Formula, class T, Level level>
void unary_vjp(const T* g, const T* x, const T* y, T* out, Index n) {
  using L = Lane<T, level>;
  EBB_INDEPENDENT
  for (Index i = 0; i < n; ++i) out[i] = pull_back(L(g[i]), L(Formula::derivative(L(x[i]), L(y[i])))).value;
}

template <class Formula, class T, Level level>
void binary_value(const T* a, Index a_step, const T* b, Index b_step, T* y, Index n) {
  using L = Lane<T, level>;
  by_steps(a_step, b_step, n, [=](Index i, Index j, Index k) { y[k] = L(Formula::value(L(a[i]), L(b[j]))).value; });
}

template <class Formula, class T, Level level, int operand>
void binary_vjp(const T* g, const T* a, Index a_step, const T* b, Index b_step, const T* y, T* out, Index n) {
  using L = Lane<T, level>;
  by_steps(a_step, b_step, n, [=](Index i, Index j, Index k) {
    out[k] = pull_back(L(g[k]), L(partial<operand>(Formula::derivative(L(a[i]), L(b[j]), L(y[k]))))).value;
  });
}

template <class Formula, class T>
concept DifferentiableUnary = requires(Lane<T> x) {
  Formula::derivative(x, x);
};
template <class Formula, class T>
concept DifferentiableBinary = requires(Lane<T> x) {
  Formula::derivative(x, x, x);
};
template <class Formula, class T>
concept DifferentiableByBoth =
    DifferentiableBinary<Formula, T> && is_pair<decltype(Formula::derivative(Lane<T>(), Lane<T>(), Lane<T>()))>;

template <class Formula, class T, Level level = Level::portable>
constexpr UnaryLoops<T> unary() {
  if constexpr (DifferentiableUnary<Formula, T>)
    return {unary_value<Formula, T, level>, unary_vjp<Formula, T, level>};
  else
    return {unary_value<Formula, T, level>, nullptr};
}

template <class Formula, class T, Level level = Level::portable>
constexpr BinaryLoops<T> binary() {
  if constexpr (DifferentiableByBoth<Formula, T>)
    return {binary_value<Formula, T, level>, {binary_vjp<Formula, T, level, 0>, binary_vjp<Formula, T, level, 1>}};
  else if constexpr (DifferentiableBinary<Formula, T>)
    return {binary_value<Formula, T, level>, {binary_vjp<Formula, T, level, 0>, nullptr}};
  else
    return {binary_value<Formula, T, level>, {nullptr, nullptr}};
}

}  // namespace loops
}  // namespace ebb

#if defined(__clang__)
#pragma clang diagnostic pop
#endif
