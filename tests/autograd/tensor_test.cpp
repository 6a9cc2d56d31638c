// Tensors as values: factories, access, sharing.
#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("tensor: from nested braces") {
  const Tensor matrix = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(matrix.shape() == Shape{2, 3});
  CHECK(matrix.dtype() == f32);
  CHECK(elements(matrix) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(tensor(3.5, f64).item() == 3.5);
  CHECK(tensor(3.5).rank() == 0);
  CHECK(tensor({1, 2}, i64).values<std::int64_t>()[1] == 2);
  CHECK(tensor({{{1}}, {{2}}}).shape() == Shape{2, 1, 1});
  CHECK(tensor({}).shape() == Shape{0});
  check_says(message_of<ShapeError>([] { (void)tensor({{1, 2}, {3}}); }), {"uneven"});
  check_says(message_of<ShapeError>([] { (void)tensor({{1, 2}, 3}); }), {"uneven"});
}

TEST_CASE("tensor: factories") {
  CHECK(elements(zeros({2, 2})) == std::vector<double>(4, 0));
  CHECK(elements(ones({3}, f64)) == std::vector<double>(3, 1));
  CHECK(elements(full({2}, 7, i64)) == std::vector<double>(2, 7));
  CHECK(zeros_like(ones({2}, f64)).dtype() == f64);
  CHECK(elements(ones_like(zeros({2}, i64))) == std::vector<double>(2, 1));
  CHECK(elements(eye(2)) == std::vector<double>{1, 0, 0, 1});
  CHECK(elements(linspace(0, 1, 5, f64)) == std::vector<double>{0, 0.25, 0.5, 0.75, 1});
  CHECK(linspace(0, 0.7, 10, f64).values<double>()[9] == 0.7);
  check_says(message_of<ShapeError>([] { (void)linspace(0, 1, 1); }), {"1 points"});
  CHECK(elements(from_values(std::vector<float>{1, 2, 3, 4}, {2, 2})) == std::vector<double>{1, 2, 3, 4});
  check_says(message_of<ShapeError>([] { (void)from_values(std::vector<float>{1, 2}, {3}); }), {"2 values", "[3]"});
  for (const DType dtype : {f32, f64, i64}) CHECK(zeros({5}, dtype).dtype() == dtype);
}

TEST_CASE("tensor: what would silently do nothing doesn't compile") {
  const auto assigns = [](auto&& to, const auto& from) {
    return requires { static_cast<decltype(to)>(to) = from; };
  };
  const auto adds = [](auto&& to, const auto& from) {
    return requires { static_cast<decltype(to)>(to) += from; };
  };
  Tensor x = ones({2});
  CHECK(assigns(x, ones({})));
  CHECK(adds(x, 1.0));
  CHECK_FALSE(assigns(x[0], ones({})));
  CHECK_FALSE(adds(x[0], ones({})));
  CHECK_FALSE(adds(x[0], 1.0));
  CHECK_FALSE(std::is_constructible_v<Tensor, int>);  // Tensor(0)
}

TEST_CASE("tensor: factories are not recorded") {
  Rng rng(1);
  Tape tape;
  (void)zeros({2});
  (void)tensor({1, 2});
  (void)normal({2}, 0, 1, rng);
  (void)detach(ones({2}));
  CHECK(tape.size() == 0);
}

TEST_CASE("tensor: copies share and edits show in all of them") {
  Tensor a = zeros({2, 3});
  const Tensor b = a;
  CHECK(a.is(b));
  {
    auto view = a.edit<float>();
    view(1, 2) = 5;
    view[0] = 1;
    CHECK(view.size() == 6);
    CHECK(b.version() == 0);  // moves on when the view ends
  }
  CHECK(b.version() == 1);
  CHECK(elements(b) == std::vector<double>{1, 0, 0, 0, 0, 5});
  auto view = a.edit<float>();
  check_says(message_of<ShapeError>([&] { view(2, 0) = 1; }), {"[2, 0]", "[2, 3]"});
  check_says(message_of<ShapeError>([&] { view(0) = 1; }), {"[0]"});
  check_says(message_of<ShapeError>([&] { view(0, -1) = 1; }), {"[0, -1]"});
}

TEST_CASE("tensor: assign checks and may overlap") {
  Tensor a = tensor({1, 2, 3, 4});
  Tensor tail = slice(a, 1, 4);
  tail.assign(slice(a, 0, 3));
  CHECK(elements(a) == std::vector<double>{1, 1, 2, 3});
  CHECK(a.version() == 1);
  check_says(message_of<ShapeError>([&] { a.assign(ones({3})); }), {"[3]", "[4]"});
  CHECK(a.version() == 1);
}

TEST_CASE("tensor: item and values and defined") {
  CHECK_FALSE(Tensor().defined());
  CHECK(tensor({{4}}).item() == 4);
  check_says(message_of<ShapeError>([] { (void)ones({2}).item(); }), {"[2]", "2 elements"});
  check_says(message_of<Error>([] { (void)Tensor().shape(); }), {"undefined"});
  const Tensor x = tensor({1, 2, 3}, f64);
  CHECK(x.values<double>().size() == 3);
  CHECK(x.extent(-1) == 3);
  CHECK(x[-1].item() == 3);
}

TEST_CASE("tensor: moves leave nothing behind and self-assignment is harmless") {
  Tensor a = ones({2});
  Tensor b = std::move(a);
  CHECK_FALSE(a.defined());  // NOLINT(bugprone-use-after-move): documented
  Tensor& same = b;
  b = same;
  CHECK(b.values<float>()[1] == 1);
}

TEST_CASE("tensor: a view keeps its source's storage alive") {
  Tensor part;
  {
    const Tensor whole = full({100, 100}, 3);
    part = whole[50];
  }
  const Tensor other = zeros({100, 100});  // would take the block if it were free
  CHECK(elements(part) == std::vector<double>(100, 3));
  CHECK(elements(other[50]) == std::vector<double>(100, 0));
}

TEST_CASE("tensor: sizes of every class hold what is put into them") {
  std::vector<Tensor> kept;
  for (Index n = 0; n < 3000; n = n < 200 ? n + 1 : n + 97) kept.push_back(full({n}, static_cast<double>(n), f64));
  for (const Tensor& x : kept)
    for (const double value : x.values<double>()) REQUIRE(value == static_cast<double>(x.size()));
}

TEST_CASE("tensor: all_close compares shapes and types and values") {
  const Tensor a = tensor({1, 2}, f64);
  CHECK(all_close(a, tensor({1, 2 + 1e-7}, f64)));
  CHECK_FALSE(all_close(a, tensor({1, 2.1}, f64)));
  CHECK(all_close(a, tensor({1, 2.1}, f64), 0.1));
  CHECK_FALSE(all_close(a, tensor({1, 2})));
  CHECK_FALSE(all_close(a, tensor({{1, 2}}, f64)));
  CHECK_FALSE(all_close(tensor(not_a_number), tensor(not_a_number)));
  CHECK(all_close(tensor(infinity), tensor(infinity)));
  CHECK_FALSE(all_close(tensor(infinity), tensor(-infinity)));
}

TEST_CASE("tensor: cast rounds and truncates and refuses what does not fit") {
  CHECK(cast(tensor(0.1, f64), f32).item() == static_cast<double>(0.1f));
  CHECK(elements(cast(tensor({1.9, -1.9}), i64)) == std::vector<double>{1, -1});
  CHECK(elements(cast(indices({3, -4}), f64)) == std::vector<double>{3, -4});
  CHECK(cast(tensor(1e300, f64), f32).item() == infinity);
  check_says(message_of<Error>([] { (void)cast(tensor(not_a_number), i64); }), {"nan", "int64"});
  check_says(message_of<Error>([] { (void)cast(tensor(1e19), i64); }), {"int64"});
}

TEST_CASE("tensor: compound assignment makes a new value, recorded, and writes nothing") {
  const Tensor x = varied({3}), w = varied({3}, 2);
  Tape tape;
  Tensor y = x;
  y += w;
  y -= 0.5 * w;
  y *= w;
  y /= x;
  y += 1.0;
  y -= 0.25;
  y *= 2.0;
  y /= 4.0;
  CHECK(distance(y, ((x + 0.5 * w) * w / x + 0.75) * 0.5) < 1e-15);
  CHECK(distance(tape.gradient(sum(y), w), (x + w) / x * 0.5) < 1e-15);
  CHECK(same_bits(x, varied({3})));
  CHECK(x.version() == 0);
  Tensor z = x;
  z -= w;
  z /= w;
  CHECK(distance(tape.gradient(sum(z), x), 1.0 / w) < 1e-15);
}

namespace {

// clang 14 forgets to destroy a parameter that `= {}` makes, where that stands in a template.
template <class F>
void use_and_reset(F use, Tensor& x) {
  use(x);
  x = {};
}

}  // namespace

TEST_CASE("tensor: assigning gives back what was held, in templates too") {
  const auto held = [] { return detail::system_bytes_held() - detail::reusable_bytes(); };
  const std::size_t before = held();
  Tensor x = ones({1000});
  use_and_reset([](const Tensor&) {}, x);
  CHECK_FALSE(x.defined());
  CHECK(held() == before);

  Tensor a = ones({1000}), b = a;
  Tensor& same = a;
  a = std::move(same);
  CHECK(a.is(b));
  a = b;
  b = {};
  CHECK(a.defined());
  Tensor row = a[0];
  a = std::move(row);  // a view of what a alone held
  CHECK(a.item() == 1);
  a = Tensor();
  CHECK(held() == before);
}
