// What several test files use.
#pragma once

#include <autograd/autograd.h>
#include <autograd/tensor/access.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace ebb::test {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using Unary = Tensor (*)(const Tensor&);

// Numbers that repeat nothing, with magnitudes in [0.2, 1.2) and either sign: nowhere near a kink at 0.
inline Tensor varied(const Shape& shape, std::uint64_t seed = 1, DType dtype = f64) {
  Rng rng(seed);
  const Pause pause;
  const Tensor x = uniform(shape, -1, 1, rng, dtype);
  return x + where(x < 0.0, -0.2, 0.2);
}

// The same, all positive.
inline Tensor varied_positive(const Shape& shape, std::uint64_t seed = 1, DType dtype = f64) {
  Rng rng(seed);
  return uniform(shape, 0.2, 1.2, rng, dtype);
}

inline Tensor indices(const std::vector<std::int64_t>& values, const Shape& shape) {
  return from_values(values, shape);
}
inline Tensor indices(const std::vector<std::int64_t>& values) {
  return from_values(values, {static_cast<Index>(values.size())});
}

// The elements as doubles.
inline std::vector<double> elements(const Tensor& x) {
  std::vector<double> result;
  for (Index i = 0; i < x.size(); ++i) result.push_back(detail::element(x, i));
  return result;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.size() == 0 ||
          std::memcmp(a.body().data, b.body().data, static_cast<std::size_t>(a.size()) * bytes_of(a.dtype())) == 0);
}

// The largest |a − b| / max(1, |a|, |b|); infinite where shapes differ or one alone is NaN.
inline double distance(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return HUGE_VAL;
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double u = detail::element(a, i), v = detail::element(b, i);
    if (u == v || (std::isnan(u) && std::isnan(v))) continue;
    const double d = std::fabs(u - v) / std::max({1.0, std::fabs(u), std::fabs(v)});
    worst = std::isnan(d) ? HUGE_VAL : std::max(worst, d);
  }
  return worst;
}

// How many of T's numbers lie between the two; 0 for two NaNs.
template <class T>
double ulps_apart(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : HUGE_VAL;
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  // Bits in the order of the numbers; a long double holds every difference.
  const auto place = [](T x) {
    Bits bits;
    std::memcpy(&bits, &x, sizeof x);
    return static_cast<long double>(bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits);
  };
  return static_cast<double>(std::fabs(place(a) - place(b)));
}

// The message of the E that f throws; fails the test where it throws nothing or something else.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    CHECK_MESSAGE(typeid(error) == typeid(E), "a narrower type: " << typeid(error).name() << ": " << error.what());
    return error.what();
  } catch (const std::exception& error) {
    FAIL_CHECK("another error: " << typeid(error).name() << ": " << error.what());
    return {};
  }
  FAIL_CHECK("no error");
  return {};
}

// Whether the message holds every part; prints it where it doesn't.
inline void check_says(std::string_view message, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts)
    CHECK_MESSAGE(message.find(part) != message.npos,
                  "\"" << std::string(message) << "\" lacks \"" << std::string(part) << "\"");
}

}  // namespace ebb::test

template <>
struct doctest::StringMaker<ebb::Shape> {
  static String convert(const ebb::Shape& shape) { return fmt::format("{}", shape).c_str(); }
};
