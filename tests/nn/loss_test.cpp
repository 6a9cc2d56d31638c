// Losses: known values, reductions, large logits, and what is refused.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;
using nn::Reduction;

TEST_CASE("losses: mse, mae and huber are their formulas, reduced as asked") {
  const Tensor p = tensor({{1, 2}, {-3, 0.5}}, f64), t = tensor({{0.5, 2}, {1, 0}}, f64);
  CHECK(nn::mse(p, t).item() == doctest::Approx(16.5 / 4).epsilon(1e-15));
  CHECK(nn::mae(p, t).item() == doctest::Approx(5.0 / 4).epsilon(1e-15));
  CHECK(nn::mae(p, t, {.reduction = Reduction::sum}).item() == doctest::Approx(5.0).epsilon(1e-15));
  CHECK(all_close(nn::mse(p, t, {.reduction = Reduction::none}), tensor({{0.25, 0}, {16, 0.25}}, f64), 1e-15));
  CHECK(all_close(nn::huber(p, t, {.reduction = Reduction::none}), tensor({{0.125, 0}, {3.5, 0.125}}, f64), 1e-15));
  CHECK(nn::huber(p, t, {.delta = 0.1}).item() ==
        doctest::Approx((2 * 0.1 * (0.5 - 0.05) + 0.1 * (4 - 0.05)) / 4).epsilon(1e-14));

  Tape tape;
  CHECK(all_close(tape.gradient(nn::mae(p, t, {.reduction = Reduction::sum}), p), tensor({{1, 0}, {-1, 1}}, f64), 0));
  CHECK(all_close(tape.gradient(nn::huber(p, t, {.reduction = Reduction::sum}), p), tensor({{0.5, 0}, {-1, 0.5}}, f64),
                  1e-15));

  // Where huber's two halves meet, its second derivative is PyTorch's.
  const Tensor at_delta = tensor({1, -1, 0.5}, f64);
  const Tensor first =
      tape.gradient(nn::huber(at_delta, zeros({3}, f64), {.reduction = Reduction::sum}), at_delta, {.recorded = true});
  CHECK(elements(first) == std::vector<double>{1, -1, 0.5});
  CHECK(elements(tape.gradient(sum(first), at_delta)) == std::vector<double>{0, 0, 1});

  const auto losses = {+[](const Tensor& a, const Tensor& b) { return nn::mse(a, b); },
                       +[](const Tensor& a, const Tensor& b) { return nn::mae(a, b); },
                       +[](const Tensor& a, const Tensor& b) { return nn::huber(a, b); },
                       +[](const Tensor& a, const Tensor& b) { return nn::binary_cross_entropy_with_logits(a, b); }};
  for (const auto& loss : losses) {
    check_says(message_of<ShapeError>([&] { (void)loss(ones({2, 3}), ones({3})); }), {"[2, 3]", "[3]", "one shape"});
    check_says(message_of<Error>([&] { (void)loss(ones({2}), ones({2}, f64)); }), {"float32", "float64"});
    CHECK(std::isnan(loss(zeros({0}), zeros({0})).item()));
  }
  for (const double delta : {0.0, -1.0, not_a_number})
    check_says(message_of<Error>([&] { (void)nn::huber(p, t, {.delta = delta}); }), {"[huber]", "delta"});
}

TEST_CASE("losses: binary cross-entropy is finite and exact for any logits") {
  const Tensor z = tensor({1e4, 1e4, -1e4, -1e4, 0, 40, -40, 2}, f64), t = tensor({1, 0, 1, 0, 0.25, 1, 0, 0.7}, f64);
  const double tail = std::log1p(std::exp(-40.0));
  const Tensor expected =
      tensor({0, 1e4, 1e4, 0, std::log(2.0), tail, tail, 2 - 1.4 + std::log1p(std::exp(-2.0))}, f64);
  Tape tape;
  const Tensor y = nn::binary_cross_entropy_with_logits(z, t, {.reduction = Reduction::none});
  for (Index i = 0; i < z.size(); ++i) CHECK(std::fabs(y[i].item() - expected[i].item()) <= 1e-14 * expected[i].item());
  CHECK(all_close(tape.gradient(sum(y), z), sigmoid(z) - t, 1e-15));
  CHECK(all_close(tape.gradient(sum(y), t), -z, 0));
  CHECK(nn::binary_cross_entropy_with_logits(z, t).item() == doctest::Approx(mean(expected).item()).epsilon(1e-15));
}

TEST_CASE("losses: cross-entropy of probabilities is that of classes when they are certain") {
  const Tensor z = varied({2, 3, 4}), c = indices({0, 3, 1, 2, 2, 0}, {2, 3});
  const Tensor p = one_hot(c, 4, f64);
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
    CHECK(distance(nn::cross_entropy(z, p, {.reduction = reduction}),
                   nn::cross_entropy(z, c, {.reduction = reduction})) < 1e-15);
  CHECK(nn::cross_entropy(z, c, {.reduction = Reduction::none}).shape() == Shape{2, 3});
  const Tensor large = 1e4 * tensor({{1, -1}, {-1, 1}}, f64);
  CHECK(elements(nn::cross_entropy(large, indices({0, 0}), {.reduction = Reduction::none})) ==
        std::vector<double>{0, 2e4});
}

TEST_CASE("losses: an ignored class counts for nothing, whatever its logits") {
  const Tensor z = tensor({{1, 2}, {not_a_number, 0}, {0.5, 0.25}}, f64);
  const Tensor c = indices({1, -100, 0});
  const auto loss = [&](Reduction r) { return nn::cross_entropy(z, c, {.ignore_index = -100, .reduction = r}); };
  const double first = std::log1p(std::exp(-1.0)), last = std::log1p(std::exp(-0.25));
  CHECK(loss(Reduction::mean).item() == doctest::Approx((first + last) / 2).epsilon(1e-15));
  CHECK(loss(Reduction::sum).item() == doctest::Approx(first + last).epsilon(1e-15));
  CHECK(distance(loss(Reduction::none), tensor({first, 0, last}, f64)) < 1e-15);
  for (const Reduction r : {Reduction::mean, Reduction::none}) {
    Tape tape;
    const Tensor g = tape.gradient(sum(loss(r)), z);
    CHECK(elements(g[1]) == std::vector<double>{0, 0});
    CHECK(g[0][0].item() > 0);
  }
  const Tensor all = indices({7, 7, 7});
  CHECK(std::isnan(nn::cross_entropy(z, all, {.ignore_index = 7}).item()));
  CHECK(nn::cross_entropy(z, all, {.ignore_index = 7, .reduction = Reduction::sum}).item() == 0);
  check_says(message_of<ShapeError>([&] { (void)nn::cross_entropy(z, c); }), {"class -100", "place 1"});
  check_says(message_of<ShapeError>([&] { (void)nn::cross_entropy(z, c, {.ignore_index = 0}); }), {"class -100"});
}

TEST_CASE("losses: cross-entropy refuses targets that don't fit") {
  const Tensor z = ones({2, 3});
  check_says(message_of<Error>([&] { (void)nn::cross_entropy(z, z, {.ignore_index = 1}); }), {"ignored", "int64"});
  check_says(message_of<Error>([&] { (void)nn::cross_entropy(z, ones({2, 3}, f64)); }), {"float32", "float64"});
  check_says(message_of<ShapeError>([&] { (void)nn::cross_entropy(z, ones({3, 3})); }), {"[3, 3]", "[2, 3]"});
  check_says(message_of<Error>([&] { (void)nn::cross_entropy(z, ones({2})); }), {"float32", "int64"});
}
