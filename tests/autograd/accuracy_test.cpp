// How exact the library's own functions of numbers are, over the whole range and in both types.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// |got − exact| in units of the last place that T has at `exact`; below the normal range that is its smallest number.
template <class T>
double ulps_off(T got, long double exact) {
  const auto rounded = static_cast<T>(exact);
  if (rounded == got || (std::isnan(rounded) && std::isnan(got))) return 0;  // infinities too
  using Limits = std::numeric_limits<T>;
  const int exponent = exact == 0 ? Limits::min_exponent - 1 : std::max(std::ilogb(exact), Limits::min_exponent - 1);
  const long double error = std::fabs(static_cast<long double>(got) - exact);
  const auto ulps = static_cast<double>(std::ldexp(error, Limits::digits - 1 - exponent));
  return std::isnan(ulps) ? HUGE_VAL : ulps;
}

template <class T>
double worst_ulps(Unary f, long double (*reference)(long double), const std::vector<T>& points) {
  const Tensor y = f(from_values(points, {static_cast<Index>(points.size())}));
  double worst = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    worst = std::max(worst, ulps_off(y.values<T>()[i], reference(static_cast<long double>(points[i]))));
  return worst;
}

// Every binade of T of either sign: 200 numbers of each below 2⁶⁴ in magnitude and above 2⁻⁶⁴, 20 of each of the others
// (where float64's functions are 0, 1, x, x/2 or x² but for rounding); as many again where exp leaves the normal range,
// and below 0 where gelu does; and the ends.
template <class T>
std::vector<T> points() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> result = {T(0),
                           -T(0),
                           Limits::denorm_min(),
                           Limits::min(),
                           Limits::max(),
                           -Limits::max(),
                           static_cast<T>(infinity),
                           static_cast<T>(-infinity),
                           static_cast<T>(not_a_number)};
  Rng rng(1);
  const auto between = [&](double low, double high) { result.push_back(static_cast<T>(rng.uniform(low, high))); };
  for (int exponent = Limits::min_exponent - Limits::digits; exponent < Limits::max_exponent; ++exponent)
    for (int i = 0; i < (std::abs(exponent) < 64 ? 200 : 20); ++i)
      for (const double sign : {1, -1})
        result.push_back(static_cast<T>(std::ldexp(sign * rng.uniform(1, 2), exponent)));
  const double range = -std::log(static_cast<double>(Limits::min()));
  for (int i = 0; i < 10000; ++i) {
    between(-20, 20);
    between(-1.1 * range, range);
    between(-1.1 * std::sqrt(2 * range), 0);
  }
  return result;
}

// erfc multiplies its argument's relative error by 2z²: what z has lost is made up for, to first order, by erfc's
// logarithmic derivative −(z + √(z² + 2)), which holds to 1 / 4z⁴.
long double exact_gelu(long double x) {
  if (std::isinf(x)) return x > 0 ? x : 0;
  const long double s = std::sqrt(0.5L), z = -s * x;
  const long double s_lost = std::fma(-s, s, 0.5L) / (2 * s), z_lost = std::fma(-s, x, -z) - s_lost * x;
  const long double correction = z > 0 ? 1 - (z + std::sqrt(z * z + 2)) * z_lost : 1;
  return x * (0.5L * std::erfc(z) * correction);
}

long double exact_silu(long double x) { return std::isinf(x) && x < 0 ? 0 : x / (1 + std::exp(-x)); }
long double exact_softplus(long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::fabs(x))); }

struct Row {
  const char* name;
  Unary f;
  long double (*reference)(long double);
};

template <class T, std::size_t size>
void check_four_ulps(const Row (&rows)[size]) {
  const std::vector<T> everywhere = points<T>();
  for (const Row& row : rows) {
    const double worst = worst_ulps<T>(row.f, row.reference, everywhere);
    CHECK_MESSAGE(worst <= 4, row.name << ": " << worst);
  }
}

}  // namespace

// Over the whole range, results below the normal range among them, against long double. (Its exponent and, on x86, its
// 11 more bits make the reference's own error some thousandths of a unit.)
TEST_CASE_TEMPLATE("accuracy: every activation is good to four units in the last place", T, float, double) {
  check_four_ulps<T>({{"exp", exp, std::exp},
                      {"tanh", tanh, std::tanh},
                      {"sigmoid", sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }},
                      {"relu", relu, [](long double x) { return x < 0 ? 0 : x; }},
                      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.125); },
                       [](long double x) { return x > 0 ? x : x / 8; }},
                      {"elu", [](const Tensor& x) { return elu(x, 1.5); },
                       [](long double x) { return x > 0 ? x : 1.5L * std::expm1(x); }},
                      {"softplus", softplus, exact_softplus},
                      {"silu", silu, exact_silu},
                      {"gelu", gelu, exact_gelu}});
}

// glibc's own bounds for these are one and two.
TEST_CASE_TEMPLATE("accuracy: what the system computes is good to four units in the last place", T, float, double) {
  check_four_ulps<T>({{"sin", sin, std::sin},
                      {"cos", cos, std::cos},
                      {"expm1", expm1, std::expm1},
                      {"log1p", log1p, std::log1p},
                      {"erf", erf, std::erf},
                      {"erfc", erfc, std::erfc},
                      {"abs", abs, std::fabs},
                      {"pow", [](const Tensor& x) { return pow(abs(x), 1.25); },
                       [](long double x) { return std::pow(std::fabs(x), 1.25L); }}});
}

TEST_CASE_TEMPLATE("accuracy: log and sqrt are the system's", T, float, double) {
  std::vector<T> positive = points<T>();
  for (T& x : positive) x = std::fabs(x);
  CHECK(worst_ulps<T>(
            log, [](long double x) { return std::log(x); }, positive) <= 1);
  const Tensor roots = sqrt(from_values(positive, {static_cast<Index>(positive.size())}));
  for (std::size_t i = 0; i < positive.size(); ++i)
    REQUIRE(ulps_apart(roots.values<T>()[i], std::sqrt(positive[i])) == 0);
}

TEST_CASE_TEMPLATE("accuracy: tanh and sigmoid keep to their bounds and symmetries", T, float, double) {
  std::vector<T> all = points<T>();
  for (const T x : all) {
    if (std::isnan(x)) continue;
    const auto at = [](Unary f, T v) {
      return static_cast<T>(f(full({}, static_cast<double>(v), dtype_of<T>)).item());
    };
    const T t = at(tanh, x), s = at(sigmoid, x);
    REQUIRE(std::fabs(t) <= 1);
    REQUIRE(at(tanh, -x) == -t);
    REQUIRE(s >= 0);
    REQUIRE(s <= 1);
  }
}
