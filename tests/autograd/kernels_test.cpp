// The kernels against plain loops, on arrays of exactly the size that they may touch, so that a sanitizer sees every
// step beyond.
#include <autograd/kernels/kernels.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// n elements in a block of their own.
template <class T>
std::unique_ptr<T[]> filled(Index n, Rng& rng) {
  std::unique_ptr<T[]> x(new T[static_cast<std::size_t>(n)]);
  for (Index i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = static_cast<T>(rng.uniform(-1, 1));
  return x;
}

constexpr Index sizes[] = {0, 1, 2, 3, 5, 8, 13, 16, 17, 31, 33, 50};

// k products of at most 1 each and k roundings of each partial sum, in whatever order.
template <class T>
double product_tolerance(Index k) {
  return 2 * static_cast<double>(k + 1) * std::numeric_limits<T>::epsilon();
}

template <class T>
void check_product(Index m, Index n, Index k, bool transposed, bool accumulate) {
  Rng rng(static_cast<std::uint64_t>(m * 10000 + n * 100 + k));
  const auto a = filled<T>(m * k, rng), b = filled<T>(k * n, rng), c = filled<T>(m * n, rng);
  std::vector<double> expected;
  const Index a_row = transposed ? 1 : k, a_column = transposed ? m : 1;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = accumulate ? static_cast<double>(c[static_cast<std::size_t>(i * n + j)]) : 0;
      for (Index r = 0; r < k; ++r)
        sum += static_cast<double>(a[static_cast<std::size_t>(i * a_row + r * a_column)]) *
               static_cast<double>(b[static_cast<std::size_t>(r * n + j)]);
      expected.push_back(sum);
    }
  kernels::table<T>().product(m, n, k, a.get(), a_row, a_column, b.get(), n, c.get(), n, accumulate);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::fabs(expected[i] - static_cast<double>(c[i])));
  CHECK_MESSAGE(worst <= product_tolerance<T>(k), m << "×" << k << " by " << k << "×" << n);
}

// The same product with B laid out before, given as it is or transposed.
template <class T>
void check_packed(Index m, Index n, Index k, bool transposed) {
  Rng rng(static_cast<std::uint64_t>(m * 10000 + n * 100 + k));
  const auto& table = kernels::table<T>();
  const auto a = filled<T>(m * k, rng), b = filled<T>(k * n, rng), c = filled<T>(m * n, rng),
             expected = filled<T>(m * n, rng), given = filled<T>(k * n, rng),
             panels = filled<T>(table.packed_size(k, n), rng);
  if (transposed)
    table.transpose(k, n, b.get(), given.get());
  else
    std::copy_n(b.get(), k * n, given.get());
  table.pack(k, n, given.get(), transposed ? k : n, transposed, panels.get());
  table.packed_product(m, n, k, a.get(), k, 1, panels.get(), c.get(), n, /*accumulate=*/false);
  table.product(m, n, k, a.get(), k, 1, b.get(), n, expected.get(), n, /*accumulate=*/false);
  double worst = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(m * n); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(expected[i]) - static_cast<double>(c[i])));
  CHECK_MESSAGE(worst <= product_tolerance<T>(k), m << "×" << k << " by packed " << k << "×" << n);
}

template <class T>
void negate(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = -x[i];
}

// −(bias + x U + s W) in one pass, against products.
template <class T>
void check_affine(Index batch, Index inputs, Index hidden) {
  Rng rng(static_cast<std::uint64_t>(batch * 10000 + hidden * 100 + inputs));
  const auto& table = kernels::table<T>();
  const auto x = filled<T>(batch * inputs, rng), s = filled<T>(batch * hidden, rng),
             U = filled<T>(inputs * hidden, rng), W = filled<T>(hidden * hidden, rng), bias = filled<T>(hidden, rng),
             y = filled<T>(batch * hidden, rng), expected = filled<T>(batch * hidden, rng),
             packed_U = filled<T>(table.packed_size(inputs, hidden), rng),
             packed_W = filled<T>(table.packed_size(hidden, hidden), rng);
  table.pack(inputs, hidden, U.get(), hidden, false, packed_U.get());
  table.pack(hidden, hidden, W.get(), hidden, false, packed_W.get());
  table.affine({batch, inputs, hidden, hidden, bias.get(), x.get(), packed_U.get(), s.get(), packed_W.get(), y.get(),
                negate<T>});
  for (Index i = 0; i < batch; ++i) std::copy_n(bias.get(), hidden, expected.get() + i * hidden);
  table.product(batch, hidden, inputs, x.get(), inputs, 1, U.get(), hidden, expected.get(), hidden, true);
  table.product(batch, hidden, hidden, s.get(), hidden, 1, W.get(), hidden, expected.get(), hidden, true);
  double worst = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch * hidden); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(expected[i]) + static_cast<double>(y[i])));
  CHECK_MESSAGE(worst <= product_tolerance<T>(inputs + hidden + 1), batch << " of " << inputs << " to " << hidden);
}

template <class T>
void check_gathered(Index m, Index n, Index k) {
  Rng rng(static_cast<std::uint64_t>(m * 10000 + n * 100 + k));
  std::vector<std::unique_ptr<T[]>> rows;
  std::vector<const T*> a, b;
  for (Index r = 0; r < k; ++r) {
    rows.push_back(filled<T>(m, rng));
    a.push_back(rows.back().get());
    rows.push_back(filled<T>(n, rng));
    b.push_back(rows.back().get());
  }
  const auto c = filled<T>(m * n, rng);
  std::vector<double> expected;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = static_cast<double>(c[static_cast<std::size_t>(i * n + j)]);
      for (std::size_t r = 0; r < a.size(); ++r) sum += static_cast<double>(a[r][i]) * static_cast<double>(b[r][j]);
      expected.push_back(sum);
    }
  const kernels::GatheredLeft<T> left{m, a.data(), c.get(), n};
  kernels::table<T>().gathered_products(n, k, b.data(), &left, 1);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::fabs(expected[i] - static_cast<double>(c[i])));
  CHECK_MESSAGE(worst <= product_tolerance<T>(k), m << " by " << n << " over " << k << " gathered rows");
}

}  // namespace

TEST_CASE_TEMPLATE("kernels: products of every size are those of three loops", T, float, double) {
  for (const Index m : sizes)
    for (const Index n : sizes)
      for (const Index k : {0, 1, 2, 7, 50, 130}) {
        check_product<T>(m, n, k, /*transposed=*/m % 2 == 1, /*accumulate=*/n % 2 == 1);
        check_product<T>(m, n, k, /*transposed=*/m % 2 == 0, /*accumulate=*/n % 2 == 0);
      }
  check_product<T>(3, 5, 1000, false, true);  // more rows of B than are padded at a time
}

TEST_CASE_TEMPLATE("kernels: products by a matrix laid out before are the same", T, float, double) {
  for (const Index m : sizes)
    for (const Index n : sizes)
      for (const Index k : {0, 1, 2, 7, 50}) {
        check_packed<T>(m, n, k, false);
        check_packed<T>(m, n, k, true);
      }
}

TEST_CASE_TEMPLATE("kernels: an affine step in one pass is bias and two products", T, float, double) {
  for (const Index batch : sizes)
    for (const Index hidden : sizes)
      for (const Index inputs : {0, 1, 2, 7}) check_affine<T>(batch, inputs, hidden);
}

TEST_CASE_TEMPLATE("kernels: gathered products are those of three loops", T, float, double) {
  for (const Index m : sizes)
    for (const Index n : sizes)
      for (const Index k : {0, 1, 7, 50, 300}) check_gathered<T>(m, n, k);
}

TEST_CASE_TEMPLATE("kernels: a product leaves what lies between its rows", T, float, double) {
  Rng rng(1);
  constexpr Index m = 5, n = 7, k = 3, row = 9;
  const auto a = filled<T>(m * k, rng), b = filled<T>(k * n, rng), c = filled<T>(m * row, rng),
             before = filled<T>(0, rng);
  std::vector<T> old(c.get(), c.get() + m * row);
  kernels::table<T>().product(m, n, k, a.get(), k, 1, b.get(), n, c.get(), row, false);
  for (Index i = 0; i < m; ++i)
    for (Index j = n; j < row; ++j) {
      const auto at = static_cast<std::size_t>(i * row + j);
      CHECK(c[at] == old[at]);
    }
}

TEST_CASE_TEMPLATE("kernels: elementwise results do not depend on the position", T, float, double) {
  Rng rng(2);
  const auto& table = kernels::table<T>();
  for (const auto& loops : table.unary) {
    std::vector<T> alone;
    const auto x = filled<T>(67, rng);
    for (std::size_t i = 0; i < 67; ++i) {
      std::unique_ptr<T[]> in(new T[1]{x[i]}), out(new T[1]);
      loops.value(in.get(), out.get(), 1);
      alone.push_back(out[0]);
    }
    for (const Index n : sizes) {
      const std::unique_ptr<T[]> y(new T[static_cast<std::size_t>(n)]);
      loops.value(x.get(), y.get(), n);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) CHECK(ulps_apart(y[i], alone[i]) == 0);
    }
  }
}

// Eight partial sums, or four times eight where there are many terms: the order that every instruction set keeps to.
template <class T>
double sum_of_squares_in_order(const T* x, double c, Index n) {
  const std::size_t chains = n < 64 ? 1 : 4;
  double partial[4][8] = {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    const double v = static_cast<double>(x[i]) * c;
    const volatile double square = v * v;  // rounded by itself
    partial[i / 8 % chains][i % 8] += square;
  }
  double* p = partial[0];
  for (std::size_t k = 1; k < chains; ++k)
    for (std::size_t j = 0; j < 8; ++j) p[j] += partial[k][j];
  return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

TEST_CASE_TEMPLATE("kernels: sums of squares have the same bits under every instruction set", T, float, double) {
  const auto& table = kernels::table<T>();
  Rng rng(5);
  const auto x = filled<T>(200, rng);
  for (Index n = 0; n <= 200; ++n)
    for (const double c : {1.0, 0.5})
      CHECK(table.sum_of_squares(x.get(), c, n) == sum_of_squares_in_order(x.get(), c, n));
}

TEST_CASE_TEMPLATE("kernels: sums and norms and transposes are those of plain loops", T, float, double) {
  const auto& table = kernels::table<T>();
  for (const Index n : sizes) {
    Rng rng(static_cast<std::uint64_t>(n) + 1);
    const auto x = filled<T>(n, rng);
    double sum = 0, squares = 0, largest = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const auto v = static_cast<double>(x[i]);
      sum += v;
      squares += 4 * v * v;
      largest = std::max(largest, std::fabs(v));
    }
    // Both in double; another order.
    CHECK(std::fabs(table.sum(x.get(), n) - sum) < 1e-14);
    CHECK(std::fabs(table.sum_of_squares(x.get(), 2, n) - squares) < 1e-13);
    CHECK(table.largest(x.get(), n) == largest);
    for (const Index m : sizes) {
      const auto a = filled<T>(m * n, rng), b = filled<T>(m * n, rng);
      table.transpose(m, n, a.get(), b.get());
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j)
          REQUIRE(b[static_cast<std::size_t>(j * m + i)] == a[static_cast<std::size_t>(i * n + j)]);
    }
  }
  const std::unique_ptr<T[]> with_nan(new T[3]{1, static_cast<T>(not_a_number), 2});
  CHECK(std::isnan(table.largest(with_nan.get(), 3)));
}

TEST_CASE("kernels: the instruction set is the one that was asked for") {
  const std::string set = instruction_set();
  CHECK((set == "portable" || set == "x86-64-v3" || set == "x86-64-v4"));
  // Where the machine lacks it, the portable one.
  if (const char* asked = std::getenv("EBB_INSTRUCTION_SET")) CHECK((set == asked || set == "portable"));
}

TEST_CASE("kernels: a product has the same bits the first time and later, laid out or not") {
  for (const DType dtype : {f32, f64})
    for (const Index m : {1, 5, 20, 40})
      for (const Index k : {7, 255, 256, 257, 600})
        for (const Index n : {1, 10, 32, 40})
          for (const bool ta : {false, true})
            for (const bool tb : {false, true}) {
              const Tensor a = varied(ta ? Shape{k, m} : Shape{m, k}, 1, dtype);
              const Tensor b = varied(tb ? Shape{n, k} : Shape{k, n}, 2, dtype);
              const auto product = [&] { return matmul(a, b, {.transpose_a = ta, .transpose_b = tb}); };
              const Tensor first = product();
              for (int time = 0; time < 2; ++time) CHECK(same_bits(product(), first));
            }
}
