// The table's rows of elementwise ops.
#include "op_table.h"

namespace ebb::test {

namespace {

using Pair = Tensor (*)(const Tensor&, const Tensor&);
using TensorNumber = Tensor (*)(const Tensor&, double);
using NumberTensor = Tensor (*)(double, const Tensor&);

const Shape shapes[] = {{}, {4}, {2, 3}, {2, 1, 3}, {0}, {2, 0}};

// Shapes that broadcast in every way: not at all, on either side, on both, new axes, scalars, nothing at all.
const std::pair<Shape, Shape> shape_pairs[] = {
    {{2, 3}, {2, 3}},    {{2, 3}, {3}}, {{3}, {2, 3}}, {{2, 1}, {1, 3}},       {{2, 1, 2}, {3, 1}}, {{}, {2, 2}},
    {{2, 2}, {}},        {{}, {}},      {{1}, {3}},    {{2, 3, 2}, {2, 1, 2}}, {{0, 3}, {3}},       {{2, 1}, {2, 0}},
    {{1, 1, 2}, {2, 1}},
};

void add_unary(Table& table, std::string_view op, Tensor (*f)(const Tensor&), bool positive = false) {
  for (const Shape& shape : shapes)
    table.add(op, fmt::format("of {}", shape), f, {positive ? varied_positive(shape) : varied(shape)});
}

void add_binary(Table& table, std::string_view op, Pair f, TensorNumber with_number, NumberTensor of_number) {
  for (const auto& [a, b] : shape_pairs)
    table.add(op, fmt::format("of {} and {}", a, b), f, {varied(a, 1), varied(b, 2)});
  table.add(op, "of one tensor twice", [f](const Tensor& x) { return f(x, x); }, {varied({2, 2})});
  for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{0}}) {
    table.add(op, fmt::format("of {} and a number", shape), [=](const Tensor& x) { return with_number(x, 0.7); },
              {varied(shape)});
    table.add(op, fmt::format("of a number and {}", shape), [=](const Tensor& x) { return of_number(0.7, x); },
              {varied(shape)});
  }
}

// Of positive bases, and of any with an exponent that is an integer.
void add_pow(Table& table) {
  for (const auto& [a, b] : shape_pairs)
    table.add("pow", fmt::format("of {} and {}", a, b), static_cast<Pair>(pow), {varied_positive(a, 1), varied(b, 2)});
  table.add("pow", "of one tensor twice", [](const Tensor& x) { return pow(x, x); }, {varied_positive({2, 2})});
  for (const double exponent : {-1.5, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    const bool whole = exponent == std::floor(exponent);
    table.add("pow", fmt::format("with exponent {}", exponent), [=](const Tensor& x) { return pow(x, exponent); },
              {whole ? varied({2, 3}) : varied_positive({2, 3})});
  }
  for (const double base : {0.5, 1.0, 3.0})
    table.add("pow", fmt::format("of base {}", base), [=](const Tensor& x) { return pow(base, x); }, {varied({2, 3})});
}

// Ops of a user's own.
struct Cubed {
  static constexpr auto name = "cubed";
  static auto value(auto x) { return x * x * x; }
  static auto derivative(auto x, auto) { return 3.0 * x * x; }
};

struct Hypotenuse {
  static constexpr auto name = "hypotenuse";
  static auto value(auto a, auto b) { return sqrt(a * a + b * b); }
  static auto derivative(auto a, auto b, auto y) { return std::pair(a / y, b / y); }
};

}  // namespace

void add_elementwise(Table& table) {
#define EBB_BINARY(symbol)                                                                    \
  add_binary(                                                                                 \
      table, "operator" #symbol, [](const Tensor& a, const Tensor& b) { return a symbol b; }, \
      [](const Tensor& a, double b) { return a symbol b; }, [](double a, const Tensor& b) { return a symbol b; })
  EBB_BINARY(+);
  EBB_BINARY(-);
  EBB_BINARY(*);
  EBB_BINARY(/);
  EBB_BINARY(<);
  EBB_BINARY(<=);
  EBB_BINARY(>);
  EBB_BINARY(>=);
  EBB_BINARY(==);
  EBB_BINARY(!=);
#undef EBB_BINARY
  // The operands differ by more than a difference's step, everywhere.
  add_binary(table, "maximum", maximum, maximum, maximum);
  add_binary(table, "minimum", minimum, minimum, minimum);
  add_pow(table);

  add_unary(table, "operator-", [](const Tensor& x) { return -x; });
  add_unary(table, "square", square);
  add_unary(table, "sqrt", sqrt, /*positive=*/true);
  add_unary(table, "exp", exp);
  add_unary(table, "log", log, /*positive=*/true);
  add_unary(table, "tanh", tanh);
  add_unary(table, "sigmoid", sigmoid);
  add_unary(table, "relu", relu);
  add_unary(table, "abs", abs);
  add_unary(table, "reciprocal", reciprocal);
  add_unary(table, "sin", sin);
  add_unary(table, "cos", cos);
  add_unary(table, "expm1", expm1);
  add_unary(table, "log1p", log1p, /*positive=*/true);
  add_unary(table, "erf", erf);
  add_unary(table, "erfc", erfc);
  add_unary(table, "softplus", softplus);
  add_unary(table, "gelu", gelu);
  add_unary(table, "silu", silu);
  add_unary(table, "elu", [](const Tensor& x) { return elu(x, 0.7); });
  add_unary(table, "leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.2); });
  add_unary(table, "clamp", [](const Tensor& x) { return clamp(x, -0.6, 0.7) * x; });
  add_unary(table, "clone", clone);

  const auto chosen = [](const Tensor& c, const Tensor& a, const Tensor& b) { return where(c > 0.0, a, b); };
  table.add("where", "of one shape", chosen, {varied({2, 3}, 1), varied({2, 3}, 2), varied({2, 3}, 3)});
  table.add("where", "that broadcasts all three", chosen, {varied({2, 1, 1}, 1), varied({3, 1}, 2), varied({2}, 3)});
  table.add("where", "with a condition of more axes", chosen, {varied({2, 3}, 1), varied({}, 2), varied({3}, 3)});
  table.add("where", "of nothing", chosen, {varied({0}, 1), varied({0}, 2), varied({1}, 3)});
  const auto less = [](const Tensor& c, const Tensor& x) { return where(c > 0.0, x, -0.5); };
  table.add("where", "with a number if not", less, {varied({2, 3}, 1), varied({3}, 2)});
  const auto more = [](const Tensor& c, const Tensor& x) { return where(c > 0.0, 0.5, x); };
  table.add("where", "with a number if so", more, {varied({3}, 1), varied({2, 3}, 2)});
  table.add("where", "of two numbers", [](const Tensor& c) { return where(c > 0.0, 1.0, 2.0); }, {varied({2, 3})});

  // Through float32 a difference of step 10⁻³ would see nothing but rounding, so gradients of that cast have a test of
  // their own in op_values_test.cpp.
  table.add("cast", "to the same type", [](const Tensor& x) { return square(cast(x, x.dtype())); }, {varied({2, 3})});
  table.add("cast", "from int64", [](const Tensor& i, const Tensor& x) { return cast(i, x.dtype()) * x; },
            {indices({1, -2, 3}), varied({3})});

  table.add("elementwise", "of one", [](const Tensor& x) { return elementwise<Cubed>(x); }, {varied({2, 3})});
  for (const auto& [a, b] : shape_pairs)
    table.add("elementwise", fmt::format("of {} and {}", a, b),
              [](const Tensor& x, const Tensor& y) { return elementwise<Hypotenuse>(x, y); },
              {varied(a, 1), varied(b, 2)});
  table.add("elementwise", "with a number", [](const Tensor& x) { return elementwise<Hypotenuse>(x, 0.5); },
            {varied({2, 3})});
  table.add("elementwise", "of a number", [](const Tensor& x) { return elementwise<Hypotenuse>(0.5, x); },
            {varied({2, 3})});
}

}  // namespace ebb::test
