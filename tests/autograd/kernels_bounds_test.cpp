// Every kernel at every size up to 70, on arrays that end where its last element lies, so that a sanitizer sees a step
// beyond. What lies between rows is NaN: whoever read it would show it.
#include <autograd/kernels/kernels.h>

#include <memory>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

constexpr Index largest = 70;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// n elements in a block of their own, in (−1, 1).
template <class T>
std::unique_ptr<T[]> block(Index n, std::uint64_t seed) {
  Rng rng(seed);
  std::unique_ptr<T[]> x(new T[at(n)]);
  for (Index i = 0; i < n; ++i) x[at(i)] = static_cast<T>(rng.uniform(-1, 1));
  return x;
}

// A matrix whose rows are `row` elements apart, with nothing behind the last one.
template <class T>
struct Matrix {
  Matrix(Index m, Index n, Index gap, std::uint64_t seed)
      : rows(m), columns(n), row(n + gap), size(m == 0 || n == 0 ? 0 : (m - 1) * row + n), data(block<T>(size, seed)) {
    for (Index i = 0; i < size; ++i)
      if (i % row >= n) data[at(i)] = static_cast<T>(not_a_number);
  }
  double operator()(Index i, Index j) const { return static_cast<double>(data[at(i * row + j)]); }
  bool keeps_its_gaps() const {
    for (Index i = 0; i < size; ++i)
      if (i % row >= columns && !std::isnan(data[at(i)])) return false;
    return true;
  }

  Index rows, columns, row, size;
  std::unique_ptr<T[]> data;
};

// What a product has to add up to.
template <class A, class B>
double sum_of_products(Index k, A a, B b) {
  double sum = 0;
  for (Index r = 0; r < k; ++r) sum += a(r) * b(r);
  return sum;
}

// k products of at most 1 each and k roundings of each partial sum, in whatever order.
template <class T>
double tolerance(Index k) {
  return 2 * static_cast<double>(k + 1) * std::numeric_limits<T>::epsilon();
}

// The ways in which a product can be asked for.
struct Way {
  bool transposed_a, transposed_b, packed, accumulate, gaps;
};
Way way_of(Index number) {
  const auto bit = [number](int place) { return (number >> place & 1) != 0; };
  const bool packed = bit(1);
  return {
      .transposed_a = bit(0), .transposed_b = packed && bit(2), .packed = packed, .accumulate = bit(3), .gaps = bit(4)};
}
constexpr Index ways = 32;

template <class T>
void check_product(Index m, Index n, Index k, const Way& way) {
  const auto& table = kernels::table<T>();
  const Index gap = way.gaps ? 3 : 0;
  const Matrix<T> a(way.transposed_a ? k : m, way.transposed_a ? m : k, gap, 1);
  const Matrix<T> b(way.transposed_b ? n : k, way.transposed_b ? k : n, gap, 2);
  const Matrix<T> c(m, n, gap, 3);
  std::vector<double> expected;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      expected.push_back((way.accumulate ? c(i, j) : 0) +
                         sum_of_products(
                             k, [&](Index r) { return way.transposed_a ? a(r, i) : a(i, r); },
                             [&](Index r) { return way.transposed_b ? b(j, r) : b(r, j); }));

  const Index a_row = way.transposed_a ? 1 : a.row, a_column = way.transposed_a ? a.row : 1;
  if (way.packed) {
    const auto panels = block<T>(table.packed_size(k, n), 4);
    table.pack(k, n, b.data.get(), b.row, way.transposed_b, panels.get());
    table.packed_product(m, n, k, a.data.get(), a_row, a_column, panels.get(), c.data.get(), c.row, way.accumulate);
  } else {
    table.product(m, n, k, a.data.get(), a_row, a_column, b.data.get(), b.row, c.data.get(), c.row, way.accumulate);
  }
  double worst = 0;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      const double apart = std::fabs(c(i, j) - expected[at(i * n + j)]);
      if (!(apart <= worst)) worst = apart;  // a NaN stays
    }
  const bool right = worst <= tolerance<T>(k) && c.keeps_its_gaps();
  CHECK_MESSAGE(right, m << "×" << k << " by " << k << "×" << n << (way.transposed_a ? ", a transposed" : "")
                         << (way.transposed_b ? ", b transposed" : "") << (way.packed ? ", packed" : "")
                         << (way.accumulate ? ", added" : "") << (way.gaps ? ", with gaps" : ""));
}

template <class T>
void negate(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = -x[i];
}

}  // namespace

TEST_CASE_TEMPLATE("kernels: products of every size keep to their arrays, in every way", T, float, double) {
  Index number = 0;
  for (Index m = 0; m <= largest; ++m)
    for (Index n = 0; n <= largest; ++n, ++number)  // 71 a row: every way comes to every m and n
      check_product<T>(m, n, (5 * m + 3 * n) % (largest + 1), way_of(number % ways));
  for (Index way = 0; way < ways; ++way)
    for (const Index m : {1, 14, 40})
      for (const Index n : {1, 16, 31, 70}) check_product<T>(m, n, 300, way_of(way));  // more of k than fits a panel
}

TEST_CASE_TEMPLATE("kernels: norms of products of every size keep to their matrices", T, float, double) {
  for (Index rows = 0; rows <= 13; ++rows)
    for (Index m = 0; m <= largest; ++m) {
      const Index n = (7 * rows + 3 * m) % largest;
      const auto a = block<T>(rows * m, at(m)), b = block<T>(rows * n, at(m + 1));
      long double expected = 0;
      double of_a = 0, of_b = 0;
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j) {
          const auto element = [](const T& x) { return static_cast<double>(x); };
          const double c = sum_of_products(
              rows, [&](Index r) { return element(a[at(r * m + i)]); },
              [&](Index r) { return element(b[at(r * n + j)]); });
          expected += static_cast<long double>(c) * static_cast<long double>(c);
        }
      for (Index i = 0; i < rows * m; ++i) of_a += static_cast<double>(a[at(i)]) * static_cast<double>(a[at(i)]);
      for (Index i = 0; i < rows * n; ++i) of_b += static_cast<double>(b[at(i)]) * static_cast<double>(b[at(i)]);
      const auto squares = kernels::table<T>().squared_norms_of_product(rows, m, n, a.get(), b.get());
      CHECK_MESSAGE(std::fabs(squares[0] - static_cast<double>(expected)) <= tolerance<T>(m + n) * of_a * of_b,
                    rows << " rows of " << m << " and of " << n);
      CHECK(std::fabs(squares[1] - of_a) <= tolerance<T>(m) * of_a);
      CHECK(std::fabs(squares[2] - of_b) <= tolerance<T>(n) * of_b);
    }
}

TEST_CASE_TEMPLATE("kernels: gathered products of every size keep to their rows", T, float, double) {
  for (Index m = 0; m <= largest; ++m)
    for (Index n = 0; n <= largest; ++n) {
      const Index k = (5 * m + 3 * n) % 12;
      std::vector<std::unique_ptr<T[]>> rows;
      std::vector<const T*> a, b;
      for (Index r = 0; r < k; ++r) {
        a.push_back(rows.emplace_back(block<T>(m, at(r))).get());
        b.push_back(rows.emplace_back(block<T>(n, at(r + k))).get());
      }
      const Matrix<T> c(m, n, n % 3, 3), before(m, n, n % 3, 3);
      std::vector<T> sums(at(n));  // a column of ones beside, which comes first
      const T one = 1;
      const std::vector<const T*> ones(at(k), &one);
      const kernels::GatheredLeft<T> lefts[] = {{1, ones.data(), sums.data(), n}, {m, a.data(), c.data.get(), c.row}};
      kernels::table<T>().gathered_products(n, k, b.data(), lefts, 2);
      bool right = c.keeps_its_gaps();
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j) {
          const auto element = [](const T* row, Index column) { return static_cast<double>(row[column]); };
          const double sum = sum_of_products(
              k, [&](Index r) { return element(a[at(r)], i); }, [&](Index r) { return element(b[at(r)], j); });
          right = right && std::fabs(c(i, j) - before(i, j) - sum) <= tolerance<T>(k);
        }
      for (Index j = 0; j < n; ++j) {
        double sum = 0;
        for (const T* row : b) sum += static_cast<double>(row[j]);
        right = right && std::fabs(static_cast<double>(sums[at(j)]) - sum) <= tolerance<T>(k);
      }
      CHECK_MESSAGE(right, m << " by " << n << " over " << k << " rows");
    }
}

TEST_CASE_TEMPLATE("kernels: affine steps of every size keep to their arrays", T, float, double) {
  const auto& table = kernels::table<T>();
  for (Index batch = 0; batch <= largest; ++batch)
    for (Index outputs = 0; outputs <= largest; ++outputs) {
      const Index inputs = (batch + outputs) % 5, hidden = (5 * batch + 3 * outputs) % (largest + 1);
      const Matrix<T> x(batch, inputs, 0, 1), s(batch, hidden, 0, 2), U(inputs, outputs, 0, 3),
          W(hidden, outputs, 0, 4), y(batch, outputs, 0, 5);
      const auto bias = block<T>(outputs, 6), packed_U = block<T>(table.packed_size(inputs, outputs), 7),
                 packed_W = block<T>(table.packed_size(hidden, outputs), 8);
      table.pack(inputs, outputs, U.data.get(), U.row, false, packed_U.get());
      table.pack(hidden, outputs, W.data.get(), W.row, false, packed_W.get());
      const bool negates = outputs % 2 == 1;
      table.affine({batch, inputs, hidden, outputs, bias.get(), x.data.get(), packed_U.get(), s.data.get(),
                    packed_W.get(), y.data.get(), negates ? negate<T> : nullptr});
      bool right = true;
      for (Index i = 0; i < batch; ++i)
        for (Index j = 0; j < outputs; ++j) {
          const double a = static_cast<double>(bias[at(j)]) +
                           sum_of_products(
                               inputs, [&](Index r) { return x(i, r); }, [&](Index r) { return U(r, j); }) +
                           sum_of_products(
                               hidden, [&](Index r) { return s(i, r); }, [&](Index r) { return W(r, j); });
          right = right && std::fabs(y(i, j) - (negates ? -a : a)) <= tolerance<T>(inputs + hidden + 1);
        }
      CHECK_MESSAGE(right, batch << " rows of " << inputs << " and " << hidden << " to " << outputs);
    }
}

namespace {

// Calls run(n, y) for every size, with y of n elements; whether each y begins as the largest does: that neither size
// nor position changes a bit.
template <class T, class Run>
bool same_at_every_size(Run run) {
  const std::unique_ptr<T[]> whole(new T[at(largest)]);
  run(largest, whole.get());
  for (Index n = 0; n < largest; ++n) {
    const std::unique_ptr<T[]> y(new T[at(n)]);
    run(n, y.get());
    for (Index i = 0; i < n; ++i)
      if (ulps_apart(y[at(i)], whole[at(i)]) != 0) return false;
  }
  return true;
}

// So many numbers of a longer row, in a block of their own.
template <class T>
std::unique_ptr<T[]> first(Index n, const T* from) {
  std::unique_ptr<T[]> x(new T[at(n)]);
  std::copy_n(from, n, x.get());
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("kernels: unary loops and their derivatives keep to their arrays", T, float, double) {
  const auto x = block<T>(largest, 1), g = block<T>(largest, 2);
  for (const UnaryLoops<T>& loops : kernels::table<T>().unary) {
    const std::unique_ptr<T[]> y(new T[at(largest)]);
    loops.value(x.get(), y.get(), largest);
    CHECK(same_at_every_size<T>([&](Index n, T* out) { loops.value(first(n, x.get()).get(), out, n); }));
    if (!loops.vjp) continue;
    CHECK(same_at_every_size<T>([&](Index n, T* out) {
      loops.vjp(first(n, g.get()).get(), first(n, x.get()).get(), first(n, y.get()).get(), out, n);
    }));
  }
}

TEST_CASE_TEMPLATE("kernels: binary loops and their derivatives keep to their arrays", T, float, double) {
  const auto a = block<T>(largest, 1), b = block<T>(largest, 2), g = block<T>(largest, 3);
  for (const BinaryLoops<T>& loops : kernels::table<T>().binary)
    for (const Index a_step : {0, 1})
      for (const Index b_step : {0, 1}) {
        // An operand of step 0 is one number, and none where there is nothing to do.
        const auto operand = [](const T* from, Index step, Index n) {
          return first(step == 0 ? std::min<Index>(n, 1) : n, from);
        };
        const std::unique_ptr<T[]> y(new T[at(largest)]);
        loops.value(a.get(), a_step, b.get(), b_step, y.get(), largest);
        CHECK(same_at_every_size<T>([&](Index n, T* out) {
          loops.value(operand(a.get(), a_step, n).get(), a_step, operand(b.get(), b_step, n).get(), b_step, out, n);
        }));
        for (const auto& vjp : loops.vjp) {
          if (!vjp) continue;
          CHECK(same_at_every_size<T>([&](Index n, T* out) {
            vjp(first(n, g.get()).get(), operand(a.get(), a_step, n).get(), a_step, operand(b.get(), b_step, n).get(),
                b_step, first(n, y.get()).get(), out, n);
          }));
        }
      }
}

TEST_CASE_TEMPLATE("kernels: where and add_into keep to their arrays", T, float, double) {
  const auto condition = block<T>(largest, 1), a = block<T>(largest, 2), b = block<T>(largest, 3);
  for (Index i = 0; i < largest; i += 2) condition[at(i)] = 0;
  for (int steps = 0; steps < 8; ++steps) {
    const Index step_of[] = {steps & 1, steps >> 1 & 1, steps >> 2 & 1};
    const auto operand = [&](int which, const T* from, Index n) {
      return first(step_of[which] == 0 ? std::min<Index>(n, 1) : n, from);
    };
    CHECK(same_at_every_size<T>([&](Index n, T* out) {
      kernels::table<T>().where(operand(0, condition.get(), n).get(), step_of[0], operand(1, a.get(), n).get(),
                                step_of[1], operand(2, b.get(), n).get(), step_of[2], out, n);
    }));
  }
  CHECK(same_at_every_size<T>([&](Index n, T* out) {
    std::copy_n(b.get(), n, out);
    kernels::table<T>().add_into(first(n, a.get()).get(), out, n);
  }));
}

TEST_CASE_TEMPLATE("kernels: reductions and softmax keep to their arrays", T, float, double) {
  const auto& table = kernels::table<T>();
  constexpr double close = 16 * std::numeric_limits<T>::epsilon();  // exp's, relative to sums of up to 70 e
  for (Index n = 0; n <= largest; ++n) {
    CAPTURE(n);
    const auto x = block<T>(n, at(n));
    double sum = 0, squares = 0, largest_magnitude = 0, exponentials = 0;
    for (Index i = 0; i < n; ++i) {
      const auto v = static_cast<double>(x[at(i)]);
      sum += v;
      squares += v * v / 4;
      largest_magnitude = std::max(largest_magnitude, std::fabs(v));
      exponentials += std::exp(v - 0.5);
    }
    CHECK(std::fabs(table.sum(x.get(), n) - sum) < 1e-13);
    CHECK(std::fabs(table.sum_of_squares(x.get(), 0.5, n) - squares) < 1e-13);
    CHECK(std::fabs(table.sum_of_squares(x.get(), 1, n) - 4 * squares) < 1e-12);
    CHECK(table.largest(x.get(), n) == largest_magnitude);
    CHECK(std::fabs(table.sum_of_exp(x.get(), T(0.5), n) - exponentials) <= close * exponentials);

    for (const Index rows : {0, 1, 3}) {
      const auto logits = block<T>(rows * n, at(n)), y = block<T>(rows * n, 1), log_y = block<T>(rows * n, 2);
      table.softmax(logits.get(), y.get(), rows, n);
      table.log_softmax(logits.get(), log_y.get(), rows, n);
      for (Index r = 0; r < rows; ++r) {
        double total = 0;
        for (Index i = r * n; i < (r + 1) * n; ++i) {
          total += static_cast<double>(y[at(i)]);
          CHECK(std::fabs(std::exp(static_cast<double>(log_y[at(i)])) - static_cast<double>(y[at(i)])) <= close);
        }
        CHECK(std::fabs(total - (n > 0 ? 1 : 0)) <= close);
      }
    }
  }
}

TEST_CASE_TEMPLATE("kernels: transposes of every size keep to their arrays", T, float, double) {
  for (Index m = 0; m <= largest; ++m)
    for (Index n = 0; n <= largest; ++n) {
      const Matrix<T> a(m, n, 0, 1), b(n, m, 0, 2);
      kernels::table<T>().transpose(m, n, a.data.get(), b.data.get());
      bool right = true;
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j) right = right && b(j, i) == a(i, j);
      CHECK_MESSAGE(right, m << "×" << n);
    }
}
