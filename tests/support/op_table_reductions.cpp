// The rows of what chooses among numbers, shares them out or measures them, and of the losses made of these.
#include <nn/nn.h>

#include "op_table.h"

namespace ebb::test {

void add_choices_and_shares(Table& table) {
  using All = Tensor (*)(const Tensor&);
  using Along = Tensor (*)(const Tensor&, Index, bool);
  const std::tuple<std::string_view, All, Along> reductions[] = {
      {"max", max, max}, {"min", min, min}, {"logsumexp", logsumexp, logsumexp}, {"norm", norm, norm}};
  // No two elements of a row are closer than a difference of gradients reaches: nowhere near a tie.
  constexpr std::uint64_t seed = 25;
  for (const auto& [op, all, along] : reductions) {
    for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}})
      table.add(op, fmt::format("of all of {}", shape), all, {varied(shape, seed)});
    for (const Shape& shape : {Shape{4}, Shape{2, 3}, Shape{2, 3, 2}, Shape{0, 2}})
      for (Index axis = shape.size() ? -shape.rank() : 1; axis < shape.rank(); ++axis)
        for (const bool keepdim : {false, true})
          table.add(op, fmt::format("of {} along {}{}", shape, axis, keepdim ? ", kept" : ""),
                    [along = along, axis, keepdim](const Tensor& x) { return along(x, axis, keepdim); },
                    {varied(shape, seed)});
  }
  table.add("logsumexp", "of nothing", [](const Tensor& x) { return exp(logsumexp(x, 1)); }, {varied({2, 0})});
  table.add("norm", "of nothing", [](const Tensor& x) { return norm(x, 1); }, {varied({2, 0})});

  for (const double correction : {0.0, 1.0, 0.5}) {
    table.add("variance", fmt::format("of everything, corrected by {}", correction),
              [=](const Tensor& x) { return variance(x, {.correction = correction}); }, {varied({2, 3})});
    for (const Index axis : {0, 1, -1})
      table.add("variance", fmt::format("along {}, corrected by {}", axis, correction),
                [=](const Tensor& x) { return variance(x, axis, {.correction = correction, .keepdim = axis == 1}); },
                {varied({3, 2, 3})});
  }

  const auto weighted = [](Tensor (*place)(const Tensor&, Index, bool)) {
    return [place](const Tensor& x) { return cast(place(x, 1, true), x.dtype()) * x; };
  };
  table.add("argmax", "times something", weighted(argmax), {varied({2, 3})});
  table.add("argmin", "times something", weighted(argmin), {varied({2, 3})});

  for (const Shape& shape : {Shape{1}, Shape{5}, Shape{2, 3}, Shape{2, 2, 3}, Shape{0, 3}}) {
    table.add("softmax", fmt::format("of {}", shape), [](const Tensor& x) { return softmax(x); }, {varied(shape)});
    table.add("log_softmax", fmt::format("of {}", shape), [](const Tensor& x) { return log_softmax(x); },
              {varied(shape)});
  }
  for (Index axis = -3; axis < 3; ++axis) {
    table.add("softmax", fmt::format("along {}", axis), [axis](const Tensor& x) { return softmax(x, axis); },
              {varied({2, 3, 2})});
    table.add("log_softmax", fmt::format("along {}", axis), [axis](const Tensor& x) { return log_softmax(x, axis); },
              {varied({2, 3, 2})});
  }
}

void add_losses(Table& table) {
  using nn::Reduction;
  const std::pair<Reduction, const char*> reductions[] = {
      {Reduction::mean, "mean"}, {Reduction::sum, "sum"}, {Reduction::none, "none"}};
  const Tensor classes = indices({1, 0, 2, 2}, {2, 2});
  for (const auto& [reduction, what] : reductions) {
    const Reduction r = reduction;
    for (const Shape& shape : {Shape{}, Shape{2, 3}}) {
      const std::string of = fmt::format("{} of {}", what, shape);
      const std::vector<Tensor> arguments = {varied(shape, 1), varied(shape, 2)};
      const auto add = [&](const char* op, auto loss) {
        table.add(
            op, of, [=](const Tensor& p, const Tensor& t) { return loss(p, t, {.reduction = r}); }, arguments);
      };
      add("mse", nn::mse);
      add("mae", nn::mae);
      add("binary_cross_entropy_with_logits", nn::binary_cross_entropy_with_logits);
      for (const double delta : {0.3, 1.0})
        table.add(
            "huber", fmt::format("{}, delta {}", of, delta),
            [=](const Tensor& p, const Tensor& t) { return nn::huber(p, t, {.delta = delta, .reduction = r}); },
            arguments);
    }
    for (const auto& ignored : {std::optional<std::int64_t>(), std::optional<std::int64_t>(2)})
      table.add("cross_entropy", fmt::format("{} of a sequence{}", what, ignored ? ", one class ignored" : ""),
                [=](const Tensor& z, const Tensor& c) {
                  return nn::cross_entropy(z, c, {.ignore_index = ignored, .reduction = r});
                },
                {varied({2, 2, 3}), classes});
    table.add("cross_entropy", fmt::format("{} of probabilities", what),
              [=](const Tensor& z, const Tensor& p) { return nn::cross_entropy(z, p, {.reduction = r}); },
              {varied({2, 3}, 1), varied_positive({2, 3}, 2)});
  }
  table.add("cross_entropy", "of a batch", [](const Tensor& z, const Tensor& c) { return nn::cross_entropy(z, c); },
            {varied({4, 3}), indices({2, 0, 2, 1})});
}

}  // namespace ebb::test
