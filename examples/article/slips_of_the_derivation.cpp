#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "article/network.h"
#include "article/slips.h"

namespace article {

namespace {

using ebb::f64;
using ebb::matmul;
using ebb::spectral_norm;

void slopes(Lesson& lesson, Activation activation, const std::string& right, const std::string& written) {
  const Tensor a = ebb::tensor({-2, -0.5, 0, 0.5, 2}, f64);
  const double h = 1e-5;
  const Tensor by_differences = (activated(activation, a + h) - activated(activation, a - h)) / (2 * h);
  const Tensor as_written = activation == Activation::tanh ? 1.0 - a * a : a * (1.0 - a);
  lesson.say(fmt::format("{}, at a = −2, −½, 0, ½, 2:", name(activation)));
  lesson.equal({"(σ(a + h) − σ(a − h)) / 2h", by_differences},
               {right, ebb::slope(activation, activated(activation, a))}, differences);
  lesson.show({written + ", as the article has it", as_written});
  lesson.claim("not the derivative", difference(by_differences, as_written) > 0.1);
}

void slope_of_the_result(Lesson& lesson) {
  lesson.section("Slip 1: the slope is a function of s");
  slopes(lesson, Activation::logistic, "s(1 − s)", "a(1 − a)");
  slopes(lesson, Activation::tanh, "1 − s²", "1 − a²");
}

// Σ_k vᵀ ∂s_t/∂s_k times ∂⁺s_k/∂W, the immediate derivative, or the whole ∂s_k/∂W.
struct Sums {
  Sums(const Network& net, Tape& tape, const std::vector<Tensor>& s, const Tensor& v)
      : immediates(ebb::zeros_like(net.W)), wholes(immediates) {
    const ebb::Pause pause;
    for (std::size_t k = 1; k < s.size(); ++k) {
      const Tensor pulled = matmul(v, derivative(tape, s.back(), s[k]));
      immediates += immediate(net, static_cast<Index>(k), s[k - 1], pulled);
      wholes += tape.gradient(s[k], net.W, {.seed = pulled});
    }
  }

  Tensor immediates, wholes;
};

void immediate_derivative(Lesson& lesson) {
  lesson.section("Slip 2: the immediate derivative");
  lesson.say("One linear unit, s_t = ½ s_{t−1} from s_0 = 1, so s_3 = w³ and ds_3/dw = 3w² at w = ½:");
  {
    const Network net = linear(ebb::tensor({{0.5}}, f64), ebb::ones({1}, f64));
    Tape tape;
    const std::vector<Tensor> s = net.states(3);
    const Tensor by_tape = tape.gradient(s[3], net.W);
    const Sums sums(net, tape, s, ebb::ones({1}, f64));
    lesson.equal({"ds_3/dw, one sweep of the tape", by_tape[0][0]}, {"3w²", 0.75}, exact);
    lesson.equal({"Σ_k ∂s_3/∂s_k · ∂⁺s_k/∂w, s_{k−1} constant", sums.immediates[0][0]}, {"3w²", 0.75}, exact);
    lesson.equal({"Σ_k ∂s_3/∂s_k · ds_k/dw, the whole derivative", sums.wholes[0][0]},
                 {"(1 + 2 + 3) w², twice as much", 1.5}, exact);
  }
  lesson.say("The two tanh units of step 1:");
  const Network net = two_units(Activation::tanh);
  Tape tape;
  const std::vector<Tensor> s = net.states(4);
  const Tensor L = loss(s[4]);
  const Sums sums(net, tape, s, tape.gradient(L, s[4]));
  lesson.equal({"∂L_4/∂W, one sweep of the tape", tape.gradient(L, net.W)}, {"the sum with ∂⁺s_k/∂W", sums.immediates},
               rounding);
  lesson.show({"the sum with the whole ds_k/dW", sums.wholes});
  lesson.claim("paths counted more than once", difference(sums.wholes, sums.immediates) > 0.1);
}

void product_and_outer_sum(Lesson& lesson) {
  lesson.section("Slip 3: an ordered product and an outer sum");
  const Network net = two_units(Activation::tanh);
  Tape tape;
  const std::vector<Tensor> s = net.states(4);
  Tensor L = loss(s[1]);
  for (std::size_t t = 2; t <= 4; ++t) L += loss(s[t]);
  const ebb::Pause pause;
  const Tensor J2 = derivative(tape, s[2], s[1]), J3 = derivative(tape, s[3], s[2]), J4 = derivative(tape, s[4], s[3]);
  const Tensor whole = derivative(tape, s[4], s[1]), turned = matmul(matmul(J2, J3), J4), sum = J4 + J3 + J2;
  lesson.equal({"∂s_4/∂s_1", whole}, {"∂s_4/∂s_3 · ∂s_3/∂s_2 · ∂s_2/∂s_1", matmul(matmul(J4, J3), J2)}, rounding);
  lesson.show({"the factors in the other order", turned});
  lesson.claim("another matrix", difference(turned, whole) > 1e-3);
  lesson.show({"the sum of the factors", sum});
  lesson.claim("another matrix", difference(sum, whole) > 1e-3);
  lesson.equal({"∂s_4/∂s_4, no factor", derivative(tape, s[4], s[4])}, {"I", ebb::eye(2, f64)}, exact);

  lesson.say("With a loss at every step, L = L_1 + L_2 + L_3 + L_4:");
  Tensor by_losses = ebb::zeros_like(net.W);
  for (std::size_t t = 1; t <= 4; ++t) {
    Tape shorter;
    const Tensor last = loss(net.states(static_cast<Index>(t)).back());
    const Tensor part = shorter.gradient(last, net.W);
    lesson.show({fmt::format("∂L_{}/∂W", t), part});
    const ebb::Pause again;
    by_losses += part;
  }
  lesson.equal({"∂L/∂W, one sweep of the tape", tape.gradient(L, net.W)}, {"Σ_t ∂L_t/∂W", by_losses}, rounding);
}

double largest_element(const Tensor& matrix) { return ebb::max(ebb::abs(matrix)).item(); }
// Induced by max |v_i|: the largest sum along a row.
double row_sum_norm(const Tensor& matrix) { return ebb::max(ebb::sum(ebb::abs(matrix), 1)).item(); }

Tensor ten_steps(const Tensor& W) {
  const Network net = linear(W, ebb::ones({2}, f64));
  Tape tape;
  const std::vector<Tensor> s = net.states(10);
  return derivative(tape, s[10], s[0]);
}

void which_norm(Lesson& lesson) {
  lesson.section("Slip 4: which norm");
  lesson.say("Linear units, γ = 1, W = [[0.6, 0.6], [0.6, 0.6]]. The largest element is a norm, but no induced one:");
  const Tensor even = ebb::full({2, 2}, 0.6, f64);
  const Tensor grown = ten_steps(even);
  lesson.show({"(the largest |W_ij|)^10, taken for a bound", std::pow(largest_element(even), 10)});
  lesson.show({"the largest |(∂s_10/∂s_0)_ij|", largest_element(grown)});
  lesson.claim("above it", largest_element(grown) > std::pow(largest_element(even), 10));
  lesson.equal({"‖∂s_10/∂s_0‖₂", spectral_norm(grown)}, {"‖W‖₂^10, a bound that holds", std::pow(1.2, 10)}, rounding);

  lesson.say("W = [[0.6, −0.6], [0.6, 0.6]]. Two induced norms, two bounds that hold; one of them says “vanishes”:");
  const Tensor turning = ebb::tensor({{0.6, -0.6}, {0.6, 0.6}}, f64);
  const Tensor faded = ten_steps(turning);
  lesson.show({"‖W‖∞ (rows)", row_sum_norm(turning)});
  lesson.at_most({"‖∂s_10/∂s_0‖∞", row_sum_norm(faded)}, {"‖W‖∞^10", std::pow(row_sum_norm(turning), 10)});
  lesson.show({"‖W‖₂", spectral_norm(turning)});
  lesson.equal({"‖∂s_10/∂s_0‖₂", spectral_norm(faded)}, {"‖W‖₂^10", std::pow(spectral_norm(turning), 10)}, rounding);
}

}  // namespace

void slips_of_the_derivation(Lesson& lesson) {
  slope_of_the_result(lesson);
  immediate_derivative(lesson);
  product_and_outer_sum(lesson);
  which_norm(lesson);
}

}  // namespace article
