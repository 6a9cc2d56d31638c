#include "autograd/sweep/gradient_check.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduction.h"
#include "autograd/tape/tape.h"

namespace ebb {

namespace {

using Function = std::function<Tensor(std::span<const Tensor>)>;

// Σ c ∘ y for weights c in ±[½, 1½) that repeat nothing, the same at every call.
Tensor project(const Tensor& y, std::uint64_t seed) {
  Rng rng(seed);
  const Tensor c = uniform(y.shape(), -1, 1, rng, f64);
  return sum(y * (c + where(c < 0.0, -0.5, 0.5)));
}

double value(const Function& f, std::span<const Tensor> xs) {
  const Pause pause;
  return project(f(xs), 1).item();
}

// The arguments that are differentiated, made known to the tape in case f ignores one.
std::vector<Tensor> introduced(std::span<const Tensor> xs, std::span<const std::size_t> floats) {
  std::vector<Tensor> result;
  for (std::size_t i : floats) {
    result.push_back(xs[i]);
    (void)sum(xs[i]);
  }
  return result;
}

// u · ∇f for one argument, and its own gradient by all arguments.
struct Slope {
  double value;
  std::vector<Tensor> gradients;
};
Slope slope_along(const Function& f, std::span<const Tensor> xs, std::span<const std::size_t> floats, std::size_t k,
                  bool with_gradients) {
  Tape tape;
  const std::vector<Tensor> wanted = introduced(xs, floats);
  const Tensor g = project(tape.gradient(project(f(xs), 1), wanted[k], {.recorded = true}), 2 + k);
  Slope result{g.item(), {}};
  if (with_gradients) result.gradients = tape.gradients(g, wanted);
  return result;
}

// u₂ · ∇(u₁ · ∇f), each over all arguments at once, and its gradients.
Slope slope_of_slope(const Function& f, std::span<const Tensor> xs, std::span<const std::size_t> floats,
                     bool with_gradients) {
  Tape tape;
  const std::vector<Tensor> wanted = introduced(xs, floats);
  Tensor slope = project(f(xs), 1);
  for (std::uint64_t order = 1; order <= 2; ++order) {
    const std::vector<Tensor> gradients = tape.gradients(slope, wanted, {.recorded = true});
    slope = project(gradients[0], 100 * order);
    for (std::size_t n = 1; n < gradients.size(); ++n) slope += project(gradients[n], 100 * order + n);
  }
  Slope result{slope.item(), {}};
  if (with_gradients) result.gradients = tape.gradients(slope, wanted);
  return result;
}

double central_difference(double step, const std::function<double(double)>& at) {
  return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
}

std::vector<Index> index_of(const Shape& shape, Index flat) {
  std::vector<Index> index(static_cast<std::size_t>(shape.rank()));
  for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

}  // namespace

GradientCheck check_gradients(const Function& f, std::span<const Tensor> arguments,
                              const GradientCheckOptions& options) {
  if (options.orders < 1 || options.orders > 3)
    fail("check_gradients", "orders = {}, where 1, 2 and 3 are known", options.orders);
  std::vector<Tensor> xs;
  std::vector<std::size_t> floats;
  {
    const Pause pause;
    for (const Tensor& x : arguments) {
      if (x.dtype() != i64) floats.push_back(xs.size());
      xs.push_back(x.dtype() == i64 ? detach(x) : cast(x, f64));
    }
  }
  if (floats.empty())
    fail("check_gradients", "none of the {} arguments is a float tensor: there is no gradient to check", xs.size());
  GradientCheck check{.passed = true};

  // Compares the gradients by every element with differences of `function`.
  const auto compare = [&](int order, std::span<const Tensor> gradients, const std::function<double()>& function) {
    for (std::size_t n = 0; n < floats.size(); ++n) {
      Tensor& x = xs[floats[n]];
      for (Index i = 0; i < x.size(); ++i) {
        const double at = x.values<double>()[static_cast<std::size_t>(i)];
        const double difference = central_difference(options.step * std::max(1.0, std::fabs(at)), [&](double by) {
          x.edit<double>()[i] = at + by;
          const double result = function();
          x.edit<double>()[i] = at;
          return result;
        });
        const double gradient = gradients[n].values<double>()[static_cast<std::size_t>(i)];
        const double error =
            std::fabs(gradient - difference) / std::max({1.0, std::fabs(gradient), std::fabs(difference)});
        ++check.compared;
        if (!(error <= options.tolerance)) check.passed = false;
        if (!(error <= check.worst.error))
          check.worst = {order, floats[n], index_of(x.shape(), i), gradient, difference, error};
      }
    }
  };

  std::vector<Tensor> first;
  {
    Tape tape;
    const std::vector<Tensor> wanted = introduced(xs, floats);
    first = tape.gradients(project(f(xs), 1), wanted);
  }
  compare(1, first, [&] { return value(f, xs); });
  for (std::size_t k = 0; options.orders >= 2 && k < floats.size(); ++k) {
    const Slope slope = slope_along(f, xs, floats, k, /*with_gradients=*/true);
    compare(2, slope.gradients, [&] { return slope_along(f, xs, floats, k, false).value; });
  }
  if (options.orders >= 3) {
    const Slope slope = slope_of_slope(f, xs, floats, /*with_gradients=*/true);
    compare(3, slope.gradients, [&] { return slope_of_slope(f, xs, floats, false).value; });
  }
  return check;
}

}  // namespace ebb

auto fmt::formatter<ebb::GradientCheck>::format(const ebb::GradientCheck& check, fmt::format_context& context) const
    -> fmt::format_context::iterator {
  const auto& worst = check.worst;
  if (check.passed && check.compared == 0)
    return fmt::format_to(context.out(), "nothing to compare: every argument that has a gradient is empty");
  if (check.passed)
    return fmt::format_to(context.out(), "gradients agree with differences: {} compared, largest error {:.1e}",
                          check.compared, worst.error);
  return fmt::format_to(
      context.out(),
      "gradients differ: order {}, argument {}, element [{}]: the tape gives {:.10g}, differences {:.10g}", worst.order,
      worst.argument, fmt::join(worst.index, ", "), worst.gradient, worst.difference);
}
