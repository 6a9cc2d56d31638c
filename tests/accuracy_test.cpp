// How exact the library's own functions of numbers are, over the whole range and in both types.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// The largest distance, in units in the last place of T, between f and the long double reference rounded to T.
template <class T>
double worst_ulps(Unary f, long double (*reference)(long double), const std::vector<T>& points) {
  const Tensor y = f(from_values(points, {static_cast<Index>(points.size())}));
  double worst = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const T expected = static_cast<T>(reference(static_cast<long double>(points[i])));
    const double ulps = ulps_apart(y.values<T>()[i], expected);
    if (ulps > worst) worst = ulps;
  }
  return worst;
}

// Every magnitude of T, evenly in the logarithm, of either sign; evenly in between; and the ends.
template <class T>
std::vector<T> points() {
  std::vector<T> result = {T(0),
                           -T(0),
                           std::numeric_limits<T>::denorm_min(),
                           std::numeric_limits<T>::min(),
                           std::numeric_limits<T>::max(),
                           -std::numeric_limits<T>::max(),
                           static_cast<T>(infinity),
                           static_cast<T>(-infinity),
                           static_cast<T>(not_a_number)};
  Rng rng(1);
  const double lowest = std::log2(static_cast<double>(std::numeric_limits<T>::min()));
  for (int i = 0; i < 40000; ++i) {
    result.push_back(static_cast<T>((i % 2 ? 1 : -1) * std::exp2(rng.uniform(lowest, 12))));
    result.push_back(static_cast<T>(rng.uniform(-20, 20)));
    result.push_back(static_cast<T>(rng.uniform(-750, 750)));
    result.push_back(static_cast<T>(rng.uniform(-1, 1)));
  }
  return result;
}

long double exact_sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double exact_exp(long double x) { return std::exp(x); }
long double exact_tanh(long double x) { return std::tanh(x); }

}  // namespace

// Four: one for the polynomial, one for its argument's reduction, and one for each of a sum and a quotient after it.
TEST_CASE_TEMPLATE("accuracy: tanh is good to four units in the last place", T, float, double) {
  CHECK(worst_ulps<T>(tanh, exact_tanh, points<T>()) <= 4);
}

TEST_CASE_TEMPLATE("accuracy: exp is good to four units in the last place", T, float, double) {
  CHECK(worst_ulps<T>(exp, exact_exp, points<T>()) <= 4);
}

TEST_CASE_TEMPLATE("accuracy: sigmoid is good to four units in the last place", T, float, double) {
  CHECK(worst_ulps<T>(sigmoid, exact_sigmoid, points<T>()) <= 4);
}

// exp's four, times the derivative of what comes after it, and one for that.
TEST_CASE_TEMPLATE("accuracy: softplus is good to five units in the last place", T, float, double) {
  const auto exact = [](long double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); };
  CHECK(worst_ulps<T>(softplus, exact, points<T>()) <= 5);
}

// glibc's own bounds for these are one and two.
TEST_CASE_TEMPLATE("accuracy: what the system computes is good to four units in the last place", T, float, double) {
  struct Row {
    const char* name;
    Unary f;
    long double (*reference)(long double);
  };
  const Row rows[] = {{"sin", sin, std::sin},       {"cos", cos, std::cos}, {"expm1", expm1, std::expm1},
                      {"log1p", log1p, std::log1p}, {"erf", erf, std::erf}, {"erfc", erfc, std::erfc},
                      {"abs", abs, std::fabs}};
  for (const Row& row : rows) CHECK_MESSAGE(worst_ulps<T>(row.f, row.reference, points<T>()) <= 4, row.name);
  const auto power = [](const Tensor& x) { return pow(abs(x), 1.25); };
  const auto exact = [](long double x) { return std::pow(std::fabs(x), 1.25L); };
  CHECK(worst_ulps<T>(power, exact, points<T>()) <= 4);
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
