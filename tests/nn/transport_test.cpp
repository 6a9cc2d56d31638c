// ‖∂s_T/∂s_k‖₂ along a sequence, held against the tape's own Jacobians, and the bounds above it.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Activation;

namespace {

constexpr Activation all_activations[] = {Activation::identity, Activation::tanh, Activation::logistic,
                                          Activation::relu};

nn::Rnn make_rnn(Index hidden, Activation activation, double std = 0.5, DType dtype = f64) {
  Rng rng(3);
  return nn::Rnn({.inputs = 2,
                  .hidden = hidden,
                  .activation = activation,
                  .recurrent_init = nn::normal(std),
                  .bias_init = nn::normal(0.1),
                  .dtype = dtype},
                 rng);
}

// A net of one unit: s' = σ(x + w s + b).
nn::Rnn scalar_rnn(double w, Activation activation, double b = 0, DType dtype = f64) {
  Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = 1, .activation = activation, .dtype = dtype}, rng);
  rnn.U.assign(ones({1, 1}, dtype));
  rnn.W.assign(full({1, 1}, w, dtype));
  rnn.b.assign(full({1}, b, dtype));
  return rnn;
}

// a ≤ b but for rounding of logarithms; −∞ ≤ −∞.
bool at_most(double a, double b) { return a <= b || a - b <= 1e-13 * (1 + std::fabs(b)); }

}  // namespace

TEST_CASE("transport: one sweep from the identity along a repeated batch has the same matrices") {
  const Index hidden = 5, steps = 7;
  const Tensor x = varied({steps, 1, 2}), initial = varied({1, hidden}, 5);
  for (const Activation activation : all_activations) {
    const nn::Rnn rnn = make_rnn(hidden, activation);
    const nn::Transport seen = nn::transport(rnn, x, initial, {.spectrum = true});
    REQUIRE(seen.log_norm.size() == 8);
    REQUIRE(seen.log_spectrum.size() == 8);
    Tape tape;
    const nn::Unrolled run = rnn(broadcast_to(x, {steps, hidden, 2}), broadcast_to(initial, {hidden, hidden}));
    const nn::Unrolled single = rnn(x, initial);
    for (std::size_t k = 0; k <= 7; ++k) {
      const Tensor matrix = tape.gradient(run.last(), run.states[k], {.seed = eye(hidden, f64)});
      CHECK(seen.log_norm[k] == doctest::Approx(std::log(spectral_norm(matrix))).epsilon(1e-13));
      const Jacobian jacobian = tape.jacobian(single.last(), single.states[k]);
      CHECK(std::exp(seen.log_norm[k]) == doctest::Approx(spectral_norm(jacobian)).epsilon(1e-13));
      const std::vector<double> values = singular_values(jacobian);
      REQUIRE(seen.log_spectrum[k].size() == values.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(std::fabs(std::exp(seen.log_spectrum[k][i]) - values[i]) < 1e-14 * values[0]);
      CHECK(seen.log_spectrum[k][0] == doctest::Approx(seen.log_norm[k]).epsilon(1e-14));
    }
    CHECK(seen.log_norm[7] == 0);
    CHECK(seen.log_product[7] == 0);
    CHECK(seen.log_bound[7] == 0);
  }
}

TEST_CASE("transport: norm ≤ product of norms ≤ bound, at every lag") {
  const Tensor x = varied({40, 1, 2}), initial = varied({1, 12}, 5);
  for (const Activation activation : all_activations)
    for (const double std : {0.1, 0.6}) {
      const nn::Rnn rnn = make_rnn(12, activation, std);
      const nn::Transport seen = nn::transport(rnn, x, initial);
      CHECK(seen.log_spectrum.empty());
      const nn::Unrolled run = rnn(x, initial);
      const double factor = std::log(gamma(activation) * spectral_norm(rnn.W));
      double product = 0;
      for (std::size_t k = 41; k-- > 0;) {
        CHECK(at_most(seen.log_norm[k], seen.log_product[k]));
        CHECK(at_most(seen.log_product[k], seen.log_bound[k]));
        CHECK(seen.log_bound[k] == doctest::Approx(static_cast<double>(40 - k) * factor).epsilon(1e-14));
        CHECK(seen.log_product[k] == doctest::Approx(product).epsilon(1e-13));
        // In rows, ∂s_k/∂s_{k−1} is diag(σ'(a_k)) Wᵀ.
        if (k > 0)
          product += std::log(spectral_norm(reshape(slope(activation, run.states[k]), {12, 1}) * transpose(rnn.W)));
      }
    }
}

TEST_CASE("transport: 1e-1000 and 1e+1000 are numbers like others") {
  for (const double w : {0.1, 10.0, -0.1, -10.0}) {
    const nn::Transport seen = nn::transport(scalar_rnn(w, Activation::identity), zeros({1000, 1, 1}, f64),
                                             ones({1, 1}, f64), {.spectrum = true});
    for (const std::size_t k : {0, 1, 500, 999}) {
      const double expected = static_cast<double>(1000 - k) * std::log(std::fabs(w));
      CHECK(seen.log_norm[k] == doctest::Approx(expected).scale(0).epsilon(1e-13));
      CHECK(seen.log_product[k] == doctest::Approx(expected).scale(0).epsilon(1e-13));
      CHECK(seen.log_bound[k] == doctest::Approx(expected).scale(0).epsilon(1e-13));
      CHECK(seen.log_spectrum[k][0] == doctest::Approx(expected).scale(0).epsilon(1e-13));
    }
  }
}

TEST_CASE("transport: a single factor may be a denormal") {
  // σ'(−713) = e^−713, some 1e-310.
  const nn::Transport seen =
      nn::transport(scalar_rnn(1, Activation::logistic, -713), zeros({3, 1, 1}, f64), zeros({1, 1}, f64));
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(seen.log_norm[k] == doctest::Approx(-713.0 * static_cast<double>(3 - k)).epsilon(1e-12));
}

TEST_CASE("transport: a float32 cell is measured in float64") {
  const nn::Rnn rnn = make_rnn(6, Activation::logistic, 0.2, f32);
  const Tensor x = varied({80, 1, 2}, 1, f32), initial = varied({1, 6}, 5, f32);
  const nn::Transport seen = nn::transport(rnn, x, initial);
  CHECK(seen.log_norm[0] < std::log(1e-50));  // beyond float32
  nn::Rnn wide = make_rnn(6, Activation::logistic, 0.2);
  wide.U.assign(cast(rnn.U, f64));
  wide.W.assign(cast(rnn.W, f64));
  wide.b.assign(cast(rnn.b, f64));
  const nn::Transport same = nn::transport(wide, cast(x, f64), cast(initial, f64));
  CHECK(seen.log_norm == same.log_norm);
  CHECK(seen.log_product == same.log_product);
  CHECK(seen.log_bound == same.log_bound);
}

TEST_CASE("transport: an exact zero is −∞ from where it is") {
  // The third step's relu is off: s is 1, 2, 0, 1, 2.
  const nn::Transport seen = nn::transport(
      scalar_rnn(1, Activation::relu), tensor({{{1}}, {{1}}, {{-5}}, {{1}}, {{1}}}), zeros({1, 1}), {.spectrum = true});
  const std::vector<double> expected = {-infinity, -infinity, -infinity, 0, 0, 0};
  CHECK(seen.log_norm == expected);
  CHECK(seen.log_product == expected);
  CHECK(seen.log_bound == std::vector<double>(6, 0));
  CHECK(seen.log_spectrum[1] == std::vector{-infinity});
  const nn::Transport cut = nn::transport(scalar_rnn(0, Activation::identity), zeros({2, 1, 1}), zeros({1, 1}));
  CHECK(cut.log_norm == std::vector{-infinity, -infinity, 0.0});
  CHECK(cut.log_bound == cut.log_norm);
}

TEST_CASE("transport: NaN stays NaN, and no step is an identity") {
  const nn::Transport seen =
      nn::transport(scalar_rnn(not_a_number, Activation::identity), zeros({2, 1, 1}), zeros({1, 1}));
  CHECK(std::isnan(seen.log_norm[0]));
  CHECK(std::isnan(seen.log_product[0]));
  CHECK(std::isnan(seen.log_bound[0]));
  CHECK(seen.log_norm[2] == 0);
  const nn::Transport none =
      nn::transport(scalar_rnn(2, Activation::tanh), zeros({0, 1, 1}), zeros({1, 1}), {.spectrum = true});
  CHECK(none.log_norm == std::vector<double>{0});
  CHECK(none.log_spectrum == std::vector<std::vector<double>>{{0}});
}

TEST_CASE("transport: the eigenvalue trap of the science doubles at every step") {
  // W = [[8, 8], [−8, −8]] in columns has ρ = 0; at the fixed point (0, ½), ‖∂s_t/∂s_0‖ = 14.142 · 2^(t−1).
  Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = 2, .dtype = f64}, rng);
  rnn.W.assign(tensor({{8, -8}, {8, -8}}, f64));
  rnn.b.assign(from_values(std::vector{-4, 4 + std::atanh(0.5)}, {2}));
  CHECK(spectral_radius(rnn.W) == 0);
  const nn::Transport seen = nn::transport(rnn, zeros({10, 1, 1}, f64), tensor({{0, 0.5}}, f64));
  for (std::size_t t = 1; t <= 10; ++t)
    CHECK(std::exp(seen.log_norm[10 - t]) == doctest::Approx(std::sqrt(200.0) * std::pow(2, t - 1)).epsilon(1e-6));
}

TEST_CASE("transport: a tape outside is neither recorded on nor disturbed") {
  const nn::Rnn rnn = make_rnn(4, Activation::tanh);
  const Tensor x = varied({6, 1, 2}), initial = varied({1, 4}, 5);
  const nn::Transport alone = nn::transport(rnn, x, initial, {.spectrum = true});
  Tape tape;
  const nn::Unrolled run = rnn(x, initial);
  const Tensor loss = sum(square(run.last()));
  const Tensor expected = tape.gradient(loss, rnn.W);
  const Index size = tape.size();
  const nn::Transport seen = nn::transport(rnn, x, run.states[0], {.spectrum = true});
  CHECK(tape.size() == size);
  CHECK(Tape::current() == &tape);
  CHECK(seen.log_norm == alone.log_norm);
  CHECK(seen.log_spectrum == alone.log_spectrum);
  CHECK(same_bits(tape.gradient(loss, rnn.W), expected));
  // From a state in the middle of the tape.
  const nn::Transport rest = nn::transport(rnn, slice(x, 2, 6), run.states[2]);
  CHECK(rest.log_norm[0] == doctest::Approx(alone.log_norm[2]).epsilon(1e-14));
}
