// Tapes within tapes: right gradients on each, and no path that is cut in silence.
#include "support.h"

#include <memory>
#include <stdexcept>

using namespace ebb;
using namespace ebb::test;

TEST_CASE("nesting: tapes over shared parameters each give their own gradients") {
  const Tensor w = varied({3});
  Tape outer;
  const Tensor y = sum(square(w));
  {
    Tape inner;
    const Tensor z = sum(w * w * w);
    CHECK(distance(inner.gradient(z, w), 3.0 * w * w) < 1e-15);
    CHECK(distance(outer.gradient(y, w), 2.0 * w) < 1e-15);  // while another records
  }
  CHECK(distance(outer.gradient(y, w), 2.0 * w) < 1e-15);
}

TEST_CASE("nesting: an inner result that would cut a path on the outer tape is an error") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor inner_result;
  {
    Tape inner;
    inner_result = square(h);
  }
  const Tensor y = sum(inner_result * 2.0);
  const std::string message = message_of<TapeError>([&] { (void)outer.gradient(y, x); });
  check_says(message, {"inner tape", "cut", ".recorded = true", "detach", "[3]"});
  check_says(message_of<TapeError>([&] { (void)outer.gradient(y, h); }), {"inner tape"});
  check_says(message_of<TapeError>([&] { (void)outer.gradient(y, x, {.recorded = true}); }), {"inner tape"});
  CHECK(outer.gradient(sum(square(h)), x).defined());  // and the tape is as it was
}

TEST_CASE("nesting: an inner result is fine where nothing behind it is asked for") {
  const Tensor x = varied({3}), w = varied({3}, 2);
  Tape outer;
  const Tensor h = tanh(x);
  Tensor inner_result;
  {
    Tape inner;
    inner_result = square(h);
  }
  const Tensor y = sum(inner_result * w);
  CHECK(distance(outer.gradient(y, w), inner_result) == 0);
  CHECK(distance(outer.gradient(y, inner_result), w) == 0);
}

TEST_CASE("nesting: an inner result that is detached is a constant") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = x * 1.0;
  Tensor inner_result;
  {
    Tape inner;
    inner_result = square(h);
  }
  const Tensor constant = detach(inner_result);
  CHECK(distance(outer.gradient(sum(constant * h), x), constant) == 0);
}

TEST_CASE("nesting: an inner gradient that would cut a path on the outer tape is an error") {
  const Tensor w = varied({3});
  for (const bool recorded : {false, true}) {
    Tape outer;
    Tensor g;
    {
      Tape inner;
      g = inner.gradient(sum(square(w)), w, {.recorded = recorded});
    }
    const Tensor updated = w - 0.1 * g;
    const Tensor loss = sum(square(updated));
    check_says(message_of<TapeError>([&] { (void)outer.gradient(loss, w); }), {"inner tape", "detach"});

    const Tensor first_order = sum(square(w - 0.1 * detach(g)));
    CHECK(distance(outer.gradient(first_order, w), 2.0 * updated) < 1e-15);
  }
  // As the message says: one tape, and a sweep that is recorded.
  Tape tape;
  const Tensor g = tape.gradient(sum(square(w)), w, {.recorded = true});
  const Tensor loss = sum(square(w - 0.1 * g));  // (0.8 w)²
  CHECK(distance(tape.gradient(loss, w), 2 * 0.64 * w) < 1e-14);
}

TEST_CASE("nesting: so is any other derivative that an inner tape gave") {
  const Tensor w = varied({3});
  using Derivative = Tensor (*)(Tape&, const Tensor&);
  const Derivative derivatives[] = {
      [](Tape& inner, const Tensor& h) { return inner.hessian(sum(h * h * h), h); },
      [](Tape& inner, const Tensor& h) { return inner.hessian_vector_product(sum(h * h * h), h, h); },
      [](Tape& inner, const Tensor& h) { return inner.jacobian(square(h), h).matrix(); },
      [](Tape& inner, const Tensor& h) { return inner.jacobian(sum(square(h)), h).matrix(); },
      [](Tape& inner, const Tensor& h) { return inner.jacobian(square(h), h).vjp(h); },
      [](Tape& inner, const Tensor& h) { return inner.jvp(square(h), h, h); }};
  for (const Derivative derivative : derivatives) {
    Tape outer;
    const Tensor h = w * 2.0;
    Tensor d;
    {
      Tape inner;
      d = derivative(inner, h);
    }
    const Tensor loss = sum(square(d)) + sum(h);
    check_says(message_of<TapeError>([&] { (void)outer.gradient(loss, w); }), {"inner tape", "detach"});
    CHECK(distance(outer.gradient(sum(detach(d)) + sum(h), w), full({3}, 2, f64)) == 0);
  }
}

TEST_CASE("nesting: a parameter that the outer tape meets only later is known all the same") {
  const Tensor w = varied({3});
  Tape outer;
  Tensor inner_result;
  {
    Tape inner;
    inner_result = square(w);  // the outer tape has never seen w
  }
  const Tensor y = sum(inner_result + w);
  check_says(message_of<TapeError>([&] { (void)outer.gradient(y, w); }), {"inner tape"});
}

TEST_CASE("nesting: what reads nothing of the outer tape's is a plain source there") {
  const Tensor w = varied({3});
  Tape outer;
  Tensor made_inside;
  {
    Tape inner;
    made_inside = ones({3}, f64) * 2.0;
  }
  CHECK(distance(outer.gradient(sum(w * made_inside), w), made_inside) == 0);
}

TEST_CASE("nesting: a path through two levels is found") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor innermost, both;
  {
    Tape middle;
    {
      Tape inner;
      innermost = square(h);
    }
    both = innermost * 2.0;
    // On the middle tape h is a source, and innermost cuts the path to it.
    check_says(message_of<TapeError>([&] { (void)middle.gradient(sum(both), h); }), {"inner tape"});
  }
  for (const Tensor& result : {both, innermost})
    check_says(message_of<TapeError>([&] { (void)outer.gradient(sum(result * 2.0), x); }), {"inner tape"});
}

TEST_CASE("nesting: a path through two levels is found where the middle one had no part in it") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor innermost;
  {
    Tape middle;
    Tape inner;
    innermost = square(h);
  }
  check_says(message_of<TapeError>([&] { (void)outer.gradient(sum(innermost * 2.0), x); }), {"inner tape"});
}

TEST_CASE("nesting: a path is found where the middle tape also read what the innermost made of its own") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor of_middle, of_both;
  {
    Tape middle;
    of_middle = square(h);
    Tensor innermost;
    {
      Tape inner;
      innermost = of_middle * 2.0;
    }
    of_both = innermost * 3.0;
  }
  for (const Tensor& result : {of_middle, of_both})
    check_says(message_of<TapeError>([&] { (void)outer.gradient(sum(result * 2.0), x); }), {"inner tape"});
}

TEST_CASE("nesting: a gradient that its own tape went on with is known to the outer one") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor g;
  {
    Tape inner;
    g = inner.gradient(sum(square(h)), h);
    (void)(h - 0.1 * g);
  }
  check_says(message_of<TapeError>([&] { (void)outer.gradient(sum(g * 2.0), x); }), {"inner tape"});
}

TEST_CASE("nesting: what an inner tape made has no history once it was written, a view of it neither") {
  const Tensor x = varied({3, 2}), w = varied({2}, 2);
  Tape outer;
  Tensor made, view;
  {
    Tape inner;
    made = square(x);
    view = made[1];
    made.assign(x);
    (void)sum(view * 2.0);  // a source of the tape that made it
  }
  made.assign(2.0 * x);
  CHECK(distance(outer.gradient(sum(view * w), w), x[1] * 2.0) == 0);
  CHECK(distance(outer.gradient(sum(made * w), w), sum(made, 0)) < 1e-15);
}

namespace {

struct Filled {  // writes its result where it stands
  static constexpr auto name = "filled";
  Tensor value(Saved&, const Tensor& x) const {
    Tensor y = zeros_like(x);
    y.assign(x);
    return y;
  }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const { return {g}; }
};

}  // namespace

TEST_CASE("nesting: a path is found through an op that wrote its result before it was recorded") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tensor inner_result;
  {
    Tape inner;
    inner_result = custom(Filled{}, h);
  }
  check_says(message_of<TapeError>([&] { (void)outer.gradient(sum(inner_result * 2.0), x); }), {"inner tape"});
}

TEST_CASE("nesting: a result of the outer tape is a source on the inner one") {
  const Tensor x = varied({3});
  Tape outer;
  const Tensor h = tanh(x);
  Tape inner;
  const Tensor y = sum(square(h));
  CHECK(inner.find(h)->op == "source");
  CHECK(distance(inner.gradient(y, h), 2.0 * h) < 1e-15);
  check_says(message_of<TapeError>([&] { (void)inner.gradient(y, x); }), {"argument 0", "never used on this tape"});
  check_says(message_of<TapeError>([&] { (void)outer.gradient(y, x); }), {"wasn't computed on this tape"});
}

TEST_CASE("nesting: a tape within a step of another leaves it as it was") {
  const Tensor w = varied({3});
  Tape outer;
  const Tensor y = sum(square(w));
  const Tensor before = outer.gradient(y, w);
  const Index size = outer.size();
  for (int i = 0; i < 10; ++i) {
    Tape inner;
    (void)inner.gradient(sum(tanh(w)), w);
  }
  CHECK(outer.size() == size);
  CHECK(same_bits(outer.gradient(y, w), before));
}

TEST_CASE("tape: one that dies inside a pause isn't come back to") {
  auto tape = std::make_unique<Tape>();
  {
    const Pause pause;
    tape.reset();
  }
  CHECK(Tape::current() == nullptr);
  Tape outer;
  tape = std::make_unique<Tape>();
  {
    const Pause pause;
    tape.reset();
  }
  CHECK(Tape::current() == &outer);
}

TEST_CASE("tape: a recorded sweep that takes in what a living inner tape made is refused") {
  const Tensor x = tensor({2}, f64);
  Tape outer;
  const Tensor y = x * x;
  Tape inner;
  const Tensor seed = x * 3.0;
  CHECK_THROWS_AS((void)outer.gradient(y, x, {.recorded = true, .seed = seed}), TapeError);
  CHECK(outer.gradient(y, x, {.recorded = true, .seed = detach(seed)}).item() == 12 * 2);
}

TEST_CASE("tape: a sweep that failed leaves sources of former versions as they were") {
  Tape tape;
  Tensor x = tensor({1, 2}, f64);
  const Tensor s = sum(x * 5.0);
  x.assign(tensor({3, 4}, f64));
  const Tensor q = tensor({1, 1}, f64), r = sum(q * q);
  const auto fails = [](const Record& record, const Tensor&) {
    if (record.op == "multiply") throw std::runtime_error("here");
  };
  CHECK_THROWS_AS((void)tape.gradient(r, q, {.recorded = true, .observer = fails}), std::runtime_error);
  CHECK(all_close(tape.gradient(sum(x * 7.0) + s, x), tensor({7, 7}, f64), 0));
}

TEST_CASE("nesting: tapes, pauses and scopes may end in any order") {
  // Every way to make four of them, ended in every order: nothing is recorded on what has ended, and in the end nothing
  // is left. (What a wrong order touches is freed by then: a sanitizer sees it.)
  struct Made {
    std::unique_ptr<Tape> tape;
    std::unique_ptr<Pause> pause;
    std::unique_ptr<Scope> scope;
  };
  for (int kinds = 0; kinds < 3 * 3 * 3 * 3; ++kinds) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    do {
      std::array<Made, 4> made;
      for (int i = 0, rest = kinds; i < 4; ++i, rest /= 3) {
        Made& one = made[static_cast<std::size_t>(i)];
        if (rest % 3 == 0) one.tape = std::make_unique<Tape>();
        if (rest % 3 == 1) one.pause = std::make_unique<Pause>();
        if (rest % 3 == 2) one.scope = std::make_unique<Scope>("scope");
      }
      for (const std::size_t i : order) {
        made[i] = {};
        bool lives = Tape::current() == nullptr;
        for (const Made& one : made) lives = lives || one.tape.get() == Tape::current();
        REQUIRE(lives);
        (void)tanh(ones({2}));
      }
      REQUIRE(Tape::current() == nullptr);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("nesting: what was paused goes on when the last of its pauses has ended") {
  Tape first;
  auto outer = std::make_unique<Pause>();
  auto second = std::make_unique<Tape>();
  auto inner = std::make_unique<Pause>();
  outer.reset();
  CHECK(Tape::current() == nullptr);
  inner.reset();
  CHECK(Tape::current() == second.get());
  second.reset();
  CHECK(Tape::current() == &first);
}

TEST_CASE("nesting: a scope that has ended names nothing, though one within it ends later") {
  Tape tape;
  auto outer = std::make_unique<Scope>("outer"), inner = std::make_unique<Scope>("inner");
  outer.reset();
  const Tensor within = tanh(ones({2}));
  inner.reset();
  const Tensor after = tanh(ones({2}));
  CHECK(tape.scope(*tape.find(within)) == "outer/inner");
  CHECK(tape.scope(*tape.find(after)).empty());
}
