// Recurrent steps that a sweep passes along a chain: what comes out is what their ops give one by one, whatever the
// chain meets on its way.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

struct Parameters {
  Tensor x, s, U, W, b;
};

// In float64.
Parameters parameters(Index time, Index batch, Index inputs = 2, Index hidden = 5) {
  return {varied({time, batch, inputs}, 1), varied({batch, hidden}, 2), 0.5 * varied({inputs, hidden}, 3),
          0.4 * varied({hidden, hidden}, 4), varied({hidden}, 5)};
}

Tensor activated(Activation activation, const Tensor& a) {
  return activation == Activation::tanh       ? tanh(a)
         : activation == Activation::logistic ? sigmoid(a)
         : activation == Activation::relu     ? relu(a)
                                              : a;
}

// The states of a run whose step t has activation(t) and weights(t).
template <class ActivationAt, class WeightsAt>
std::vector<Tensor> by_steps(const Parameters& p, ActivationAt activation, WeightsAt weights) {
  std::vector<Tensor> states{p.s};
  for (Index t = 0; t < p.x.extent(0); ++t)
    states.push_back(rnn_step(p.x, t, states.back(), p.U, weights(t), p.b, activation(t)));
  return states;
}
template <class ActivationAt, class WeightsAt>
std::vector<Tensor> by_ops(const Parameters& p, ActivationAt activation, WeightsAt weights) {
  std::vector<Tensor> states{p.s};
  for (Index t = 0; t < p.x.extent(0); ++t)
    states.push_back(activated(
        activation(t), matmul(p.x[t], p.U) + matmul(states.back(), weights(t)) + broadcast_to(p.b, p.s.shape())));
  return states;
}

// The gradients of everything that there is, for a loss that looks at the last state and two others.
std::vector<Tensor> gradients_of(Tape& tape, const Parameters& p, const std::vector<Tensor>& states) {
  const std::size_t last = states.size() - 1;
  const Tensor loss =
      sum(states[last] * cast(varied(p.s.shape(), 6), p.s.dtype())) + mean(square(states[last / 2])) + sum(states[1]);
  const std::vector<Tensor> asked{p.x, p.s, p.U, p.W, p.b, states[last / 3], states[last / 2], states[last]};
  return tape.gradients(loss, asked);
}

template <class ActivationAt, class WeightsAt>
void check_alike(const Parameters& p, ActivationAt activation, WeightsAt weights, double tolerance = 1e-12) {
  std::vector<Tensor> of_steps, of_ops;
  {
    Tape tape;
    of_steps = gradients_of(tape, p, by_steps(p, activation, weights));
  }
  Tape tape;
  of_ops = gradients_of(tape, p, by_ops(p, activation, weights));
  for (std::size_t i = 0; i < of_ops.size(); ++i)
    CHECK_MESSAGE(distance(of_steps[i], of_ops[i]) < tolerance, "asked " << i);
}

constexpr Activation all[] = {Activation::tanh, Activation::logistic, Activation::relu, Activation::identity};

}  // namespace

TEST_CASE("chain: a run's gradients are those of its ops, however many rows there are to gather") {
  // Gathered are 256 rows at a time: more than that in all, a number that doesn't divide it, and more at a single step.
  for (const auto& [time, batch] : {std::pair<Index, Index>{1, 1}, {2, 3}, {300, 1}, {60, 7}, {3, 256}, {3, 300}})
    for (const Activation activation : all) {
      const Parameters p = parameters(time, batch);
      const std::string size = fmt::format("{} steps of {} rows", time, batch);
      CAPTURE(size);
      check_alike(
          p, [&](Index) { return activation; }, [&](Index) { return p.W; });
    }
}

TEST_CASE("chain: steps of different activations and weights follow each other") {
  const Parameters p = parameters(40, 3);
  const Tensor other = 0.3 * varied(p.W.shape(), 9);
  check_alike(
      p, [](Index t) { return all[t % 4]; }, [&](Index) { return p.W; });
  check_alike(
      p, [](Index) { return Activation::tanh; }, [&](Index t) { return t % 7 < 5 ? p.W : other; });
}

TEST_CASE("chain: an observer sees each state's gradient, once, last to first, and may keep them all") {
  const Parameters p = parameters(20, 2);
  Tape tape;
  const std::vector<Tensor> states = by_steps(
      p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
  const Tensor loss = sum(states.back()) + sum(square(states[7]));
  std::vector<std::pair<std::uint32_t, Tensor>> seen;
  const Tensor by_W = tape.gradient(
      loss, p.W, {.observer = [&](const Record& record, const Tensor& g) { seen.emplace_back(record.index, g); }});
  CHECK(same_bits(by_W, tape.gradient(loss, p.W)));
  std::size_t found = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (i > 0) CHECK(seen[i].first < seen[i - 1].first);
    for (std::size_t k = 1; k < states.size(); ++k) {
      if (tape.find(states[k])->index != seen[i].first) continue;
      ++found;
      CHECK(same_bits(seen[i].second, tape.gradient(loss, states[k])));
    }
  }
  CHECK(found == states.size() - 1);
}

TEST_CASE("chain: an observer may sweep the same tape in the middle of it") {
  const Parameters p = parameters(12, 2);
  Tape tape;
  const std::vector<Tensor> states = by_steps(
      p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
  const Tensor loss = sum(states.back());
  const Tensor alone = tape.gradient(loss, p.W);
  const auto busy = [&](const Record&, const Tensor&) { CHECK(same_bits(tape.gradient(loss, p.W), alone)); };
  CHECK(same_bits(tape.gradient(loss, p.W, {.observer = busy}), alone));
}

TEST_CASE("chain: what was written meanwhile is refused where the derivative reads it, and only there") {
  Parameters p = parameters(6, 2);
  Tape tape;
  const std::vector<Tensor> states = by_steps(
      p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
  const Tensor loss = sum(states.back());
  const Tensor by_s = tape.gradient(loss, p.s);
  p.x.assign(p.x * 2.0);  // ∂U alone reads it
  CHECK(same_bits(tape.gradient(loss, p.s), by_s));
  CHECK_THROWS_AS((void)tape.gradient(loss, p.U), StaleValueError);
}

TEST_CASE("chain: what an observer writes is refused where what comes after reads it, up to the end") {
  for (const auto& [at, what, asked] :
       {std::tuple{3, 'W', 's'}, {3, 'x', 'U'}, {1, 'x', 'U'}, {1, 's', 'W'}, {3, 'U', 'x'}, {3, '3', 'W'}}) {
    Parameters p = parameters(6, 2);
    Tape tape;
    std::vector<Tensor> states = by_steps(
        p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
    const auto named = [&](char name) -> Tensor& {
      return name == 'x' ? p.x : name == 's' ? p.s : name == 'U' ? p.U : name == 'W' ? p.W : states[3];
    };
    const std::uint32_t place = tape.find(states[static_cast<std::size_t>(at)])->index;
    const Observer writes = [&, name = what](const Record& record, const Tensor&) {
      if (record.index == place) named(name).assign(named(name) * 2.0);
    };
    const std::string written = fmt::format("{} at step {}", what, at);
    CAPTURE(written);
    CHECK_THROWS_AS((void)tape.gradient(sum(states.back()), named(asked), {.observer = writes}), StaleValueError);
  }
}

TEST_CASE("chain: an observer that throws leaves everything as it was") {
  const Parameters p = parameters(20, 20);
  Tape tape;
  const std::vector<Tensor> states = by_steps(
      p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
  const Tensor loss = sum(states.back()), before = tape.gradient(loss, p.W);
  const std::uint32_t place = tape.find(states[4])->index;
  const Observer thrower = [&](const Record& record, const Tensor&) {
    if (record.index == place) throw std::runtime_error("stop");
  };
  CHECK_THROWS_AS((void)tape.gradient(loss, p.W, {.observer = thrower}), std::runtime_error);
  CHECK(same_bits(tape.gradient(loss, p.W), before));
}

TEST_CASE("chain: a tape that an observer leaves behind records nothing of the sweep") {
  const Parameters p = parameters(5, 2);
  Tape tape;
  const std::vector<Tensor> states = by_steps(
      p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; });
  std::vector<std::unique_ptr<Tape>> left;
  const Observer leaves = [&](const Record&, const Tensor&) { left.push_back(std::make_unique<Tape>()); };
  (void)tape.gradient(sum(states.back()), p.W, {.observer = leaves});
  CHECK(left.size() > 5);
  for (const auto& one : left) CHECK(one->size() == 0);
  CHECK(Tape::current() == &tape);
  while (!left.empty()) left.pop_back();
}

TEST_CASE("chain: steps in float32") {
  for (const auto& [time, batch] : {std::pair<Index, Index>{300, 1}, {60, 7}}) {
    const Parameters p = parameters(time, batch);
    const Parameters f{cast(p.x, f32), cast(p.s, f32), cast(p.U, f32), cast(p.W, f32), cast(p.b, f32)};
    // Sums of 300 and 420 terms, in another order.
    check_alike(
        f, [](Index) { return Activation::tanh; }, [&](Index) { return f.W; }, 3e-5);
  }
}

TEST_CASE("chain: two layers step by step, each a chain of one at a time") {
  const Parameters p = parameters(12, 3, 5, 5);
  const auto gradients = [&](bool fused) {
    Tape tape;
    const auto step = [&](const Tensor& x, const Tensor& s, const Tensor& U, const Tensor& W) {
      return fused ? rnn_step(reshape(x, {1, 3, 5}), 0, s, U, W, p.b, Activation::tanh)
                   : tanh(matmul(x, U) + matmul(s, W) + p.b);
    };
    Tensor lower = p.s, upper = p.s;
    for (Index t = 0; t < 12; ++t) {
      lower = step(p.x[t], lower, p.U, p.W);
      upper = step(lower, upper, p.W, p.U);
    }
    return tape.gradients(sum(square(upper)), {p.x, p.s, p.U, p.W, p.b});
  };
  const auto of_steps = gradients(true), of_ops = gradients(false);
  for (std::size_t i = 0; i < of_ops.size(); ++i) CHECK(distance(of_steps[i], of_ops[i]) < 1e-12);
}

TEST_CASE("chain: a step that fails leaves its state off the tape") {
  const Parameters p = parameters(2, 2);
  Tape tape({.check_finite = true});
  const Index before = tape.size();
  const auto run = [&] {
    return rnn(p.x, full({2, 5}, 1e308, f64), p.U, full({5, 5}, 3, f64), p.b, Activation::identity);
  };
  CHECK_THROWS_AS((void)run(), NonFiniteError);
  CHECK(tape.size() == before);
}

TEST_CASE("chain: thousands of training steps hold no more memory than the first ones") {
  Rng rng(1);
  const nn::Rnn cell({.inputs = 2, .hidden = 16}, rng);
  const nn::Parameters parameters = cell.parameters();
  nn::Sgd optimizer(parameters, {.learning_rate = 1e-3});
  const Tensor x = varied({20, 4, 2}, 1, f32);
  const auto train = [&](int updates) {
    for (int update = 0; update < updates; ++update) {
      Tape tape;
      const Tensor loss = mean(square(cell(x).last()));
      optimizer.step(tape.gradients(loss, parameters.tensors()));
    }
    return detail::system_bytes_held();
  };
  const std::size_t after_a_few = train(10);
  CHECK(train(3000) == after_a_few);
}

TEST_CASE("chain: a whole run is its steps one by one, on a tape, on another and on none") {
  const Parameters p = parameters(6, 3);
  for (const Activation activation : all) {
    const auto steps = [&] {
      return by_steps(
          p, [&](Index) { return activation; }, [&](Index) { return p.W; });
    };
    const auto run = [&] { return rnn(p.x, p.s, p.U, p.W, p.b, activation); };
    const States without_tape = run();
    std::vector<Tensor> of_run, of_steps;
    for (int tapes = 0; tapes < 2; ++tapes) {
      Tape tape;
      const States states = run();
      REQUIRE(states.size() == 7);
      CHECK(states[0].is(p.s));
      for (std::size_t k = 0; k < 7; ++k) CHECK(same_bits(states[k], without_tape[k]));
      of_run = gradients_of(tape, p, {states.begin(), states.end()});
    }
    {
      Tape tape;
      of_steps = gradients_of(tape, p, steps());
    }
    for (std::size_t i = 0; i < of_run.size(); ++i) CHECK(same_bits(of_run[i], of_steps[i]));
  }
  CHECK(rnn(zeros({0, 3, 2}, f64), p.s, p.U, p.W, p.b, Activation::tanh).size() == 1);
  check_says(message_of<ShapeError>([&] {
               (void)rnn(p.x, varied({2, 5}), p.U, p.W, p.b, Activation::tanh);
             }),
             {"[rnn] the state [2, 5] doesn't fit x [6, 3, 2]"});
  check_says(message_of<ShapeError>([&] { (void)rnn(p.x, p.s, p.W, p.W, p.b, Activation::tanh); }),
             {"[rnn] shapes don't fit"});
}

TEST_CASE("chain: runs of different batches with the same parameters add up") {
  // Behind 10 rows of one run come 35 times 7 of the other, and then there is no room for 7 more.
  const Parameters a = parameters(40, 7), b = parameters(2, 5);
  const auto gradients = [&](auto run) {
    Tape tape;
    const std::vector<Tensor> first = run(a), second = run({b.x, b.s, a.U, a.W, a.b});
    return tape.gradients(sum(first.back()) + sum(square(second.back())), {a.U, a.W, a.b});
  };
  const auto tanh_at = [](Index) { return Activation::tanh; };
  const auto of_steps =
      gradients([&](const Parameters& p) { return by_steps(p, tanh_at, [&](Index) { return p.W; }); });
  const auto of_ops = gradients([&](const Parameters& p) { return by_ops(p, tanh_at, [&](Index) { return p.W; }); });
  for (std::size_t i = 0; i < of_ops.size(); ++i) CHECK(distance(of_steps[i], of_ops[i]) < 1e-12);
}

TEST_CASE("chain: checkpoints with networks of different sizes in them") {
  const Parameters small = parameters(20, 3, 2, 2), large = parameters(20, 3, 2, 40);
  const auto run = [](const Parameters& p) {
    return sum(by_steps(
                   p, [](Index) { return Activation::tanh; }, [&](Index) { return p.W; })
                   .back());
  };
  const auto gradients = [&](bool checkpoints) {
    Tape tape;
    const auto loss_of = [&](const Parameters& p) {
      const auto f = [&](const Tensor& s) { return run({p.x, s, p.U, p.W, p.b}); };
      return checkpoints ? checkpointed(f, p.s) : f(p.s);
    };
    const Tensor loss = loss_of(large) + loss_of(small);
    return tape.gradients(loss, {small.W, small.U, small.b, large.W, large.U, large.b});
  };
  const std::array<Tensor, 6> with = gradients(true), without = gradients(false);
  for (std::size_t i = 0; i < with.size(); ++i) CHECK(distance(with[i], without[i]) < 1e-14);
}
