// Rates and half-lives of magnitudes.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Kind;
using nn::Magnitude;

namespace {

// m_k = first · ratio^k.
std::vector<Magnitude> geometric(double first, double ratio, std::size_t count) {
  std::vector<Magnitude> result;
  for (std::size_t k = 0; k < count; ++k) result.push_back(Magnitude::of(first * std::pow(ratio, k)));
  return result;
}

}  // namespace

TEST_CASE("magnitude: what a norm is") {
  CHECK(Magnitude::of(3).kind == Kind::number);
  CHECK(Magnitude::of(0).kind == Kind::number);
  CHECK(Magnitude::of(infinity).kind == Kind::infinite);
  CHECK(Magnitude::of(not_a_number).kind == Kind::nan);
  CHECK(std::isnan(Magnitude::no_path()));
  const char* names[] = {"number", "no path", "saturated", "underflow", "infinity", "nan"};
  for (int i = 0; i < 6; ++i) CHECK(nn::name(static_cast<Kind>(i)) == names[i]);
}

TEST_CASE("magnitude: the rate and half-life of a geometric sequence") {
  // Twice as much a step on: half is left one step back.
  const nn::Decay fades = nn::decay(geometric(1e-6, 2, 21), 0, 20);
  CHECK(fades.rate == doctest::Approx(-std::log(2.0)).epsilon(1e-14));
  CHECK(fades.half_life() == doctest::Approx(1).epsilon(1e-14));
  const nn::Decay grows = nn::decay(geometric(1e200, 0.1, 300), 10, 299);
  CHECK(grows.rate == doctest::Approx(std::log(10.0)).epsilon(1e-13));
  CHECK(grows.half_life() == doctest::Approx(std::log10(2.0)).epsilon(1e-13));
  const nn::Decay still = nn::decay(geometric(3, 1, 5), 0, 4);
  CHECK(still.rate == 0);
  CHECK(still.half_life() == infinity);
}

TEST_CASE("magnitude: only numbers above 0 within the steps count") {
  std::vector<Magnitude> m = geometric(1, 3, 12);
  m[0] = Magnitude::no_path();
  m[2] = {0, Kind::underflow};
  m[3] = {0, Kind::saturated};
  m[5] = Magnitude::of(not_a_number);
  m[6] = Magnitude::of(infinity);
  m[7] = Magnitude::of(0);
  CHECK(nn::decay(m, 0, 11).rate == doctest::Approx(-std::log(3.0)).epsilon(1e-14));
  // Outside of the steps asked for, anything may stand.
  m[11] = Magnitude::of(1e-30);
  CHECK(nn::decay(m, 0, 10).rate == doctest::Approx(-std::log(3.0)).epsilon(1e-14));
  CHECK(nn::decay(m, 0, 11).rate > 0);
  CHECK(nn::decay(m, 8, 1000).rate > 0);  // to the end
}

TEST_CASE("magnitude: least squares, not the ends alone") {
  // ln m = 0, 3, 0: flat; 0, 1, 5: slope 2.5.
  const auto of_logs = [](std::initializer_list<double> logs) {
    std::vector<Magnitude> result;
    for (const double v : logs) result.push_back(Magnitude::of(std::exp(v)));
    return result;
  };
  CHECK(std::fabs(nn::decay(of_logs({0, 3, 0}), 0, 2).rate) < 1e-15);
  CHECK(nn::decay(of_logs({0, 1, 5}), 0, 2).rate == doctest::Approx(-2.5).epsilon(1e-14));
  CHECK(nn::decay(of_logs({0, 1, 5, 5}), 0, 3).rate == doctest::Approx(-1.9).epsilon(1e-14));
}

TEST_CASE("magnitude: fewer than two numbers have no rate") {
  const std::vector<Magnitude> one = {Magnitude::of(1), Magnitude::no_path(), {0, Kind::underflow}};
  CHECK(std::isnan(nn::decay(one, 0, 2).rate));
  CHECK(std::isnan(nn::decay(one, 0, 2).half_life()));
  CHECK(std::isnan(nn::decay({}, 0, 5).rate));
  CHECK(std::isnan(nn::decay(geometric(1, 2, 5), 3, 2).rate));
}
