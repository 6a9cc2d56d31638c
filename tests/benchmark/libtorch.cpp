// The same training step and the same chains of additions on libtorch, in turns with the handwritten program. Prints
// the cells of one column: the name of a row, and what stands there.
//
//   libtorch [--seconds S]    S seconds a size
#include <torch/torch.h>

#include "handwritten_rnn.h"
#include "interleaved.h"
#include "row.h"

namespace {

using namespace ebb::benchmarks;
using torch::Tensor;

// How the states are computed.
enum class Way { ops, hoisted_ops, module };

class Training {
 public:
  Training(const Problem& problem, Way way)
      : way_(way),
        size_(problem.size),
        x_(copy(problem.x, {size_.time, size_.batch, inputs})),
        y_(copy(problem.y, {size_.batch, 1})),
        V_(copy(problem.V, {size_.hidden, 1}).requires_grad_()),
        c_(torch::zeros({1}).requires_grad_()) {
    const Tensor U = copy(problem.U, {inputs, size_.hidden}), W = copy(problem.W, {size_.hidden, size_.hidden}),
                 b = copy(problem.b, {size_.hidden});
    if (way == Way::module) {
      module_ = torch::nn::RNN(torch::nn::RNNOptions(inputs, size_.hidden).nonlinearity(torch::kTanh));
      const torch::NoGradGuard constant;
      const std::vector<Tensor> weights = module_->all_weights();  // U and W transposed, and two biases
      weights[0].copy_(U.t());
      weights[1].copy_(W.t());
      weights[2].copy_(b);
      weights[3].zero_();
      parameters_ = weights;
    } else {
      for (const Tensor& p : {U, W, b}) parameters_.push_back(p.clone().requires_grad_());
    }
    parameters_.push_back(V_);
    parameters_.push_back(c_);
  }

  void step() {
    for (const Tensor& p : parameters_) p.mutable_grad().reset();
    loss_ = torch::mse_loss(torch::addmm(c_, last_state(), V_), y_);
    loss_.backward();
    const torch::NoGradGuard constant;
    for (const Tensor& p : parameters_) p.add_(p.grad(), -learning_rate);
  }

  // Of the last step.
  Sums sums() const {
    const auto sum = [](const Tensor& p) { return p.grad().abs().sum(torch::kDouble).item<double>(); };
    return {loss_.item<double>(), sum(parameters_[0]), sum(parameters_[1]), sum(parameters_[2]), sum(V_), sum(c_)};
  }

 private:
  static Tensor copy(const std::vector<float>& values, torch::IntArrayRef shape) {
    return torch::tensor(values).reshape(shape);
  }

  Tensor last_state() {
    if (way_ == Way::module) return std::get<1>(module_->forward(x_))[0];
    const Tensor &U = parameters_[0], &W = parameters_[1], &b = parameters_[2];
    Tensor s = torch::zeros({size_.batch, size_.hidden});
    if (way_ == Way::ops) {
      for (int t = 0; t < size_.time; ++t) s = torch::tanh(x_[t].mm(U) + s.mm(W) + b);
    } else {
      const auto from_inputs = torch::addmm(b, x_.view({-1, inputs}), U).view({size_.time, size_.batch, -1}).unbind(0);
      for (const Tensor& from_input : from_inputs) s = torch::tanh(torch::addmm(from_input, s, W));
    }
    return s;
  }

  Way way_;
  Size size_;
  Tensor x_, y_, V_, c_, loss_;
  torch::nn::RNN module_{nullptr};
  std::vector<Tensor> parameters_;
};

void cell(const std::string& row, const std::string& value) {
  fmt::print("{} | {}\n", row, value);
  std::fflush(stdout);
}

void compare(const Size& size, double seconds) {
  const Problem problem(size);
  HandwrittenRnn handwritten(problem);
  Training ops(problem, Way::ops), hoisted(problem, Way::hoisted_ops), module(problem, Way::module);
  handwritten.step();
  for (Training* training : {&ops, &hoisted, &module}) {
    training->step();
    require_agreement("libtorch", training->sums(), handwritten.sums());
  }
  const Times times =
      interleaved({[&] { handwritten.step(); }, [&] { ops.step(); }, [&] { hoisted.step(); }, [&] { module.step(); }},
                  {.seconds = seconds});
  const auto value = [&](std::size_t way) {
    return fmt::format("{} ({:.2f})", duration(times.median_of(way)), times.ratio(way, 0));
  };
  cell(step_row(size, "op by op"), value(1));
  cell(step_row(size, "nn::Rnn"), value(times.median_of(2) < times.median_of(3) ? 2 : 3));
}

void add_chain(int elements, int length) {
  const Tensor x = torch::full({elements}, 1e-3f).requires_grad_();
  std::vector<double> forward, backward, end;
  for (int round = 0; round < 5; ++round) {
    const double at_start = seconds_now(Clock::process);
    Tensor y = x;
    for (int k = 0; k < length; ++k) y = y + x;
    const double recorded = seconds_now(Clock::process);
    const Tensor gradient = torch::autograd::grad({y}, {x}, {torch::ones({elements})}, /*retain_graph=*/true)[0];
    const double swept = seconds_now(Clock::process);
    y = Tensor();
    const double at_end = seconds_now(Clock::process);
    forward.push_back((recorded - at_start) / length * 1e9);
    backward.push_back((swept - recorded) / length * 1e9);
    end.push_back((at_end - swept) / length * 1e9);
  }
  cell(add_chain_row(elements, length),
       fmt::format("{:.0f} / {:.0f} / {:.0f} ns", median(forward), median(backward), median(end)));
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  at::set_num_interop_threads(1);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 4;
  for (const Size& size : all_sizes) compare(size, seconds);
  for (int length : {1000, 100'000})
    for (int elements : {1, 16}) add_chain(elements, length);
}
