#include <autograd/tensor/shape.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("shape: extents and size and rank") {
  const Shape matrix{20, 50}, scalar, empty{3, 0, 2};
  CHECK(matrix.rank() == 2);
  CHECK(matrix.size() == 1000);
  CHECK(matrix[0] == 20);
  CHECK(matrix[-1] == 50);
  CHECK(scalar.rank() == 0);
  CHECK(scalar.size() == 1);
  CHECK(empty.size() == 0);
  CHECK(matrix == Shape{20, 50});
  CHECK_FALSE(matrix == Shape{50, 20});
  CHECK_FALSE(matrix == Shape{20, 50, 1});
  CHECK(fmt::format("{} {} {}", matrix, scalar, empty) == "[20, 50] [] [3, 0, 2]");
  check_says(message_of<ShapeError>([&] { (void)matrix[2]; }), {"axis 2", "[20, 50]", "-2 to 1"});
  check_says(message_of<ShapeError>([&] { (void)matrix[-3]; }), {"axis -3"});
  check_says(message_of<ShapeError>([&] { (void)scalar[0]; }), {"axis 0", "[]"});
}

TEST_CASE("shape: without and with and inserted") {
  const Shape shape{2, 3, 4};
  CHECK(shape.without(1) == Shape{2, 4});
  CHECK(shape.with(0, 7) == Shape{7, 3, 4});
  CHECK(shape.inserted(0, 5) == Shape{5, 2, 3, 4});
  CHECK(shape.inserted(3, 5) == Shape{2, 3, 4, 5});
  CHECK(shape.without(-1) == Shape{2, 3});
  CHECK(shape.with(-3, 7) == Shape{7, 3, 4});
  CHECK(shape.inserted(-1, 5) == Shape{2, 3, 4, 5});
  CHECK(shape.inserted(-4, 5) == Shape{5, 2, 3, 4});
  CHECK(Shape{}.inserted(-1, 5) == Shape{5});
  check_says(message_of<ShapeError>([&] { (void)shape.without(3); }), {"axis 3", "[2, 3, 4]", "-3 to 2"});
  check_says(message_of<ShapeError>([&] { (void)shape.with(-4, 1); }), {"axis -4", "[2, 3, 4]"});
  check_says(message_of<ShapeError>([&] { (void)shape.inserted(4, 1); }), {"axis 4", "[2, 3, 4]", "-4 to 3"});
  check_says(message_of<ShapeError>([] { (void)Shape{}.with(0, 1); }), {"axis 0", "[]"});
  check_says(message_of<ShapeError>([] { (void)Shape{1, 2, 3, 4, 5, 6}.inserted(0, 2); }), {"7 axes"});
}

TEST_CASE("shape: broadcasting is NumPy's") {
  const auto both = [](const Shape& a, const Shape& b) {
    const Shape result = broadcast("op", a, b);
    CHECK(broadcast("op", b, a) == result);
    CHECK(broadcasts_to(a, result));
    CHECK(broadcasts_to(b, result));
    return result;
  };
  CHECK(both({2, 3}, {3}) == Shape{2, 3});
  CHECK(both({2, 1}, {1, 3}) == Shape{2, 3});
  CHECK(both({}, {2, 3}) == Shape{2, 3});
  CHECK(both({1}, {}) == Shape{1});
  CHECK(both({4, 1, 2}, {3, 1}) == Shape{4, 3, 2});
  CHECK(both({0}, {1}) == Shape{0});
  CHECK(both({2, 0}, {2, 1}) == Shape{2, 0});
  check_says(message_of<ShapeError>([] {
               (void)broadcast("op", {2, 3}, {2});
             }),
             {"[op]", "[2, 3]", "[2]", "3 against 2"});
  check_says(message_of<ShapeError>([] { (void)broadcast("op", {0}, {2}); }), {"0 against 2"});
  CHECK_FALSE(broadcasts_to({2, 3}, {3}));
  CHECK_FALSE(broadcasts_to({3}, {1}));
}

// An empty tensor may have any other extents: what runs over these would run for years.
TEST_CASE("shape: an empty tensor with a huge extent costs nothing") {
  constexpr Index huge = Index{1} << 50;
  for (const Shape& shape : {Shape{huge, 0}, Shape{0, huge}, Shape{0, huge, 3}, Shape{huge, 0, 3}}) {
    CAPTURE(shape);
    const Tensor x = zeros(shape, f64);
    Tape tape;
    // Reducing an axis leaves nothing, or as many elements as no memory holds.
    const auto reduced = [&](auto reduce, Index axis) {
      const Shape rest = shape.without(axis);
      if (rest.size() == 0)
        CHECK(reduce(x, axis).shape() == rest);
      else
        CHECK_THROWS_AS((void)reduce(x, axis), ShapeError);
    };
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      CAPTURE(axis);
      reduced([](const Tensor& t, Index a) { return sum(t, a); }, axis);
      reduced([](const Tensor& t, Index a) { return norm(t, a); }, axis);
      reduced([](const Tensor& t, Index a) { return logsumexp(t, a); }, axis);
      if (shape[axis] > 0) {
        reduced([](const Tensor& t, Index a) { return max(t, a); }, axis);
        CHECK(softmax(x, axis).shape() == shape);
        CHECK(log_softmax(x, axis).shape() == shape);
      }
      CHECK(slice(x, 0, shape[axis], axis).shape() == shape);
      CHECK(concat({x, x}, axis).extent(axis) == 2 * shape[axis]);
    }
    CHECK(permute(x, shape.rank() == 2 ? std::vector<Index>{1, 0} : std::vector<Index>{1, 2, 0}).size() == 0);
    CHECK((x + zeros({1}, f64)).shape() == shape);
    CHECK(fmt::format("{}", x).size() < 100);
    const Tensor y = sum(shape.rank() > 2 ? slice(x * 2.0, 0, 0, 1)
                         : shape[0] == 0  ? matmul(x, transpose(x))
                                          : matmul(transpose(x), x));
    CHECK(tape.gradient(y, x).shape() == shape);
    CHECK(tape.jvp(y, x, x).shape() == Shape{});
  }
  CHECK_THROWS_AS((void)reshape(zeros({0, huge}), {huge, huge, -1}), ShapeError);
}
