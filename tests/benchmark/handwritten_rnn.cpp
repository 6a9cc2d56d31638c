#include "handwritten_rnn.h"

#include <algorithm>

#include "handwritten_kernels.h"

namespace ebb::benchmarks {
namespace {

using handwritten::Buffer;
using handwritten::Into;
using handwritten::Packed;

constexpr int block_rows = 256;  // of the product over all time steps

Buffer copy(std::span<const float> values) {
  Buffer result(values.size());
  std::copy(values.begin(), values.end(), result.get());
  return result;
}

std::size_t product_of(int a, int b, int c = 1) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

// p −= rate · g
void descend(const Buffer& parameter, const Buffer& gradient, std::size_t size) {
  float* __restrict p = parameter.get();
  const float* __restrict g = gradient.get();
  for (std::size_t i = 0; i < size; ++i) p[i] -= learning_rate * g[i];
}

void clear(const Buffer& buffer, std::size_t size) { std::fill_n(buffer.get(), size, 0.0f); }

}  // namespace

struct HandwrittenRnn::State {
  explicit State(const Problem& problem)
      : time(problem.size.time),
        batch(problem.size.batch),
        hidden(problem.size.hidden),
        x(copy(problem.x)),
        y(copy(problem.y)),
        U(copy(problem.U)),
        W(copy(problem.W)),
        b(copy(problem.b)),
        V(copy(problem.V)) {}

  void forward();
  void read_out();
  void backward();
  void update();

  // s_{t+1}, the state after the step that reads x[t]; and ∂L/∂a of the same step, a what goes into tanh.
  float* state(int t) const { return states.get() + product_of(t, batch, hidden); }
  float* delta(int t) const { return deltas.get() + product_of(t, batch, hidden); }
  const float* input(int t, int i) const { return x.get() + (product_of(t, batch) + static_cast<std::size_t>(i)) * 2; }

  int time, batch, hidden;
  Buffer x, y;
  Buffer U, W, b, V;
  float c = 0;
  Buffer states{product_of(time, batch, hidden)}, deltas{product_of(time, batch, hidden)};
  Buffer state_gradient{product_of(batch, hidden)};
  Packed packed_W{hidden, hidden}, packed_W_transposed{hidden, hidden}, packed_block{block_rows, hidden};
  Buffer dU{product_of(inputs, hidden)}, dW{product_of(hidden, hidden)}, db{product_of(hidden, 1)},
      dV{product_of(hidden, 1)};
  float dc = 0, loss = 0;
};

void HandwrittenRnn::State::forward() {
  packed_W.pack(handwritten::rows(W.get(), hidden), hidden);
  packed_W_transposed.pack(handwritten::transposed(W.get(), hidden), hidden);
  const int n = batch * hidden;
  const float* __restrict u0 = U.get();
  const float* __restrict u1 = U.get() + hidden;
  const float* __restrict bias = b.get();
  for (int t = 0; t < time; ++t) {
    float* __restrict s = state(t);
    for (int i = 0; i < batch; ++i) {
      const float x0 = input(t, i)[0], x1 = input(t, i)[1];
      float* __restrict row = s + i * hidden;
      for (int j = 0; j < hidden; ++j) row[j] = bias[j] + x0 * u0[j] + x1 * u1[j];
    }
    if (t > 0) product(batch, handwritten::rows(state(t - 1), hidden), packed_W, s, hidden, Into::add);
    for (int i = 0; i < n; ++i) s[i] = handwritten::tanh(s[i]);
  }
}

// The loss, and its gradient with respect to V, c and the last state.
void HandwrittenRnn::State::read_out() {
  loss = dc = 0;
  clear(dV, product_of(hidden, 1));
  const float* last = state(time - 1);
  for (int i = 0; i < batch; ++i) {
    float prediction = c;
    for (int j = 0; j < hidden; ++j) prediction += last[i * hidden + j] * V.get()[j];
    const float error = prediction - y.get()[i], g = 2 * error / static_cast<float>(batch);
    loss += error * error / static_cast<float>(batch);
    dc += g;
    for (int j = 0; j < hidden; ++j) dV.get()[j] += g * last[i * hidden + j];
    for (int j = 0; j < hidden; ++j) state_gradient.get()[i * hidden + j] = g * V.get()[j];
  }
}

void HandwrittenRnn::State::backward() {
  const int n = batch * hidden;
  clear(dU, product_of(inputs, hidden));
  clear(db, product_of(hidden, 1));
  float* __restrict du0 = dU.get();
  float* __restrict du1 = dU.get() + hidden;
  float* __restrict dbias = db.get();
  for (int t = time - 1; t >= 0; --t) {
    float* __restrict a = delta(t);
    const float* __restrict s = state(t);
    const float* __restrict g = state_gradient.get();
    for (int i = 0; i < n; ++i) a[i] = g[i] * (1.0f - s[i] * s[i]);
    for (int i = 0; i < batch; ++i) {
      const float x0 = input(t, i)[0], x1 = input(t, i)[1];
      for (int j = 0; j < hidden; ++j) {
        const float d = a[i * hidden + j];
        dbias[j] += d;
        du0[j] += x0 * d;
        du1[j] += x1 * d;
      }
    }
    if (t > 0)
      product(batch, handwritten::rows(a, hidden), packed_W_transposed, state_gradient.get(), hidden, Into::replace);
  }
  product_over_rows((time - 1) * batch, hidden, hidden, state(0), delta(1), packed_block, block_rows, dW.get());
}

void HandwrittenRnn::State::update() {
  descend(U, dU, product_of(inputs, hidden));
  descend(W, dW, product_of(hidden, hidden));
  descend(b, db, product_of(hidden, 1));
  descend(V, dV, product_of(hidden, 1));
  c -= learning_rate * dc;
}

HandwrittenRnn::HandwrittenRnn(const Problem& problem) : state_(std::make_unique<State>(problem)) {}
HandwrittenRnn::~HandwrittenRnn() = default;

void HandwrittenRnn::step() {
  state_->forward();
  state_->read_out();
  state_->backward();
  state_->update();
}

Sums HandwrittenRnn::sums() const {
  const auto hidden = static_cast<std::size_t>(state_->hidden);
  const auto sum = [](const Buffer& buffer, std::size_t size) {
    return sum_of_magnitudes(std::span<const float>(buffer.get(), size));
  };
  return {state_->loss,
          sum(state_->dU, inputs * hidden),
          sum(state_->dW, hidden * hidden),
          sum(state_->db, hidden),
          sum(state_->dV, hidden),
          std::fabs(state_->dc)};
}

const char* HandwrittenRnn::instruction_set() {
  return handwritten::lanes == 16 ? "x86-64-v4" : handwritten::lanes == 8 ? "x86-64-v3" : "portable";
}

}  // namespace ebb::benchmarks
