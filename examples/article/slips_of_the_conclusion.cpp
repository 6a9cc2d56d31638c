#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "article/network.h"
#include "article/slips.h"
#include "sequence/tasks.h"

namespace article {

namespace {

using ebb::f64;
using ebb::spectral_norm;

// ‖∂s_T/∂s_k‖₂ along the first sequence of a batch, from s_0 = 0.
nn::Transport reach(const nn::Rnn& rnn, const Tensor& x) {
  return nn::transport(rnn, ebb::slice(x, 0, 1, 1), ebb::zeros({1, rnn.W.extent(0)}, f64));
}

// One bit to be kept for ten steps: the first input is 1 or −1, all others are 0, and the last state is asked for it.
struct KeepABit {
  KeepABit() : x(ebb::zeros({10, 2, 1}, f64)), y(ebb::tensor({{1}, {-1}}, f64)) {
    auto first = x.edit<double>();
    first(0, 0, 0) = 1;
    first(0, 1, 0) = -1;
  }

  Tensor x, y;
};

void weights_grow(Lesson& lesson) {
  lesson.section("Slip 5: the weights grow");
  lesson.say("Four tanh units learn to keep one bit for ten steps. Plain gradient descent, rate 0.005, no clipping:");
  const KeepABit task;
  ebb::Rng rng(5);
  const nn::Rnn rnn({.inputs = 1, .hidden = 4, .recurrent_init = nn::orthogonal(0.8), .dtype = f64}, rng);
  const nn::Linear readout({.inputs = 4, .outputs = 1, .dtype = f64}, rng);
  const nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});
  nn::Sgd sgd(parameters, {.learning_rate = 0.005});
  const double before = spectral_norm(rnn.W), old_bound = std::pow(before, 9);
  const auto reached = [&] { return std::exp(reach(rnn, task.x).log_norm[1]); };

  lesson.say("update     loss   λ = ‖W‖₂   ‖∂s_10/∂s_1‖   (γλ)^9");
  for (int update = 0; update <= 300; ++update) {
    Tape tape;
    const Tensor L = nn::mse(readout(rnn(task.x).last()), task.y);
    if (update % 50 == 0) {
      const double lambda = spectral_norm(rnn.W);
      lesson.say(fmt::format("{:>6} {:>8.4f} {:>10.4f} {:>14.4f} {:>8.4f}", update, L.item(), lambda, reached(),
                             std::pow(lambda, 9)));
    }
    if (update < 300) sgd.step(tape.gradients(L, parameters.tensors()));
  }
  lesson.claim("λ has grown, from below 1 to above", before < 1 && spectral_norm(rnn.W) > 1);
  lesson.claim("the last ‖∂s_10/∂s_1‖ is above the bound by the λ of update 0", reached() > old_bound);
  lesson.claim("and below that by its own λ", reached() < std::pow(spectral_norm(rnn.W), 9));
}

// Which of six symbols stands at each step, one-hot: [time, 1, 6].
Tensor symbols(Index time, ebb::Rng& rng) {
  std::vector<std::int64_t> which;
  for (Index t = 0; t < time; ++t) which.push_back(rng.below(6));
  return ebb::one_hot(ebb::from_values(which, {time, 1}), 6, f64);
}

void vanishing_above_one(Lesson& lesson) {
  lesson.section("Slip 6: vanishing above one");
  lesson.say("50 tanh units with weights N(0, 0.1²), 50 steps of random symbols:");
  ebb::Rng rng(1);
  const nn::Rnn rnn(
      {.inputs = 6, .hidden = 50, .input_init = nn::normal(0.1), .recurrent_init = nn::normal(0.1), .dtype = f64}, rng);
  const nn::Transport transport = reach(rnn, symbols(50, rng));
  lesson.show({"γλ", spectral_norm(rnn.W)});
  lesson.say("lag   ‖∂s_50/∂s_k‖   Π‖∂s_j/∂s_{j−1}‖    (γλ)^lag");
  for (const std::size_t lag : {1U, 10U, 20U, 30U, 40U, 49U})
    lesson.say(fmt::format("{:>3} {:>14.2e} {:>18.2e} {:>11.2e}", lag, std::exp(transport.log_norm[50 - lag]),
                           std::exp(transport.log_product[50 - lag]), std::exp(transport.log_bound[50 - lag])));
  lesson.claim("the bound grows", transport.log_bound[1] > std::log(1e4));
  lesson.claim("the gradient vanishes", transport.log_norm[1] < std::log(1e-4));

  lesson.say("One tanh unit, s ← tanh(3s): γλ = 3.");
  Tensor fixed = ebb::tensor({0.9}, f64);
  for (int i = 0; i < 60; ++i) fixed = ebb::tanh(3 * fixed);
  const double factor = 3 * (1 - fixed.item() * fixed.item());
  lesson.say(fmt::format("its fixed point s = {:.6f}", fixed.item()));
  lesson.show({"w σ'(a) = 3 (1 − s²), what one step leaves", factor});
  Tape tape;
  Tensor s = fixed;
  for (int t = 0; t < 10; ++t) s = ebb::tanh(3 * s);
  // 1 − s² has lost two digits, and the tenth power one more.
  lesson.equal({"∂s_10/∂s_0", derivative(tape, s, fixed)[0][0]}, {"(3 (1 − s²))^10", std::pow(factor, 10)}, 1e-11);
  lesson.show({"(γλ)^10", std::pow(3.0, 10)});
  lesson.claim("ten steps leave less than 1e-15", std::pow(factor, 10) < 1e-15);
}

// A logistic network at Pascanu et al.'s initialisation, before their temporal-order task: two of the 20 symbols count.
struct Guessing {
  explicit Guessing(ebb::Rng& rng)
      : rnn({.inputs = 6,
             .hidden = 50,
             .activation = Activation::logistic,
             .input_init = nn::normal(0.01),
             .recurrent_init = nn::normal(0.01),
             .dtype = f64},
            rng),
        readout({.inputs = 50, .outputs = 4, .weight_init = nn::normal(0.01), .dtype = f64}, rng) {
    sequence::RunOptions options;
    options.task = "temporal-order";
    options.time = 20;
    options.batch = 20;
    task = sequence::make_task(options);
  }

  // Loss, and norms of all gradients, of the readout's and of ∂L/∂W, with its parts by step.
  struct Batch {
    double loss, whole, readout, by_W;
    nn::Magnitudes parts;
  };
  Batch next(ebb::Rng& rng) const {
    const sequence::Batch batch = task->next(rng);
    const nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});
    Tape tape;
    const nn::Unrolled run = rnn(ebb::cast(batch.inputs, f64));
    const Tensor L = nn::cross_entropy(readout(run.last()), batch.targets[0]);
    nn::GradientFlow flow(rnn, run, {.contributions = true});
    const std::vector<Tensor> gradients = tape.gradients(L, parameters.tensors(), {.observer = flow.observer()});
    return {L.item(), nn::gradient_norm(gradients), nn::gradient_norm(std::span(gradients).subspan(3)),
            ebb::norm(gradients[1]).item(), flow.contribution};
  }

  nn::Rnn rnn;
  nn::Linear readout;
  std::unique_ptr<sequence::Task> task;
};

void update_remains(Lesson& lesson) {
  lesson.section("Slip 7: the update remains");
  lesson.say("50 logistic units with weights N(0, 0.01²), 20 steps. Which two symbols came, in which order?");
  lesson.say("They stand at lags 16 to 17 and 8 to 9. Means of 50 batches of 20 sequences:");
  ebb::Rng rng(1);
  const Guessing net(rng);
  constexpr int batches = 50;
  double loss = 0, whole = 0, readout = 0, by_W = 0;
  std::vector<double> parts(21);
  for (int i = 0; i < batches; ++i) {
    const Guessing::Batch batch = net.next(rng);
    loss += batch.loss / batches;
    whole += batch.whole / batches;
    readout += batch.readout / batches;
    by_W += batch.by_W / batches;
    for (std::size_t k = 1; k <= 20; ++k) parts[k] += batch.parts[k].value / batches;
  }
  lesson.say(fmt::format("loss                      {:>7.3f}, and ln 4 = {:.3f}", loss, std::log(4.0)));
  lesson.say(fmt::format("norm of the gradient      {:>7.2f}, of which the readout's {:.2f}", whole, readout));
  lesson.say(fmt::format("‖∂L/∂W‖                   {:>7.1e}, and of its parts C_k = ∂L/∂s_k · ∂⁺s_k/∂W:", by_W));
  for (const std::size_t lag : {0U, 1U, 2U, 5U, 8U, 16U})
    lesson.say(fmt::format("  lag {:>2}: ‖C_{}‖{:>{}.1e}", lag, 20 - lag, parts[20 - lag], lag > 10 ? 18 : 17));
  lesson.claim("the loss is that of guessing", std::fabs(loss - std::log(4.0)) < 0.01);
  lesson.claim("the gradient is not small", whole > 0.1);
  lesson.claim("but for 1e-12 of it, W's update comes from lags 0 to 7, where nothing stands that counts",
               parts[12] < 1e-12 * by_W);
}

Network trap() {
  const Tensor W = ebb::tensor({{8, 8}, {-8, -8}}, f64);
  Network net = linear(W, ebb::tensor({0, 0.5}, f64));
  net.activation = Activation::tanh;
  net.b = ebb::tensor({-4, 4 + std::atanh(0.5)}, f64);
  return net;
}

void radius_zero(Lesson& lesson) {
  lesson.section("Slip 8: a spectral radius of zero");
  lesson.say("Two tanh units, W = [[8, 8], [−8, −8]], b = (−4, 4 + atanh ½), at their fixed point s = (0, ½):");
  const Network net = trap();
  lesson.equal({"W²", ebb::matmul(net.W, net.W)}, {"nothing, so all eigenvalues are 0", ebb::zeros({2, 2}, f64)},
               exact);
  // A double eigenvalue moves by the square root of a rounding error.
  lesson.claim("ρ(W) is below 1e-6", ebb::spectral_radius(net.W) < 1e-6);
  lesson.show({"while γ ‖W‖₂", spectral_norm(net.W)});
  Tape tape;
  const std::vector<Tensor> s = net.states(10);
  Tensor actual = ebb::zeros({10}, f64), doubling = ebb::zeros({10}, f64);
  for (std::size_t t = 1; t <= 10; ++t) {
    const auto i = static_cast<Index>(t) - 1;
    actual.edit<double>()[i] = spectral_norm(derivative(tape, s[t], s[0]));
    doubling.edit<double>()[i] = std::sqrt(200.0) * std::ldexp(1.0, static_cast<int>(i));
  }
  lesson.show({"∂s_1/∂s_0", derivative(tape, s[1], s[0])});
  // The fixed point repels: an error of one rounding in s doubles with each step too.
  lesson.equal({"‖∂s_t/∂s_0‖ for t = 1 … 10", actual}, {"√200 · 2^(t−1)", doubling}, 1e-11);
}

}  // namespace

void slips_of_the_conclusion(Lesson& lesson) {
  weights_grow(lesson);
  vanishing_above_one(lesson);
  update_remains(lesson);
  radius_zero(lesson);
}

void what_decides(Lesson& lesson) {
  lesson.section("What decides");
  lesson.say("λ_1 = lim (1/T) ln ‖∂s_T/∂s_0‖: below 0 gradients vanish, above 0 they explode.");
  const auto exponent = [](const Network& net, Index discard) {
    return nn::lyapunov_exponents(net.as_rnn(), net.as_sequence(), ebb::unsqueeze(net.s0, 0),
                                  {.count = 1, .discard = discard})[0];
  };
  Network single = linear(ebb::tensor({{3}}, f64), ebb::tensor({0.9}, f64));
  single.activation = Activation::tanh;
  single.s0 = single.states(20).back();
  const double s = single.s0.item();
  // 1 − s² has lost two digits in the one, and the trap's fixed point repels in the other.
  lesson.equal({"slip 6, s ← tanh(3s): λ_1", exponent(single, 0)}, {"ln 3 (1 − s²)", std::log(3 * (1 - s * s))}, 1e-12);
  Network doubling = trap();
  doubling.x = ebb::slice(doubling.x, 0, 10);
  lesson.equal({"slip 8, W = [[8, 8], [−8, −8]]: λ_1", exponent(doubling, 1)}, {"ln 2", std::log(2.0)}, 1e-11);
}

}  // namespace article
