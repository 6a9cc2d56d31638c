// Lyapunov exponents against what linear algebra says they are.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Activation;
using nn::Direction;

namespace {

constexpr Direction both[] = {Direction::forwards, Direction::backwards};

// A net that reads nothing, with these weights.
nn::Rnn rnn_of(const Tensor& W, Activation activation) {
  Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = W.extent(0), .activation = activation, .input_init = nn::zeros(), .dtype = f64},
              rng);
  rnn.W.assign(W);
  return rnn;
}

nn::Rnn gaussian_rnn(Index hidden, double gain, double input, Activation activation = Activation::tanh) {
  Rng rng(7);
  return nn::Rnn({.inputs = hidden,
                  .hidden = hidden,
                  .activation = activation,
                  .input_init = nn::identity(input),
                  .recurrent_init = nn::normal(gain / std::sqrt(static_cast<double>(hidden))),
                  .dtype = f64},
                 rng);
}

Tensor noise(Index steps, Index inputs, DType dtype = f64) {
  Rng rng(11);
  return normal({steps, 1, inputs}, 0, 1, rng, dtype);
}

// Σ log |R_ii| = log |det|.
double log_determinant(const Tensor& a) {
  const Tensor R = qr(a).R;
  double result = 0;
  for (Index i = 0; i < a.extent(0); ++i) result += std::log(R[i][i].item());
  return result;
}

}  // namespace

TEST_CASE("lyapunov: the sum is the mean logarithm of the determinant") {
  const Index hidden = 20, steps = 400;
  for (const Activation activation : {Activation::tanh, Activation::logistic}) {
    const nn::Rnn rnn = gaussian_rnn(hidden, 1.5, 0.5, activation);
    const Tensor x = noise(steps, hidden), initial = varied({1, hidden}, 5);
    const nn::Unrolled run = rnn(x, initial);
    double slopes = 0;
    for (std::size_t k = 1; k < run.states.size(); ++k)
      for (const double v : elements(slope(activation, run.states[k]))) slopes += std::log(v);
    const double expected = slopes / static_cast<double>(steps) + log_determinant(rnn.W);
    for (const Direction direction : both) {
      double total = 0;
      const auto exponents = nn::lyapunov_exponents(rnn, x, initial, {.direction = direction});
      REQUIRE(exponents.size() == 20);
      for (const double v : exponents) total += v;
      CHECK(std::is_sorted(exponents.rbegin(), exponents.rend()));
      // Single steps are conditioned to 1e5 and less.
      CHECK(total == doctest::Approx(expected).epsilon(1e-10));
    }
  }
}

TEST_CASE("lyapunov: forwards and backwards agree") {
  const Index hidden = 10, steps = 3000;
  for (const auto& [gain, input] : {std::pair{2.0, 0.0}, {2.0, 1.5}, {0.7, 0.0}}) {
    const nn::Rnn rnn = gaussian_rnn(hidden, gain, input);
    const Tensor x = noise(steps, hidden), initial = varied({1, hidden}, 5);
    const auto forwards = nn::lyapunov_exponents(rnn, x, initial, {.direction = Direction::forwards, .discard = 100});
    const auto backwards = nn::lyapunov_exponents(rnn, x, initial, {.discard = 100});
    // They leave out other steps, 100 of 3000 either.
    for (std::size_t i = 0; i < forwards.size(); ++i) CHECK(std::fabs(forwards[i] - backwards[i]) < 0.05);
    CHECK(std::fabs(forwards[0] - backwards[0]) < 0.005);
  }
}

TEST_CASE("lyapunov: the largest is the growth of the transport") {
  const nn::Rnn rnn = gaussian_rnn(10, 2, 0.5);
  const Tensor x = noise(500, 10), initial = varied({1, 10}, 5);
  const nn::Transport transport = nn::transport(rnn, x, initial);
  const auto exponents = nn::lyapunov_exponents(rnn, x, initial);
  // Apart by what the random start costs, ln(√10) or so once.
  CHECK(std::fabs(exponents[0] - transport.log_norm[0] / 500) < 5.0 / 500);
}

TEST_CASE("lyapunov: of linear nets they are known") {
  Rng rng(2);
  const Tensor x = zeros({400, 1, 1}, f64), initial = zeros({1, 4}, f64);
  const nn::Rnn orthogonal = rnn_of(nn::orthogonal()({4, 4}, f64, rng), Activation::identity);
  const nn::Rnn diagonal = rnn_of(eye(4, f64) * tensor({0.5, 4, -0.25, 1}, f64), Activation::identity);
  for (const Direction direction : both) {
    for (const double v : nn::lyapunov_exponents(orthogonal, x, initial, {.direction = direction}))
      CHECK(std::fabs(v) < 1e-14);
    // Each is twice the next at least: after 100 steps the vectors lie as they grow.
    const auto exponents = nn::lyapunov_exponents(diagonal, x, initial, {.direction = direction, .discard = 100});
    const std::vector<double> expected = {std::log(4.0), 0, std::log(0.5), std::log(0.25)};
    for (std::size_t i = 0; i < 4; ++i) CHECK(std::fabs(exponents[i] - expected[i]) < 1e-14);
  }
}

TEST_CASE("lyapunov: the first few are the same whatever the count") {
  const nn::Rnn rnn = gaussian_rnn(8, 2, 0.5);
  const Tensor x = noise(300, 8), initial = varied({1, 8}, 5);
  for (const Direction direction : both) {
    const auto all = nn::lyapunov_exponents(rnn, x, initial, {.direction = direction});
    for (const Index count : {1, 3, 8}) {
      const auto some = nn::lyapunov_exponents(rnn, x, initial, {.direction = direction, .count = count});
      REQUIRE(some.size() == static_cast<std::size_t>(count));
      for (std::size_t i = 0; i < some.size(); ++i) CHECK(some[i] == doctest::Approx(all[i]).epsilon(1e-10));
    }
  }
}

TEST_CASE("lyapunov: what is discarded are the first steps walked") {
  const nn::Rnn rnn = gaussian_rnn(6, 2, 0.5);
  const Tensor x = noise(50, 6), initial = varied({1, 6}, 5);
  const nn::Unrolled run = rnn(x, initial);
  for (const Direction direction : both) {
    const bool backwards = direction == Direction::backwards;
    const auto exponent = [&](const Tensor& part, const Tensor& from, Index discard) {
      return nn::lyapunov_exponents(rnn, part, from, {.direction = direction, .count = 1, .discard = discard})[0];
    };
    // The 20 that are walked first, by themselves.
    const double first =
        backwards ? exponent(slice(x, 30, 50), run.states[30], 0) : exponent(slice(x, 0, 20), initial, 0);
    CHECK(20 * first + 30 * exponent(x, initial, 20) == doctest::Approx(50 * exponent(x, initial, 0)).epsilon(1e-13));
  }
}

TEST_CASE("lyapunov: a direction that is lost is −∞") {
  Rng rng(4);
  // Two of six units are off at every step.
  nn::Rnn rnn = rnn_of(normal({6, 6}, 0, 0.2, rng, f64), Activation::relu);
  rnn.b.assign(tensor({9, -9, 9, 9, -9, 9}, f64));
  const Tensor x = zeros({30, 1, 1}, f64), initial = zeros({1, 6}, f64);
  for (const Direction direction : both) {
    const auto exponents = nn::lyapunov_exponents(rnn, x, initial, {.direction = direction});
    for (std::size_t i = 0; i < 4; ++i) CHECK(std::isfinite(exponents[i]));
    for (std::size_t i = 4; i < 6; ++i) CHECK(exponents[i] == -infinity);
  }
  const nn::Rnn none = rnn_of(zeros({3, 3}, f64), Activation::tanh);
  CHECK(nn::lyapunov_exponents(none, x, zeros({1, 3}, f64)) == std::vector<double>(3, -infinity));
}

TEST_CASE("lyapunov: a wide range of sizes") {
  for (const double w : {1e-200, 1e200}) {
    const nn::Rnn rnn = rnn_of(full({1, 1}, w, f64), Activation::identity);
    const auto exponents = nn::lyapunov_exponents(rnn, zeros({20, 1, 1}, f64), zeros({1, 1}, f64));
    CHECK(exponents[0] == doctest::Approx(std::log(w)).epsilon(1e-14));
  }
  const nn::Rnn rnn = rnn_of(full({3, 3}, not_a_number, f64), Activation::identity);
  for (const double v : nn::lyapunov_exponents(rnn, zeros({5, 1, 1}, f64), zeros({1, 3}, f64))) CHECK(std::isnan(v));
}

TEST_CASE("lyapunov: a float32 cell is measured in float64") {
  Rng rng(7);
  const nn::Rnn rnn({.inputs = 3, .hidden = 3, .activation = Activation::logistic, .recurrent_init = nn::normal(0.3)},
                    rng);
  const Tensor x = noise(40, 3, f32), initial = varied({1, 3}, 5, f32);
  const auto wide = rnn.cast(f64);
  CHECK(nn::lyapunov_exponents(rnn, x, initial) == nn::lyapunov_exponents(*wide, cast(x, f64), cast(initial, f64)));
}

TEST_CASE("lyapunov: a tape outside is neither recorded on nor disturbed") {
  const nn::Rnn rnn = gaussian_rnn(5, 1, 0.5);
  const Tensor x = noise(10, 5), initial = varied({1, 5}, 5);
  for (const Direction direction : both) {
    const auto alone = nn::lyapunov_exponents(rnn, x, initial, {.direction = direction});
    Tape tape;
    const Tensor loss = sum(square(rnn(x, initial).last()));
    const Tensor expected = tape.gradient(loss, rnn.W);
    const Index size = tape.size();
    CHECK(nn::lyapunov_exponents(rnn, x, initial, {.direction = direction}) == alone);
    CHECK(tape.size() == size);
    CHECK(Tape::current() == &tape);
    CHECK(same_bits(tape.gradient(loss, rnn.W), expected));
  }
}
