#include "random_program.h"

#include <nn/nn.h>

#include <algorithm>
#include <limits>

namespace ebb::test {

Index Choices::below(Index bound) {
  const Index byte = more() ? bytes_[at_++] : 0;
  return byte % bound;
}

double Choices::number() {
  const Index byte = below(256);
  if (wild_) {
    using Limits = std::numeric_limits<double>;
    const double extremes[] = {0,    -0.0, 1e300, -1e-310, Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                               1e-40};
    if (byte < 8) return extremes[byte];
  }
  return static_cast<double>(byte - 128) / 85;
}

Index Choices::axis(const Tensor& x) {
  if (wild_) return below(16) - 8;
  return below(2 * x.rank()) - x.rank();
}

Index Choices::position(Index extent) {
  if (wild_) return below(10) - 3;
  return below(extent);
}

Tensor Choices::positions(Index extent, const Shape& shape) {
  constexpr Index most = 400;  // enough, whatever the shape
  if (shape.size() > most) return positions(extent, Shape{most});
  std::vector<std::int64_t> values;
  for (Index i = 0; i < shape.size(); ++i) values.push_back(position(extent));
  return from_values(values, shape);
}

Shape Choices::shape() {
  constexpr Index wrong[] = {0, -1, Index{1} << 60, Index{1} << 50};
  std::vector<Index> extents(static_cast<std::size_t>(below(wild_ ? 8 : 4)));
  for (Index& extent : extents) {
    const Index choice = below(wild_ ? 12 : 3);
    extent = choice >= 8 ? wrong[choice - 8] : 1 + choice % 3;
  }
  return Shape(extents);
}

Shape Choices::shape_of_as_many(Index size) {
  if (wild_ && flip()) return shape();
  const Index rows = 1 + below(4);
  return size % rows == 0 ? Shape{rows, size / rows} : Shape{size};
}

// ---- the ops

namespace {

using T = const Tensor&;
using C = Choices&;
using Takes = ProgramOp::Takes;
constexpr auto positive = ProgramOp::Domain::positive;
constexpr auto all = ProgramOp::Domain::all;
constexpr auto kinked = ProgramOp::Form::kinked;

Tensor step_of_all(T a, T b, C choices) {
  const Tensor a_t = transpose(a), square_matrix = matmul(a, a_t);
  const Activation activation = choices.flip() ? Activation::tanh : Activation::logistic;
  return rnn_step(reshape(a, Shape{1, a.extent(0), a.extent(1)}), choices.wild() ? choices.position(1) : 0,
                  choices.wild() ? b : square_matrix, a_t, square_matrix, sum(a, 1), activation);
}

Tensor part(T a, T, C choices) {
  const Index axis = choices.axis(a);
  if (choices.wild()) return slice(a, choices.position(3), choices.position(3), axis);
  const Index begin = choices.position(a.extent(axis));
  return slice(a, begin, begin + 1 + choices.below(a.extent(axis) - begin), axis);
}

Tensor rows(T a, T, C choices) {
  const Shape shape = choices.flip() ? Shape{3} : Shape{2, 2};
  return take_rows(a, choices.positions(choices.wild() ? 3 : a.extent(0), shape));
}

Tensor assembled(T a, T b, C choices) {
  const Index axis = choices.wild() ? choices.axis(a) : a.rank() - 1;
  const Index extent = choices.wild() ? 3 : a.extent(axis);
  const Region places[] = {{.axis = axis, .begin = choices.wild() ? choices.position(2) : 1}, {.axis = axis}};
  return assemble(std::array{a, b}, places, choices.wild() ? choices.shape() : a.shape().with(axis, extent + 1));
}

Tensor in_another_order(T a, T, C choices) {
  std::vector<Index> axes;
  const Index shift = choices.wild() || a.rank() == 0 ? 0 : choices.below(a.rank());
  for (Index i = 0; i < a.rank(); ++i)
    axes.push_back(choices.wild() && a.rank() > 0 ? choices.axis(a) : (i + shift) % a.rank());
  return permute(a, axes);
}

Tensor one_part(T a, T, C choices) {
  const Index axis = choices.axis(a);
  const std::vector<Tensor> parts = choices.flip()
                                        ? split(a, choices.wild() ? choices.position(3) : 1 + choices.below(3), axis)
                                        : split(a, {1, a.extent(axis) - 1}, axis);
  for (const Tensor& part : parts)
    if (choices.flip() && part.size() > 0) return part;
  return parts.empty() ? a : parts.front();
}

Tensor with_new_axis(T a, T, C choices) {
  return unsqueeze(a, choices.wild() ? choices.below(16) - 8 : choices.below(2 * a.rank() + 2) - a.rank() - 1);
}

Tensor mean_among_zeros(T a, T, C choices) {
  return mean(a) * one_hot(choices.positions(3, {2}), choices.wild() ? choices.position(3) : 3, choices.float_type());
}

// a b as an op of its own.
struct OwnProduct {
  static constexpr auto name = "own_product";
  Tensor value(Saved&, T a, T b) const { return a * b; }
  std::array<Tensor, 2> vjp(const Saved&, T g, T, T a, T b) const { return {g * b, g * a}; }
  Tensor jvp(const Saved&, const std::array<Tensor, 2>& tangents, T, T a, T b) const {
    return tangents[0] * b + a * tangents[1];
  }
};

// a² b, likewise by its formula.
struct OwnMixture {
  static constexpr auto name = "own_mixture";
  static auto value(auto a, auto b) { return a * a * b; }
  static auto derivative(auto a, auto b, auto) { return std::pair(2.0 * a * b, a * a); }
};

const ProgramOp ops[] = {
    {"operator+", Takes::broadcasting, [](T a, T b, C) { return a + b; }},
    {"operator-", Takes::broadcasting, [](T a, T b, C) { return a - b; }},
    {"operator*", Takes::broadcasting, [](T a, T b, C) { return a * b; }},
    {"operator/", Takes::broadcasting, [](T a, T b, C) { return b / a; }, positive},
    {"operator+", Takes::any, [](T a, T, C choices) { return a + choices.number(); }},
    {"operator-", Takes::any, [](T a, T, C choices) { return choices.number() - a; }},
    {"operator*", Takes::any, [](T a, T, C choices) { return a * choices.number(); }},
    {"operator/", Takes::any, [](T a, T, C choices) { return choices.number() / a; }, positive},
    {"operator-", Takes::any, [](T a, T, C) { return -a; }},
    {"square", Takes::any, [](T a, T, C) { return square(a); }},
    {"sqrt", Takes::any, [](T a, T, C) { return sqrt(a); }, positive},
    {"exp", Takes::any, [](T a, T, C) { return exp(a); }},
    {"log", Takes::any, [](T a, T, C) { return log(a); }, positive},
    {"tanh", Takes::any, [](T a, T, C) { return tanh(a); }},
    {"sigmoid", Takes::any, [](T a, T, C) { return sigmoid(a); }},
    {"relu", Takes::any, [](T a, T, C) { return relu(a); }, all, kinked},
    {"abs", Takes::any, [](T a, T, C) { return abs(a); }, all, kinked},
    {"reciprocal", Takes::any, [](T a, T, C) { return reciprocal(a); }, positive},
    {"sin", Takes::any, [](T a, T, C) { return sin(a); }},
    {"cos", Takes::any, [](T a, T, C) { return cos(a); }},
    {"expm1", Takes::any, [](T a, T, C) { return expm1(a); }},
    {"log1p", Takes::any, [](T a, T, C) { return log1p(a); }, positive},
    {"erf", Takes::any, [](T a, T, C) { return erf(a); }},
    {"softplus", Takes::any, [](T a, T, C) { return softplus(a); }},
    {"gelu", Takes::any, [](T a, T, C) { return gelu(a); }},
    {"silu", Takes::any, [](T a, T, C) { return silu(a); }},
    {"elu", Takes::any, [](T a, T, C choices) { return elu(a, choices.number()); }, all, kinked},
    {"leaky_relu", Takes::any, [](T a, T, C) { return leaky_relu(a); }, all, kinked},
    {"clamp", Takes::any, [](T a, T, C choices) { return clamp(a, -0.3, choices.number()); }, all, kinked},
    {"pow", Takes::broadcasting, [](T a, T b, C) { return pow(a, b); }, positive},
    {"pow", Takes::any, [](T a, T, C choices) { return pow(a, choices.number()); }, positive},
    {"pow", Takes::any, [](T a, T, C) { return pow(2.0, a); }},
    {"maximum", Takes::broadcasting, [](T a, T b, C) { return maximum(a, b); }, all, kinked},
    {"minimum", Takes::any, [](T a, T, C choices) { return minimum(choices.number(), a); }, all, kinked},
    {"operator<", Takes::broadcasting, [](T a, T b, C) { return (a < b) * a; }, all, kinked},
    {"clone", Takes::any, [](T a, T, C) { return clone(a); }},
    {"where", Takes::broadcasting, [](T a, T b, C) { return where(a < b, a, b); }, all, kinked},
    {"where", Takes::any, [](T a, T, C choices) { return where(a >= choices.number(), a, 0.5); }, all, kinked},
    {"sum", Takes::any, [](T a, T, C) { return sum(a); }},
    {"sum", Takes::axes, [](T a, T, C choices) { return sum(a, choices.axis(a), choices.flip()); }},
    {"mean", Takes::any, [](T a, T, C) { return mean(a); }},
    {"mean", Takes::axes, [](T a, T, C choices) { return mean(a, choices.axis(a), choices.flip()); }},
    {"norm", Takes::any, [](T a, T, C) { return norm(a); }, positive},
    {"norm", Takes::axes, [](T a, T, C choices) { return norm(a, choices.axis(a), choices.flip()); }, positive},
    {"variance", Takes::any, [](T a, T, C) { return variance(a, {.correction = 0}); }},
    {"variance", Takes::axes,
     [](T a, T, C choices) {
       return variance(a, choices.axis(a), {.correction = choices.wild() ? 1.0 : 0.0, .keepdim = choices.flip()});
     }},
    {"max", Takes::any, [](T a, T, C) { return max(a); }, all, kinked},
    {"max", Takes::axes, [](T a, T, C choices) { return max(a, choices.axis(a), choices.flip()); }, all, kinked},
    {"min", Takes::axes, [](T a, T, C choices) { return min(a, choices.axis(a), choices.flip()); }, all, kinked},
    {"argmax", Takes::any, [](T a, T, C) { return a * cast(argmax(a), a.dtype()); }, all, kinked},
    {"logsumexp", Takes::any, [](T a, T, C) { return logsumexp(a); }},
    {"logsumexp", Takes::axes, [](T a, T, C choices) { return logsumexp(a, choices.axis(a), choices.flip()); }},
    {"softmax", Takes::axes, [](T a, T, C choices) { return softmax(a, choices.axis(a)); }},
    {"log_softmax", Takes::axes, [](T a, T, C choices) { return log_softmax(a, choices.axis(a)); }},
    {"sum_to", Takes::axes, [](T a, T b, C choices) { return sum_to(a, choices.wild() ? b.shape() : Shape{1}); }},
    {"broadcast_to", Takes::any,
     [](T a, T b, C choices) { return broadcast_to(a, choices.wild() ? b.shape() : a.shape().inserted(0, 2)); }},
    {"matmul", Takes::matrices, [](T a, T b, C) { return matmul(a, b); }},
    {"matmul", Takes::matrix,
     [](T a, T b, C choices) { return matmul(choices.wild() ? b : a, a, {.transpose_a = true}); }},
    {"matmul", Takes::matrix,
     [](T a, T b, C choices) { return matmul(a, choices.wild() ? b : a, {.transpose_b = true}); }},
    {"transpose", Takes::matrix, [](T a, T, C) { return transpose(a); }},
    {"outer", Takes::any, [](T a, T b, C) { return outer(reshape(a, {-1}), reshape(mean(b), {-1})); }},
    {"dot", Takes::any, [](T a, T b, C) { return dot(reshape(a, {-1}), reshape(a * mean(b), {-1})); }},
    {"permute", Takes::any, in_another_order},
    {"unsqueeze", Takes::any, with_new_axis},
    {"squeeze", Takes::any, [](T a, T, C choices) { return choices.wild() ? squeeze(a, choices.axis(a)) : squeeze(a); }},
    {"split", Takes::axes, one_part},
    {"one_hot", Takes::any, mean_among_zeros},
    {"checkpointed", Takes::broadcasting,
     [](T a, T b, C) { return checkpointed([b](T x) { return tanh(x * b) + square(x); }, a); }},
    {"custom", Takes::broadcasting, [](T a, T b, C) { return custom(OwnProduct{}, a, b); }},
    {"reshape", Takes::any, [](T a, T, C choices) { return reshape(a, choices.shape_of_as_many(a.size())); }},
    {"slice", Takes::axes, part},
    {"select", Takes::axes, [](T a, T, C choices) { return select(a, choices.position(a.extent(0))); }},
    {"take_rows", Takes::axes, rows},
    {"concat", Takes::alike,
     [](T a, T b, C choices) {
       return concat({a, b, a}, a.rank() > 0 ? choices.axis(a) : 0);
     }},
    {"stack", Takes::alike,
     [](T a, T b, C) {
       return stack({a, b});
     }},
    {"assemble", Takes::alike, assembled},
    {"rnn_step", Takes::matrix, step_of_all},
    {"mae", Takes::alike, [](T a, T b, C) { return nn::mae(a, b); }, all, kinked},
    {"huber", Takes::alike, [](T a, T b, C choices) { return nn::huber(a, b, {.delta = choices.wild() ? choices.number() : 0.5}); }, all,
     kinked},
    {"binary_cross_entropy_with_logits", Takes::alike,
     [](T a, T b, C) { return nn::binary_cross_entropy_with_logits(a, sigmoid(b)); }},
    {"mse", Takes::alike, [](T a, T b, C) { return nn::mse(a, b); }},
    {"cross_entropy", Takes::alike, [](T a, T b, C) { return nn::cross_entropy(a, softmax(b)); }},
    {"cross_entropy", Takes::matrix,
     [](T a, T, C choices) {
       return nn::cross_entropy(a, choices.positions(choices.wild() ? 3 : a.extent(1), Shape{a.extent(0)}));
     }},
    // New ones go to the end, so that most bytes of the fuzzer's corpus go on meaning what they meant. The last is smooth.
    {"operator<=", Takes::broadcasting, [](T a, T b, C) { return (a <= b) * a; }, all, kinked},
    {"operator>", Takes::broadcasting, [](T a, T b, C) { return (a > b) * b; }, all, kinked},
    {"operator>=", Takes::any, [](T a, T, C choices) { return (choices.number() >= a) * a; }, all, kinked},
    {"operator==", Takes::broadcasting, [](T a, T b, C) { return (a == b) + a; }, all, kinked},
    {"operator!=", Takes::any, [](T a, T, C choices) { return (a != choices.number()) * a; }, all, kinked},
    {"min", Takes::any, [](T a, T, C) { return min(a); }, all, kinked},
    {"argmin", Takes::axes,
     [](T a, T, C choices) { return a * cast(argmin(a, choices.axis(a), /*keepdim=*/true), a.dtype()); }, all, kinked},
    {"cast", Takes::any, [](T a, T, C choices) { return cast(a, choices.float_type()); }},
    {"elementwise", Takes::broadcasting, [](T a, T b, C) { return elementwise<OwnMixture>(a, b); }},
    {"slope", Takes::any,
     [](T a, T, C choices) { return slope(choices.flip() ? Activation::tanh : Activation::logistic, a); }},
    {"erfc", Takes::any, [](T a, T, C) { return erfc(a); }},
};

}  // namespace

std::span<const ProgramOp> program_ops() { return ops; }

// ---- programs in which nothing goes wrong

namespace {

constexpr Index most_elements = 36;
constexpr Index most_axes = 3;

bool broadcastable(const Shape& a, const Shape& b) {
  for (Index i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

Tensor as_matrix(const Tensor& x) {
  if (x.rank() == 2) return x;
  return x.rank() == 0 ? reshape(x, {1, 1}) : reshape(x, {x.extent(0), -1});
}

struct Pair {
  Tensor a, b;
};
Pair adapted(Takes takes, const Tensor& a, const Tensor& b) {
  switch (takes) {
    case Takes::any:
      return {a, b};
    case Takes::axes:
      return {a.rank() == 0 ? reshape(a, {1}) : a, b};
    case Takes::broadcasting:
      return {a, broadcastable(a.shape(), b.shape()) ? b : mean(b)};
    case Takes::matrix:
      return {as_matrix(a), b};
    case Takes::matrices: {
      const Tensor left = as_matrix(a), right = as_matrix(b);
      return {left, right.extent(0) == left.extent(1) ? right : transpose(left)};
    }
    case Takes::alike: {
      const Tensor first = a.rank() == 0 ? reshape(a, {1}) : a;
      return {first, b.shape() == first.shape() ? b : mean(b) * first};
    }
  }
  return {};
}

Tensor bounded(Tensor y) {
  while (y.rank() > most_axes || y.size() > most_elements) y = mean(y, 0);
  // Differences see five derivatives of it: it must not be steep.
  return tanh(0.7 * y);
}

}  // namespace

RandomProgram::RandomProgram(std::vector<std::uint8_t> bytes, bool smooth)
    : bytes_(std::move(bytes)), smooth_(smooth) {}

std::vector<Tensor> RandomProgram::arguments() const {
  Choices choices(bytes_, /*wild=*/false);
  std::vector<Tensor> result;
  const Index count = 1 + choices.below(3);
  Rng rng(40);
  for (Index i = 0; i < count; ++i) result.push_back(uniform(choices.shape(), -1.2, 1.2, rng, f64));
  return result;
}

namespace {

// Runs the choices behind those of the arguments; calls `seen` with each op.
template <class F>
Tensor run(Choices choices, std::span<const Tensor> arguments, bool smooth, F seen) {
  // The arguments' own bytes.
  choices.below(3);
  for (std::size_t i = 0; i < arguments.size(); ++i) (void)choices.shape();

  struct Value {
    Tensor tensor;
    bool used;
  };
  std::vector<Value> values;
  for (const Tensor& x : arguments) values.push_back({x, false});
  const auto take = [&]() -> const Tensor& {
    const auto back = static_cast<std::size_t>(choices.below(std::min<Index>(6, static_cast<Index>(values.size()))));
    Value& value = values[values.size() - 1 - back];
    value.used = true;
    return value.tensor;
  };
  const Index steps = 5 + choices.below(46);
  for (Index step = 0; step < steps; ++step) {
    std::size_t at = static_cast<std::size_t>(choices.below(std::size(ops)));
    while (smooth && ops[at].form == kinked) ++at;  // the last is smooth
    const ProgramOp& op = ops[at];
    const Tensor a = take(), b = take();
    seen(op);
    Pair x = adapted(op.takes, a, b);
    if (op.domain == positive) x.a = square(x.a) + 0.5;
    values.push_back({bounded(op.apply(x.a, x.b, choices)), false});
  }
  std::vector<Tensor> results;
  for (const Value& value : values)
    if (!value.used) results.push_back(reshape(value.tensor, {-1}));
  return concat(results);
}

}  // namespace

Tensor RandomProgram::operator()(std::span<const Tensor> arguments) const {
  return run(Choices(bytes_, false), arguments, smooth_, [](const ProgramOp&) {});
}

std::vector<std::string_view> RandomProgram::names() const {
  std::vector<std::string_view> result;
  (void)run(Choices(bytes_, false), arguments(), smooth_, [&](const ProgramOp& op) { result.push_back(op.name); });
  return result;
}

}  // namespace ebb::test
