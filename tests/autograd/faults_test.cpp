// Faults that must be survived, 1 to 7 (by their numbers in the list of faults). An error is of its type, says what was
// wrong, and leaves the tape and every tensor as they were.
#include "support.h"

#include <nn/nn.h>
#include <pthread.h>

#include <memory>
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

TEST_CASE("faults 5: a flow or an observer used after its tape says so") {
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  const Tensor x = varied({4, 2, 2}, 1, f32);
  std::unique_ptr<nn::GradientFlow> flow;
  Observer observer;
  {
    Tape tape;
    const nn::Unrolled run = rnn(x);
    flow = std::make_unique<nn::GradientFlow>(rnn, run);
    observer = flow->observer();
    (void)tape.gradient(sum(run.last()), rnn.W, {.observer = observer});
  }
  Tape next;  // in the memory of the first
  const Tensor loss = sum(rnn(x).last());
  const Tensor expected = next.gradient(loss, rnn.W);
  const double seen = flow->state_gradient[4];
  CHECK(seen > 0);
  check_says(message_of<TapeError>([&] { (void)next.gradient(loss, rnn.W, {.observer = observer}); }),
             {"[GradientFlow]", "another tape"});
  CHECK(flow->state_gradient[4] == seen);
  check_says(message_of<TapeError>([&] { (void)next.gradient(loss, rnn.W, {.observer = flow->observer()}); }),
             {"another tape"});
  CHECK(same_bits(next.gradient(loss, rnn.W), expected));
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

TEST_CASE("faults 6: a derivative of second order that fails leaves the tape as it was") {
  Tensor x = varied({3}), w = varied({3}, 2);
  Tape tape;
  const Tensor y = sum(tanh(x * w)), v = ones({3}, f64);
  const Tensor expected = tape.hessian_vector_product(y, x, v);
  const Index size = tape.size();
  const auto unchanged = [&] { return tape.size() == size && Tape::current() == &tape; };
  check_says(message_of<ShapeError>([&] { (void)tape.hessian_vector_product(y, x, ones({2}, f64)); }), {"[2]", "[3]"});
  CHECK(unchanged());
  check_says(message_of<TapeError>([&] { (void)tape.hessian(y, varied({3}, 5)); }), {"never"});
  CHECK(unchanged());
  CHECK(same_bits(tape.hessian_vector_product(y, x, v), expected));
  w.assign(w * 2.0);
  const Index written = tape.size();
  (void)message_of<StaleValueError>([&] { (void)tape.hessian(y, x); });
  (void)message_of<StaleValueError>([&] { (void)tape.jvp(y, x, v); });
  (void)message_of<StaleValueError>([&] { (void)tape.jvp(y, x, v, {.recorded = true}); });
  CHECK(tape.size() == written);
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

TEST_CASE("faults 7: an observer may push tangents forwards, and a sweep of its own may throw") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor h = tanh(x), y = sum(square(h)), v = varied({3}, 2);
  const Tensor expected = tape.gradient(y, x), pushed = tape.jvp(y, x, v);
  const Tensor product = tape.hessian_vector_product(y, x, v);
  const Index size = tape.size();
  const Observer thrower = [](const Record&, const Tensor&) { throw std::runtime_error("stop"); };
  const Observer busy = [&](const Record& record, const Tensor&) {
    CHECK(same_bits(tape.jvp(y, x, v), pushed));
    CHECK(same_bits(tape.hessian_vector_product(y, x, v), product));
    (void)tape.jacobian(h, x).matrix();
    CHECK(message_of<std::runtime_error>([&] { (void)tape.gradient(y, x, {.observer = thrower}); }) == "stop");
    (void)message_of<TapeError>([&] { (void)tape.gradient(record.output, varied({2})); });
    CHECK(Tape::current() == nullptr);
  };
  CHECK(same_bits(tape.gradient(y, x, {.observer = busy}), expected));
  CHECK(tape.size() == size);
  CHECK(Tape::current() == &tape);
}
