// How open units are, by hand.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Activation;

namespace {

struct Case {
  Activation activation;
  std::vector<double> states;    // two sequences of two units
  std::vector<double> openness;  // |σ'| / γ of each
};

// A run of these states, as no net need make it.
nn::Unrolled run_of(std::initializer_list<Tensor> states) {
  nn::Unrolled run;
  for (const Tensor& state : states) run.states.push_back(state);
  return run;
}

nn::Rnn make_rnn(Activation activation, DType dtype) {
  Rng rng(1);
  return nn::Rnn({.inputs = 1, .hidden = 2, .activation = activation, .dtype = dtype}, rng);
}

}  // namespace

TEST_CASE("saturation: by hand") {
  const Case cases[] = {
      {Activation::logistic, {0.5, 0.9, 0.01, 0.25}, {1, 0.36, 0.0396, 0.75}},
      {Activation::tanh, {0, -0.6, 0.99, 0.8}, {1, 0.64, 0.0199, 0.36}},
      {Activation::relu, {0, 7, 0.001, 0}, {0, 1, 1, 0}},
      {Activation::identity, {0, -9, 1e9, 3}, {1, 1, 1, 1}},
  };
  for (const DType dtype : {f32, f64})
    for (const Case& c : cases) {
      INFO(name(c.activation));
      const double epsilon = dtype == f32 ? 1e-5 : 1e-13;  // of 1 − 0.99², which cancels
      const Tensor states = cast(from_values(c.states, {2, 2}), dtype), open = zeros({2, 2}, dtype);
      const nn::Rnn rnn = make_rnn(c.activation, dtype);
      const nn::Saturation seen = nn::saturation(rnn, run_of({states, open, states}));
      REQUIRE(seen.mean.size() == 3);
      REQUIRE(seen.shut.size() == 3);
      CHECK(seen.by_unit.shape() == Shape{2, 2});
      CHECK(seen.by_unit.dtype() == f64);
      CHECK(std::isnan(seen.mean[0]));
      CHECK(std::isnan(seen.shut[0]));
      double total = 0, shut = 0;
      for (const double v : c.openness) {
        total += v;
        shut += v < 0.05;
      }
      CHECK(seen.mean[2] == doctest::Approx(total / 4).epsilon(epsilon));
      CHECK(seen.shut[2] == shut / 4);
      for (std::size_t i = 0; i < 2; ++i)
        CHECK(seen.by_unit[1][static_cast<Index>(i)].item() ==
              doctest::Approx((c.openness[i] + c.openness[2 + i]) / 2).epsilon(epsilon));
    }
}

TEST_CASE("saturation: of the run of a net") {
  const nn::Rnn rnn = make_rnn(Activation::tanh, f32);
  const nn::Unrolled run = rnn(varied({5, 3, 1}, 1, f32));
  Tape tape;
  const nn::Saturation seen = nn::saturation(rnn, run);
  CHECK(tape.size() == 0);
  for (std::size_t k = 1; k <= 5; ++k) {
    const Tensor openness = cast(1.0 - square(run.states[k]), f64);
    CHECK(seen.mean[k] == doctest::Approx(mean(openness).item()).epsilon(1e-6));
    CHECK(distance(seen.by_unit[static_cast<Index>(k) - 1], mean(openness, 0)) < 1e-6);
  }
}

TEST_CASE("saturation: no steps, an empty batch and NaN") {
  const nn::Rnn rnn = make_rnn(Activation::tanh, f64);
  const nn::Saturation none = nn::saturation(rnn, run_of({zeros({1, 2}, f64)}));
  CHECK(none.mean.size() == 1);
  CHECK(none.by_unit.shape() == Shape{0, 2});
  const nn::Saturation empty = nn::saturation(rnn, run_of({zeros({0, 2}, f64), zeros({0, 2}, f64)}));
  CHECK(std::isnan(empty.mean[1]));
  CHECK(std::isnan(empty.shut[1]));
  CHECK(std::isnan(empty.by_unit[0][0].item()));
  const nn::Saturation lost = nn::saturation(rnn, run_of({zeros({1, 2}, f64), tensor({{0, not_a_number}}, f64)}));
  CHECK(std::isnan(lost.mean[1]));
  CHECK(lost.by_unit[0][0].item() == 1);
  CHECK(std::isnan(lost.by_unit[0][1].item()));
}
