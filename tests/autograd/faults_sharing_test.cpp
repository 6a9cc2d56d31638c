// Faults that must be survived, 8 to 8c: what threads, callers and steps share.
#include <nn/nn.h>

#include <thread>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// A tape of its own over shared parameters.
std::vector<Tensor> swept(const nn::Rnn& rnn, const Tensor& x) {
  Tape tape;
  const Tensor loss = sum(square(rnn(x).last()));
  const nn::Parameters parameters = rnn.parameters();
  return tape.gradients(loss, parameters.tensors());
}

}  // namespace

TEST_CASE("faults 8: two threads each run a tape over shared parameters") {
  Rng rng(4);
  const nn::Rnn rnn({.inputs = 4, .hidden = 9}, rng);
  const Tensor x = varied({20, 3, 4}, 5, f32);
  const std::vector<Tensor> expected = swept(rnn, x);
  std::vector<Tensor> results[2];
  {
    std::vector<std::thread> threads;
    for (std::vector<Tensor>& result : results)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) result = swept(rnn, x);
      });
    for (std::thread& thread : threads) thread.join();
  }
  for (const std::vector<Tensor>& result : results)
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(same_bits(result[i], expected[i]));
}

TEST_CASE("faults 8a: two threads may be the first to use a shared parameter") {
  Rng rng(6);
  const nn::Rnn rnn({.inputs = 4, .hidden = 9}, rng);
  const Tensor x = normal({20, 3, 4}, 0, 1, rng);
  std::vector<Tensor> results[2];
  {
    std::vector<std::thread> threads;
    for (std::vector<Tensor>& result : results) threads.emplace_back([&] { result = swept(rnn, x); });
    for (std::thread& thread : threads) thread.join();
  }
  const std::vector<Tensor> expected = swept(rnn, x);
  for (const std::vector<Tensor>& result : results)
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(same_bits(result[i], expected[i]));
}

TEST_CASE("faults 8a: two threads may be the first to multiply by a matrix, as it is and transposed") {
  for (int time = 0; time < 20; ++time) {
    const Tensor w = varied({17, 17}, 6), a = varied({5, 17}, 7);
    Tensor results[2][3];
    {
      std::vector<std::thread> threads;
      for (auto& of_thread : results)
        threads.emplace_back([&] {
          for (Tensor& result : of_thread) result = matmul(a, w) + matmul(a, w, {.transpose_b = true});
        });
      for (std::thread& thread : threads) thread.join();
    }
    for (const auto& of_thread : results)
      for (const Tensor& result : of_thread) CHECK(same_bits(result, results[0][0]));
  }
}

TEST_CASE("faults 8a: tensors may die on another thread or after their thread") {
  release_memory();
  const std::size_t before = detail::system_bytes_held();
  {
    std::vector<Tensor> made;
    std::thread([&] {
      for (int i = 0; i < 100; ++i) made.push_back(full({1000}, i));
      made.push_back(made[7][0]);  // a view
    }).join();
    CHECK(made[99].values<float>()[999] == 99);
    CHECK(made[100].item() == 7);
    std::thread([dying = std::move(made)]() mutable { dying.clear(); }).join();
    const Tensor outlives = ones({10});
    std::thread([copy = outlives]() mutable { copy = copy * 2.0; }).join();
    CHECK(outlives.values<float>()[0] == 1);
  }
  release_memory();
  CHECK(detail::system_bytes_held() == before);
}

TEST_CASE("faults 8a: what a thread's tape computed is a source on another thread's, and may outlive both") {
  const Tensor x = varied({4, 5}, 1), w = varied({4, 5}, 2);
  Tensor state, gradient;
  std::thread([&] {
    Tape tape;
    state = tanh(x);
  }).join();
  std::thread([&] {
    Tape tape;
    const Tensor last = state[-1];
    gradient = tape.gradient(sum(state * w) + sum(last), state);
    state = Tensor();
  }).join();
  Tensor expected = detach(w);
  for (Index j = 0; j < 5; ++j) expected.edit<double>()(3, j) += 1;
  CHECK(same_bits(gradient, expected));
}

TEST_CASE("faults 8a: handles and views of one tensor come and go on several threads") {
  const Tensor shared = varied({3, 4}, 1);
  {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 3; ++thread)
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          const Tensor copy = shared, view = copy[i % 3], part = slice(shared, 1, 3);
          Tape tape;
          (void)(view + part);
        }
      });
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(detail::unique(shared));
}

TEST_CASE("faults 8b: gradients that the caller changes are the caller's own") {
  const Tensor a = varied({3}, 1), b = varied({3}, 2), seed = varied({3}, 3), seed_before = detach(seed);
  Tape tape;
  std::vector<Tensor> gradients = tape.gradients(sum(a + b), std::vector<Tensor>{a, b});
  const Tensor second = detach(gradients[1]);
  nn::clip_norm(std::span(gradients).first(1), 0.1);
  CHECK(same_bits(gradients[1], second));
  std::vector<Tensor> seeded = tape.gradients(a + b, std::vector<Tensor>{a, b}, {.seed = seed});
  nn::clip_value(seeded, 0.01);
  CHECK(same_bits(seed, seed_before));
  // And the other way: a seed that is clipped afterwards.
  for (const bool recorded : {false, true}) {
    std::vector<Tensor> seeds = {detach(seed)};
    const auto [of_a, of_y] = [&] {
      const Tensor y = a + b;
      return tape.gradients(y, {a, y}, {.recorded = recorded, .seed = seeds[0]});
    }();
    nn::clip_value(seeds, 0.01);
    CHECK(distance(of_a, seed_before) == 0);
    CHECK(distance(of_y, seed_before) == 0);
  }
}

TEST_CASE("faults 8c: a scalar kept from each of ten thousand steps keeps under 10 MB") {
  const Tensor x = ones({64, 64});
  std::vector<Tensor> losses;
  losses.reserve(10000);
  std::size_t after_one = 0;
  for (int step = 0; step < 10000; ++step) {
    Tape tape;
    losses.push_back(sum(tanh(x * 0.5)));
    if (step == 0) after_one = detail::system_bytes_held();
  }
  CHECK(detail::system_bytes_held() - after_one < 10000000);
  CHECK(losses[0].item() == losses[9999].item());
}
