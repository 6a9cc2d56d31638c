// What a tape records, and what it doesn't: the semantics of values, sources, pauses and scopes.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("tape: records what its thread computes while it lives") {
  const Tensor x = ones({2});
  Tensor before = x * 2.0, during, after;
  CHECK(Tape::current() == nullptr);
  {
    Tape tape;
    CHECK(Tape::current() == &tape);
    CHECK(tape.size() == 0);
    during = x * 3.0;
    CHECK(tape.size() == 2);  // the source x, and the product
    CHECK(tape.find(before) == nullptr);
    CHECK(tape.find(during) == &tape[1]);
  }
  CHECK(Tape::current() == nullptr);
  after = x * 4.0;
  CHECK(all_close(before + during + after, full({2}, 9)));
}

TEST_CASE("tape: the innermost tape records and the outer one goes on after it") {
  const Tensor x = ones({2});
  Tape outer;
  const Tensor a = x * 2.0;
  const Index size = outer.size();
  {
    Tape inner;
    const Tensor b = x * 3.0;
    CHECK(inner.find(b) != nullptr);
    CHECK(outer.find(b) == nullptr);
    CHECK(outer.size() == size);
  }
  CHECK(Tape::current() == &outer);
  const Tensor c = a * 4.0;
  CHECK(outer.find(c) != nullptr);
}

TEST_CASE("tape: tapes may end in any order") {
  auto outer = std::make_unique<Tape>();
  auto inner = std::make_unique<Tape>();
  outer.reset();
  CHECK(Tape::current() == inner.get());
  const Tensor x = ones({});
  CHECK(inner->gradient(x * 3.0, x).item() == 3);
  inner.reset();
  CHECK(Tape::current() == nullptr);
}

TEST_CASE("tape: a record tells its op and inputs and output and position") {
  const Tensor a = ones({2, 3}), b = ones({3});
  Tape tape;
  const Tensor y = a * b;
  const Tensor z = y + 1.0;
  REQUIRE(tape.size() == 4);
  CHECK(tape[0].op == "source");
  CHECK(tape[0].output.is(a));
  CHECK(tape[0].inputs().empty());
  CHECK(tape[1].output.is(b));
  const Record& product = tape[2];
  CHECK(product.op == "multiply");
  CHECK(product.output.is(y));
  CHECK(product.index == 2);
  CHECK(std::vector(product.inputs().begin(), product.inputs().end()) == std::vector<std::uint32_t>{0, 1});
  const Record& last = tape[3];
  CHECK(last.inputs()[0] == 2);
  CHECK(last.inputs()[1] == Record::none);  // a number
  CHECK(tape.find(z) == &last);
  CHECK(z.position().tape == tape.id());
  CHECK(z.position().index == 3);
}

TEST_CASE("tape: its records are asked for by position") {
  Tape tape;
  const Tensor y = ones({2}) * 2.0;
  check_says(message_of<TapeError>([&] { (void)tape[2]; }), {"[tape]", "no record 2", "there are 2"});
  check_says(message_of<TapeError>([&] { (void)tape[-1]; }), {"no record -1"});
}

TEST_CASE("tape: more inputs than a record holds are kept too") {
  const Tensor x = varied({2});
  Tape tape;
  std::vector<Tensor> parts;
  for (int i = 0; i < 20; ++i) parts.push_back(x * static_cast<double>(i));
  const Tensor y = concat(parts);
  CHECK(tape.find(y)->inputs().size() == 20);
  CHECK(tape.find(y)->inputs()[19] == 20);
  CHECK(distance(tape.gradient(sum(y), x), full({2}, 190, f64)) == 0);
}

TEST_CASE("tape: Pause suspends recording") {
  const Tensor x = ones({2});
  Tape tape;
  const Tensor a = x * 2.0;
  const Index size = tape.size();
  {
    const Pause pause;
    CHECK(Tape::current() == nullptr);
    const Tensor b = a * 3.0;
    CHECK(tape.size() == size);
    CHECK(tape.find(b) == nullptr);
    {
      Tape inner;  // which records, paused or not
      const Tensor c = b * 4.0;
      CHECK(inner.find(c) != nullptr);
    }
    CHECK(Tape::current() == nullptr);
  }
  CHECK(Tape::current() == &tape);
  CHECK(tape.size() == size);
}

TEST_CASE("tape: what it did not create itself is a source on it") {
  const Tensor parameter = varied({3}, 1);
  Tensor state = varied({3}, 2);
  {
    Tape first;
    state = tanh(state * parameter);
  }
  Tape second;
  const Tensor y = sum(state * parameter);
  CHECK(second.find(state)->op == "source");
  CHECK(second.find(parameter)->op == "source");
  CHECK(second.size() == 4);
  (void)(state + parameter);
  CHECK(second.size() == 5);  // neither is a source twice
  // A carried state has a gradient, and what made it is out of sight.
  const auto [by_state, by_parameter] = second.gradients(y, {state, parameter});
  CHECK(distance(by_state, parameter) == 0);
  CHECK(distance(by_parameter, state) == 0);
}

TEST_CASE("tape: detach cuts a path") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = x * 2.0;
  const Tensor cut = detach(y);
  CHECK(same_bits(cut, y));
  CHECK_FALSE(cut.is(y));
  CHECK(tape.find(cut) == nullptr);
  CHECK(distance(tape.gradient(sum(y * cut), x), cut * 2.0) == 0);
}

TEST_CASE("tape: no op changes what else holds a value: a += b is a = a + b") {
  const Tensor x = ones({2});
  Tape tape;
  Tensor a = x * 2.0;
  const Tensor old = a;
  CHECK(old.is(a));
  a += x;
  CHECK_FALSE(old.is(a));
  CHECK(old.values<float>()[0] == 2);
  CHECK(a.values<float>()[0] == 3);
  CHECK(tape.find(a)->op == "add");
  a -= 1.0;
  a *= x;
  a /= 2.0;
  CHECK(all_close(a, ones({2})));
  CHECK(all_close(tape.gradient(sum(a), x), full({2}, 2.5)));  // ((3x − 1) x) / 2
}

TEST_CASE("tape: assign and edit write the storage that handles share and move its version on") {
  Tensor x = tensor({1, 2});
  const Tensor same = x;
  const Tensor view = x[1];
  CHECK(x.version() == 0);
  x.assign(tensor({3, 4}));
  CHECK(same.version() == 1);
  CHECK(view.version() == 1);
  CHECK(same.values<float>()[0] == 3);
  CHECK(view.item() == 4);
  x.edit<float>()(0) = 5;
  CHECK(same.version() == 2);
  CHECK(same.values<float>()[0] == 5);
}

TEST_CASE("tape: a tensor that was written is a new source") {
  Tensor x = tensor({3.0}, f64);
  Tape tape;
  const Tensor before = square(x) * 1.0;
  x.assign(tensor({5.0}, f64));
  const Tensor after = square(x);
  CHECK(tape.gradient(after, x).item() == 10);
  CHECK(after.item() == 25);
  CHECK(before.item() == 9);
}

TEST_CASE("tape: a result that was written is a new source with no history") {
  const Tensor x = ones({2}, f64);
  Tape tape;
  Tensor y = x * 2.0;
  y.assign(full({2}, 7, f64));
  const Tensor z = sum(square(y));
  const auto [by_x, by_y] = tape.gradients(z, {x, y});
  CHECK(distance(by_y, full({2}, 14, f64)) == 0);
  CHECK(distance(by_x, zeros({2}, f64)) == 0);
}

TEST_CASE("tape: a view of a result that was written has no history either") {
  const Tensor x = ones({2, 2}, f64);
  Tape tape;
  Tensor y = x * 2.0;
  const Tensor view = y[0];
  y.assign(full({2, 2}, 7, f64));
  const Tensor z = sum(view + 1.0);
  CHECK(z.item() == 16);
  CHECK(distance(tape.gradient(z, x), zeros({2, 2}, f64)) == 0);
}

TEST_CASE("tape: values outlive it") {
  Tensor kept;
  {
    Tape tape;
    kept = tanh(ones({1000}) * 0.5);
  }
  CHECK(kept.values<float>()[999] == doctest::Approx(std::tanh(0.5)));
  Tape tape;
  CHECK(tape.gradient(sum(kept * 2.0), kept).values<float>()[0] == 2);
}

TEST_CASE("tape: views share storage and everything else is its own") {
  Tensor x = zeros({3, 2});
  const Tensor shared[] = {x[1], slice(x, 1, 3), reshape(x, {6})};
  const Tensor copied[] = {slice(x, 0, 1, 1),         clone(x), detach(x), transpose(x), x + 0.0, concat({x}),
                           take_rows(x, indices({1}))};
  for (float& element : x.edit<float>()) element = 1;
  for (const Tensor& view : shared) CHECK(elements(view) == std::vector<double>(view.size(), 1));
  for (const Tensor& copy : copied) CHECK(elements(copy) == std::vector<double>(copy.size(), 0));
}

TEST_CASE("tape: scopes name records and nest") {
  const Tensor x = ones({2});
  { const Scope nothing_records("ignored"); }
  Tape tape;
  const Tensor a = x * 2.0;
  Tensor b, c, d;
  {
    const Scope layer("layer");
    b = a * 2.0;
    {
      const Scope score("score");
      c = b * 2.0;
    }
    d = c * 2.0;
  }
  const Tensor e = d * 2.0;
  CHECK(tape.scope(*tape.find(a)).empty());
  CHECK(tape.scope(*tape.find(b)) == "layer");
  CHECK(tape.scope(*tape.find(c)) == "layer/score");
  CHECK(tape.scope(*tape.find(d)) == "layer");
  CHECK(tape.scope(*tape.find(e)).empty());
}

TEST_CASE("tape: a scope is one tape's and the next tape starts without") {
  const Tensor x = ones({2});
  for (int repeat = 0; repeat < 2; ++repeat) {
    Tape outer;
    const Scope scope("outside");
    {
      Tape inner;
      const Tensor y = x * 2.0;
      CHECK(inner.scope(*inner.find(y)).empty());
    }
    const Tensor y = x * 2.0;
    CHECK(outer.scope(*outer.find(y)) == "outside");
  }
}

TEST_CASE("tape: a second step finds the memory of the first") {
  const Tensor x = ones({100, 100});
  const auto step = [&] {
    Tape tape;
    Tensor y = x;
    for (int i = 0; i < 50; ++i) y = tanh(y);
    (void)tape.gradient(sum(y), x);
  };
  step();
  const std::size_t held = detail::system_bytes_held();
  for (int i = 0; i < 20; ++i) step();
  CHECK(detail::system_bytes_held() == held);
  CHECK(detail::reusable_bytes() > 50 * 40000);
  release_memory();
  CHECK(detail::reusable_bytes() == 0);
  CHECK(detail::system_bytes_held() < held);
  step();
}
