// Faults that must be survived, by their numbers in the list of faults. An error is of its type, says what was wrong,
// and leaves the tape and every tensor as they were.
#include "support.h"

#include <nn/nn.h>
#include <pthread.h>

#include <chrono>
#include <new>

using namespace ebb;
using namespace ebb::test;

namespace {

// Runs f on a thread with a stack of so many bytes.
template <class F>
void on_stack_of(std::size_t bytes, F f) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* g) -> void* {
                (*static_cast<F*>(g))();
                return nullptr;
              },
              &f) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

double gradient_at(Unary f, double x) {
  const Tensor at = tensor(x, f64);
  Tape tape;
  return tape.gradient(f(at), at).item();
}

}  // namespace

TEST_CASE("faults 1: a chain of a million records sweeps and dies on a stack of 8 MB") {
  double gradient = 0, recorded = 0;
  on_stack_of(8 << 20, [&] {
    const Tensor x = tensor(1.0, f64);
    Tape tape;
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y + 1e-6;
    gradient = tape.gradient(square(y), x).item();
  });
  CHECK(gradient == doctest::Approx(4));
  on_stack_of(8 << 20, [&] {
    const Tensor x = tensor(1.0, f64);
    Tape tape;
    Tensor y = x;
    for (int i = 0; i < 200000; ++i) y = y * 1.000001;
    recorded = tape.gradient(tape.gradient(y, x, {.recorded = true}) * x, x).item();
  });
  CHECK(recorded == doctest::Approx(std::exp(0.2)));
}

TEST_CASE("faults 2: the same gradient asked twice has the same bits") {
  Rng rng(3);
  const nn::Rnn rnn({.inputs = 3, .hidden = 17}, rng);
  const Tensor x = varied({30, 5, 3}, 2, f32);
  const nn::Parameters parameters = rnn.parameters();
  Tape tape;
  const Tensor loss = sum(square(rnn(x).last()));
  const std::vector<Tensor> first = tape.gradients(loss, parameters.tensors());
  const std::vector<Tensor> second = tape.gradients(loss, parameters.tensors());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(same_bits(first[i], second[i]));
    CHECK(same_bits(first[i], tape.gradient(loss, parameters.tensors()[i])));
  }
}

TEST_CASE("faults 3: a sweep through a value that was written since is a StaleValueError") {
  Tensor x = varied({3}), w = varied({3}, 2);
  Tape tape;
  const Tensor product = x * w;
  const Tensor y = sum(product);
  CHECK(distance(tape.gradient(y, x), w) == 0);

  w.assign(w + 1.0);
  const std::string message = message_of<StaleValueError>([&] { (void)tape.gradient(y, x); });
  check_says(message, {"[gradient]", "multiply", "version 0", "it is 1", "[3]",
                       fmt::format("record {}", tape.find(product)->index)});
  // What reads x alone still works: the derivative by w.
  CHECK(distance(tape.gradient(y, w), x) == 0);
  x.edit<double>()[0] = 7;
  check_says(message_of<StaleValueError>([&] { (void)tape.gradient(y, w); }), {"it is 1"});
}

TEST_CASE("faults 3: through an optimiser's step or a shared view too") {
  Tensor w = varied({2, 2});
  const Tensor view = w[0];
  Tape tape;
  const Tensor y = sum(square(w)), by_view = sum(square(view));
  nn::Sgd optimizer({{"w", w}}, {.learning_rate = 0.1});
  optimizer.step(tape.gradients(y, {w}));
  check_says(message_of<StaleValueError>([&] { (void)tape.gradient(y, w); }), {"square"});
  check_says(message_of<StaleValueError>([&] { (void)tape.gradient(by_view, view); }), {"square"});
}

TEST_CASE("faults 3: a written value that no derivative reads does no harm") {
  Tensor x = varied({3}), b = varied({3}, 2);
  Tape tape;
  Tensor y = x + b;          // reads neither
  const Tensor t = tanh(x);  // reads its result
  const Tensor loss = sum(y) + sum(t);
  const Tensor expected = 2.0 - square(t);
  b.assign(zeros({3}, f64));
  x.assign(zeros({3}, f64));
  CHECK(distance(tape.gradient(loss, x), expected) < 1e-15);
  y.assign(zeros({3}, f64));
  CHECK(distance(tape.gradient(loss, x), expected) < 1e-15);
  Tensor result = t;
  result.assign(zeros({3}, f64));
  check_says(message_of<StaleValueError>([&] { (void)tape.gradient(loss, x); }), {"tanh"});
}

TEST_CASE("faults 4: a result of several elements needs a seed of its shape") {
  const Tensor x = varied({2, 3});
  Tape tape;
  const Tensor y = tanh(x);
  check_says(message_of<ShapeError>([&] { (void)tape.gradient(y, x); }), {"[2, 3]", "seed"});
  check_says(message_of<ShapeError>([&] { (void)tape.gradient(y, x, {.seed = ones({3}, f64)}); }),
             {"[3]", "[2, 3]", "seed"});
  check_says(message_of<Error>([&] { (void)tape.gradient(y, x, {.seed = ones({2, 3})}); }), {"float32", "float64"});
  CHECK(tape.gradient(y, x, {.seed = ones({2, 3}, f64)}).defined());
  const Tensor empty = tanh(zeros({0}, f64));
  check_says(message_of<ShapeError>([&] { (void)tape.gradient(empty, empty); }), {"[0]"});
}

TEST_CASE("faults 5: what a tape does not know it says so") {
  const Tensor x = varied({3}), stranger = varied({2, 2});
  const Tensor source = varied({2, 2}), view = source[0];
  Tape tape;
  check_says(message_of<TapeError>([&] { (void)tape.gradient(x, x); }), {"wasn't computed on this tape", "empty"});
  const Tensor y = sum(square(x));
  check_says(message_of<TapeError>([&] { (void)tape.gradient(stranger, x); }), {"[2, 2]", "wasn't computed"});
  check_says(message_of<TapeError>([&] { (void)tape.gradients(y, {x, stranger}); }), {"argument 1", "[2, 2]", "never"});
  const Tensor later = y * 2.0;
  check_says(message_of<TapeError>([&] { (void)tape.gradient(y, later); }),
             {"argument 0", "after the result", "multiply", "sum"});
  Tensor elsewhere;
  {
    Tape other;
    elsewhere = x * 2.0;
  }
  check_says(message_of<TapeError>([&] { (void)tape.gradient(elsewhere, x); }), {"wasn't computed"});
  // A view that was made before is used in its source's place: a gradient of the source would miss it.
  check_says(message_of<TapeError>([&] { (void)tape.gradient(sum(view * 2.0), source); }), {"never"});
}

TEST_CASE("faults 5: a flow used with another tape than its run's says so") {
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  const Tensor x = varied({4, 2, 2}, 1, f32);
  nn::Unrolled run;
  {
    Tape tape;
    run = rnn(x);
  }
  check_says(message_of<TapeError>([&] { nn::GradientFlow(rnn, run); }), {"[GradientFlow]", "tape"});
  Tape tape;
  check_says(message_of<TapeError>([&] { nn::GradientFlow(rnn, run); }), {"wasn't recorded"});
  run = rnn(x);
  nn::GradientFlow flow(rnn, run);
  Tape other;
  const Tensor loss = sum(rnn(x).last());
  check_says(message_of<TapeError>([&] { (void)other.gradient(loss, rnn.W, {.observer = flow.observer()}); }),
             {"another tape"});
}

TEST_CASE("faults 6: an error halfway leaves the tape as it was") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor h = tanh(x);
  const Tensor y = sum(square(h));
  const Tensor expected = tape.gradient(y, x);
  const Index size = tape.size();

  check_says(message_of<ShapeError>([&] { (void)(ones({2}, f64) * 2.0 + x); }), {"[2]", "[3]"});
  CHECK(tape.size() == size + 2);  // the product came about, the sum didn't
  const Index after = tape.size();
  // Out of an observer, in a plain sweep and in one that has recorded a part of itself.
  for (const bool recorded : {false, true}) {
    const Observer thrower = [&](const Record& record, const Tensor&) {
      if (record.output.is(h)) throw std::runtime_error("stop");
    };
    CHECK(message_of<std::runtime_error>(
              [&] { (void)tape.gradient(y, x, {.recorded = recorded, .observer = thrower}); }) == "stop");
    CHECK(tape.size() == after);
    CHECK(Tape::current() == &tape);
    CHECK(same_bits(tape.gradient(y, x), expected));
  }
  // Out of a rule, after another had been recorded.
  Tensor w = varied({3}, 2);
  const Tensor z = sum(tanh(square(w)));
  w.assign(varied({3}, 3));
  const Index before_sweep = tape.size();
  (void)message_of<StaleValueError>([&] { (void)tape.gradient(z, w, {.recorded = true}); });
  CHECK(tape.size() == before_sweep);
  const Tensor one_more = sum(square(x));
  CHECK(distance(tape.gradient(one_more, x), 2.0 * x) < 1e-15);
}

TEST_CASE("faults 6: no memory is lost on the way") {
  release_memory();
  const std::size_t before = detail::system_bytes_held();
  {
    const Tensor x = varied({1000});
    Tape tape;
    const Tensor y = sum(square(tanh(x)));
    for (int i = 0; i < 20; ++i)
      (void)message_of<std::bad_alloc>([&] {
        (void)tape.gradient(y, x, {.recorded = true, .observer = [](const Record& record, const Tensor&) {
                                     if (record.op == "tanh") throw std::bad_alloc();
                                   }});
      });
  }
  release_memory();
  CHECK(detail::system_bytes_held() == before);
}

TEST_CASE("faults 7: an observer may compute and sweep and is not recorded") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor h = tanh(x);
  const Tensor y = sum(square(h));
  const Tensor expected = tape.gradient(y, x);
  const Index size = tape.size();
  int nested = 0;
  const Observer busy = [&](const Record& record, const Tensor& g) {
    CHECK(Tape::current() == nullptr);
    (void)norm(g * 2.0);
    const Tensor again = tape.gradient(y, record.output);
    CHECK(distance(again, g) < 1e-15);
    CHECK(same_bits(tape.gradient(y, x, {.observer = [&](const Record&, const Tensor&) { ++nested; }}), expected));
    Tape inner;
    const Tensor z = sum(x * x * x);
    CHECK(distance(inner.gradient(z, x), 3.0 * x * x) < 1e-15);
  };
  CHECK(same_bits(tape.gradient(y, x, {.observer = busy}), expected));
  CHECK(tape.size() == size);
  CHECK(nested == 4 * 4);
  // A recorded sweep records itself and nothing of its observer's.
  (void)tape.gradient(y, x, {.recorded = true});
  const Index recorded = tape.size() - size;
  CHECK(distance(tape.gradient(y, x, {.recorded = true, .observer = busy}), expected) < 1e-15);
  CHECK(tape.size() == size + 2 * recorded);
}

TEST_CASE("faults 9: subgradients at kinks are finite and documented") {
  CHECK(gradient_at(sqrt, 0) == 0);
  CHECK(gradient_at(norm, 0) == 0);
  CHECK(gradient_at(relu, 0) == 0);
  CHECK(gradient_at(relu, -1) == 0);
  CHECK(gradient_at(relu, 1) == 1);
  const Tensor zero = zeros({2}, f64);
  Tape tape;
  CHECK(distance(tape.gradient(norm(zero), zero), zero) == 0);
  // And in a recorded sweep, whose results have finite gradients themselves.
  const Unary functions[] = {norm, [](const Tensor& x) { return sum(sqrt(x)); },
                             [](const Tensor& x) { return sum(relu(x)); }};
  for (const Unary f : functions) {
    const Tensor g = tape.gradient(f(zero), zero, {.recorded = true});
    CHECK(distance(g, zero) == 0);
    CHECK(std::isfinite(norm(tape.gradient(sum(g), zero)).item()));
  }
}

TEST_CASE("faults 9: where gives zero to the branch not taken even where that is NaN") {
  const Tensor x = tensor({-1, 4}, f64);
  Tape tape;
  const Tensor branch = sqrt(x);  // NaN at −1
  const Tensor y = where(x > 0.0, branch, 0.0);
  CHECK(elements(y) == std::vector<double>{0, 2});
  CHECK(elements(tape.gradient(sum(y), branch)) == std::vector<double>{0, 1});
  const Tensor nans = full({2}, std::nan(""), f64);
  const auto [taken, not_taken] = tape.gradients(sum(where(zeros({2}, f64), nans, x)), {x, nans});
  CHECK(elements(taken) == std::vector<double>{1, 1});
  CHECK(elements(not_taken) == std::vector<double>{0, 0});
}

TEST_CASE("faults 10: logarithm of 0 and overflow and 0 by 0 are as IEEE 754 has them") {
  for (const DType dtype : {f32, f64}) {
    const Tensor zero = zeros({}, dtype);
    CHECK(log(zero).item() == -infinity);
    CHECK(std::isnan(log(zero - 1.0).item()));
    CHECK(exp(full({}, 1e4, dtype)).item() == infinity);
    CHECK(exp(full({}, -1e4, dtype)).item() == 0);
    CHECK(std::isnan((zero / zero).item()));
    CHECK((1.0 / zero).item() == infinity);
    CHECK(std::isnan(sqrt(zero - 1.0).item()));
    const Tensor nan = zero / zero;
    for (const Unary f : std::initializer_list<Unary>{exp, log, tanh, sigmoid, sqrt, square})
      CHECK(std::isnan(f(nan).item()));
    CHECK(tanh(full({}, infinity, dtype)).item() == 1);
    CHECK(tanh(full({}, -infinity, dtype)).item() == -1);
    CHECK(sigmoid(full({}, infinity, dtype)).item() == 1);
    CHECK(sigmoid(full({}, -infinity, dtype)).item() == 0);
  }
}

TEST_CASE("faults 11: cross-entropy of logits of 1e4 is finite and exact") {
  for (const DType dtype : {f32, f64}) {
    const Tensor logits = tensor({{1e4, -1e4, 0}, {1e4, 1e4, -1e4}}, dtype);
    Tape tape;
    const auto loss = [&](std::int64_t a, std::int64_t b) { return nn::cross_entropy(logits, indices({a, b})); };
    // −log softmax: 0 and ln 2; 2e4 and ln 2; 1e4 and 2e4 + ln 2, up to the rounding of the type.
    const double eps = dtype == f32 ? 1e-7 : 1e-15;
    CHECK(std::fabs(loss(0, 0).item() - std::log(2.0) / 2) < eps);
    CHECK(std::fabs(loss(1, 1).item() - (2e4 + std::log(2.0)) / 2) < 1e4 * eps);
    CHECK(std::fabs(loss(2, 2).item() - (3e4 + std::log(2.0)) / 2) < 2e4 * eps);
    const Tensor g = tape.gradient(loss(1, 0), logits);
    CHECK(distance(g, tensor({{0.5, -0.5, 0}, {-0.25, 0.25, 0}}, dtype)) < eps);
  }
}

TEST_CASE("faults 23: gradients that fade keep their size through the denormals, then are told to be lost") {
  constexpr Index steps = 200, hidden = 32;
  Rng rng(1);
  nn::Rnn rnn({.inputs = 1, .hidden = hidden, .activation = Activation::identity}, rng);
  const Tensor x = zeros({steps, 1, 1});
  const auto swept = [&](double factor, std::vector<nn::Magnitude>* magnitudes) {
    rnn.W.assign(eye(hidden) * factor);
    Tape tape;
    const nn::Unrolled run = rnn(x);
    nn::GradientFlow flow(rnn, run);
    const auto start = std::chrono::steady_clock::now();
    (void)tape.gradient(sum(run.last()), rnn.W, {.observer = flow.observer()});
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (magnitudes) *magnitudes = flow.state_gradient;
    return time.count();
  };
  std::vector<nn::Magnitude> fading;
  (void)swept(0.5, &fading);
  for (Index k = 1; k <= steps; ++k) {
    const nn::Magnitude& m = fading[static_cast<std::size_t>(k)];
    // 2⁻¹⁴⁹ is the smallest float32.
    const bool lost = steps - k > 149;
    CHECK(m.kind == (lost ? nn::Kind::underflow : nn::Kind::number));
    CHECK(m.value == doctest::Approx(lost ? 0 : std::sqrt(hidden) * std::exp2(k - steps)).epsilon(1e-12));
  }
  double slow = infinity, fast = infinity;
  for (int i = 0; i < 5; ++i) {
    slow = std::min(slow, swept(0.5, nullptr));
    fast = std::min(fast, swept(1.0, nullptr));
  }
  MESSAGE("a sweep through denormals takes " << slow / fast << " times as long as one without");
}
