// Recomputation: the same values and gradients as without it, in less memory.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

struct Network {
  Tensor W = varied({3, 3}, 1), b = varied({3}, 2);
  Tensor step(const Tensor& s) const { return tanh(matmul(s, W) + b); }
  Tensor run(Tensor s, Index steps) const {
    for (Index i = 0; i < steps; ++i) s = step(s);
    return s;
  }
};

}  // namespace

TEST_CASE("checkpointed: one record, with what f captured among its inputs") {
  const Network net;
  const Tensor s = varied({2, 3}, 3);
  Tape tape;
  const Tensor y = checkpointed([&](const Tensor& x) { return net.run(x, 4); }, s);
  REQUIRE(tape.size() == 4);
  CHECK(tape[3].op == "checkpointed");
  CHECK(tape.find(net.W) != nullptr);
  CHECK(tape.find(net.b) != nullptr);
}

TEST_CASE("checkpointed: values, gradients, second derivatives and tangents are those of the plain computation") {
  const Network net;
  const Tensor s = varied({2, 3}, 3);
  const auto plain = [&](const Tensor& x) { return net.run(net.run(x, 3), 2); };
  const auto saving = [&](const Tensor& x) {
    const Tensor middle = checkpointed([&](const Tensor& a) { return net.run(a, 3); }, x);
    return checkpointed([&](const Tensor& a) { return net.run(a, 2); }, middle);
  };
  const auto all = [&](const auto& f) {
    std::vector<Tensor> results;
    Tape tape;
    const Tensor y = f(s);
    const Tensor loss = sum(y * y * varied({2, 3}, 4));
    results.push_back(y);
    const auto first = tape.gradients(loss, {s, net.W, net.b}, {.recorded = true});
    results.insert(results.end(), first.begin(), first.end());
    for (const Tensor& g : tape.gradients(sum(square(first[1])) + sum(first[0] * first[2]), {s, net.W, net.b}))
      results.push_back(g);
    results.push_back(tape.jvp(y, {s, net.W}, {varied({2, 3}, 5), varied({3, 3}, 6)}));
    results.push_back(tape.hessian_vector_product(loss, net.W, varied({3, 3}, 7)));
    results.push_back(tape.jvp(y, net.b, varied({3}, 8), {.recorded = true}));
    return results;
  };
  const std::vector<Tensor> expected = all(plain), got = all(saving);
  REQUIRE(expected.size() == got.size());
  // The same operations, added up in another order.
  for (std::size_t i = 0; i < got.size(); ++i) CHECK_MESSAGE(distance(got[i], expected[i]) < 1e-13, i);
}

TEST_CASE("checkpointed: gradients against differences, nested, and with an input that f doesn't use") {
  const Network net;
  const auto f = [&](const Tensor& x, const Tensor& unused) {
    return checkpointed(
        [&](const Tensor& a, const Tensor&) {
          return checkpointed([&](const Tensor& c) { return net.run(c, 2); }, net.step(a)) * a;
        },
        x, unused);
  };
  CHECK(check_gradients(f, varied({2, 3}, 3), varied({2}, 4)).passed);
}

TEST_CASE("checkpointed: a plain sweep leaves the tape as it was, and gives the same bits again") {
  const Network net;
  const Tensor s = varied({2, 3}, 3);
  Tape tape;
  const Tensor y = sum(checkpointed([&](const Tensor& x) { return net.run(x, 3) + ones({3}, f64); }, s));
  const Index size = tape.size();
  const Tensor first = tape.gradient(y, net.W);
  (void)tape.jvp(y, s, s);
  CHECK(tape.size() == size);
  CHECK(same_bits(tape.gradient(y, net.W), first));
}

TEST_CASE("checkpointed: generators give the same numbers again, and then stand where they stood") {
  const Tensor x = varied({50});
  Rng rng(3), kept_by_value(4);
  const auto noisy = [&rng, kept_by_value](const Tensor& a) mutable {
    Rng local(5), copy = rng;  // made inside: nobody's business
    const Tensor dropped = where(uniform({50}, 0, 1, rng, f64) < 0.5, 0.0, a);
    const Tensor scaled = dropped * uniform({50}, 1, 2, kept_by_value, f64) * uniform({50}, 1, 2, local, f64);
    return square(scaled + uniform({50}, 1, 2, copy, f64));
  };
  Tape tape;
  const Tensor y = checkpointed(noisy, x);
  const double next = Rng(rng).uniform();
  const Tensor g = tape.gradient(sum(y), x);
  CHECK(rng.uniform() == next);
  CHECK(elements(g) == elements(tape.gradient(sum(y), x)));

  Rng again(3);
  Tape plain;
  auto repeated = [&again, kept_by_value](const Tensor& a) mutable {
    Rng local(5), copy = again;
    const Tensor dropped = where(uniform({50}, 0, 1, again, f64) < 0.5, 0.0, a);
    const Tensor scaled = dropped * uniform({50}, 1, 2, kept_by_value, f64) * uniform({50}, 1, 2, local, f64);
    return square(scaled + uniform({50}, 1, 2, copy, f64));
  };
  CHECK(distance(plain.gradient(sum(repeated(x)), x), g) < 1e-15);
}

TEST_CASE("checkpointed: a generator that is set within gets its former state back as well") {
  const Tensor x = varied({5});
  Rng rng(3);
  const auto noisy = [&rng](const Tensor& a) {
    const Tensor scaled = a * uniform({5}, 1, 2, rng, f64);
    rng = Rng(8);
    return square(scaled * uniform({5}, 1, 2, rng, f64));
  };
  Tape tape;
  const Tensor y = checkpointed(noisy, x);
  const Rng::State after = rng.state();
  CHECK(distance(tape.gradient(sum(y), x) * x, 2.0 * y) < 1e-14);
  CHECK(rng.state() == after);
}

TEST_CASE("checkpointed: a weight written in between is found") {
  Network net;
  const Tensor s = varied({2, 3}, 3);
  Tape tape;
  const Tensor y = sum(checkpointed([&](const Tensor& x) { return net.run(x, 3); }, s));
  net.b.edit<double>()[0] = 7;
  CHECK_THROWS_AS((void)tape.gradient(y, s), StaleValueError);
}

TEST_CASE("checkpointed: a function that gives other values when run again is found, and the tape stays usable") {
  const Tensor x = varied({3});
  double factor = 2;
  Tape tape;
  const Tensor y = checkpointed([&factor](const Tensor& a) { return factor * square(a); }, x);
  factor = 3;
  const Index size = tape.size();
  check_says(message_of<TapeError>([&] { (void)tape.gradient(y, x, {.seed = x}); }),
             {"[checkpointed]", "other values", "capture by value"});
  CHECK(tape.size() == size);
  factor = 2;
  CHECK(distance(tape.gradient(y, x, {.seed = x}), 4.0 * square(x)) < 1e-15);
}

TEST_CASE("checkpointed: what f put aside has no path back, and a sweep that needs one says so") {
  const Tensor x = varied({3});
  Tensor aside;
  Tape tape;
  const Tensor y = checkpointed(
      [&aside](const Tensor& a) {
        const Tensor middle = exp(a);
        if (!aside.defined()) aside = middle;
        return square(middle);
      },
      x);
  CHECK_THROWS_AS((void)tape.gradient(sum(y * aside), x), TapeError);
  CHECK(distance(tape.gradient(sum(y * detach(aside)), x), 2.0 * y * aside) < 1e-14);
}

TEST_CASE("checkpointed: what f put aside and wrote has no history, inside and outside") {
  const Tensor x = varied({3});
  Tensor aside;
  Tape tape;
  const Tensor y = checkpointed(
      [&aside](const Tensor& a) {
        Tensor middle = exp(a);
        middle.assign(2.0 * middle);
        if (!aside.defined()) aside = middle;
        return a * middle;
      },
      x);
  CHECK(distance(tape.gradient(sum(y), x), aside) < 1e-15);
  CHECK(distance(tape.gradient(sum(y * aside), x), square(aside)) < 1e-14);
  CHECK(distance(tape.jvp(y, x, x), y) < 1e-15);
}

TEST_CASE("checkpointed: an exception from f leaves the tape as it was") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor before = square(x);
  CHECK_THROWS_AS((void)checkpointed([](const Tensor& a) { return reshape(exp(a), Shape{a.size() + 1}); }, x),
                  ShapeError);
  CHECK(tape.size() == 2);
  CHECK(distance(tape.gradient(sum(before), x), 2.0 * x) == 0);
}

TEST_CASE("checkpointed: a function that returns its argument, a view or a constant") {
  const Tensor x = varied({2, 3});
  Tape tape;
  const Tensor same = checkpointed([](const Tensor& a) { return a; }, x);
  const Tensor row = checkpointed([](const Tensor& a) { return a[1]; }, x);
  const Tensor constant = checkpointed([](const Tensor&) { return ones({2}, f64); }, x);
  CHECK(same_bits(tape.gradient(sum(same), x), ones({2, 3}, f64)));
  CHECK(sum(tape.gradient(sum(row), x)).item() == 3);
  CHECK(same_bits(tape.gradient(sum(constant), x), zeros({2, 3}, f64)));
  CHECK(same_bits(tape.gradient(sum(same), same), ones({2, 3}, f64)));
}

TEST_CASE("checkpointed: without a tape it is the function") {
  const Tensor x = varied({3});
  CHECK(same_bits(checkpointed([](const Tensor& a) { return square(a); }, x), square(x)));
}

TEST_CASE("checkpointed: 10⁵ steps train within memory of the order of √T") {
  constexpr Index steps = 100'000, stretch = 316, hidden = 16, batch = 4;
  Rng rng(1);
  const Tensor U = normal({1, hidden}, 0, 0.3, rng), W = normal({hidden, hidden}, 0, 0.2, rng), b = zeros({hidden});
  const Tensor x = normal({steps, batch, 1}, 0, 1, rng);
  release_memory();
  const std::size_t before = detail::system_bytes_held();
  Tape tape;
  Tensor s = zeros({batch, hidden});
  for (Index first = 0; first < steps; first += stretch) {
    const Index last = std::min(first + stretch, steps);
    s = checkpointed(
        [=](Tensor state) {
          for (Index t = first; t < last; ++t) state = rnn_step(x, t, state, U, W, b, Activation::tanh);
          return state;
        },
        s);
  }
  const auto [dW, dU] = tape.gradients(sum(square(s)), {W, U});
  const std::size_t used = detail::system_bytes_held() - before;
  // A state is 256 bytes and a header of 128: all of them would be 38 MB. Twice 316 of them are 0.24 MB; blocks are
  // taken from the system 64 KiB and more at a time.
  CHECK(used < 2'000'000);
  CHECK(std::isfinite(norm(dW).item()));
  CHECK(norm(dU).item() > 0);
}
