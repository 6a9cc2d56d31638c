// How tensors read when they are printed.
#include "support.h"

#include <nn/nn.h>

using namespace ebb;
using namespace ebb::test;

TEST_CASE("print: nested brackets as NumPy has them") {
  CHECK(fmt::format("{}", tensor(2.5)) == "2.5");
  CHECK(fmt::format("{}", tensor({1, 2.5, -3})) == "[1, 2.5, -3]");
  CHECK(fmt::format("{}", tensor({{1, 2}, {3, 4}})) == "[[1, 2],\n [3, 4]]");
  CHECK(fmt::format("{}", tensor({{{1}, {2}}, {{3}, {4}}})) == "[[[1],\n  [2]],\n [[3],\n  [4]]]");
  CHECK(fmt::format("{}", indices({1, -2, 1234567890123})) == "[1, -2, 1234567890123]");
  CHECK(fmt::format("{}", zeros({0, 3})) == "[]");
  CHECK(fmt::format("{}", Tensor()) == "(undefined)");
}

TEST_CASE("print: a specification is that of each element") {
  CHECK(fmt::format("{:.3f}", tensor({1, 2.5})) == "[1.000, 2.500]");
  CHECK(fmt::format("{:8.1e}", tensor({0.001})) == "[ 1.0e-03]");
  CHECK(fmt::format("|{:>6.2f}|", tensor(1.5)) == "|  1.50|");
}

TEST_CASE("print: what is no number reads as such") {
  CHECK(fmt::format("{}", tensor({infinity, -infinity, not_a_number, -not_a_number})) == "[inf, -inf, nan, nan]");
}

TEST_CASE("print: large tensors are abbreviated and say their shape") {
  const std::string vector = fmt::format("{}", linspace(0, 999, 1000));
  CHECK(vector == "[0, 1, 2, …, 997, 998, 999] [1000] float32");
  const std::string matrix = fmt::format("{}", zeros({1000, 1000}, f64));
  CHECK(matrix.size() < 400);
  check_says(matrix, {"[[0, 0, 0, …, 0, 0, 0],", "\n …,\n", "[1000, 1000] float64"});
}

TEST_CASE("print: shapes and ops and checks and names") {
  CHECK(fmt::format("{}", Shape{2, 3}) == "[2, 3]");
  const Tensor x = ones({2});
  Tape tape;
  const Tensor y = tanh(x);
  CHECK(fmt::format("{:<8}|", tape.find(y)->op) == "tanh    |");
  check_says(fmt::format("{}", check_gradients([](const Tensor& v) { return square(v); }, x)), {"agree"});
  CHECK(std::string(name(Activation::logistic)) == "logistic");
  CHECK(nn::name(nn::Kind::no_path) == "no path");
}
