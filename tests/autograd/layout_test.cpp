// The same elements in other shapes and orders, parts of them, and rows by number: values, sharing and refusals.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("layout: permute takes each element where it says") {
  for (const DType type : {f32, f64, i64}) {
    const Tensor x = cast(100.0 * varied({2, 3, 4}), type), y = permute(x, {2, 0, 1});
    REQUIRE(y.shape() == Shape{4, 2, 3});
    CHECK(y.dtype() == type);
    for (Index i = 0; i < 4; ++i)
      for (Index j = 0; j < 2; ++j)
        for (Index k = 0; k < 3; ++k) CHECK(y[i][j][k].item() == x[j][k][i].item());
    CHECK(same_bits(permute(y, {1, 2, 0}), x));
    CHECK(same_bits(permute(y, {-2, -1, -3}), x));
  }
  const Tensor m = varied({3, 5});
  CHECK(same_bits(permute(m, {1, 0}), transpose(m)));
  CHECK(permute(tensor(2.0), std::initializer_list<Index>{}).item() == 2);
}

TEST_CASE("layout: indices are transposed and repeated as numbers are") {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}, i64);
  Tape tape;
  CHECK(same_bits(transpose(x), tensor({{1, 4}, {2, 5}, {3, 6}}, i64)));
  CHECK(same_bits(broadcast_to(x[0], {2, 3}), tensor({{1, 2, 3}, {1, 2, 3}}, i64)));
  CHECK(same_bits(broadcast_to(unsqueeze(x[1], 1), {3, 2}), tensor({{4, 4}, {5, 5}, {6, 6}}, i64)));
}

TEST_CASE("layout: an empty matrix has a transpose, with a gradient") {
  const Tensor x = zeros({3, 0});
  Tape tape;
  const Tensor y = transpose(x);
  CHECK(y.shape() == Shape{0, 3});
  CHECK(tape.gradient(sum(y), x).shape() == Shape{3, 0});
  CHECK(tape.jvp(y, x, x).shape() == Shape{0, 3});
}

TEST_CASE("layout: permute refuses what isn't a permutation") {
  const Tensor x = ones({2, 3});
  check_says(message_of<ShapeError>([&] { (void)permute(x, {0, 0}); }), {"[permute]", "[0, 0]", "[2, 3]", "once"});
  check_says(message_of<ShapeError>([&] { (void)permute(x, {0, -2}); }), {"[0, -2]", "once"});
  check_says(message_of<ShapeError>([&] { (void)permute(x, {0}); }), {"[0]", "once"});
  check_says(message_of<ShapeError>([&] { (void)permute(x, {0, 1, 1}); }), {"[0, 1, 1]"});
  check_says(message_of<ShapeError>([&] { (void)permute(x, {0, 2}); }), {"axis 2"});
}

TEST_CASE("layout: squeeze and unsqueeze drop and add axes of one, and share storage") {
  const Tensor x = varied({1, 3, 1, 2});
  CHECK(squeeze(x).shape() == Shape{3, 2});
  CHECK(squeeze(x, 0).shape() == Shape{3, 1, 2});
  CHECK(squeeze(x, -2).shape() == Shape{1, 3, 2});
  CHECK(squeeze(ones({1, 1})).shape() == Shape{});
  CHECK(unsqueeze(x, 0).shape() == Shape{1, 1, 3, 1, 2});
  CHECK(unsqueeze(x, -1).shape() == Shape{1, 3, 1, 2, 1});
  CHECK(unsqueeze(x, 4).shape() == Shape{1, 3, 1, 2, 1});
  CHECK(unsqueeze(tensor(1.0), 0).shape() == Shape{1});
  CHECK(squeeze(x).values<double>().data() == x.values<double>().data());

  check_says(message_of<ShapeError>([&] { (void)squeeze(x, 1); }), {"[squeeze]", "axis 1", "[1, 3, 1, 2]", "extent 3"});
  check_says(message_of<ShapeError>([&] { (void)squeeze(x, 4); }), {"[squeeze]", "axis 4"});
  check_says(message_of<ShapeError>([&] { (void)unsqueeze(x, 5); }), {"[unsqueeze]", "axis 5", "-5 to 4"});
  check_says(message_of<ShapeError>([&] { (void)unsqueeze(x, -6); }), {"axis -6"});
}

TEST_CASE("layout: the gradient of a squeezed or split view is that part of its source's") {
  const Tensor x = varied({4, 1, 2});
  Tape tape;
  const Tensor early = squeeze(x, 1);
  const Tensor y = sum(square(x)) + sum(early);
  const Tensor late = unsqueeze(squeeze(x), 0);
  CHECK(distance(tape.gradient(y, early), squeeze(2.0 * x + 1.0, 1)) < 1e-15);
  CHECK(distance(tape.gradient(y, late), reshape(2.0 * x + 1.0, {1, 4, 2})) < 1e-15);
  CHECK(distance(tape.gradient(y, split(x, 3)[1]), 2.0 * slice(x, 3, 4) + 1.0) < 1e-15);
}

TEST_CASE("layout: split cuts an axis into slices that follow each other") {
  const Tensor x = varied({5, 4});
  const auto shapes = [](const std::vector<Tensor>& parts) {
    std::vector<Shape> result;
    for (const Tensor& part : parts) result.push_back(part.shape());
    return result;
  };
  CHECK(shapes(split(x, 2)) == std::vector<Shape>{{2, 4}, {2, 4}, {1, 4}});
  CHECK(shapes(split(x, 2, 1)) == std::vector<Shape>{{5, 2}, {5, 2}});
  CHECK(shapes(split(x, 9, -1)) == std::vector<Shape>{{5, 4}});
  CHECK(shapes(split(x, {1, 0, 3}, 1)) == std::vector<Shape>{{5, 1}, {5, 0}, {5, 3}});
  CHECK(shapes(split(ones({0, 2}), 3)) == std::vector<Shape>{{0, 2}});
  CHECK(same_bits(concat(split(x, 3, 1), 1), x));
  CHECK(same_bits(concat(split(x, {2, 3})), x));
  CHECK(split(x, 2)[1].values<double>().data() == x[2].values<double>().data());

  constexpr Index huge = std::numeric_limits<Index>::max();
  check_says(message_of<ShapeError>([&] { (void)split(x, 0); }), {"[split]", "0 positions", "[5, 4]"});
  check_says(message_of<ShapeError>([&] { (void)split(x, {2, 2}); }), {"[2, 2]", "extent 5", "axis 0", "[5, 4]"});
  check_says(message_of<ShapeError>([&] { (void)split(x, {6, -1}); }), {"-1 positions"});
  check_says(message_of<ShapeError>([&] { (void)split(x, {huge, huge, 7}); }), {"doesn't add up"});
  check_says(message_of<ShapeError>([&] { (void)split(x, 1, 2); }), {"[split]", "axis 2"});
}

TEST_CASE("layout: one_hot puts a 1 at each index") {
  const Tensor y = one_hot(indices({2, 0, 1, 1}, {2, 2}), 3, f64);
  CHECK(all_close(y, tensor({{{0, 0, 1}, {1, 0, 0}}, {{0, 1, 0}, {0, 1, 0}}}, f64), 0));
  CHECK(one_hot(indices({1}), 2).dtype() == f32);
  CHECK(one_hot(indices({1}, {}), 2, i64).values<std::int64_t>()[1] == 1);
  CHECK(one_hot(indices({}), 2).shape() == Shape{0, 2});
  CHECK(one_hot(indices({}), 0).shape() == Shape{0, 0});

  check_says(message_of<ShapeError>([] { (void)one_hot(indices({0, 3}), 3); }), {"[one_hot]", "index 3", "place 1"});
  check_says(message_of<ShapeError>([] { (void)one_hot(indices({-1}), 3); }), {"index -1", "place 0", "3 classes"});
  check_says(message_of<ShapeError>([] { (void)one_hot(indices({0}), -3); }), {"-3 classes"});
  check_says(message_of<Error>([] { (void)one_hot(ones({2}), 3); }), {"float32", "int64"});
}
