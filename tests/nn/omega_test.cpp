// Ω and its gradient against their formula, written out here with plain loops.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Activation;
using nn::Magnitude;

namespace {

nn::Rnn make_rnn(Activation activation = Activation::tanh, DType dtype = f64) {
  Rng rng(3);
  return nn::Rnn({.inputs = 2,
                  .hidden = 4,
                  .activation = activation,
                  .recurrent_init = nn::normal(0.5),
                  .bias_init = nn::normal(0.1),
                  .dtype = dtype},
                 rng);
}

// u = σ'(a_k) ∘ δ_k for every (k, n) that counts, with ‖δ_k‖: what Ω takes as constants.
struct Constants {
  std::vector<std::vector<double>> u;
  std::vector<double> norms;
};

Constants constants_of(Tape& tape, const Tensor& loss, const nn::Unrolled& run, Activation activation, std::size_t last,
                       const Tensor& seed = {}) {
  Constants result;
  for (std::size_t k = 1; k <= last; ++k) {
    const Tensor delta = tape.gradient(loss, run.states[k], {.seed = seed});
    const Tensor u = slope(activation, run.states[k]) * delta;
    for (Index n = 0; n < delta.extent(0); ++n) {
      const double size = norm(delta[n]).item();
      if (size * size < 1e-20) continue;
      result.u.push_back(elements(u[n]));
      result.norms.push_back(size);
    }
  }
  return result;
}

// Σ (‖u Wᵀ‖² / ‖δ‖² − 1)² / count.
double omega_of(const Constants& constants, const Tensor& W) {
  const std::vector<double> w = elements(W);
  double total = 0;
  for (std::size_t row = 0; row < constants.u.size(); ++row) {
    const std::vector<double>& u = constants.u[row];
    double square = 0;
    for (std::size_t i = 0; i < u.size(); ++i) {
      double back = 0;
      for (std::size_t j = 0; j < u.size(); ++j) back += u[j] * w[i * u.size() + j];
      square += back * back;
    }
    total += std::pow(square / (constants.norms[row] * constants.norms[row]) - 1, 2);
  }
  return total / static_cast<double>(constants.u.size());
}

// The derivative of the above by central differences, whose error is 1e-10 of numbers near 1.
Tensor differences_of(const Constants& constants, const Tensor& W) {
  std::vector<double> result;
  const double h = 1e-5;
  for (Index i = 0; i < W.size(); ++i) {
    const auto moved = [&](double by) {
      std::vector<double> w = elements(W);
      w[static_cast<std::size_t>(i)] += by;
      return omega_of(constants, from_values(w, W.shape()));
    };
    result.push_back((moved(h) - moved(-h)) / (2 * h));
  }
  return from_values(result, W.shape());
}

void check_against(const nn::OmegaValue& value, const Constants& constants, const Tensor& W) {
  REQUIRE(!constants.u.empty());
  CHECK(value.value == doctest::Approx(omega_of(constants, W)).epsilon(1e-13));
  const Tensor expected = differences_of(constants, W);
  CHECK(norm(expected).item() > 1e-3);
  CHECK(value.by_W.shape() == W.shape());
  CHECK(distance(value.by_W, expected) < 1e-8);
}

}  // namespace

TEST_CASE("omega: value and gradient are those of the formula, δ and σ' held constant") {
  const Tensor x = varied({6, 3, 2});
  for (const Activation activation : {Activation::tanh, Activation::logistic, Activation::relu, Activation::identity})
    for (const bool every : {false, true}) {
      const nn::Rnn rnn = make_rnn(activation);
      Tape tape;
      const nn::Unrolled run = rnn(x, varied({3, 4}, 5));
      const Tensor loss = sum(square(every ? run.outputs() : run.last()));
      nn::Omega omega(rnn, run);
      const Tensor watched = tape.gradient(loss, rnn.W, {.observer = omega.observer()});
      CHECK(same_bits(watched, tape.gradient(loss, rnn.W)));
      check_against(omega.value(), constants_of(tape, loss, run, activation, 6), rnn.W);
    }
}

TEST_CASE("omega: steps that the loss doesn't reach don't count") {
  const nn::Rnn rnn = make_rnn();
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  const Tensor loss = sum(square(run.states[3]));
  nn::Omega omega(rnn, run);
  (void)tape.gradient(loss, rnn.W, {.observer = omega.observer()});
  check_against(omega.value(), constants_of(tape, loss, run, Activation::tanh, 3), rnn.W);
}

TEST_CASE("omega: sequences count by themselves, and not where their gradient is below 1e-10") {
  const nn::Rnn rnn = make_rnn();
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  nn::Omega omega(rnn, run);
  // One sequence that the loss doesn't read, and one whose gradient falls below on the way.
  const Tensor seed = tensor({{1, -2, 0.5, 1}, {0, 0, 0, 0}, {1e-10, 1e-10, -1e-10, 0}}, f64);
  (void)tape.gradient(run.last(), rnn.W, {.seed = seed, .observer = omega.observer()});
  const Constants constants = constants_of(tape, run.last(), run, Activation::tanh, 6, seed);
  CHECK(constants.u.size() > 6);
  CHECK(constants.u.size() < 12);
  check_against(omega.value(), constants, rnn.W);
}

TEST_CASE("omega: doesn't depend on the size of the gradient, up to the ends of float32") {
  const nn::Rnn rnn = make_rnn(Activation::tanh, f32);
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}, 1, f32));
  nn::Omega omega(rnn, run);
  const auto at_size = [&](double size) {
    (void)tape.gradient(run.last(), rnn.W, {.seed = full({3, 4}, size), .observer = omega.observer()});
    return omega.value();
  };
  const nn::OmegaValue expected = at_size(1);
  CHECK(expected.value > 1e-3);
  for (const double size : {1e-6, 1e30, 1e38}) {
    const nn::OmegaValue value = at_size(size);
    // Float32's roundings.
    CHECK(value.value == doctest::Approx(expected.value).epsilon(1e-5));
    CHECK(distance(value.by_W, expected.by_W) < 1e-5);
  }
  for (const double size : {1e-30, infinity, not_a_number}) {
    const nn::OmegaValue none = at_size(size);
    CHECK(none.value == 0);
    CHECK(same_bits(none.by_W, zeros({4, 4})));
  }
}

TEST_CASE("omega: large float64 gradients count, too") {
  const nn::Rnn rnn = make_rnn();
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  nn::Omega omega(rnn, run);
  const auto at_size = [&](double size) {
    (void)tape.gradient(run.last(), rnn.W, {.seed = full({3, 4}, size, f64), .observer = omega.observer()});
    return omega.value().value;
  };
  CHECK(at_size(1e250) == doctest::Approx(at_size(1)).epsilon(1e-12));
}

TEST_CASE("omega: is 0 where nothing was seen, and for a net that keeps norms") {
  Rng rng(2);
  nn::Rnn rnn = make_rnn(Activation::identity);
  rnn.W.assign(nn::orthogonal()({4, 4}, f64, rng));
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  nn::Omega omega(rnn, run);
  CHECK(omega.value().value == 0);
  CHECK(same_bits(omega.value().by_W, zeros({4, 4}, f64)));
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = omega.observer()});
  CHECK(omega.value().value < 1e-28);
  CHECK(norm(omega.value().by_W).item() < 1e-14);
}

TEST_CASE("omega: a new sweep forgets the one before") {
  const nn::Rnn rnn = make_rnn();
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  const Tensor late = sum(square(run.last())), early = sum(square(run.states[3]));
  nn::Omega omega(rnn, run);
  const Observer observer = omega.observer();
  (void)tape.gradient(early, rnn.W, {.observer = observer});
  const double expected = omega.value().value;
  (void)tape.gradient(late, rnn.W, {.observer = observer});
  CHECK(omega.value().value != expected);
  (void)tape.gradient(early, rnn.W, {.observer = omega.observer()});
  CHECK(omega.value().value == expected);
  (void)tape.gradient(run.last(), run.states[5], {.seed = ones({3, 4}, f64), .observer = observer});
  (void)tape.gradient(early, rnn.W, {.observer = observer});  // begins below where the last one ended
  CHECK(omega.value().value == expected);
}

TEST_CASE("omega: its value is a constant, on no tape, and serves while the tape records") {
  const nn::Rnn rnn = make_rnn();
  const Tensor x = varied({6, 3, 2}), initial = varied({3, 4}, 5);
  Tape tape;
  const nn::Unrolled run = rnn(x, initial);
  const Tensor loss = sum(square(run.last()));
  nn::Omega omega(rnn, run);
  auto [by_W, by_initial, by_state] =
      tape.gradients(loss, {rnn.W, initial, run.states[4]}, {.observer = omega.observer()});
  const Index size = tape.size();
  const nn::OmegaValue value = omega.value();
  CHECK(tape.size() == size);
  CHECK(Tape::current() == &tape);
  CHECK(distance(by_W + 4.0 * value.by_W, by_W) > 1e-3);
  // The sweep's results are the caller's to write.
  by_state.assign(zeros({3, 4}, f64));
  by_W.assign(zeros({4, 4}, f64));
  CHECK(omega.value().value == value.value);
}

TEST_CASE("omega: the terms of the diagnostic are the formula's") {
  const nn::Rnn rnn = make_rnn();
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 3, 2}));
  nn::GradientFlow flow(rnn, run);
  (void)tape.gradient(sum(square(run.last())), rnn.W, {.observer = flow.observer()});
  const std::vector<double> terms = nn::omega_terms(flow.state_gradient);
  REQUIRE(terms.size() == 6);
  CHECK(std::isnan(terms[0]));  // no path to s_0
  for (std::size_t k = 1; k < 6; ++k)
    CHECK(terms[k] ==
          doctest::Approx(std::pow(flow.state_gradient[k] / flow.state_gradient[k + 1] - 1, 2)).epsilon(1e-14));

  const std::vector<Magnitude> special = {Magnitude::of(1), {0, nn::Kind::underflow},
                                          Magnitude::of(2), Magnitude::of(infinity),
                                          Magnitude::of(1), Magnitude::of(not_a_number)};
  const std::vector<double> seen = nn::omega_terms(special);
  REQUIRE(seen.size() == 5);
  CHECK(std::isnan(seen[0]));
  CHECK(seen[1] == 1);
  for (const std::size_t k : {2U, 3U, 4U}) CHECK(std::isnan(seen[k]));
  CHECK(nn::omega_terms({}).empty());
}
