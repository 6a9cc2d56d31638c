// What every program here computes: mean squared error of a linear read-out of the last state of a vanilla tanh
// network, on random data. The same numbers for all, so that losses and gradients can be compared before times are.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <vector>

namespace ebb::benchmarks {

constexpr int inputs = 2;
constexpr float learning_rate = 1e-5f;

struct Size {
  int time, batch, hidden;
};

constexpr Size all_sizes[] = {{100, 1, 16},   {100, 20, 50},  {100, 32, 128},
                              {200, 64, 256}, {784, 32, 128}, {1000, 16, 512}};

// Xorshift: uniform in [0, 1).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  double next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<double>(state_ >> 11) * 0x1p-53;
  }
  std::vector<float> uniform(std::size_t count, double low, double high) {
    std::vector<float> result(count);
    for (float& x : result) x = static_cast<float>(low + (high - low) * next());
    return result;
  }

 private:
  std::uint64_t state_;
};

// s_k = tanh(x_k U + s_{k−1} W + b), prediction = s_T V + c, all row-major; c starts at 0.
struct Problem {
  explicit Problem(const Size& s) : size(s) {
    Numbers numbers(12345);
    const auto time = static_cast<std::size_t>(s.time), batch = static_cast<std::size_t>(s.batch),
               hidden = static_cast<std::size_t>(s.hidden);
    const double bound = 1 / std::sqrt(static_cast<double>(s.hidden));
    x = numbers.uniform(time * batch * inputs, 0, 1);
    y = numbers.uniform(batch, 0, 2);
    U = numbers.uniform(inputs * hidden, -bound, bound);
    W = numbers.uniform(hidden * hidden, -bound, bound);
    b = numbers.uniform(hidden, -bound, bound);
    V = numbers.uniform(hidden, -bound, bound);
  }

  Size size;
  std::vector<float> x;           // [time, batch, inputs]
  std::vector<float> y;           // [batch]
  std::vector<float> U, W, b, V;  // [inputs, hidden], [hidden, hidden], [hidden], [hidden]
};

inline double sum_of_magnitudes(std::span<const float> values) {
  double sum = 0;
  for (float x : values) sum += std::fabs(static_cast<double>(x));
  return sum;
}

// What two programs have to agree on: the loss, and Σ|∂L/∂p| of each parameter.
struct Sums {
  double loss, U, W, b, V, c;
};

// The largest relative difference.
inline double distance(const Sums& ours, const Sums& theirs) {
  double worst = 0;
  for (double Sums::*of : {&Sums::loss, &Sums::U, &Sums::W, &Sums::b, &Sums::V, &Sums::c}) {
    const double difference = std::fabs(ours.*of - theirs.*of) / std::fabs(theirs.*of);
    if (!(difference <= worst)) worst = difference;  // a NaN stays
  }
  return worst;
}

// Ends the program unless both agree to six digits: otherwise their times mean nothing.
inline void require_agreement(const char* name, const Sums& ours, const Sums& theirs) {
  const double apart = distance(ours, theirs);
  if (apart <= 1e-6) return;
  std::fprintf(stderr, "%s: loss or gradients differ by %.1e from those of the handwritten program; not timed\n", name,
               apart);
  for (const Sums& s : {ours, theirs})
    std::fprintf(stderr, "  loss %.8g, sums |dU| %.8g, |dW| %.8g, |db| %.8g, |dV| %.8g, |dc| %.8g\n", s.loss, s.U, s.W,
                 s.b, s.V, s.c);
  std::exit(1);
}

}  // namespace ebb::benchmarks
