// Faults that must be survived, 12 to 17: numbers, shapes, indices and types that don't fit.
#include "support.h"

#include <nn/nn.h>

#include <functional>
#include <limits>

using namespace ebb;
using namespace ebb::test;

TEST_CASE("faults 12: clipping refuses NaN and infinity and changes nothing") {
  for (const double bad : {not_a_number, infinity, -infinity})
    for (const DType dtype : {f32, f64}) {
      std::vector<Tensor> gradients = {full({2}, 3, dtype), tensor({{4, bad}}, dtype)};
      const std::vector<Tensor> before = {detach(gradients[0]), detach(gradients[1])};
      check_says(message_of<NonFiniteError>([&] { nn::clip_norm(gradients, 1.0); }),
                 {"[clip_norm]", "gradient 1", "element 1", fmt::format("{}", bad)});
      check_says(message_of<NonFiniteError>([&] { nn::clip_value(gradients, 1.0); }), {"[clip_value]", "gradient 1"});
      const double norm = nn::clip_norm(gradients, 1.0, nn::NonFinite::skip);
      CHECK_FALSE(std::isfinite(norm));
      nn::clip_value(gradients, 1.0, nn::NonFinite::skip);
      for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(gradients[i], before[i]));
    }
}

TEST_CASE("faults 12: optimisers refuse NaN and infinity or count and skip them") {
  for (const double bad : {not_a_number, infinity, -infinity}) {
    const auto check = [&](auto make) {
      Tensor a = varied({2}, 1), b = varied({2}, 2);
      const Tensor a_before = detach(a), b_before = detach(b);
      auto strict = make(nn::Parameters({{"a", a}, {"b", b}}), nn::NonFinite::error);
      const std::vector<Tensor> gradients = {ones({2}, f64), tensor({1, bad}, f64)};
      check_says(message_of<NonFiniteError>([&] { strict.step(gradients); }), {"gradient 1 of b", "element 1"});
      auto lenient = make(nn::Parameters({{"a", a}, {"b", b}}), nn::NonFinite::skip);
      lenient.step(gradients);
      lenient.step(gradients);
      CHECK(lenient.skipped() == 2);
      CHECK(same_bits(a, a_before));
      CHECK(same_bits(b, b_before));
      CHECK(a.version() == 0);
      // The state is as if the bad ones had never been.
      const std::vector<Tensor> good = {ones({2}, f64), ones({2}, f64)};
      lenient.step(good);
      Tensor c = detach(a_before), d = detach(b_before);
      auto fresh = make(nn::Parameters({{"a", c}, {"b", d}}), nn::NonFinite::error);
      fresh.step(good);
      CHECK(same_bits(a, c));
      CHECK_FALSE(same_bits(a, a_before));
    };
    check([](const nn::Parameters& p, nn::NonFinite what) {
      return nn::Sgd(p, {.learning_rate = 0.1, .momentum = 0.9, .non_finite = what});
    });
    check([](const nn::Parameters& p, nn::NonFinite what) { return nn::Adam(p, {.non_finite = what}); });
  }
}

TEST_CASE("faults 13: the norm is right where squares overflow or vanish") {
  // A few roundings of the type on the way.
  CHECK(norm(full({4}, 1e30)).item() == doctest::Approx(2e30).epsilon(1e-7));
  CHECK(norm(full({4}, 1e-30)).item() == doctest::Approx(2e-30).epsilon(1e-7));
  CHECK(norm(full({4}, 1e200, f64)).item() == doctest::Approx(2e200).epsilon(1e-15));
  CHECK(norm(full({4}, 1e-200, f64)).item() == doctest::Approx(2e-200).epsilon(1e-15));
  CHECK(norm(full({4}, 5e-324, f64)).item() == doctest::Approx(2 * 5e-324).epsilon(1e-15));
  CHECK(norm(tensor({3e200, 4e-200}, f64)).item() == doctest::Approx(3e200).epsilon(1e-15));
  CHECK(nn::gradient_norm(std::vector<Tensor>{full({4}, 3e38), full({9}, 3e38)}) ==
        doctest::Approx(std::sqrt(13.0) * 3e38).epsilon(1e-7));  // above float32's range
  CHECK(nn::gradient_norm(std::vector<Tensor>{full({4}, 1e300, f64), full({1}, 1e10, f64)}) ==
        doctest::Approx(2e300).epsilon(1e-15));
  CHECK(norm(tensor({1.0, infinity}, f64)).item() == infinity);
  CHECK(std::isnan(norm(tensor({not_a_number, infinity}, f64)).item()));

  std::vector<Tensor> gradients = {full({4}, 1e200, f64)};
  CHECK(nn::clip_norm(gradients, 1.0) == doctest::Approx(2e200).epsilon(1e-15));
  CHECK(distance(gradients[0], full({4}, 0.5, f64)) < 1e-15);
  // Its gradient too: x / ‖x‖.
  const Tensor large = full({4}, 1e200, f64);
  Tape tape;
  CHECK(distance(tape.gradient(norm(large), large), full({4}, 0.5, f64)) < 1e-15);
}

TEST_CASE("faults 14: shapes that can not be are refused before memory is asked for") {
  const std::size_t before = detail::system_bytes_held();
  check_says(message_of<ShapeError>([] {
               (void)zeros({Index{1} << 40, Index{1} << 40});
             }),
             {"1099511627776", "more elements"});
  check_says(message_of<ShapeError>([] { (void)zeros({std::numeric_limits<Index>::max(), 2, 0}); }), {"more elements"});
  check_says(message_of<ShapeError>([] { (void)zeros({2, -1}); }), {"[2, -1]", "negative"});
  check_says(message_of<ShapeError>([] { (void)zeros({1, 1, 1, 1, 1, 1, 1}); }), {"7 axes"});
  const Tensor wide = zeros({1, Index{1} << 20});
  check_says(message_of<ShapeError>([&] {
               (void)broadcast_to(wide, {Index{1} << 50, Index{1} << 20});
             }),
             {"more elements"});
  const std::size_t of_wide = std::size_t{8} << 20;
  CHECK(detail::system_bytes_held() < before + of_wide);
  // What fits into an index but not into any memory.
  check_says(message_of<ShapeError>([] { (void)zeros({Index{1} << 55}); }), {"36028797018963968", "bytes"});
}

TEST_CASE("faults 15: empty tensors are defined or a clear error") {
  const Tensor none = zeros({0}), rows = zeros({0, 3}), columns = zeros({3, 0});
  CHECK((none + none).shape() == Shape{0});
  CHECK((none + 1.0).size() == 0);
  CHECK(sum(none).item() == 0);
  CHECK(std::isnan(mean(none).item()));
  CHECK(elements(sum(rows, 0)) == std::vector<double>{0, 0, 0});
  CHECK(norm(none).item() == 0);
  CHECK(elements(matmul(columns, rows)) == std::vector<double>(9, 0));
  CHECK(matmul(rows, columns).shape() == Shape{0, 0});
  CHECK(transpose(rows).shape() == Shape{3, 0});
  CHECK(log_softmax(rows).shape() == Shape{0, 3});
  check_says(message_of<ShapeError>([&] { (void)log_softmax(columns); }), {"[3, 0]"});
  check_says(message_of<ShapeError>([&] { (void)log_softmax(tensor(1.0)); }), {"[]"});
  CHECK(concat({none, none}).size() == 0);
  check_says(message_of<ShapeError>([] { (void)concat(std::span<const Tensor>()); }), {"at least one"});
  check_says(message_of<ShapeError>([] { (void)stack(std::span<const Tensor>()); }), {"at least one"});
  CHECK(take_rows(rows, indices({})).shape() == Shape{0, 3});
  check_says(message_of<ShapeError>([&] { (void)select(none, 0); }), {"[0]"});
  check_says(message_of<ShapeError>([&] { (void)none.item(); }), {"[0]"});
  CHECK(fmt::format("{}", none) == "[]");
}

TEST_CASE("faults 15: no time and no batch are defined for a recurrent net and its losses") {
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  const nn::Linear readout({.inputs = 3, .outputs = 4}, rng);
  Tape tape;
  const nn::Unrolled still = rnn(zeros({0, 5, 2}));
  CHECK(still.steps() == 0);
  CHECK(still.last().shape() == Shape{5, 3});
  check_says(message_of<ShapeError>([&] { (void)still.outputs(); }), {"steps"});
  nn::GradientFlow flow(rnn, still);
  CHECK(flow.state_gradient.size() == 1);

  const nn::Unrolled nobody = rnn(zeros({4, 0, 2}));
  CHECK(nobody.steps() == 4);
  CHECK(nobody.outputs().shape() == Shape{4, 0, 3});
  CHECK(distance(tape.gradient(sum(nobody.last()), rnn.W), zeros({3, 3})) == 0);
  CHECK(readout(zeros({4, 0, 3})).shape() == Shape{4, 0, 4});
  CHECK(std::isnan(nn::mse(zeros({0, 2}), zeros({0, 2})).item()));
  CHECK(std::isnan(nn::cross_entropy(zeros({0, 2}), indices({})).item()));
}

TEST_CASE("faults 16: an index that is no row or class names itself and its place") {
  const Tensor x = varied({3, 2});
  check_says(message_of<ShapeError>([&] {
               (void)take_rows(x, indices({0, 3}));
             }),
             {"[take_rows]", "index 3", "place 1", "[3, 2]"});
  check_says(message_of<ShapeError>([&] { (void)take_rows(x, indices({-1, 0})); }), {"index -1", "place 0"});
  check_says(message_of<Error>([&] { (void)take_rows(x, tensor({0, 1})); }), {"float32", "int64"});
  check_says(message_of<ShapeError>([&] { (void)take_rows(tensor(1.0), indices({0})); }), {"scalar"});
  check_says(message_of<ShapeError>([&] {
               (void)nn::cross_entropy(x, indices({0, 1, 2}));
             }),
             {"[cross_entropy]", "class 2", "place 2"});
  check_says(message_of<ShapeError>([&] { (void)nn::cross_entropy(x, indices({0, -1, 1})); }), {"class -1", "place 1"});
  check_says(message_of<Error>([&] { (void)nn::cross_entropy(x, tensor({0, 1, 1})); }), {"float32", "int64"});
  check_says(message_of<ShapeError>([&] { (void)nn::cross_entropy(x, indices({0, 1})); }), {"[3, 2]", "[2]"});
  check_says(message_of<ShapeError>([&] { (void)select(x, 3); }), {"index 3", "[3, 2]"});
  check_says(message_of<ShapeError>([&] { (void)select(x, -4); }), {"index -4"});
  check_says(message_of<ShapeError>([&] { (void)slice(x, 1, 4); }), {"[1, 4)", "axis 0", "[3, 2]"});
  check_says(message_of<ShapeError>([&] { (void)slice(x, 2, 1); }), {"[2, 1)"});
  check_says(message_of<ShapeError>([&] { (void)slice(x, 0, 1, 2); }), {"axis 2", "[3, 2]"});
}

TEST_CASE("faults 17: shapes that do not broadcast are named") {
  const Tensor a = varied({2, 3}), b = varied({2});
  check_says(message_of<ShapeError>([&] { (void)(a + b); }), {"[add]", "[2, 3]", "[2]", "axis -1"});
  check_says(message_of<ShapeError>([&] { (void)where(a, b, a); }), {"[where]", "[2, 3]", "[2]"});
  check_says(message_of<ShapeError>([&] { (void)broadcast_to(a, {3}); }), {"[2, 3]", "[3]"});
  check_says(message_of<ShapeError>([&] { (void)sum_to(a, {2}); }), {"[2, 3]", "[2]"});
  check_says(message_of<ShapeError>([&] {
               (void)matmul(zeros({20, 50}), zeros({64, 64}));
             }),
             {"[matmul] inner dimensions differ: [20, 50] × [64, 64]"});
  check_says(message_of<ShapeError>([&] { (void)matmul(a, b); }), {"[matmul]", "[2]"});
  check_says(message_of<ShapeError>([&] { (void)transpose(b); }), {"[transpose]", "[2]"});
  check_says(message_of<ShapeError>([&] { (void)reshape(a, {4}); }), {"[2, 3]", "[4]"});
  check_says(message_of<ShapeError>([&] { (void)reshape(a, {-1, -1}); }), {"-1"});
  check_says(message_of<ShapeError>([&] { (void)reshape(a, {4, -1}); }), {"[4, -1]"});
  check_says(message_of<ShapeError>([&] { (void)concat({a, zeros({2, 2}, f64)}); }), {"part 1", "[2, 2]", "[2, 3]"});
  check_says(message_of<ShapeError>([&] { (void)stack({a, b}); }), {"part 1", "[2]", "[2, 3]"});
  check_says(message_of<ShapeError>([&] { (void)sum(a, 2); }), {"[sum]", "axis 2", "[2, 3]"});
  check_says(message_of<ShapeError>([&] { (void)mean(a, -3); }), {"[mean]", "axis -3"});
  check_says(message_of<ShapeError>([&] { (void)nn::mse(a, b); }), {"[2, 3]", "[2]"});
}

TEST_CASE("faults 17: an assembly whose pieces do not fit is refused") {
  const Tensor piece = ones({2, 2}, f64);
  const auto assembled = [&](const Region& place, const Shape& shape) {
    return assemble(std::span(&piece, 1), std::span(&place, 1), shape);
  };
  CHECK(assembled({.begin = 1}, {3, 2}).shape() == Shape{3, 2});
  (void)message_of<ShapeError>([&] { (void)assembled({.begin = 2}, {3, 2}); });
  (void)message_of<ShapeError>([&] { (void)assembled({.begin = -1}, {3, 2}); });
  (void)message_of<ShapeError>([&] { (void)assembled({.axis = 2}, {3, 2}); });
  (void)message_of<ShapeError>([&] { (void)assembled({.begin = 0}, {3, 3}); });
  (void)message_of<ShapeError>([&] { (void)assembled({.rows = indices({0, 3})}, {3, 2}); });
  (void)message_of<ShapeError>([&] { (void)assembled({.rows = indices({0})}, {3, 2}); });
}

TEST_CASE("faults 17: float32 and float64 and int64 do not mix") {
  const Tensor a = ones({2, 2}), b = ones({2, 2}, f64), i = indices({1, 2, 3, 4}, {2, 2});
  for (const auto& mixed : std::vector<std::function<void()>>{[&] { (void)(a + b); }, [&] { (void)matmul(a, b); },
                                                              [&] { (void)where(a, a, b); },
                                                              [&] {
                                                                (void)concat({a, b});
                                                              },
                                                              [&] {
                                                                (void)stack({a, b});
                                                              },
                                                              [&] { Tensor(a).assign(b); }})
    check_says(message_of<Error>(mixed), {"float32", "float64"});
  for (const auto& arithmetic : std::vector<std::function<void()>>{
           [&] { (void)(i + i); }, [&] { (void)tanh(i); }, [&] { (void)sum(i); }, [&] { (void)matmul(i, i); },
           [&] { (void)norm(i); }, [&] { (void)log_softmax(i); }})
    check_says(message_of<Error>(arithmetic), {"int64", "cast"});
  check_says(message_of<Error>([&] { (void)a.values<double>(); }), {"float32", "float64"});
  check_says(message_of<Error>([&] { (void)Tensor(a).edit<std::int64_t>(); }), {"float32", "int64"});
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 2, .hidden = 2}, rng);
  check_says(message_of<Error>([&] { (void)rnn(ones({1, 2, 2}, f64)); }), {"float32", "float64"});
}
