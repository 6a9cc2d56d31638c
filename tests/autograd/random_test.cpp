// Rng gives the same numbers everywhere. The golden ones come from another implementation of splitmix64, xoshiro256++
// and the polar method, in Python's integers and doubles.
#include "support.h"

#include <bit>

using namespace ebb;
using namespace ebb::test;

TEST_CASE("random: bits are golden") {
  const auto first = [](std::uint64_t seed) {
    Rng rng(seed);
    std::array<std::uint64_t, 3> result{};
    for (std::uint64_t& bits : result) bits = rng.next();
    return result;
  };
  CHECK(first(0) == std::array<std::uint64_t, 3>{0x53175d61490b23df, 0x61da6f3dc380d507, 0x5c0fdf91ec9a7bfc});
  CHECK(first(1) == std::array<std::uint64_t, 3>{0xcfc5d07f6f03c29b, 0xbf424132963fe08d, 0x19a37d5757aaf520});
  CHECK(first(12345) == std::array<std::uint64_t, 3>{0x8d948a82def8a568, 0x3477f953796702a0, 0x15caa2fce6db8d69});

  Rng rng(2024);
  std::uint64_t last = 0, hash = 0;
  for (int i = 0; i < 1000000; ++i) hash = hash * 31 + (last = rng.next());
  CHECK(last == 0x86d1650a58ced031);
  CHECK(hash == 0xf4ac7ca67fc1d089);
}

TEST_CASE("random: uniform and below are golden") {
  Rng rng(7);
  for (const double expected : {0x1.c583400555d20p-5, 0x1.607e46efd274cp-3, 0x1.6f66236761a8bp-1, 0x1.b5767da98c600p-2})
    CHECK(rng.uniform() == expected);
  Rng again(7);
  for (const Index expected : {1, 6, 8, 6, 2, 5, 8, 2, 5, 9, 1, 0}) CHECK(again.below(10) == expected);
  CHECK(Rng(7).split().next() == 0xdf2112aa11904c98);
}

TEST_CASE("random: normal is golden") {
  // Python's libm rounds its logarithm otherwise: two units in the last place.
  const double python[] = {1.674036445441065,     0.5378981681989655,  1.2079282540944534,   0.32834061497569145,
                           -0.012389036451004696, -0.4115374992476508, -0.27035077985340805, 1.7561796575803088};
  // Ours, exactly.
  const double frozen[] = {0x1.ac8da7097b412p+0,  0x1.13676381fc58bp-1,  0x1.353ac93b4003ap+0,  0x1.503885ad1394ep-2,
                           -0x1.95f6c5316901dp-7, -0x1.a56a161162988p-2, -0x1.14d6d5b7ac86ep-2, 0x1.c194fd7335392p+0};
  Rng rng(7);
  for (std::size_t i = 0; i < std::size(python); ++i) {
    const double x = rng.normal();
    CHECK(std::fabs(x - python[i]) <= 4.5e-16 * std::max(1.0, std::fabs(python[i])));
    CHECK(x == frozen[i]);
  }
  Rng many(99);
  std::uint64_t hash = 0;
  for (int i = 0; i < 100000; ++i) hash = hash * 31 + std::bit_cast<std::uint64_t>(many.normal());
  CHECK(hash == 0x1261beb2283fa547);
}

TEST_CASE("random: tensors take the generator's numbers in order") {
  Rng a(5), b(5);
  const Tensor u = uniform({2, 3}, -1, 3, a, f64), n = normal({4}, 2, 0.5, a);
  for (const double x : u.values<double>()) CHECK(x == b.uniform(-1, 3));
  for (const float x : n.values<float>()) CHECK(x == static_cast<float>(b.normal(2, 0.5)));
}

TEST_CASE("random: its moments and ranges are right") {
  Rng rng(11);
  constexpr int n = 100000;
  double sum_u = 0, sum_n = 0, sum_n2 = 0, sum_n4 = 0, lowest = 1, highest = 0;
  std::array<int, 7> counts{};
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform(), x = rng.normal();
    lowest = std::min(lowest, u);
    highest = std::max(highest, u);
    sum_u += u;
    sum_n += x;
    sum_n2 += x * x;
    sum_n4 += x * x * x * x;
    ++counts[static_cast<std::size_t>(rng.below(7))];
  }
  CHECK(lowest >= 0);
  CHECK(highest < 1);
  // Five standard deviations of each mean.
  const double root = std::sqrt(static_cast<double>(n));
  CHECK(std::fabs(sum_u / n - 0.5) < 5 * 0.2887 / root);
  CHECK(std::fabs(sum_n / n) < 5 / root);
  CHECK(std::fabs(sum_n2 / n - 1) < 5 * 1.415 / root);
  CHECK(std::fabs(sum_n4 / n - 3) < 5 * 9.8 / root);
  for (const int count : counts) CHECK(std::fabs(count - n / 7.0) < 5 * std::sqrt(n / 7.0));
}

TEST_CASE("random: a state is saved and gone on from") {
  Rng rng(3);
  (void)rng.normal();
  Rng later = Rng::from_state(rng.state());
  Rng copy = rng;
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t bits = rng.next();
    CHECK(later.next() == bits);
    CHECK(copy.next() == bits);
  }
  check_says(message_of<Error>([] { (void)Rng::from_state({}); }), {"zeros"});
  check_says(message_of<Error>([&] { (void)rng.below(0); }), {"bound is 0"});
  CHECK(rng.below(1) == 0);
  CHECK(rng.below(std::numeric_limits<Index>::max()) >= 0);
}
