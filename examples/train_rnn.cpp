// Train a vanilla RNN on the adding problem and watch its gradients through time.
#include <autograd/autograd.h>
#include <fmt/core.h>
#include <nn/nn.h>

#include <utility>
#include <vector>

namespace nn = ebb::nn;

// Two input channels: a value in [0, 1) and a mark. The target is the sum of the two marked values.
std::pair<ebb::Tensor, ebb::Tensor> adding_problem(ebb::Index time, ebb::Index batch, ebb::Rng& rng) {
  ebb::Tensor x = ebb::zeros({time, batch, 2}), y = ebb::zeros({batch, 1});
  auto input = x.edit<float>();  // writable view; the tensor's version moves on when it ends
  auto target = y.edit<float>();
  for (ebb::Index b = 0; b < batch; ++b) {
    for (ebb::Index t = 0; t < time; ++t) input(t, b, 0) = static_cast<float>(rng.uniform());
    for (ebb::Index mark : {rng.below(time / 2), time / 2 + rng.below(time / 2)}) {
      input(mark, b, 1) = 1.0f;
      target(b, 0) += input(mark, b, 0);
    }
  }
  return {x, y};
}

int main() {
  ebb::Rng rng(7);
  nn::Rnn rnn({.inputs = 2, .hidden = 64, .activation = nn::Activation::tanh, .recurrent_init = nn::orthogonal(1.0)},
              rng);
  nn::Linear readout({.inputs = 64, .outputs = 1}, rng);
  nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});  // rnn.U, rnn.W, rnn.b, readout.W, readout.b
  nn::Sgd optimizer(parameters, {.learning_rate = 0.01, .momentum = 0.9});

  for (int update = 0; update < 500; ++update) {
    auto [x, y] = adding_problem(/*time=*/100, /*batch=*/20, rng);  // x [time, batch, 2], y [batch, 1]

    ebb::Tape tape;
    nn::Unrolled run = rnn(x);  // run.states[k] is s_k, [batch, hidden], for k = 0 (the initial state) to T
    ebb::Tensor loss = nn::mse(readout(run.last()), y);

    nn::GradientFlow flow(rnn, run);  // watches the one sweep below as it passes each state
    std::vector<ebb::Tensor> gradients = tape.gradients(loss, parameters.tensors(), {.observer = flow.observer()});

    const double norm = nn::clip_norm(gradients, 1.0);  // returns the norm before clipping
    optimizer.step(gradients);

    if (update % 100 == 0)
      fmt::print("{:5} loss {:.4f} |g| {:.2e}  |dL/ds_1| {:.2e}  |dL/ds_T| {:.2e}\n", update, loss.item(), norm,
                 flow.state_gradient[1], flow.state_gradient.back());
  }
}
