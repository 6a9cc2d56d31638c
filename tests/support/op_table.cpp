#include "op_table.h"

namespace ebb::test {

namespace {

void add_reductions(Table& table) {
  using All = Tensor (*)(const Tensor&);
  using Along = Tensor (*)(const Tensor&, Index, bool);
  const std::tuple<std::string_view, All, Along> reductions[] = {{"sum", sum, sum}, {"mean", mean, mean}};
  for (const auto& [op, all, along] : reductions) {
    for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}, Shape{2, 3, 2}})
      table.add(op, fmt::format("of all of {}", shape), all, {varied(shape)});
    for (const Shape& shape : {Shape{4}, Shape{2, 3}, Shape{2, 3, 2}, Shape{2, 0}})
      for (Index axis = -shape.rank(); axis < shape.rank(); ++axis)
        for (const bool keepdim : {false, true}) {
          if (op == "mean" && shape[axis] == 0) continue;  // NaN, as documented
          table.add(op, fmt::format("of {} along {}{}", shape, axis, keepdim ? ", kept" : ""),
                    [along = along, axis, keepdim](const Tensor& x) { return along(x, axis, keepdim); },
                    {varied(shape)});
        }
  }
  table.add("sum", "of nothing", static_cast<All>(sum), {varied({0, 2})});
  table.add("sum", "of squares, so that its gradient varies", [](const Tensor& x) { return square(sum(x, 1)); },
            {varied({2, 3})});

  const std::pair<Shape, Shape> pairs[] = {{{2, 3}, {3}},       {{2, 3}, {2, 1}}, {{2, 3}, {}},    {{2, 3}, {2, 3}},
                                           {{2, 3, 2}, {3, 1}}, {{4}, {1}},       {{2, 0}, {2, 1}}};
  for (const auto& [large, small] : pairs) {
    table.add("sum_to", fmt::format("of {} to {}", large, small),
              [small = small](const Tensor& x) { return sum_to(x, small); }, {varied(large)});
    table.add("broadcast_to", fmt::format("of {} to {}", small, large),
              [large = large](const Tensor& x) { return broadcast_to(x, large); }, {varied(small)});
  }
}

void add_matrices(Table& table) {
  const std::array<Index, 3> sizes[] = {{2, 3, 4}, {1, 1, 1}, {3, 1, 2}, {1, 4, 1}, {2, 0, 3}, {0, 2, 2}, {2, 3, 0}};
  for (const auto& [m, k, n] : sizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        table.add(
            "matmul", fmt::format("{}×{} by {}×{}{}{}", m, k, k, n, ta ? ", aᵀ" : "", tb ? ", bᵀ" : ""),
            [ta, tb](const Tensor& a, const Tensor& b) { return matmul(a, b, {.transpose_a = ta, .transpose_b = tb}); },
            {varied(ta ? Shape{k, m} : Shape{m, k}, 1), varied(tb ? Shape{n, k} : Shape{k, n}, 2)});
  const std::pair<Shape, Shape> others[] = {{{3}, {3, 2}},       {{2, 3}, {3}},       {{3}, {3}},
                                            {{2, 2, 3}, {3, 2}}, {{2, 1, 2, 3}, {3}}, {{2, 0, 3}, {3, 2}},
                                            {{2, 2, 0}, {0}}};
  for (const auto& [a, b] : others)
    table.add("matmul", fmt::format("{} by {}", a, b), [](const Tensor& x, const Tensor& y) { return matmul(x, y); },
              {varied(a, 1), varied(b, 2)});
  table.add("matmul", "of a vector by a transposed matrix",
            [](const Tensor& a, const Tensor& b) { return matmul(a, b, {.transpose_b = true}); },
            {varied({3}, 1), varied({2, 3}, 2)});
  table.add("dot", "of vectors", dot, {varied({3}, 1), varied({3}, 2)});
  table.add("dot", "of a vector with itself", [](const Tensor& x) { return dot(x, x); }, {varied({3})});
  table.add("outer", "of vectors", outer, {varied({2}, 1), varied({3}, 2)});
  table.add("outer", "of nothing", outer, {varied({0}, 1), varied({3}, 2)});
  table.add("matmul", "of one matrix twice", [](const Tensor& x) { return matmul(x, x); }, {varied({3, 3})});
  for (const Shape& shape : {Shape{2, 3}, Shape{1, 4}, Shape{3, 3}, Shape{0, 2}})
    table.add("transpose", fmt::format("of {}", shape), transpose, {varied(shape)});
}

void add_indexing(Table& table) {
  table.add("reshape", "to more axes", [](const Tensor& x) { return reshape(x, {2, 3, 1}); }, {varied({6})});
  table.add("reshape", "with an open extent", [](const Tensor& x) { return reshape(x, {-1, 2}); }, {varied({2, 3})});
  table.add("reshape", "to a scalar", [](const Tensor& x) { return reshape(x, Shape{}); }, {varied({1, 1})});
  table.add("reshape", "of nothing", [](const Tensor& x) { return reshape(x, {3, 0}); }, {varied({0})});

  table.add("squeeze", "of all axes of one", [](const Tensor& x) { return squeeze(x); }, {varied({1, 2, 1})});
  table.add("squeeze", "of one axis", [](const Tensor& x) { return squeeze(x, -3); }, {varied({1, 2, 1})});
  for (const Index axis : {0, 1, 2, -1, -3})
    table.add("unsqueeze", fmt::format("at {}", axis), [axis](const Tensor& x) { return unsqueeze(x, axis); },
              {varied({2, 3})});
  const std::pair<Shape, std::vector<Index>> orders[] = {{{2, 3}, {1, 0}},
                                                         {{2, 3}, {0, 1}},
                                                         {{2, 3, 4}, {2, 0, 1}},
                                                         {{2, 3, 4}, {-2, -1, 0}},
                                                         {{2, 0, 3}, {2, 1, 0}},
                                                         {{2, 1, 3}, {0, 2, 1}},
                                                         {{2, 1, 2, 3, 1, 2}, {5, 2, 0, 1, 3, 4}},
                                                         {{3}, {0}},
                                                         {{}, {}}};
  for (const auto& [shape, axes] : orders)
    table.add("permute", fmt::format("of {} to [{}]", shape, fmt::join(axes, ", ")),
              [axes = axes](const Tensor& x) { return permute(x, axes); }, {varied(shape)});

  for (Index axis = -3; axis < 3; ++axis)
    table.add("slice", fmt::format("of axis {}", axis), [axis](const Tensor& x) { return slice(x, 1, 3, axis); },
              {varied({3, 4, 3})});
  table.add("slice", "from the end", [](const Tensor& x) { return slice(x, -3, -1); }, {varied({4})});
  table.add("slice", "of nothing", [](const Tensor& x) { return slice(x, 2, 2, 1); }, {varied({2, 3})});
  table.add("slice", "several that overlap",
            [](const Tensor& x) { return slice(x, 0, 3) * slice(x, 1, 4) + slice(x, 0, 1); }, {varied({4, 2})});
  for (const Index axis : {0, 1})
    table.add("slice", fmt::format("by splitting axis {}", axis),
              [axis](const Tensor& x) {
                const std::vector<Tensor> parts = split(x, {1, 2}, axis);
                return parts[1] * parts[0];
              },
              {varied({3, 3})});
  for (const Index index : {0, 2, -1})
    table.add("select", fmt::format("index {}", index), [index](const Tensor& x) { return select(x, index); },
              {varied({3, 2})});
  table.add("select", "of a vector", [](const Tensor& x) { return x[1] * x[-1]; }, {varied({3})});

  table.add("take_rows", "with repeats", take_rows, {varied({4, 2}), indices({3, 0, 3, 3})});
  table.add("take_rows", "by a matrix of indices", take_rows, {varied({3, 2}), indices({2, 0, 1, 1, 2, 0}, {2, 3})});
  table.add("take_rows", "of a vector", take_rows, {varied({3}), indices({1, 1})});
  table.add("take_rows", "none", take_rows, {varied({3, 2}), indices({})});
  table.add("take_rows", "of rows of three axes", take_rows, {varied({2, 2, 2}), indices({1, 0, 1})});
  table.add("take_rows", "one index", take_rows, {varied({3, 2}), indices({2}, {})});

  table.add("one_hot", "times something", [](const Tensor& i, const Tensor& x) { return one_hot(i, 3, x.dtype()) * x; },
            {indices({2, 0}), varied({2, 3})});

  using Parts = std::initializer_list<Tensor>;
  const auto joined = [](Index axis) { return [axis](Arguments xs) { return concat(xs, axis); }; };
  table.add("concat", "along axis 0", joined(0), {varied({2, 3}, 1), varied({1, 3}, 2), varied({0, 3}, 3)});
  table.add("concat", "along axis 1", joined(1), {varied({2, 1}, 1), varied({2, 3}, 2), varied({2, 2}, 3)});
  table.add("concat", "along the last of three", joined(-1), {varied({2, 2, 1}, 1), varied({2, 2, 2}, 2)});
  table.add("concat", "of one", joined(0), {varied({2})});
  table.add("concat", "of one tensor twice", [](const Tensor& x) { return concat(Parts{x, x}, 1); }, {varied({2, 2})});
  const auto many = [](const Tensor& x) {
    std::vector<Tensor> parts(9, x);
    return concat(parts);
  };
  table.add("concat", "of more parts than a record holds", many, {varied({2})});
  table.add("stack", "of matrices", [](Arguments xs) { return stack(xs); }, {varied({2, 3}, 1), varied({2, 3}, 2)});
  table.add("stack", "of scalars", [](Arguments xs) { return stack(xs); },
            {varied({}, 1), varied({}, 2), varied({}, 3)});
  table.add("stack", "of nothing", [](Arguments xs) { return stack(xs); }, {varied({0}, 1), varied({0}, 2)});

  const auto assembled = [](const Tensor& a, const Tensor& b, const Tensor& c) {
    const Region places[] = {{.axis = 1, .begin = 1}, {.axis = 0, .begin = 2}, {.rows = indices({0, 0, 1})}};
    return assemble(Parts{a, b, c}, places, {3, 4});
  };
  table.add("assemble", "of slices of both axes and of rows", assembled,
            {varied({3, 2}, 1), varied({1, 4}, 2), varied({3, 4}, 3)});
  const auto placed = [](const Tensor& x) {
    const Region place[] = {{.axis = 0, .begin = 1}};
    return assemble(Parts{x}, place, {3, 2});
  };
  table.add("assemble", "of a row without its axis", placed, {varied({2})});
}

// x² as an op of its own.
struct OwnSquare {
  static constexpr auto name = "own_square";
  static constexpr auto derivative = "2 · g · x";
  Tensor value(Saved&, const Tensor& x) const { return x * x; }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor& x) const {
    return {2.0 * x * g};
  }
  Tensor jvp(const Saved&, const std::array<Tensor, 1>& tangents, const Tensor&, const Tensor& x) const {
    return 2.0 * x * tangents[0];
  }
};

void add_recorded_as_one(Table& table) {
  for (const Shape& shape : {Shape{}, Shape{2, 3}, Shape{0}}) {
    table.add("custom", fmt::format("of {}", shape), [](const Tensor& x) { return custom(OwnSquare{}, x); },
              {varied(shape)});
    const auto inside = [](const Tensor& x, const Tensor& w) { return tanh(x * w) * exp(w); };
    table.add("checkpointed", fmt::format("of {}", shape),
              [=](const Tensor& x, const Tensor& w) {
                return checkpointed([=](const Tensor& a) { return inside(a, w); }, x) * w;
              },
              {varied(shape, 1), varied(shape, 2)});
  }
}

void add_recurrent(Table& table) {
  constexpr Index time = 2, batch = 2, inputs = 3, hidden = 2;
  for (const Activation activation : {Activation::identity, Activation::tanh, Activation::logistic, Activation::relu}) {
    const std::vector<Tensor> arguments = {varied({time, batch, inputs}, 1), varied({batch, hidden}, 2),
                                           varied({inputs, hidden}, 3), varied({hidden, hidden}, 4),
                                           varied({hidden}, 5)};
    for (Index t = 0; t < time; ++t)
      table.add(
          "rnn_step", fmt::format("with {} at {}", name(activation), t),
          [=](Arguments x) { return rnn_step(x[0], t, x[1], x[2], x[3], x[4], activation); }, arguments);
    table.add(
        "rnn_step", fmt::format("with {} twice over", name(activation)),
        [=](Arguments x) {
          return rnn_step(x[0], 1, rnn_step(x[0], 0, x[1], x[2], x[3], x[4], activation), x[2], x[3], x[4], activation);
        },
        arguments);
    table.add("slope", name(activation), [=](const Tensor& s) { return slope(activation, s); }, {varied({2, 3})});
  }
  const auto tanh_step = [](Arguments x) { return rnn_step(x[0], 0, x[1], x[2], x[3], x[4], Activation::tanh); };
  table.add("rnn_step", "of no batch", tanh_step,
            {varied({1, 0, 2}), varied({0, 2}), varied({2, 2}), varied({2, 2}), varied({2})});
}

}  // namespace

std::vector<OpRow> op_table() {
  Table table;
  add_elementwise(table);
  add_reductions(table);
  add_matrices(table);
  add_indexing(table);
  add_recorded_as_one(table);
  add_recurrent(table);
  add_choices_and_shares(table);
  add_losses(table);
  return table.take();
}

}  // namespace ebb::test
