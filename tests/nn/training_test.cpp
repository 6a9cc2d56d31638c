// Optimisers against their formulas, one number at a time; clipping; and that training learns and repeats.
#include <nn/nn.h>

#include <array>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// Gradients of two parameters at some steps.
Tensor gradient_at(int step, std::uint64_t parameter) {
  return varied({3}, 100 * parameter + static_cast<std::uint64_t>(step));
}

// Runs an optimiser for five steps; then the formula, p ← update(i, p, g), for element i of each parameter.
template <class Optimizer, class Update>
void check_optimizer(Optimizer make, Update make_update) {
  Tensor a = varied({3}, 1), b = varied({3}, 2);
  const std::vector<double> before[] = {elements(a), elements(b)};
  auto optimizer = make(nn::Parameters({{"a", a}, {"b", b}}));
  for (int step = 1; step <= 5; ++step) optimizer.step(std::vector<Tensor>{gradient_at(step, 1), gradient_at(step, 2)});
  const Tensor* after[] = {&a, &b};
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t i = 0; i < 3; ++i) {
      double p = before[k][i];
      auto update = make_update();
      for (int step = 1; step <= 5; ++step) p = update(step, p, elements(gradient_at(step, k + 1))[i]);
      // A handful of roundings a step.
      CHECK(std::fabs(elements(*after[k])[i] - p) < 1e-14);
    }
  CHECK(a.version() > 0);
  CHECK(optimizer.skipped() == 0);
}

}  // namespace

TEST_CASE("training: Sgd is p - rate g") {
  check_optimizer([](const nn::Parameters& p) { return nn::Sgd(p, {.learning_rate = 0.1}); },
                  [] { return [](int, double p, double g) { return p - 0.1 * g; }; });
}

TEST_CASE("training: Sgd with momentum is PyTorch's") {
  check_optimizer([](const nn::Parameters& p) { return nn::Sgd(p, {.learning_rate = 0.1, .momentum = 0.9}); },
                  [] {
                    return [v = 0.0](int, double p, double g) mutable {
                      v = 0.9 * v + g;
                      return p - 0.1 * v;
                    };
                  });
}

TEST_CASE("training: Sgd with Nesterov's momentum looks ahead") {
  check_optimizer(
      [](const nn::Parameters& p) { return nn::Sgd(p, {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}); },
      [] {
        return [v = 0.0](int, double p, double g) mutable {
          v = 0.9 * v + g;
          return p - 0.1 * (g + 0.9 * v);
        };
      });
}

TEST_CASE("training: Adam is algorithm 1 of Kingma and Ba") {
  check_optimizer([](const nn::Parameters& p) { return nn::Adam(p, {.learning_rate = 0.1}); },
                  [] {
                    return [m = 0.0, v = 0.0](int t, double p, double g) mutable {
                      m = 0.9 * m + 0.1 * g;
                      v = 0.999 * v + 0.001 * g * g;
                      const double m_hat = m / (1 - std::pow(0.9, t)), v_hat = v / (1 - std::pow(0.999, t));
                      return p - 0.1 * m_hat / (std::sqrt(v_hat) + 1e-8);
                    };
                  });
}

TEST_CASE("training: options may change between steps") {
  Tensor w = zeros({1}, f64);
  nn::Sgd optimizer({{"w", w}}, {.learning_rate = 0.5});
  optimizer.step(std::vector<Tensor>{ones({1}, f64)});
  optimizer.options.learning_rate = 0.25;
  optimizer.step(std::vector<Tensor>{ones({1}, f64)});
  CHECK(elements(w) == std::vector<double>{-0.75});
}

TEST_CASE("training: an optimiser records nothing and writes what all handles see") {
  Tensor w = varied({3});
  const Tensor same = w;
  nn::Sgd optimizer({{"w", w}}, {.learning_rate = 0.1, .momentum = 0.5});
  Tape tape;
  const Tensor loss = sum(square(w));
  const auto gradients = tape.gradients(loss, {w});
  const Index size = tape.size();
  optimizer.step(gradients);
  CHECK(tape.size() == size);
  CHECK(same.is(w));
  CHECK(same.version() == 1);
}

TEST_CASE("training: gradients that do not fit leave everything as it was") {
  Tensor a = varied({3}, 1), b = varied({2}, 2);
  const Tensor before = detach(a);
  const auto check = [&](auto&& optimizer) {
    const std::vector<Tensor> one = {ones({3}, f64)}, shapes = {ones({3}, f64), ones({3}, f64)},
                              types = {ones({3}, f64), ones({2})};
    check_says(message_of<ShapeError>([&] { optimizer.step(one); }), {"1 gradients", "2 parameters"});
    check_says(message_of<ShapeError>([&] { optimizer.step(shapes); }), {"b", "[3]", "[2]"});
    check_says(message_of<Error>([&] { optimizer.step(types); }), {"b", "float32", "float64"});
  };
  check(nn::Sgd({{"a", a}, {"b", b}}));
  check(nn::Adam({{"a", a}, {"b", b}}));
  CHECK(same_bits(a, before));
}

TEST_CASE("training: options out of range are errors") {
  const nn::Parameters none;
  check_says(message_of<Error>([&] { nn::Sgd(none, {.learning_rate = -1}); }), {"learning rate", "-1"});
  check_says(message_of<Error>([&] { nn::Sgd(none, {.learning_rate = not_a_number}); }), {"learning rate", "nan"});
  check_says(message_of<Error>([&] { nn::Sgd(none, {.momentum = 1}); }), {"momentum"});
  check_says(message_of<Error>([&] { nn::Sgd(none, {.nesterov = true}); }), {"momentum", "Nesterov"});
  check_says(message_of<Error>([&] { nn::Adam(none, {.learning_rate = infinity}); }), {"learning rate"});
  check_says(message_of<Error>([&] { nn::Adam(none, {.beta1 = 1}); }), {"beta1"});
  check_says(message_of<Error>([&] { nn::Adam(none, {.beta2 = -0.1}); }), {"beta2"});
}

TEST_CASE("training: clipping by norm scales all by one factor and returns the norm before") {
  std::vector<Tensor> gradients = {full({4}, 3, f64), full({1, 1}, 8, f64)};  // norm 10
  CHECK(nn::gradient_norm(gradients) == doctest::Approx(10).epsilon(1e-15));
  CHECK(nn::clip_norm(gradients, 20) == doctest::Approx(10).epsilon(1e-15));
  CHECK(elements(gradients[0]) == std::vector<double>(4, 3));
  CHECK(nn::clip_norm(gradients, 1) == doctest::Approx(10).epsilon(1e-15));
  CHECK(nn::gradient_norm(gradients) == doctest::Approx(1).epsilon(1e-15));
  CHECK(distance(gradients[0], full({4}, 0.3, f64)) < 1e-15);
  CHECK(distance(gradients[1], full({1, 1}, 0.8, f64)) < 1e-15);
  CHECK(nn::clip_norm({}, 1) == 0);
  for (const double limit : {0.0, -1.0, not_a_number}) {
    check_says(message_of<Error>([&] { nn::clip_norm(gradients, limit); }), {"limit"});
    check_says(message_of<Error>([&] { nn::clip_value(gradients, limit); }), {"limit"});
  }
}

TEST_CASE("training: clipping by value limits each element") {
  std::vector<Tensor> gradients = {tensor({-3, 0.5, 2}), tensor({-0.25, 7}, f64)};
  nn::clip_value(gradients, 1);
  CHECK(elements(gradients[0]) == std::vector<double>{-1, 0.5, 1});
  CHECK(elements(gradients[1]) == std::vector<double>{-0.25, 1});
}

namespace {

// Trains a small net to say the sign of its first input, five steps later; the losses on the way.
std::vector<double> train(std::uint64_t seed, bool adam) {
  Rng rng(seed);
  const nn::Rnn rnn({.inputs = 1, .hidden = 8}, rng);
  const nn::Linear readout({.inputs = 8, .outputs = 2}, rng);
  const nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});
  nn::Sgd sgd(parameters, {.learning_rate = 0.1, .momentum = 0.9});
  nn::Adam other(parameters, {.learning_rate = 0.02});
  std::vector<double> losses;
  for (int update = 0; update < 150; ++update) {
    const Tensor x = uniform({5, 16, 1}, -1, 1, rng);
    Tape tape;
    const Tensor classes = cast(reshape(x[0], {16}) > 0.0, i64);
    const Tensor loss = nn::cross_entropy(readout(rnn(x).last()), classes);
    std::vector<Tensor> gradients = tape.gradients(loss, parameters.tensors());
    nn::clip_norm(gradients, 1.0);
    if (adam)
      other.step(gradients);
    else
      sgd.step(gradients);
    losses.push_back(loss.item());
  }
  return losses;
}

}  // namespace

TEST_CASE("training: a net learns and the same seed gives the same losses") {
  for (const bool adam : {false, true}) {
    const std::vector<double> losses = train(1, adam);
    CHECK(losses.front() > 0.5);  // ln 2 = 0.69 for guessing
    double last = 0;
    for (std::size_t i = 140; i < 150; ++i) last += losses[i] / 10;
    CHECK(last < 0.25);
    CHECK(losses == train(1, adam));
    CHECK(losses != train(2, adam));
  }
}

TEST_CASE("training: Adam's first step in float32 is the rate, whatever the gradient's size") {
  // By the formulas first = g / |g| but for epsilon, which is 1e-8 of the smallest g here; float32 rounds to 6e-8.
  for (const double g : {1.0, 1e-3, 1e15}) {
    Tensor w = zeros({1});
    nn::Adam adam(nn::Parameters({{"w", w}}), {.learning_rate = 1, .beta2 = 0.99999999, .epsilon = 1e-11});
    adam.step(std::array{full({1}, g)});
    CHECK(w.item() == doctest::Approx(-1).epsilon(1e-6));
  }
}

TEST_CASE("training: a gradient whose square overflows leaves Adam and its parameters untouched") {
  Tensor w = ones({2});
  nn::Adam adam(nn::Parameters({{"w", w}}), {.learning_rate = 0.1});
  CHECK_THROWS_AS(adam.step(std::array{full({2}, 1e20)}), NonFiniteError);
  CHECK(all_close(w, ones({2}), 0));
  adam.step(std::array{ones({2})});
  CHECK(w[0].item() == doctest::Approx(0.9).epsilon(1e-6));
}

TEST_CASE("training: options changed to nonsense are refused at the step") {
  Tensor w = ones({1});
  nn::Sgd sgd(nn::Parameters({{"w", w}}), {.learning_rate = 0.1});
  sgd.options.learning_rate = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(sgd.step(std::array{ones({1})}), Error);
  CHECK(w.item() == 1);
}

TEST_CASE("parameters: a tensor is there once, an undefined one never, and an error adds nothing") {
  const Tensor w = ones({1});
  CHECK_THROWS_AS(nn::Parameters({{"enc", w}, {"dec", w}}), Error);
  CHECK_THROWS_AS(nn::Parameters({{"w", Tensor()}}), Error);
  nn::Parameters p({{"m.b", w}});
  CHECK_THROWS_AS(p.add("m", nn::Parameters({{"a", ones({1})}, {"b", ones({1})}})), Error);
  CHECK(p.names() == std::vector<std::string>{"m.b"});
  CHECK_THROWS_AS(p.add("x", p), Error);
  CHECK(p.count() == 1);
}
