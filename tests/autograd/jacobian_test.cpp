// The forward direction, Jacobians as operators, second derivatives of the tape.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// A small network of hidden states: s_k = tanh(s_{k−1} W).
std::vector<Tensor> chain(const Tensor& first, const Tensor& W, Index steps) {
  std::vector<Tensor> states{first};
  for (Index t = 0; t < steps; ++t) states.push_back(tanh(matmul(states.back(), W)));
  return states;
}

double dot_of(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }

}  // namespace

TEST_CASE("jvp: of a chain it is the derivative along the tangent") {
  const Tensor W = varied({3, 3}, 1), first = varied({2, 3}, 2), v = varied({2, 3}, 3);
  Tape tape;
  const std::vector<Tensor> states = chain(first, W, 5);
  const Tensor pushed = tape.jvp(states.back(), first, v);
  const double step = 1e-5;
  const Pause pause;
  const Tensor difference = (chain(first + step * v, W, 5).back() - chain(first - step * v, W, 5).back()) / (2 * step);
  CHECK(distance(pushed, difference) < 1e-9);  // second-order differences: step² times the third derivative
}

TEST_CASE("jvp: of several arguments it is the sum, also where one depends on another") {
  const Tensor W = varied({3, 3}, 1), first = varied({1, 3}, 2);
  Tape tape;
  const std::vector<Tensor> states = chain(first, W, 4);
  const Tensor v = varied({1, 3}, 3), w = varied({1, 3}, 4), dW = varied({3, 3}, 5);
  const Tensor together = tape.jvp(states[4], {first, states[2], W}, {v, w, dW});
  const Tensor apart = tape.jvp(states[4], first, v) + tape.jvp(states[4], states[2], w) + tape.jvp(states[4], W, dW);
  CHECK(distance(together, apart) < 1e-14);  // some roundings of numbers of size 1
}

TEST_CASE("jvp: of a slice, a selection and a view taken before the tape") {
  const Tensor x = varied({3, 4}, 1), early = x[1];
  Tape tape;
  const Tensor y = sum(square(x) * x, 1);
  const Tensor t = varied({2, 4}, 2);
  const Tensor by_slice = tape.jvp(y, slice(x, 1, 3), t);
  CHECK(by_slice.values<double>()[0] == 0);
  CHECK(by_slice.values<double>()[2] == doctest::Approx(dot_of(3.0 * square(x[2]), t[1])));
  CHECK(tape.jvp(y, early, t[0]).values<double>()[1] == doctest::Approx(dot_of(3.0 * square(x[1]), t[0])));
  CHECK(tape.jvp(y, reshape(x[0], {2, 2}), reshape(t[0], {2, 2})).values<double>()[0] ==
        doctest::Approx(dot_of(3.0 * square(x[0]), t[0])));
}

TEST_CASE("jvp: zeros where nothing leads from the one to the other") {
  const Tensor x = varied({3}), y = varied({2});
  Tape tape;
  const Tensor a = square(x), b = square(y), c = square(x > 0.0);
  CHECK(same_bits(tape.jvp(b, a, ones_like(a)), zeros({2}, f64)));
  CHECK(same_bits(tape.jvp(c, x, ones_like(x)), zeros({3}, f64)));
}

TEST_CASE("jvp: is the caller's own") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = clone(x), t = varied({3}, 2);
  for (const Tensor& result : {y, x}) {
    Tensor pushed = tape.jvp(result, x, t);
    pushed.edit<double>()[0] = 100;
    CHECK(t.values<double>()[0] != 100);
  }
}

TEST_CASE("jvp: recorded, it can be differentiated backwards") {
  const Tensor x = varied({3}), v = varied({3}, 2);
  Tape tape;
  const Tensor y = exp(x) * tanh(x);
  const Tensor pushed = tape.jvp(y, x, v, {.recorded = true});
  const Tensor reverse_over_forward = tape.gradient(sum(pushed), x);
  CHECK(distance(reverse_over_forward, tape.hessian_vector_product(sum(y), x, v)) < 1e-14);
}

TEST_CASE("jvp: errors name the argument and both shapes") {
  const Tensor x = varied({3}), other = varied({2});
  Tape tape;
  const Tensor y = square(x);
  check_says(message_of<ShapeError>([&] { (void)tape.jvp(y, x, ones({2}, f64)); }),
             {"[jvp]", "argument 0", "[2]", "[3]"});
  check_says(message_of<Error>([&] { (void)tape.jvp(y, x, ones({3})); }), {"[jvp]", "float32", "float64"});
  check_says(message_of<TapeError>([&] { (void)tape.jvp(y, other, other); }), {"[jvp]", "argument 0", "[2]"});
  check_says(message_of<TapeError>([&] { (void)tape.jvp(other, x, x); }), {"[jvp]", "wasn't computed"});
  CHECK(tape.size() == 2);
}

TEST_CASE("jacobian: vjp, jvp and matrix agree, wide and tall") {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{2, 5}, {5, 2}, {3, 3}}) {
    const Tensor W = varied({columns, rows}, 1), x = varied({1, columns}, 2);
    Tape tape;
    const Tensor y = tanh(matmul(x, W));
    const Jacobian J = tape.jacobian(y, x);
    const Tensor dense = J.matrix();
    REQUIRE(dense.shape() == Shape{rows, columns});
    CHECK(distance(dense, transpose(W * (1.0 - square(y)))) < 1e-15);
    const Tensor u = varied({1, rows}, 3), v = varied({1, columns}, 4);
    CHECK(distance(J.vjp(u), matmul(u, dense)) < 1e-15);
    CHECK(distance(J.jvp(v), matmul(v, transpose(dense))) < 1e-15);
    const std::vector<double> values = singular_values(J);
    CHECK(values.size() == static_cast<std::size_t>(std::min(rows, columns)));
    CHECK(spectral_norm(J) == doctest::Approx(values.front()).epsilon(1e-10));
  }
}

TEST_CASE("jacobian: of a product of 20 states its norm keeps the bound of the article") {
  Rng rng(1);
  const Tensor W = normal({8, 8}, 0, 0.3, rng, f64), first = normal({1, 8}, 0, 0.1, rng, f64);
  Tape tape;
  const std::vector<Tensor> states = chain(first, W, 19);
  const Jacobian J = tape.jacobian(states.back(), first);
  CHECK(spectral_norm(J) <= std::pow(spectral_norm(W), 19));
  CHECK(spectral_norm(J) == doctest::Approx(spectral_norm(J.matrix())).epsilon(1e-10));
  // A chain of Jacobians is the Jacobian of the chain.
  const Tensor later = tape.jacobian(states[19], states[7]).matrix();
  const Tensor earlier = tape.jacobian(states[7], first).matrix();
  CHECK(distance(matmul(later, earlier), J.matrix()) < 1e-15);
}

TEST_CASE("jacobian: used after its tape it says so") {
  const Tensor x = varied({2});
  std::vector<Jacobian> kept;
  {
    Tape tape;
    kept.push_back(tape.jacobian(square(x), x));
  }
  const std::function<void()> uses[] = {[&] { (void)kept[0].vjp(x); }, [&] { (void)kept[0].jvp(x); },
                                        [&] { (void)kept[0].matrix(); }, [&] { (void)spectral_norm(kept[0]); },
                                        [&] { (void)singular_values(kept[0]); }};
  for (const auto& use : uses) check_says(message_of<TapeError>(use), {"[jacobian]", "tape is gone"});
}

TEST_CASE("jacobian: the norm of one that is not finite, or has nothing, is said to be so") {
  const Tensor x = zeros({2}, f64), none = zeros({0}, f64);
  Tape tape;
  CHECK(std::isnan(spectral_norm(tape.jacobian(log(x), x))));
  CHECK(spectral_norm(tape.jacobian(square(none), none)) == 0);
  CHECK(tape.jacobian(square(none), none).matrix().shape() == Shape{0, 0});
  CHECK(spectral_norm(tape.jacobian(x * 0.0, x)) == 0);
}

TEST_CASE("hessian: of a quadratic form it is the form, and asking leaves the tape as it was") {
  const Tensor A = varied({3, 3}, 1), x = varied({3, 1}, 2), v = varied({3, 1}, 3);
  Tape tape;
  const Tensor y = sum(x * matmul(A, x));
  const Index size = tape.size();
  CHECK(distance(tape.hessian(y, x), A + transpose(A)) < 1e-15);
  CHECK(distance(tape.hessian_vector_product(y, x, v), matmul(A + transpose(A), v)) < 1e-15);
  CHECK(tape.size() == size + 6);  // what the right-hand sides recorded
  check_says(message_of<ShapeError>([&] { (void)tape.hessian(matmul(A, x), x); }), {"[hessian]", "[3, 1]"});
}

TEST_CASE("hessian: zeros where the gradient is constant, or there is none") {
  const Tensor x = varied({3}), other = varied({2});
  Tape tape;
  const Tensor linear = sum(2.0 * x), apart = sum(square(other));
  CHECK(same_bits(tape.hessian(linear, x), zeros({3, 3}, f64)));
  (void)sum(x);
  CHECK(same_bits(tape.hessian(apart, x), zeros({3, 3}, f64)));
  CHECK(same_bits(tape.hessian_vector_product(apart, x, x), zeros({3}, f64)));
}

TEST_CASE("sweeps: many short ones over a long tape cost what lies between") {
  const Index length = 2000;
  const Tensor first = varied({2});
  Tape tape;
  std::vector<Tensor> states{first};
  for (Index i = 0; i < length; ++i) states.push_back(tanh(states.back()));
  const std::uint64_t before = ebb::walked(tape);
  for (std::size_t i = 5; i < states.size(); ++i) {
    (void)tape.gradient(states[i], states[i - 5], {.seed = first});
    (void)tape.gradient(states[i], states[i - 5], {.recorded = true, .seed = first});
    (void)tape.jvp(states[i], states[i - 5], first);
    (void)tape.jvp(states[i], states[i - 5], first, {.recorded = true});
  }
  // Six records, looked at twice by each of the four.
  CHECK(ebb::walked(tape) - before == static_cast<std::uint64_t>(4 * 2 * 6 * (length - 4)));
}

TEST_CASE("check_finite: a NaN is named where it is born, in values") {
  const Tensor x = tensor({1.0, 4.0}, f64);
  Tape strict({.check_finite = true});
  const Tensor fine = log(x);
  {
    const Scope scope("score");
    check_says(message_of<NonFiniteError>([&] { (void)log(x - 1.0); }),
               {"[log]", "record 3", "scope \"score\"", "-inf", "[0]", "[2]"});
  }
  CHECK(strict.size() == 3);
  check_says(message_of<NonFiniteError>([&] { (void)(x / tensor({1.0, 0.0}, f64)); }), {"inf at [1] of shape [2]"});
  check_says(message_of<NonFiniteError>([&] { (void)exp(tensor({not_a_number}, f64)); }), {"[source]", "nan at [0]"});
  CHECK(distance(strict.gradient(fine, x, {.seed = ones({2}, f64)}), 1.0 / x) == 0);
}

TEST_CASE("check_finite: a recorded sweep objects where a plain one does and nowhere else") {
  const Tensor x = tensor({1, 2}, f64);
  Tape tape({.check_finite = true});
  const Tensor root = sqrt(x - 1.0), power = pow(x - 1.0, 0.5);
  // Infinite at 0, where nothing arrives.
  const Tensor guarded = sum(where(x > 1.0, power, 0.0));
  const Tensor expected = tape.gradient(guarded, x);
  CHECK(elements(expected) == std::vector<double>{0, 0.5});
  CHECK(same_bits(tape.gradient(guarded, x, {.recorded = true}), expected));
  CHECK(elements(tape.hessian_vector_product(guarded, x, tensor({0, 1}, f64))) == std::vector<double>{0, -0.25});
  for (const bool recorded : {false, true})
    check_says(message_of<NonFiniteError>([&] { (void)tape.gradient(sum(power), x, {.recorded = recorded}); }),
               {"[gradient]", "pow", "inf at [0]"});
  CHECK(tape.gradient(sum(root), x, {.recorded = true})[0].item() == 0);
}

TEST_CASE("check_finite: a NaN is named where it is born, in gradients and tangents") {
  const Tensor x = tensor({1.0, 1e-200}, f64), W = tensor({{1e300, 0}, {0, 1}}, f64);
  Tape strict({.check_finite = true});
  const Tensor y = sum(1.0 / x * 1e-150);  // the derivative has x² in it: infinite
  check_says(message_of<NonFiniteError>([&] { (void)strict.gradient(y, x); }),
             {"[gradient]", "(divide)", "record", "(source)", "-inf at [1] of shape [2]"});
  check_says(message_of<NonFiniteError>([&] { (void)strict.jvp(y, x, ones({2}, f64)); }), {"[jvp]", "(divide)", "[1]"});
  const Tensor product = matmul(reshape(x, {1, 2}), W);
  const Tensor seed = tensor({{1e300, 0}}, f64);
  check_says(message_of<NonFiniteError>([&] { (void)strict.gradient(product, x, {.seed = seed}); }),
             {"[gradient]", "(matmul)", "inf at [0, 0]"});
  Tape lenient;
  CHECK_FALSE(std::isfinite(lenient.gradient(sum(1.0 / x), x).values<double>()[1]));
}

TEST_CASE("check_finite: a gradient that isn't finite by its seed or its sum alone is named, with its scope") {
  const Tensor x = tensor({0.1, 0.2}, f64), b = tensor({0.1}, f64);
  Tape strict({.check_finite = true});
  const Scope scope("part");
  const Tensor y = x * 1e308, z = broadcast_to(b, {2, 1}) * 1e308;
  const Tensor twice = y + x * 1e308;
  // Each of the two contributions is finite.
  check_says(message_of<NonFiniteError>([&] { (void)strict.gradient(sum(twice), x); }),
             {"[gradient]", "record 0 (source", "inf at [0] of shape [2]"});
  check_says(message_of<NonFiniteError>([&] { (void)strict.gradient(sum(z), b); }), {"[gradient]", "(source", "inf"});
  for (const double bad : {infinity, not_a_number})
    for (const bool recorded : {false, true})
      check_says(message_of<NonFiniteError>(
                     [&] { (void)strict.gradient(y, x, {.recorded = recorded, .seed = full({2}, bad, f64)}); }),
                 {"[gradient]", "(multiply, scope \"part\")", fmt::format("{} at [0]", bad)});
}
