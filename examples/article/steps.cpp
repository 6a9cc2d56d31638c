#include "article/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "article/network.h"

namespace article {

namespace {

using ebb::f64;
using ebb::matmul;
using ebb::spectral_norm;

void sum_over_paths(Lesson& lesson) {
  lesson.section("Step 1: the sum over paths");
  lesson.say("∂L_t/∂W = ∂L_t/∂s_t · Σ_{k=1..t} ∂s_t/∂s_k · ∂⁺s_k/∂W");
  lesson.say("Two tanh units, one input, L_t = ½ ‖s_t − (½, ½)‖², t = 4.");
  const Network net = two_units(Activation::tanh);
  Tape tape;
  const std::vector<Tensor> s = net.states(4);
  const Tensor L = loss(s[4]);
  const ebb::Pause pause;

  const Tensor by_state = tape.gradient(L, s[4]);
  lesson.show({"∂L_4/∂s_4", by_state});
  Tensor sum = ebb::zeros_like(net.W);
  for (Index k = 4; k >= 1; --k) {
    const auto at = static_cast<std::size_t>(k);
    const Tensor part = immediate(net, k, s[at - 1], matmul(by_state, derivative(tape, s[4], s[at])));
    lesson.show({fmt::format("∂L_4/∂s_4 · ∂s_4/∂s_{0} · ∂⁺s_{0}/∂W", k), part});
    sum += part;
  }
  lesson.equal({"∂L_4/∂W, one sweep of the tape", tape.gradient(L, net.W)}, {"the sum of the four", sum}, rounding);
}

void chain_of_states(Lesson& lesson) {
  lesson.section("Step 2: the chain of states");
  lesson.say("∂s_t/∂s_k = ∂s_t/∂s_{t−1} · … · ∂s_{k+1}/∂s_k: t − k factors, in this order");
  const Network net = two_units(Activation::tanh);
  Tape tape;
  const std::vector<Tensor> s = net.states(20);
  const ebb::Pause pause;
  for (std::size_t j = 4; j > 1; --j)
    lesson.show({fmt::format("∂s_{}/∂s_{}", j, j - 1), derivative(tape, s[j], s[j - 1])});
  const Tensor three =
      matmul(matmul(derivative(tape, s[4], s[3]), derivative(tape, s[3], s[2])), derivative(tape, s[2], s[1]));
  lesson.equal({"∂s_4/∂s_1", derivative(tape, s[4], s[1])}, {"∂s_4/∂s_3 · ∂s_3/∂s_2 · ∂s_2/∂s_1", three}, rounding);

  int factors = 0;
  Tensor product = ebb::eye(2, f64);
  for (std::size_t j = 20; j > 1; --j, ++factors) product = matmul(product, derivative(tape, s[j], s[j - 1]));
  lesson.equal({"∂s_20/∂s_1", derivative(tape, s[20], s[1])}, {"the product of its factors", product}, rounding);
  lesson.equal({"factors for t = 20, k = 1", static_cast<double>(factors)}, {"t − k", 19.0}, exact);
}

void one_factor(Lesson& lesson) {
  lesson.section("Step 3: one factor");
  lesson.say("a_j = U x_j + W s_{j−1} + b and s_j = σ(a_j), so ∂s_j/∂s_{j−1} = ∂s_j/∂a_j · ∂a_j/∂s_{j−1}");
  const Network net = two_units(Activation::tanh);
  Tape tape;
  const std::vector<Tensor> s = net.states(1);
  const Tensor a = net.before_activation(2, s[1]), s2 = ebb::tanh(a);
  const ebb::Pause pause;
  const Tensor by_sum = derivative(tape, s2, a), by_state = derivative(tape, a, s[1]);
  lesson.show({"∂s_2/∂a_2", by_sum});
  lesson.show({"∂a_2/∂s_1", by_state});
  lesson.equal({"∂s_2/∂s_1", derivative(tape, s2, s[1])}, {"∂s_2/∂a_2 · ∂a_2/∂s_1", matmul(by_sum, by_state)},
               rounding);
  const nn::Unrolled run = net.as_rnn()(net.as_sequence(), ebb::unsqueeze(net.s0, 0));
  lesson.equal({"s_2 by nn::Rnn, one record a step", run.states[2][0]}, {"s_2 as above", s2}, rounding);
}

void one_unit(Lesson& lesson) {
  lesson.section("Step 4: one unit");
  lesson.say("s_{j1} = 1/(1 + e^(−a_{j1})), for the logistic function");
  const Tensor a = ebb::tensor({0.8, -1.5}, f64);
  Tape tape;
  const Tensor s = ebb::sigmoid(a);
  const ebb::Pause pause;
  lesson.equal({"s_{j1} at a_j = (0.8, −1.5)", s[0]}, {"1/(1 + e^(−0.8))", 1 / (1 + std::exp(-0.8))}, rounding);
  lesson.equal({"∂s_{j1}/∂a_{j2}", derivative(tape, s, a)[0][1]}, {"nothing", 0.0}, exact);
}

void derivatives_of_vectors(Lesson& lesson) {
  lesson.section("Step 5: derivatives of vectors");
  lesson.say("θ = [x, y] = [3, −2]; z = x² + y²; z_1 = x² + y², z_2 = x³ + y³");
  const Tensor theta = ebb::tensor({3, -2}, f64);
  Tape tape;
  const Tensor x = theta[0], y = theta[1];
  const Tensor z = ebb::square(x) + ebb::square(y);
  const Tensor zs = ebb::stack({z, x * x * x + y * y * y});
  const ebb::Pause pause;
  lesson.equal({"∂z/∂θ", tape.gradient(z, theta)}, {"[2x, 2y]", ebb::stack({2 * x, 2 * y})}, exact);
  const Tensor by_hand = ebb::stack({ebb::stack({2 * x, 2 * y}), ebb::stack({3 * ebb::square(x), 3 * ebb::square(y)})});
  lesson.equal({"∂(z_1, z_2)/∂θ", derivative(tape, zs, theta)}, {"[[2x, 2y], [3x², 3y²]]", by_hand}, exact);
}

void jacobian_of_a_step(Lesson& lesson) {
  lesson.section("Step 6: the Jacobian of one step");
  lesson.say("∂s_j/∂a_j = diag(σ'(a_j)), ∂a_j/∂s_{j−1} = W, so ∂s_j/∂s_{j−1} = diag(σ'(a_j)) W");
  for (const Activation activation : {Activation::tanh, Activation::logistic}) {
    const Network net = two_units(activation);
    Tape tape;
    const std::vector<Tensor> s = net.states(1);
    const Tensor a = net.before_activation(2, s[1]), s2 = activated(activation, a);
    const ebb::Pause pause;
    const Tensor diagonal = ebb::eye(2, f64) * ebb::slope(activation, s2);
    lesson.say(fmt::format("{}:", name(activation)));
    lesson.equal({"∂s_2/∂a_2", derivative(tape, s2, a)}, {"diag(σ'(a_2))", diagonal}, rounding);
    lesson.equal({"∂a_2/∂s_1", derivative(tape, a, s[1])}, {"W", net.W}, exact);
    lesson.equal({"∂s_2/∂s_1", derivative(tape, s2, s[1])}, {"diag(σ'(a_2)) W", matmul(diagonal, net.W)}, rounding);
  }
}

// One unit, s_t = w s_{t−1} from s_0 = 1, L = ½ (s_20 − 1)²: an update of its only weight.
void update(Lesson& lesson, double w, double rate) {
  const auto loss_at = [](const Tensor& W) {
    return 0.5 * ebb::square(linear(W, ebb::ones({1}, f64)).states(20).back()[0] - 1.0);
  };
  const Tensor W = ebb::tensor({{w}}, f64);
  Tape tape;
  const Tensor L = loss_at(W);
  const Tensor gradient = tape.gradient(L, W);
  const ebb::Pause pause;
  const double by_hand = 20 * std::pow(w, 19) * (std::pow(w, 20) - 1);
  lesson.equal({fmt::format("∂L/∂w at w = {}", w), gradient[0][0]}, {"20 w^19 (w^20 − 1)", by_hand}, rounding);
  const Tensor moved = W - rate * gradient;
  lesson.say(fmt::format("w − {} · ∂L/∂w = {:.7g}, and L goes from {:.10g} to {:.10g}", rate, moved.item(), L.item(),
                         loss_at(moved).item()));
}

void magnitudes(Lesson& lesson) {
  lesson.section("Step 7: magnitudes and the update");
  lesson.say("‖diag(σ'(a_j)) W‖ ≤ ‖diag(σ'(a_j))‖ · ‖W‖, here in the spectral norm");
  const Network net = two_units(Activation::tanh);
  {
    Tape tape;
    const std::vector<Tensor> s = net.states(2);
    const ebb::Pause pause;
    const double open = ebb::max(ebb::slope(net.activation, s[2])).item();
    lesson.at_most({"‖∂s_2/∂s_1‖", spectral_norm(derivative(tape, s[2], s[1]))},
                   {"‖diag(σ'(a_2))‖ · ‖W‖", open * spectral_norm(net.W)});
  }
  lesson.say("W ← W − η ∂L/∂W, for one linear unit over t = 20 steps, s_0 = 1, L = ½ (s_20 − 1)²:");
  update(lesson, 0.5, 0.1);
  lesson.say("Too small: the loss stays where it was.");
  update(lesson, 2, 0.1);
  lesson.say("Too large: thrown so far that the next loss is beyond float64.");
}

void gamma_and_lambda(Lesson& lesson) {
  lesson.section("Step 8: the two bounds");
  lesson.say("‖diag(σ'(a_j))‖ ≤ γ, ‖W‖ ≤ λ, so ‖∂s_j/∂s_{j−1}‖ ≤ γλ");
  for (const Activation activation : {Activation::logistic, Activation::tanh}) {
    const Tensor a = ebb::linspace(-8, 8, 1601, f64);
    Tensor slopes;
    {
      Tape tape;
      slopes = tape.gradient(ebb::sum(activated(activation, a)), a);
    }
    const std::string which = ebb::name(activation);
    lesson.equal({which + ": the largest σ'(a) of 1601 in [−8, 8]", ebb::max(slopes)}, {"γ", ebb::gamma(activation)},
                 rounding);
    lesson.equal({"the a where it is", a[ebb::argmax(slopes).values<std::int64_t>()[0]]}, {"the middle", 0.0},
                 rounding);

    const Network net = two_units(activation);
    Tape tape;
    const std::vector<Tensor> s = net.states(20);
    double largest = 0;
    for (std::size_t j = 1; j <= 20; ++j) largest = std::max(largest, spectral_norm(derivative(tape, s[j], s[j - 1])));
    lesson.at_most({"the largest ‖∂s_j/∂s_{j−1}‖ of 20 steps", largest},
                   {"γλ", ebb::gamma(activation) * spectral_norm(net.W)});
  }
}

// What reaches s_20 from each earlier state, against the bound.
struct Reach {
  explicit Reach(const Network& net) {
    Tape tape;
    const std::vector<Tensor> s = net.states(20);
    const double factor = ebb::gamma(net.activation) * spectral_norm(net.W);
    for (std::size_t lag = 0; lag < 20; ++lag) {
      actual.push_back(spectral_norm(derivative(tape, s[20], s[20 - lag])));
      bound.push_back(std::pow(factor, lag));
      // At lag 0 they are equal.
      below = below && actual.back() <= bound.back() * (1 + rounding);
    }
  }

  std::vector<double> actual, bound;  // by lag
  bool below = true;
};

void the_bound(Lesson& lesson) {
  lesson.section("Step 9: the bound");
  lesson.say("‖∂s_t/∂s_k‖ ≤ (γλ)^(t−k)");
  for (const double w : {0.5, 2.0}) {
    const Network net = linear(ebb::tensor({{w}}, f64), ebb::ones({1}, f64));
    Tape tape;
    const std::vector<Tensor> s = net.states(10);
    lesson.equal({fmt::format("∂s_10/∂s_0 of ten factors {}", w), derivative(tape, s[10], s[0])[0][0]},
                 {w == 2 ? "2^10 = 1024" : "0.5^10", w == 2 ? 1024 : 0x1p-10}, exact);
  }
  const Network small = two_units(Activation::tanh), large = two_units(Activation::tanh, 2.5);
  const Network logistic = two_units(Activation::logistic);
  const Reach by_small(small), by_large(large), by_logistic(logistic);
  lesson.say("‖∂s_20/∂s_k‖ and (γλ)^(20−k), k = 20 … 1, for three networks:");
  lesson.say(fmt::format("    {:>22}{:>22}{:>22}", "tanh, W", "tanh, 2.5 W", "logistic, W"));
  lesson.say(fmt::format("    {:>17} {:.2f}{:>17} {:.2f}{:>17} {:.2f}", "γλ =", by_small.bound[1],
                         "γλ =", by_large.bound[1], "γλ =", by_logistic.bound[1]));
  lesson.say(fmt::format("lag {0:>12}{1:>10}{0:>12}{1:>10}{0:>12}{1:>10}", "actual", "bound"));
  for (std::size_t lag = 0; lag < 20; ++lag)
    lesson.say(fmt::format("{:>3} {:>12.2e}{:>10.2e}{:>12.2e}{:>10.2e}{:>12.2e}{:>10.2e}", lag, by_small.actual[lag],
                           by_small.bound[lag], by_large.actual[lag], by_large.bound[lag], by_logistic.actual[lag],
                           by_logistic.bound[lag]));
  for (const Reach* reach : {&by_small, &by_large, &by_logistic})
    lesson.claim("actual ≤ bound at all 20 lags", reach->below);
  const nn::Transport library = nn::transport(small.as_rnn(), small.as_sequence(), ebb::unsqueeze(small.s0, 0));
  lesson.equal({"tanh, W at lag 19 by nn::transport", std::exp(library.log_norm[1])},
               {"by the tape, as above", by_small.actual[19]},
               // A logarithm of −14 is rounded to 1e-15, and there are 19 of them to add.
               1e-13);
}

}  // namespace

void steps(Lesson& lesson) {
  sum_over_paths(lesson);
  chain_of_states(lesson);
  one_factor(lesson);
  one_unit(lesson);
  derivatives_of_vectors(lesson);
  jacobian_of_a_step(lesson);
  magnitudes(lesson);
  gamma_and_lambda(lesson);
  the_bound(lesson);
}

}  // namespace article
