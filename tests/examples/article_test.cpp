// The worked examples of the founding article, and what it claims of gradients through time, each computed.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// ∂y/∂x for one row each, [y, x]: a sweep for every element of y.
Tensor jacobian(Tape& tape, const Tensor& y, const Tensor& x) {
  std::vector<Tensor> rows;
  const Pause pause;
  for (Index i = 0; i < y.size(); ++i)
    rows.push_back(reshape(tape.gradient(y, x, {.seed = reshape(eye(y.size(), f64)[i], y.shape())}), Shape{x.size()}));
  return stack(rows);
}

}  // namespace

TEST_CASE("article: z = x² + y² has the gradient [2x 2y]") {
  const Tensor theta = tensor({3, -2}, f64);
  Tape tape;
  const Tensor z = square(theta[0]) + square(theta[1]);
  CHECK(z.item() == 13);
  CHECK(elements(tape.gradient(z, theta)) == std::vector<double>{6, -4});
}

TEST_CASE("article: z1 = x² + y² and z2 = x³ + y³ have a 2 by 2 Jacobian") {
  const Tensor theta = tensor({3, -2}, f64);
  Tape tape;
  const Tensor x = theta[0], y = theta[1];
  const Tensor z = stack({square(x) + square(y), x * x * x + y * y * y});
  CHECK(elements(jacobian(tape, z, theta)) == std::vector<double>{6, -4, 27, 12});
}

TEST_CASE("article: ten factors of one half make 0.5^10 and ten of two make 1024") {
  for (const double factor : {0.5, 2.0}) {
    const Tensor s = tensor(1.0, f64);
    Tape tape;
    Tensor state = s;
    for (int step = 0; step < 10; ++step) state = factor * state;
    CHECK(tape.gradient(state, s).item() == (factor == 2 ? 1024 : 0x1p-10));
  }
}

TEST_CASE("article: the derivative of s_20 by s_1 is the ordered product of 19 factors") {
  constexpr Index hidden = 4;
  for (const Activation activation : {Activation::tanh, Activation::logistic}) {
    Rng rng(5);
    const nn::Rnn rnn(
        {.inputs = 2, .hidden = hidden, .activation = activation, .recurrent_init = nn::normal(0.8), .dtype = f64},
        rng);
    const Tensor x = varied({20, 1, 2});
    Tape tape;
    const auto s = rnn(x).states;

    Tensor product = eye(hidden, f64);
    int factors = 0;
    for (std::size_t j = 20; j > 1; --j, ++factors) {
      const Tensor factor = jacobian(tape, s[j], s[j - 1]);
      product = matmul(product, factor);
      // One factor is diag(σ'(a_j)) W, in the article's columns: Wᵀ in rows.
      const Tensor expected = transpose(slope(activation, s[j])) * transpose(rnn.W);
      CHECK(distance(factor, expected) < 1e-15);
    }
    CHECK(factors == 19);
    const Tensor whole = jacobian(tape, s[20], s[1]);
    // 19 products of 4 × 4 matrices: some hundred roundings, in another order.
    CHECK(norm(whole - product).item() <= 1e-13 * norm(whole).item());
    // And the chain has 19 records between the two.
    int passed = 0;
    (void)tape.gradient(sum(s[20]), s[1],
                        {.observer = [&](const Record& r, const Tensor&) { passed += r.op == "rnn_step"; }});
    CHECK(passed == 19 + 1);  // s_1 itself is the last
  }
}

TEST_CASE("article: the derivative of s_4 by s_1 is that of s_4 by s_3 by s_2 by s_1") {
  const Tensor W = varied({3, 3});
  Tape tape;
  const Tensor s1 = varied({1, 3}, 2), s2 = tanh(matmul(s1, W)), s3 = tanh(matmul(s2, W)), s4 = tanh(matmul(s3, W));
  const Tensor product = matmul(matmul(jacobian(tape, s4, s3), jacobian(tape, s3, s2)), jacobian(tape, s2, s1));
  CHECK(distance(jacobian(tape, s4, s1), product) < 1e-15);
}

TEST_CASE("article: the activation's Jacobian is diagonal with the right slopes") {
  const Tensor a = varied({4});
  for (const Activation activation : {Activation::tanh, Activation::logistic}) {
    Tape tape;
    const Tensor s = activation == Activation::tanh ? tanh(a) : sigmoid(a);
    // s(1 − s) and 1 − s², of the result; not of a.
    const Tensor diagonal = activation == Activation::tanh ? 1.0 - s * s : s * (1.0 - s);
    CHECK(distance(jacobian(tape, s, a), eye(4, f64) * diagonal) < 1e-16);
    CHECK(slope(activation, zeros({1}, f64) + (activation == Activation::tanh ? 0.0 : 0.5)).item() ==
          gamma(activation));
  }
}

TEST_CASE("article: the gradient through a linear scalar net is |w|^(T-k) exactly") {
  constexpr Index time = 40;
  Rng rng(1);
  for (const double w : {0.5, -0.5, 2.0, -2.0, 1.0}) {
    const nn::Rnn rnn(
        {.inputs = 1, .hidden = 1, .activation = Activation::identity, .recurrent_init = nn::identity(w), .dtype = f64},
        rng);
    const Tensor x = varied({time, 1, 1});
    Tape tape;
    const nn::Unrolled run = rnn(x);
    nn::GradientFlow flow(rnn, run);
    (void)tape.gradients(sum(run.last()), {rnn.W, run.states[0]}, {.observer = flow.observer()});
    for (Index k = 0; k <= time; ++k)
      CHECK(flow.state_gradient[static_cast<std::size_t>(k)].value == std::pow(std::fabs(w), time - k));
  }
  // Powers of other weights are rounded once a step.
  const Tensor w = tensor({{0.9}}, f64), s0 = ones({1, 1}, f64);
  Tape tape;
  Tensor s = s0;
  double expected = 1;
  for (Index k = 0; k < time; ++k) {
    s = matmul(s, w);
    expected *= 0.9;
  }
  CHECK(tape.gradient(sum(s), s0).item() == expected);
}

TEST_CASE("article: the cliff's gradients are those of its closed form") {
  // E = (σ(x_50) − 0.7)², x_t = w σ(x_{t−1}) + b, on the fixed point x = 0.5: with a = w σ'(0.5),
  // ∂E/∂b = 2 (σ(.5) − .7) σ'(.5) (a^50 − 1)/(a − 1) and ∂E/∂w = σ(.5) ∂E/∂b (Pascanu et al. 2013, figure 6).
  const double half = sigmoid(tensor(0.5, f64)).item();
  const auto check = [&](double weight, double tolerance) {
    const Tensor w = tensor(weight, f64), b = tensor(0.5 - weight * half, f64);
    Tape tape;
    Tensor x = tensor(0.5, f64);
    for (int t = 0; t < 50; ++t) x = w * sigmoid(x) + b;
    const Tensor E = square(sigmoid(x) - 0.7);
    const auto [by_w, by_b] = tape.gradients(E, {w, b});
    const double slope = half * (1 - half), a = weight * slope;
    const double expected = 2 * (half - 0.7) * slope * (std::pow(a, 50) - 1) / (a - 1);
    CHECK(std::fabs(by_b.item() / expected - 1) < tolerance);
    CHECK(std::fabs(by_w.item() / (half * expected) - 1) < tolerance);
  };
  // While x sits exactly on 0.5 only the sum of 50 powers is rounded; from w > 4.255 on an error of one rounding in x
  // grows by a factor of a each step.
  check(4.4, 1e-12);
  check(3.0, 1e-12);
  check(5.0, 1e-9);
}

TEST_CASE("article: the norm of transport stays below the bound at every lag") {
  constexpr Index time = 30, hidden = 12;
  for (const Activation activation : {Activation::tanh, Activation::logistic})
    for (const double std : {0.1, 0.4, 1.5})
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Rng rng(seed);
        const nn::Rnn rnn(
            {.inputs = 3, .hidden = hidden, .activation = activation, .recurrent_init = nn::normal(std), .dtype = f64},
            rng);
        // One sequence, repeated along the batch: row i of the seed pulls back row i of the Jacobian.
        const Tensor x = broadcast_to(varied({time, 1, 3}, seed), {time, hidden, 3});
        Tape tape;
        const nn::Unrolled run = rnn(x);
        std::vector<Tensor> transport(run.states.size());
        (void)tape.gradient(run.last(), run.states[0],
                            {.seed = eye(hidden, f64), .observer = [&](const Record& record, const Tensor& g) {
                               for (std::size_t k = 0; k < run.states.size(); ++k)
                                 if (record.output.is(run.states[k])) transport[k] = detach(g);
                             }});
        const double factor = gamma(activation) * spectral_norm(rnn.W);
        for (Index lag = 0; lag <= time; ++lag) {
          const Tensor& J = transport[static_cast<std::size_t>(time - lag)];
          REQUIRE(J.defined());
          // 1e-12: at lag 0 they are equal.
          CHECK(spectral_norm(J) <= std::pow(factor, lag) * (1 + 1e-12));
        }
        CHECK(spectral_norm(transport[0]) > 0);
      }
}

TEST_CASE("article: the update has a part for each step and the parts add up") {
  // ∂L/∂W = Σ_k ∂L/∂s_k ∂⁺s_k/∂W, the immediate derivative holding s_{k−1} constant.
  constexpr Index time = 6;
  Rng rng(2);
  const nn::Rnn rnn({.inputs = 2, .hidden = 3, .dtype = f64}, rng);
  const Tensor x = varied({time, 2, 2});
  Tape tape;
  const nn::Unrolled run = rnn(x);
  const Tensor loss = sum(square(run.last()));
  const Tensor whole = tape.gradient(loss, rnn.W);
  Tensor total = zeros({3, 3}, f64);
  for (Index k = 1; k <= time; ++k) {
    const Tensor delta = tape.gradient(loss, run.states[static_cast<std::size_t>(k)]);
    Tape immediate;
    const Tensor s =
        rnn_step(x, k - 1, detach(run.states[static_cast<std::size_t>(k - 1)]), rnn.U, rnn.W, rnn.b, rnn.activation);
    total = total + immediate.gradient(s, rnn.W, {.seed = delta});
  }
  CHECK(distance(whole, total) < 1e-14);
}

TEST_CASE("article: the spectral radius is no bound: it is 0 here and gradients double") {
  const Tensor W = tensor({{8, 8}, {-8, -8}}, f64);  // in columns; rows use its transpose
  const double b1 = -4, b2 = 4 + std::atanh(0.5);
  const Tensor b = tensor({b1, b2}, f64);
  Tape tape;
  std::vector<Tensor> s = {tensor({{0, 0.5}}, f64)};
  for (int t = 0; t < 10; ++t) s.push_back(tanh(matmul(s.back(), W, {.transpose_b = true}) + b));
  double last = 0;
  for (std::size_t t = 1; t < s.size(); ++t) {
    const double now = spectral_norm(jacobian(tape, s[t], s[0]));
    if (t > 1) CHECK(std::fabs(now / last - 2) < 1e-6);
    last = now;
  }
  CHECK(last == doctest::Approx(14.142135623730951 * 512).epsilon(1e-6));
}
