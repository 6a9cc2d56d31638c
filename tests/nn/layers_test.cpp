// Modules: their parameters, what they compute, how they start; and losses.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("nn: parameters have dotted names in order and are handles to the modules' own") {
  Rng rng(1);
  nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  const nn::Linear readout({.inputs = 3, .outputs = 1}, rng);
  const nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}, {"scale", ones({1})}});
  CHECK(parameters.names() == std::vector<std::string>{"rnn.U", "rnn.W", "rnn.b", "readout.W", "readout.b", "scale"});
  CHECK(parameters.count() == 6);
  CHECK(parameters["rnn.W"].is(rnn.W));
  CHECK(parameters.tensors()[4].is(readout.b));
  CHECK(parameters.tensors()[1].values<float>().size() == 9);
  rnn.W.assign(zeros({3, 3}));
  CHECK(elements(parameters["rnn.W"]) == std::vector<double>(9, 0));

  const nn::Parameters nested({{"model", parameters}});
  CHECK(nested.names()[0] == "model.rnn.U");
}

TEST_CASE("nn: duplicate and empty and unknown names are errors") {
  Rng rng(1);
  const nn::Linear layer({.inputs = 2, .outputs = 2}, rng);
  check_says(message_of<Error>([&] { nn::Parameters({{"a", layer}, {"a", layer}}); }), {"a.W", "taken"});
  check_says(message_of<Error>([&] { nn::Parameters({{"", layer}}); }), {"name"});
  check_says(message_of<Error>([&] { nn::Parameters({{"", ones({1})}}); }), {"name"});
  const nn::Parameters parameters({{"a", layer}});
  check_says(message_of<Error>([&] { (void)parameters["b"]; }), {"no parameter b", "a.W, a.b"});
}

TEST_CASE("nn: Linear is x W + b over the last axis") {
  Rng rng(2);
  nn::Linear layer({.inputs = 3, .outputs = 2, .dtype = f64}, rng);
  CHECK(elements(layer.b) == std::vector<double>{0, 0});
  layer.b.assign(varied({2}));
  const Tensor x = varied({4, 3}), sequence = varied({2, 4, 3});
  CHECK(distance(layer(x), matmul(x, layer.W) + layer.b) == 0);
  CHECK(layer(sequence).shape() == Shape{2, 4, 2});
  CHECK(distance(layer(sequence)[1], matmul(sequence[1], layer.W) + layer.b) < 1e-15);
  CHECK(layer(varied({3})).shape() == Shape{2});
  check_says(message_of<ShapeError>([&] { (void)layer(varied({4, 2})); }), {"[4, 2]", "3 inputs"});
  check_says(message_of<ShapeError>([&] { nn::Linear({.inputs = 3}, rng); }), {"0 outputs"});
  const GradientCheck check = check_gradients(
      [](const Tensor& x, const Tensor& W, const Tensor& b) {
        Rng rng(1);
        nn::Linear layer({.inputs = 3, .outputs = 2}, rng);
        layer.W = W;
        layer.b = b;
        return layer(x);
      },
      sequence, layer.W, layer.b);
  CHECK_MESSAGE(check.passed, fmt::format("{}", check));
}

namespace {

// s_k = σ(x_k U + s_{k−1} W + b), in ops of their own.
decltype(nn::Unrolled::states) composed(const nn::Rnn& rnn, const Tensor& x, const Tensor& initial) {
  decltype(nn::Unrolled::states) states = {initial};
  for (Index t = 0; t < x.extent(0); ++t) {
    const Tensor a = matmul(x[t], rnn.U) + matmul(states.back(), rnn.W) + rnn.b;
    switch (rnn.activation) {
      case nn::Activation::identity:
        states.push_back(a);
        break;
      case nn::Activation::tanh:
        states.push_back(tanh(a));
        break;
      case nn::Activation::logistic:
        states.push_back(sigmoid(a));
        break;
      case nn::Activation::relu:
        states.push_back(relu(a));
        break;
    }
  }
  return states;
}

// Loss, its derivatives forwards, first gradients, and gradients of a function of these.
std::vector<Tensor> derivatives(const nn::Rnn& rnn, const Tensor& x, const Tensor& initial, bool fused) {
  Tape tape;
  const auto states = fused ? rnn(x, initial).states : composed(rnn, x, initial);
  const Tensor loss = sum(square(states.back())) + sum(states[1] * states[2]);
  const std::vector<Tensor> wanted = {rnn.U, rnn.W, rnn.b, x, initial};
  const std::vector<Tensor> first = tape.gradients(loss, wanted, {.recorded = true});
  Tensor total = sum(square(first[0]));
  for (std::size_t i = 1; i < first.size(); ++i) total = total + sum(square(first[i]));
  std::vector<Tensor> result = {loss};
  for (const Tensor& along : wanted) result.push_back(tape.jvp(loss, along, varied(along.shape(), 8)));
  for (const std::vector<Tensor>& some : {tape.gradients(loss, wanted), first, tape.gradients(total, wanted)})
    result.insert(result.end(), some.begin(), some.end());
  return result;
}

}  // namespace

TEST_CASE("nn: Rnn agrees with its composition in value and first and second gradients and forwards") {
  for (const nn::Activation activation :
       {nn::Activation::identity, nn::Activation::tanh, nn::Activation::logistic, nn::Activation::relu}) {
    Rng rng(3);
    const nn::Rnn rnn({.inputs = 3,
                       .hidden = 5,
                       .activation = activation,
                       .recurrent_init = nn::normal(0.4),
                       .bias_init = nn::normal(0.2),
                       .dtype = f64},
                      rng);
    const Tensor x = varied({7, 4, 3}), initial = varied({4, 5}, 2);
    const std::vector<Tensor> fused = derivatives(rnn, x, initial, true);
    const std::vector<Tensor> unfused = derivatives(rnn, x, initial, false);
    REQUIRE(fused.size() == 21);
    for (std::size_t i = 0; i < fused.size(); ++i)
      CHECK_MESSAGE(distance(fused[i], unfused[i]) < 1e-12, name(activation) << " " << i);  // hundreds of roundings
  }
}

TEST_CASE("nn: Rnn records a step a record and starts where it is told") {
  Rng rng(4);
  const nn::Rnn rnn({.inputs = 3, .hidden = 5}, rng);
  const Tensor x = varied({6, 2, 3}, 1, f32), initial = varied({2, 5}, 2, f32);
  Tape tape;
  const nn::Unrolled from_zero = rnn(x);
  CHECK(tape.size() == 6 + 5);  // steps; x, s_0, U, W, b
  CHECK(from_zero.steps() == 6);
  CHECK(from_zero.states.size() == 7);
  CHECK(elements(from_zero.states[0]) == std::vector<double>(10, 0));
  CHECK(same_bits(from_zero.last(), rnn(x, zeros({2, 5})).last()));
  const nn::Unrolled given = rnn(x, initial);
  CHECK(given.states[0].is(initial));
  CHECK_FALSE(same_bits(given.last(), from_zero.last()));
  CHECK(from_zero.outputs().shape() == Shape{6, 2, 5});
  CHECK(same_bits(from_zero.outputs()[5], from_zero.last()));
  CHECK(same_bits(from_zero.outputs()[0], from_zero.states[1]));
  CHECK(distance(tape.gradient(sum(given.last()), initial), zeros({2, 5})) > 0);
  check_says(message_of<ShapeError>([&] { (void)rnn(varied({6, 2, 4}, 1, f32)); }), {"[6, 2, 4]"});
  check_says(message_of<ShapeError>([&] { (void)rnn(x, zeros({3, 5})); }), {"[3, 5]"});
  check_says(message_of<ShapeError>([&] { (void)rnn(zeros({2, 3})); }), {"[2, 3]"});
  check_says(message_of<ShapeError>([&] { nn::Rnn({.inputs = 2}, rng); }), {"0 hidden"});
}

TEST_CASE("nn: a state carried to the next tape goes on where the first ended") {
  Rng rng(5);
  const nn::Rnn rnn({.inputs = 2, .hidden = 4}, rng);
  const Tensor x = varied({8, 3, 2}, 1, f32);
  const Tensor whole = rnn(x).last();
  Tensor state = zeros({3, 4});
  for (const Index begin : {0, 4}) {
    Tape tape;
    state = rnn(slice(x, begin, begin + 4), state).last();
    CHECK(tape.gradient(sum(state), rnn.W).defined());
  }
  CHECK(same_bits(state, whole));
}

TEST_CASE("nn: initialisers make what they say") {
  Rng rng(6);
  const Shape shape{40, 30};
  CHECK(elements(nn::zeros()({3}, f32, rng)) == std::vector<double>(3, 0));
  // Deviations of estimates from 1200 numbers: five standard ones.
  const Tensor gauss = nn::normal(0.1)(shape, f64, rng);
  CHECK(std::fabs(norm(gauss).item() / std::sqrt(1200.0) - 0.1) < 5 * 0.1 / std::sqrt(2400.0));
  const auto largest = [](const Tensor& x) {
    double result = 0;
    for (const double v : elements(x)) result = std::max(result, std::fabs(v));
    return result;
  };
  CHECK(largest(nn::uniform(0.3)(shape, f64, rng)) <= 0.3);
  CHECK(largest(nn::uniform(0.3)(shape, f64, rng)) > 0.29);
  const double limit = 2 * std::sqrt(6.0 / 70);
  CHECK(largest(nn::xavier(2)(shape, f64, rng)) <= limit);
  CHECK(largest(nn::xavier(2)(shape, f64, rng)) > 0.97 * limit);
  for (const Shape& any : {Shape{40, 30}, Shape{30, 40}, Shape{20, 20}}) {
    const Tensor q = nn::orthogonal(1.5)(any, f64, rng);
    CHECK(q.shape() == any);
    for (const double value : singular_values(q)) CHECK(std::fabs(value - 1.5) < 1e-13);
  }
  CHECK(elements(nn::identity(2)({2, 3}, f32, rng)) == std::vector<double>{2, 0, 0, 0, 2, 0});
  CHECK(nn::orthogonal()({3, 3}, f32, rng).dtype() == f32);
  for (const nn::Init& init : {nn::xavier(), nn::orthogonal(), nn::identity()})
    check_says(message_of<ShapeError>([&] { (void)init({3}, f32, rng); }), {"[3]", "matri"});
}

TEST_CASE("nn: a sparse matrix has its connections a row and its spectral radius") {
  Rng rng(8);
  for (const auto& [units, connections] : {std::pair<Index, Index>{50, 15}, {20, 1}, {6, 6}, {1, 1}})
    for (const double radius : {0.95, 3.0})
      for (const DType dtype : {f32, f64}) {
        const Tensor W = nn::sparse(connections, radius)({units, units}, dtype, rng);
        CHECK(W.dtype() == dtype);
        const Tensor count = sum(where(W == 0.0, 0.0, 1.0), 1);
        for (const double v : elements(count)) CHECK(v == static_cast<double>(connections));
        CHECK(spectral_radius(W) == doctest::Approx(radius).scale(0).epsilon(dtype == f32 ? 1e-6 : 1e-12));
      }
  CHECK(norm(nn::sparse(2, 0)({5, 5}, f64, rng)).item() == 0);
  // Any place is as good as another: of 2000 draws of 3 of 10, each has about 600 (20 is a standard deviation).
  std::vector<int> drawn(10);
  for (int draw = 0; draw < 200; ++draw) {
    const std::vector<double> W = elements(nn::sparse(3, 1)({10, 10}, f64, rng));
    for (std::size_t i = 0; i < W.size(); ++i) drawn[i % 10] += W[i] != 0;
  }
  for (const int count : drawn) CHECK(std::abs(count - 600) < 100);
  Rng first(9), second(9);
  CHECK(same_bits(nn::sparse(3, 1)({10, 10}, f64, first), nn::sparse(3, 1)({10, 10}, f64, second)));
  for (const double radius : {-1.0, infinity, not_a_number})
    check_says(message_of<Error>([&] { (void)nn::sparse(1, radius)({3, 3}, f32, rng); }), {"[sparse]", "radius"});
  for (const Index connections : {0, 4})
    check_says(message_of<Error>([&] { (void)nn::sparse(connections, 1)({3, 3}, f32, rng); }), {"[sparse]", "1 to 3"});
}

TEST_CASE("nn: a cell in another type is its own") {
  Rng rng(9);
  const nn::Rnn rnn({.inputs = 3, .hidden = 4, .activation = nn::Activation::logistic}, rng);
  Tape tape;
  for (const DType dtype : {f32, f64}) {
    const auto other = rnn.cast(dtype);
    const Tensor W = other->recurrent_weights();
    CHECK(W.dtype() == dtype);
    CHECK(same_bits(cast(W, f32), rnn.W));
    CHECK(other->gamma() == 0.25);
    Tensor writable = W;
    writable.assign(zeros({4, 4}, dtype));
    CHECK(norm(rnn.W).item() > 0);
  }
}

TEST_CASE("nn: the same seed starts the same and leaves no record") {
  Tape tape;
  Rng first(9), second(9);
  const nn::Rnn a({.inputs = 3, .hidden = 4}, first), b({.inputs = 3, .hidden = 4}, second);
  (void)nn::sparse(2, 0.95)({5, 5}, f32, first);
  CHECK(same_bits(a.U, b.U));
  CHECK(same_bits(a.W, b.W));
  CHECK(tape.size() == 0);
}

TEST_CASE("nn: losses are their formulas") {
  const Tensor p = varied({3, 2}, 1), t = varied({3, 2}, 2);
  double squares = 0;
  for (Index i = 0; i < 6; ++i) squares += std::pow(elements(p)[i] - elements(t)[i], 2);
  CHECK(nn::mse(p, t).item() == doctest::Approx(squares / 6).epsilon(1e-15));
  CHECK(nn::mse(p, t).rank() == 0);

  const Tensor logits = varied({2, 3, 4});
  const Tensor classes = indices({0, 3, 1, 2, 2, 0}, {2, 3});
  double total = 0;
  for (std::size_t row = 0; row < 6; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += std::exp(elements(logits)[row * 4 + i]);
    total += std::log(sum) - elements(logits)[row * 4 + static_cast<std::size_t>(elements(classes)[row])];
  }
  CHECK(nn::cross_entropy(logits, classes).item() == doctest::Approx(total / 6).epsilon(1e-14));
  CHECK(nn::cross_entropy(zeros({5, 4}, f64), indices({0, 1, 2, 3, 0})).item() ==
        doctest::Approx(std::log(4.0)).epsilon(1e-15));
  CHECK(nn::cross_entropy(varied({3}), indices({1}, {})).rank() == 0);
}
