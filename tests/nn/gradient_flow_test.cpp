// GradientFlow: ‖∂L/∂s_k‖ and ‖C_k‖ for every step from one sweep, and what a zero means.
#include <nn/nn.h>

#include <functional>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Activation;
using nn::Kind;

namespace {

nn::Rnn make_rnn(Index hidden, Activation activation = Activation::tanh, DType dtype = f64) {
  Rng rng(3);
  return nn::Rnn({.inputs = 2,
                  .hidden = hidden,
                  .activation = activation,
                  .recurrent_init = nn::normal(0.5),
                  .bias_init = nn::normal(0.1),
                  .dtype = dtype},
                 rng);
}

// A net of one unit with this weight, run over zeros.
nn::Rnn scalar_rnn(double w, Activation activation, double bias = 0, DType dtype = f32) {
  Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = 1, .activation = activation, .dtype = dtype}, rng);
  rnn.W.assign(full({1, 1}, w, dtype));
  rnn.b.assign(full({1}, bias, dtype));
  return rnn;
}

std::vector<Kind> kinds(const nn::Magnitudes& magnitudes) {
  std::vector<Kind> result;
  for (const nn::Magnitude& m : magnitudes) result.push_back(m.kind);
  return result;
}

enum class Loss { last, every, middle };

Tensor loss_of(const nn::Unrolled& run, Loss where) {
  if (where == Loss::last) return sum(square(run.last()));
  if (where == Loss::every) return sum(square(run.outputs()));
  return sum(square(run.states[3])) * sum(run.states[2]);
}

}  // namespace

TEST_CASE("gradient flow: state gradients are those that the tape gives for each state") {
  const Tensor x = varied({6, 3, 2});
  for (const Loss where : {Loss::last, Loss::every, Loss::middle})
    for (const Activation activation : {Activation::tanh, Activation::logistic, Activation::relu}) {
      const nn::Rnn rnn = make_rnn(5, activation);
      const nn::Parameters parameters = rnn.parameters();
      Tape tape;
      const nn::Unrolled run = rnn(x);
      const Tensor loss = loss_of(run, where);
      nn::GradientFlow flow(rnn, run);
      const std::vector<Tensor> watched = tape.gradients(loss, parameters.tensors(), {.observer = flow.observer()});
      const std::vector<Tensor> alone = tape.gradients(loss, parameters.tensors());
      for (std::size_t i = 0; i < alone.size(); ++i) CHECK(same_bits(watched[i], alone[i]));

      REQUIRE(flow.state_gradient.size() == 7);
      CHECK(flow.contribution.empty());
      CHECK(flow.state_gradient[0].kind == Kind::no_path);  // nobody asked for anything behind it
      for (std::size_t k = 1; k < 7; ++k) {
        if (where == Loss::middle && k > 3) {
          CHECK(flow.state_gradient[k].kind == Kind::no_path);
          CHECK(std::isnan(flow.state_gradient[k]));
          continue;
        }
        CHECK(flow.state_gradient[k].kind == Kind::number);
        const double expected = norm(tape.gradient(loss, run.states[k])).item();
        CHECK(flow.state_gradient[k].value == doctest::Approx(expected).epsilon(1e-15));
      }
    }
}

namespace {

// `run`, then `rest` without its first `skipped` states.
nn::Unrolled joined_runs(nn::Unrolled run, const nn::Unrolled& rest, Index skipped) {
  run.states.insert(run.states.end(), rest.states.begin() + skipped, rest.states.end());
  return run;
}

}  // namespace

TEST_CASE("gradient flow: states are found wherever they are on the tape") {
  const nn::Rnn rnn = make_rnn(4);
  const Tensor x = varied({6, 3, 2});
  const auto by_ops = [&] {
    nn::Unrolled run;
    run.states.push_back(zeros({3, 4}, f64));
    for (Index t = 0; t < 6; ++t) run.states.push_back(tanh(matmul(x[t], rnn.U) + matmul(run.last(), rnn.W) + rnn.b));
    return run;
  };
  const auto with_something_between = [&] {
    const nn::Unrolled run = rnn(slice(x, 0, 3));
    return joined_runs(run, rnn(slice(x, 3, 6), run.last() * 0.5), 1);
  };
  const auto in_another_order = [&] {
    nn::Unrolled run = rnn(x);
    std::swap(run.states[2], run.states[3]);
    return run;
  };
  const auto of_one_step = [&] { return rnn(slice(x, 0, 1)); };
  for (const std::function<nn::Unrolled()>& run_of :
       {std::function<nn::Unrolled()>(by_ops), {with_something_between}, {in_another_order}, {of_one_step}}) {
    Tape tape;
    const nn::Unrolled run = run_of();
    const Tensor loss = sum(square(run.last()));
    nn::GradientFlow flow(rnn, run);
    (void)tape.gradient(loss, rnn.W, {.observer = flow.observer()});
    for (std::size_t k = 1; k < run.states.size(); ++k) {
      const double expected = norm(tape.gradient(loss, run.states[k])).item();
      CHECK(flow.state_gradient[k].value == doctest::Approx(expected).epsilon(1e-15));
    }
  }
}

TEST_CASE("gradient flow: nothing but a state is taken for one, where those of two runs are joined") {
  const nn::Rnn rnn = make_rnn(4);
  const Tensor x = varied({12, 3, 2});
  enum class First { before_the_tape, before_and_detached, on_it };
  for (const First where : {First::before_the_tape, First::before_and_detached, First::on_it}) {
    // Such that the last state is as far from the first, or from no place, as if all lay in a row.
    const bool on_it = where == First::on_it;
    const Tensor rest = slice(x, 6, 12);
    const nn::Unrolled before = rnn(slice(x, 0, 6));
    Tape tape;
    const nn::Unrolled first = on_it ? rnn(slice(x, 0, 3)) : before;
    const Tensor carried = where == First::before_and_detached ? detach(first.last()) : first.last();
    const nn::Unrolled second = rnn(on_it ? slice(x, 3, 6) : rest, carried);
    const nn::Unrolled run = joined_runs(first, second, on_it ? 0 : 1);  // on it, with that state twice
    const Tensor loss = sum(square(run.last()));
    nn::GradientFlow flow(rnn, run, {.contributions = true});
    nn::Omega omega(rnn, run);
    const auto both = [a = flow.observer(), b = omega.observer()](const Record& record, const Tensor& gradient) {
      a(record, gradient);
      b(record, gradient);
    };
    (void)tape.gradients(loss, {rnn.U, rnn.W, rnn.b}, {.observer = both});
    for (std::size_t k = 1; k < run.states.size(); ++k) {
      CAPTURE(k);
      if (!on_it && k <= 6) {
        CHECK(flow.state_gradient[k].kind == Kind::no_path);
        continue;
      }
      const Tensor delta = tape.gradient(loss, run.states[k]), &s = run.states[k];
      CHECK(flow.state_gradient[k].value == doctest::Approx(norm(delta).item()).epsilon(1e-15));
      const Tensor by_W = matmul(run.states[k - 1], (1.0 - s * s) * delta, {.transpose_a = true});
      if (on_it && k == 4)
        CHECK(flow.contribution[k].kind == Kind::no_path);  // the state once more
      else
        CHECK(flow.contribution[k].value == doctest::Approx(norm(by_W).item()).epsilon(1e-12));
    }
    CHECK(std::isfinite(omega.value().value));
  }
}

TEST_CASE("gradient flow: the reason of a zero doesn't get lost at a state that is there twice") {
  const nn::Rnn rnn = scalar_rnn(1, Activation::tanh, 100, f64);
  const Tensor x = zeros({6, 1, 1}, f64);
  Tape tape;
  const nn::Unrolled first = rnn(slice(x, 0, 3));
  const nn::Unrolled run = joined_runs(first, rnn(slice(x, 3, 6), first.last()), 0);
  nn::GradientFlow flow(rnn, run);
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
  for (std::size_t k = 1; k + 1 < run.states.size(); ++k) CHECK(flow.state_gradient[k].kind == Kind::saturated);
}

TEST_CASE("gradient flow: a state that was written and read again is the one that was read") {
  const nn::Rnn rnn = make_rnn(4);
  Tape tape;
  nn::Unrolled run = rnn(varied({4, 2, 2}));
  run.states[2].assign(varied({2, 4}, 7));
  const Tensor loss = sum(square(run.states[2]));
  nn::GradientFlow flow(rnn, run);
  const Tensor g = tape.gradient(loss, run.states[2], {.observer = flow.observer()});
  CHECK(flow.state_gradient[2].value == doctest::Approx(norm(g).item()).epsilon(1e-15));
}

TEST_CASE("gradient flow: a run of no steps has the gradient of its initial state") {
  const nn::Rnn rnn = make_rnn(4);
  const Tensor initial = varied({2, 4}, 5);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({0, 2, 2}, f64), initial);
  nn::GradientFlow flow(rnn, run);
  const Tensor g = tape.gradient(sum(square(run.last())), initial, {.observer = flow.observer()});
  REQUIRE(flow.state_gradient.size() == 1);
  CHECK(flow.state_gradient[0].value == doctest::Approx(norm(g).item()).epsilon(1e-15));
}

TEST_CASE("gradient flow: the initial state is seen where it is asked for") {
  const nn::Rnn rnn = make_rnn(4);
  const Tensor x = varied({3, 2, 2}), initial = varied({2, 4}, 5);
  Tape tape;
  const nn::Unrolled run = rnn(x, initial);
  nn::GradientFlow flow(rnn, run);
  const Tensor g = tape.gradient(sum(run.last()), initial, {.observer = flow.observer()});
  CHECK(flow.state_gradient[0].value == doctest::Approx(norm(g).item()).epsilon(1e-15));
}

TEST_CASE("gradient flow: a new sweep starts over") {
  const nn::Rnn rnn = make_rnn(4);
  const Tensor x = varied({5, 2, 2});
  Tape tape;
  const nn::Unrolled run = rnn(x);
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  const Observer observer = flow.observer();
  const Tensor early = loss_of(run, Loss::middle), late = loss_of(run, Loss::last);
  (void)tape.gradient(late, rnn.W, {.observer = observer});
  const auto first = kinds(flow.state_gradient);
  const double first_value = flow.state_gradient[2], contribution = flow.contribution[2];
  (void)tape.gradient(early, rnn.W, {.observer = observer});
  CHECK(flow.state_gradient[5].kind == Kind::no_path);
  CHECK(flow.contribution[5].kind == Kind::no_path);
  (void)tape.gradient(late, rnn.W, {.observer = observer});
  CHECK(kinds(flow.state_gradient) == first);
  CHECK(flow.state_gradient[2].value == first_value);
  CHECK(flow.contribution[2].value == contribution);
}

TEST_CASE("gradient flow: an observer forgets what the sweep before it passed, also where the next begins lower") {
  const nn::Rnn rnn = make_rnn(4);
  Tape tape;
  const nn::Unrolled run = rnn(varied({6, 2, 2}));
  nn::GradientFlow flow(rnn, run);
  (void)tape.gradient(sum(run.last()), run.states[5], {.observer = flow.observer()});
  CHECK(flow.state_gradient[6].kind == Kind::number);
  (void)tape.gradient(run.states[2], rnn.W, {.seed = ones({2, 4}, f64), .observer = flow.observer()});
  CHECK(flow.state_gradient[2].kind == Kind::number);
  CHECK(flow.state_gradient[5].kind == Kind::no_path);
  CHECK(flow.state_gradient[6].kind == Kind::no_path);
}

TEST_CASE("gradient flow: contributions are the parts of the weight's gradient") {
  // Fewer units than sequences, many more, about as many, and a single sequence: each form of the norm.
  for (const auto& [batch, hidden] : {std::pair<Index, Index>{6, 2}, {2, 9}, {4, 5}, {1, 5}})
    for (const Loss where : {Loss::last, Loss::every})
      for (const Activation activation : {Activation::tanh, Activation::logistic, Activation::identity}) {
        const nn::Rnn rnn = make_rnn(hidden, activation);
        const Tensor x = varied({6, batch, 2});
        Tape tape;
        const nn::Unrolled run = rnn(x, varied({batch, hidden}, 8));
        const Tensor loss = loss_of(run, where);
        nn::GradientFlow flow(rnn, run, {.contributions = true});
        const Tensor by_W = tape.gradient(loss, rnn.W, {.observer = flow.observer()});
        REQUIRE(flow.contribution.size() == 7);
        CHECK(flow.contribution[0].kind == Kind::no_path);
        Tensor total = zeros({hidden, hidden}, f64);
        for (std::size_t k = 1; k < 7; ++k) {
          const Tensor u = slope(activation, run.states[k]) * tape.gradient(loss, run.states[k]);
          const Tensor C = matmul(run.states[k - 1], u, {.transpose_a = true});
          CHECK(flow.contribution[k].kind == Kind::number);
          // The form over batch × batch takes a root of a sum that may cancel: half of the digits at worst.
          CHECK(flow.contribution[k].value == doctest::Approx(norm(C).item()).epsilon(1e-8));
          total = total + C;
        }
        CHECK(distance(total, by_W) < 1e-10);
      }
}

TEST_CASE("gradient flow: tiny and huge float32 gradients keep their size") {
  for (const auto& [batch, hidden] : {std::pair<Index, Index>{6, 2}, {2, 9}, {1, 3}})
    for (const double seed : {1e-37, 1e-30, 1e-21, 1e-10, 1e20, 1e30}) {
      CAPTURE(seed);
      const nn::Rnn exact = make_rnn(hidden);
      const nn::Rnn rnn = make_rnn(hidden, Activation::tanh, f32);
      const Tensor x = varied({3, batch, 2}), initial = varied({batch, hidden}, 8);
      nn::Magnitudes states[2], contributions[2];
      for (const bool narrow : {false, true}) {
        const nn::Rnn& net = narrow ? rnn : exact;
        const DType dtype = narrow ? f32 : f64;
        Tape tape;
        const nn::Unrolled run = net(cast(x, dtype), cast(initial, dtype));
        nn::GradientFlow flow(net, run, {.contributions = true});
        (void)tape.gradient(sum(run.last()), net.W, {.seed = full({}, seed, dtype), .observer = flow.observer()});
        states[narrow] = flow.state_gradient;
        contributions[narrow] = flow.contribution;
      }
      for (std::size_t k = 1; k < 4; ++k) {
        // Squares of 1e-30 are 0 in float32; what is left are float32's own roundings of some 1e-7, amplified little.
        CHECK(states[1][k].kind == Kind::number);
        CHECK(states[1][k].value < 100 * seed);
        CHECK(states[1][k].value == doctest::Approx(states[0][k].value).scale(0).epsilon(1e-5));
        CHECK(contributions[1][k].value == doctest::Approx(contributions[0][k].value).scale(0).epsilon(1e-5));
      }
    }
}

TEST_CASE("gradient flow: a contribution keeps the digits that float32 would lose on the way to it") {
  const nn::Rnn rnn = scalar_rnn(1, Activation::tanh, 6);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({2, 1, 1}));
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  (void)tape.gradient(sum(run.last()), rnn.W, {.seed = full({}, 1e-38), .observer = flow.observer()});
  // The slope is some 3e-6, and float32 goes by steps of 1.4e-45 down there.
  const double u = slope(Activation::tanh, run.states[2]).item() * static_cast<double>(1e-38f);
  CHECK(flow.contribution[2].kind == Kind::number);
  // u is rounded once, by up to 6e-8, as a float32 at a scale of its own.
  CHECK(flow.contribution[2].value == doctest::Approx(run.states[1].item() * u).scale(0).epsilon(2e-7));
}

TEST_CASE("gradient flow: a zero behind saturated units says so") {
  // In float32 1 − y² is 0 from a = 9.1 on.
  const nn::Rnn rnn = scalar_rnn(1, Activation::tanh, 20);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({3, 1, 1}));
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) == std::vector{Kind::no_path, Kind::saturated, Kind::saturated, Kind::number});
  CHECK(flow.state_gradient[3].value == 1);
  CHECK(flow.state_gradient[1].value == 0);
  CHECK(kinds(flow.contribution) == std::vector{Kind::no_path, Kind::saturated, Kind::saturated, Kind::saturated});
}

TEST_CASE("gradient flow: a zero that was lost in the product or in the slope is an underflow") {
  for (const auto& [activation, w] : {std::pair{Activation::identity, 1e-30}, {Activation::logistic, 1e-30}}) {
    const nn::Rnn rnn = scalar_rnn(w, activation);
    Tape tape;
    const nn::Unrolled run = rnn(zeros({4, 1, 1}), ones({1, 1}));
    nn::GradientFlow flow(rnn, run);
    (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
    CHECK(kinds(flow.state_gradient) ==
          std::vector{Kind::no_path, Kind::underflow, Kind::underflow, Kind::number, Kind::number});
    CHECK(flow.state_gradient[2].value == 0);
  }
  // σ' · δ itself, for a δ at the end of float32's range.
  const nn::Rnn rnn = scalar_rnn(1, Activation::logistic);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({2, 1, 1}), ones({1, 1}));
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  (void)tape.gradient(sum(run.last()), rnn.W, {.seed = full({}, 1.4e-45), .observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) == std::vector{Kind::no_path, Kind::underflow, Kind::number});
}

TEST_CASE("gradient flow: a true zero is a number") {
  const nn::Rnn rnn = scalar_rnn(0, Activation::identity);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({2, 1, 1}), ones({1, 1}));
  nn::GradientFlow flow(rnn, run);
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) == std::vector{Kind::no_path, Kind::number, Kind::number});
  CHECK(flow.state_gradient[1].value == 0);
}

TEST_CASE("gradient flow: infinity and NaN are told apart") {
  const nn::Rnn rnn = scalar_rnn(1e30, Activation::identity);
  Tape tape;
  const nn::Unrolled run = rnn(zeros({3, 1, 1}));
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) == std::vector{Kind::no_path, Kind::infinite, Kind::number, Kind::number});
  (void)tape.gradient(sum(run.last()), rnn.W, {.seed = full({}, not_a_number), .observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) == std::vector{Kind::no_path, Kind::nan, Kind::nan, Kind::nan});
  CHECK(flow.contribution[3].kind == Kind::nan);
}

TEST_CASE("gradient flow: what nothing was asked about has no path") {
  const nn::Rnn rnn = make_rnn(3);
  const Tensor x = varied({4, 2, 2});
  Tape tape;
  const nn::Unrolled run = rnn(x);
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  CHECK(kinds(flow.state_gradient) == std::vector(5, Kind::no_path));
  (void)tape.gradient(sum(run.last()), run.states[3], {.observer = flow.observer()});
  CHECK(kinds(flow.state_gradient) ==
        std::vector{Kind::no_path, Kind::no_path, Kind::no_path, Kind::number, Kind::number});
  CHECK(nn::name(Kind::underflow) == "underflow");
  CHECK(static_cast<double>(flow.state_gradient[4]) == flow.state_gradient[4].value);
}

TEST_CASE("gradient flow: an initial state that came from elsewhere, or was written, is seen too") {
  const nn::Rnn rnn = make_rnn(4, Activation::tanh);
  const Tensor x = varied({5, 2, 2});
  const auto check_seen = [&](Tape& tape, const Tensor& initial) {
    const nn::Unrolled run = rnn(x, initial);
    nn::GradientFlow flow(rnn, run);
    const Tensor g = tape.gradient(sum(run.last()), initial, {.observer = flow.observer()});
    CHECK(flow.state_gradient[0].kind == Kind::number);
    CHECK(flow.state_gradient[0].value == doctest::Approx(norm(g).item()));
  };
  Tape tape;
  Tensor written = 0.1 * varied({2, 4}, 8);
  written.assign(varied({2, 4}, 9));
  check_seen(tape, written);
  const Tensor w = varied({2, 4}, 3);
  Tape inner;
  check_seen(inner, inner.gradient(sum(square(w)), w));
}
