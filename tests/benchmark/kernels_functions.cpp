// Functions of numbers: how fast, next to a loop over the standard library's, and their largest error.
#include <autograd/autograd.h>

#include <cmath>
#include <limits>

#include "interleaved.h"
#include "row_list.h"

namespace ebb::benchmarks {
namespace {

using Unary = Tensor (*)(const Tensor&);

// Every magnitude of T below 2¹⁰, evenly in the logarithm, of either sign; and evenly between -20 and 20.
template <class T>
std::vector<T> points(bool positive) {
  std::vector<T> result;
  Rng rng(1);
  const double lowest = std::log2(static_cast<double>(std::numeric_limits<T>::min()));
  for (int i = 0; i < 50'000; ++i) {
    result.push_back(static_cast<T>(std::exp2(rng.uniform(lowest, 10))));
    result.push_back(static_cast<T>(rng.uniform(0, 20)));
  }
  if (!positive)
    for (std::size_t i = 0; i < result.size() / 2; ++i) result[i] = -result[i];
  return result;
}

// The largest |f(x) − exact| in units of the last place that T has there.
template <class T, class F>
double largest_error(Unary ours, F exact, bool positive) {
  const std::vector<T> x = points<T>(positive);
  const Tensor y = ours(from_values(x, {static_cast<Index>(x.size())}));
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double expected = exact(static_cast<long double>(x[i]));
    const T got = y.values<T>()[i];
    if (static_cast<T>(expected) == got) continue;  // correctly rounded, infinities too
    const int exponent =
        std::max(expected == 0 ? -100'000 : std::ilogb(expected), std::numeric_limits<T>::min_exponent - 1);
    const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
    const auto error = static_cast<double>(std::fabs(static_cast<long double>(got) - expected) / ulp);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

template <class T, class F>
void run_function(benchmark::State& state, const char* name, Unary ours, F exact, bool positive, double error) {
  constexpr Index count = 4096;
  Rng rng(1);
  const Tensor x = uniform({count}, positive ? 0.1 : -4, 4, rng, dtype_of<T>);
  std::vector<T> y(count);
  const auto nanoseconds_for = [](const auto& body) {
    const double start = seconds_now(Clock::wall);
    body();
    return (seconds_now(Clock::wall) - start) * 1e9;
  };
  std::vector<double> our_rate, their_rate;
  for (auto _ : state) {
    const double our_time = nanoseconds_for([&] { benchmark::DoNotOptimize(ours(x)); });
    const double their_time = nanoseconds_for([&] {
      const T* from = x.values<T>().data();
      for (std::size_t i = 0; i < count; ++i) y[i] = exact(from[i]);
      benchmark::ClobberMemory();
    });
    our_rate.push_back(count / our_time);
    their_rate.push_back(count / their_time);
    state.SetIterationTime(our_time * 1e-9);
  }
  state.counters["elements/ns"] = median(our_rate);
  state.counters["ulp"] = error;
  set_row({fmt::format("{}, {}", name, sizeof(T) == 4 ? "float32" : "float64"), "≤ 4 ulp",
           fmt::format("std: {:.2f} a ns", median(their_rate)),
           fmt::format("{:.2f} a ns, {:.1f} ulp", median(our_rate), error),
           fmt::format("{:.2f}", median(their_rate) / median(our_rate))});
}

template <class T, class F>
void add_type(const char* name, Unary ours, F exact, bool positive) {
  benchmark::RegisterBenchmark((std::string(name) + (sizeof(T) == 4 ? "/float32" : "/float64")).c_str(),
                               [=](benchmark::State& state) {
                                 static const double error = largest_error<T>(ours, exact, positive);
                                 run_function<T>(state, name, ours, exact, positive, error);
                               })
      ->UseManualTime();
}

template <class F>
void add(const char* name, Unary ours, F exact, bool positive = false) {
  add_type<float>(name, ours, exact, positive);
  add_type<double>(name, ours, exact, positive);
}

const bool registered = [] {
  add("tanh", tanh, [](auto x) { return std::tanh(x); });
  add("sigmoid", sigmoid, [](auto x) { return 1 / (1 + std::exp(-x)); });
  add("exp", exp, [](auto x) { return std::exp(x); });
  add("expm1", expm1, [](auto x) { return std::expm1(x); });
  add(
      "log", log, [](auto x) { return std::log(x); }, true);
  add(
      "log1p", log1p, [](auto x) { return std::log1p(x); }, true);
  add(
      "sqrt", sqrt, [](auto x) { return std::sqrt(x); }, true);
  add("sin", sin, [](auto x) { return std::sin(x); });
  add("cos", cos, [](auto x) { return std::cos(x); });
  add("erf", erf, [](auto x) { return std::erf(x); });
  add("softplus", softplus, [](auto x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); });
  add("silu", silu, [](auto x) { return x / (1 + std::exp(-x)); });
  add("gelu", gelu, [](auto x) { return x / 2 * std::erfc(-x * std::sqrt(decltype(x)(0.5L))); });
  add("relu", relu, [](auto x) { return x > 0 ? x : 0; });
  return true;
}();

}  // namespace
}  // namespace ebb::benchmarks
