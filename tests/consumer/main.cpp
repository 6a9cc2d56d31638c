// Uses every public header's types from outside, with all warnings on.
#include <autograd/autograd.h>
#include <fmt/core.h>
#include <nn/nn.h>

struct Cube {
  static constexpr auto name = "cube";
  static auto value(auto x) { return x * x * x; }
  static auto derivative(auto x, auto) { return 3.0 * x * x; }
};

int main() {
  ebb::Rng rng(1);
  const ebb::nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  const ebb::nn::Linear readout({.inputs = 3, .outputs = 1}, rng);
  const ebb::nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});
  ebb::nn::Sgd optimizer(parameters, {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});

  ebb::Tape tape;
  const ebb::nn::Unrolled run = rnn(ebb::normal({4, 5, 2}, 0, 1, rng));
  const ebb::Tensor loss = ebb::mean(ebb::elementwise<Cube>(readout(run.outputs())));
  ebb::nn::GradientFlow flow(rnn, run, {.contributions = true});
  std::vector<ebb::Tensor> gradients = tape.gradients(loss, parameters.tensors(), {.observer = flow.observer()});
  ebb::nn::clip_norm(gradients, 1.0);
  optimizer.step(gradients);

  const auto cube = [](const ebb::Tensor& x) { return ebb::elementwise<Cube>(x); };
  const ebb::GradientCheck check = ebb::check_gradients(cube, ebb::linspace(-1, 1, 5, ebb::f64));
  fmt::print("{}\n{:.2e} {}\n", check, flow.state_gradient[1], loss);
  return check.passed && flow.state_gradient[1] > 0 ? 0 : 1;
}
