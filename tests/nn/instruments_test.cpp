// What every instrument asks of a run, of the cell that it is measured with, and of the sweep that it watches.
#include <nn/nn.h>

#include <functional>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

nn::Rnn make_rnn(Index hidden, DType dtype = f32) {
  Rng rng(3);
  return nn::Rnn({.inputs = 2, .hidden = hidden, .dtype = dtype}, rng);
}

struct Instrument {
  const char* name;
  std::function<void(const nn::Cell&, const nn::Unrolled&)> use;
};

const std::vector<Instrument>& instruments() {
  static const std::vector<Instrument> all{
      {"GradientFlow", [](const nn::Cell& cell, const nn::Unrolled& run) { nn::GradientFlow(cell, run); }},
      {"GradientFlow",
       [](const nn::Cell& cell, const nn::Unrolled& run) { nn::GradientFlow(cell, run, {.contributions = true}); }},
      {"Omega", [](const nn::Cell& cell, const nn::Unrolled& run) { nn::Omega(cell, run); }},
      {"saturation", [](const nn::Cell& cell, const nn::Unrolled& run) { (void)nn::saturation(cell, run); }}};
  return all;
}

// A cell whose slope isn't that of its states.
class Odd : public nn::Rnn {
 public:
  explicit Odd(Tensor slope) : nn::Rnn(make_rnn(5)), slope_(std::move(slope)) {}
  [[nodiscard]] Tensor slope(const nn::Unrolled&, std::size_t) const override { return slope_; }

 private:
  Tensor slope_;
};

}  // namespace

TEST_CASE("instruments: a run of another cell is refused") {
  const nn::Rnn rnn = make_rnn(5);
  const Tensor x = varied({4, 2, 2}, 1, f32);
  for (const Instrument& instrument : instruments()) {
    CAPTURE(instrument.name);
    Tape tape;
    const nn::Unrolled run = rnn(x);
    instrument.use(rnn, run);
    const auto refused = [&](const nn::Cell& cell, const nn::Unrolled& other) {
      return message_of<ShapeError>([&] { instrument.use(cell, other); });
    };
    check_says(refused(make_rnn(3), run), {fmt::format("[{}] state 0 of the run is float32 [2, 5]", instrument.name),
                                           "W float32 [3, 3]", "give a run"});
    check_says(refused(make_rnn(64), run), {instrument.name, "W float32 [64, 64]"});
    check_says(refused(make_rnn(5, f64), run), {instrument.name, "float32 [2, 5]", "W float64 [5, 5]"});
    check_says(refused(rnn, {}), {instrument.name, "no states"});
    for (const Shape& shape : {Shape{2, 4}, Shape{10}, Shape{2, 5, 1}, Shape{}}) {
      nn::Unrolled odd = run;
      odd.states[2] = zeros(shape);
      check_says(refused(rnn, odd), {fmt::format("state 2 of the run is float32 {}", shape)});
    }
  }
}

TEST_CASE("instruments: a slope that isn't like its state is refused") {
  const Tensor x = varied({4, 2, 2}, 1, f32);
  for (const Tensor& slope : {zeros({2, 3}), zeros({1, 5}), zeros({2, 5}, f64), zeros({10})}) {
    const Odd cell(slope);
    Tape tape;
    const nn::Unrolled run = cell(x);
    check_says(message_of<ShapeError>([&] { (void)nn::saturation(cell, run); }),
               {"[saturation] the cell's slope at step 1"});
    nn::Omega omega(cell, run);
    nn::GradientFlow flow(cell, run);
    const Tensor loss = sum(run.last());
    (void)tape.gradient(loss, cell.W, {.observer = omega.observer()});
    check_says(message_of<ShapeError>([&] { (void)omega.value(); }), {"[Omega] the cell's slope"});
    // GradientFlow looks at it where a gradient is zero, as this one is shown to be.
    const Tensor last = run.states[4], before = run.states[3];
    const auto watch = [&, observer = flow.observer()](const Record& record, const Tensor& g) {
      observer(record, tape.find(before)->index == record.index ? zeros_like(g) : g);
    };
    check_says(message_of<ShapeError>([&] { (void)tape.gradient(sum(last), cell.W, {.observer = watch}); }),
               {"[GradientFlow] the cell's slope at step 4"});
  }
}

TEST_CASE("instruments: a cell whose parameters were replaced by others of another size is refused") {
  nn::Rnn rnn = make_rnn(5);
  Tape tape;
  const nn::Unrolled run = rnn(varied({4, 2, 2}, 1, f32));
  nn::Omega omega(rnn, run);
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = omega.observer()});
  rnn.W = zeros({3, 3});
  check_says(message_of<ShapeError>([&] { (void)omega.value(); }), {"[Omega] state 0 of the run", "[3, 3]"});
}

TEST_CASE("instruments: a gradient, a state and a place for their product have to be alike") {
  const nn::Rnn rnn = make_rnn(5);
  const nn::Unrolled run = rnn(varied({4, 2, 2}, 1, f32));
  const Tensor g = ones({2, 5});
  rnn.times_slope(run, 1, g, zeros({2, 5}));
  for (const Tensor& other : {zeros({2, 4}), zeros({1, 5}), zeros({2, 5}, f64)}) {
    CHECK_THROWS_AS(rnn.times_slope(run, 1, g, other), ShapeError);
    CHECK_THROWS_AS(rnn.times_slope(run, 1, other, g), ShapeError);
  }
}

TEST_CASE("instruments: a run without states has no last one") {
  check_says(message_of<ShapeError>([] { (void)nn::Unrolled().last(); }), {"[Unrolled::last]", "no states"});
  check_says(message_of<ShapeError>([] { (void)nn::Unrolled().outputs(); }), {"[Unrolled::outputs]"});
}

TEST_CASE("instruments: who takes a flow's results away gets others from the next sweep") {
  const nn::Rnn rnn = make_rnn(5);
  Tape tape;
  const nn::Unrolled run = rnn(varied({4, 2, 2}, 1, f32));
  const Tensor loss = sum(run.last());
  nn::GradientFlow flow(rnn, run, {.contributions = true});
  const auto sweep = [&](const Observer& observer) { (void)tape.gradient(loss, rnn.W, {.observer = observer}); };
  const Observer observer = flow.observer();
  sweep(observer);
  const nn::Magnitudes states = std::move(flow.state_gradient), contributions = std::move(flow.contribution);
  for (const bool asks_again : {true, false}) {
    sweep(asks_again ? flow.observer() : observer);
    REQUIRE(flow.state_gradient.size() == 5);
    REQUIRE(flow.contribution.size() == 5);
    for (std::size_t k = 1; k < 5; ++k) {
      CHECK(flow.state_gradient[k].value == states[k].value);
      CHECK(flow.contribution[k].value == contributions[k].value);
    }
    (void)nn::Magnitudes(std::move(flow.state_gradient));
  }
}

TEST_CASE("instruments: a source of another tape in the place of a state isn't taken for it") {
  const nn::Rnn rnn = make_rnn(5);
  const Tensor initial = zeros({2, 5}), other = ones({50, 5});
  Tape tape;
  const nn::Unrolled run = rnn(varied({4, 2, 2}, 1, f32), initial);
  nn::Omega omega(rnn, run);
  nn::GradientFlow flow(rnn, run);
  {
    Tape inner;
    std::vector<Tensor> sources;
    for (Index i = 0; i < tape.size(); ++i) {
      sources.push_back(detach(other));
      (void)position_on(inner, sources.back());
    }
    for (const Observer& observer : {omega.observer(), flow.observer()})
      for (const Tensor& source : sources) (void)inner.gradient(source, source, {.seed = other, .observer = observer});
  }
  CHECK(omega.value().value == 0);
  for (const nn::Magnitude& seen : flow.state_gradient) CHECK(seen.kind == nn::Kind::no_path);
}

TEST_CASE("instruments: a network without units") {
  nn::Rnn rnn = make_rnn(5);
  rnn.U = zeros({2, 0});
  rnn.W = zeros({0, 0});
  rnn.b = zeros({0});
  Tape tape;
  const nn::Unrolled run = rnn(ones({3, 2, 2}));
  nn::Omega omega(rnn, run);
  (void)tape.gradient(sum(run.last()), rnn.W, {.observer = omega.observer()});
  CHECK(omega.value().value == 0);
  CHECK(nn::saturation(rnn, run).by_unit.size() == 0);
}
