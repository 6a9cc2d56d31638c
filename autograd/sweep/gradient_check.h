// Are the gradients right? Compared, one by one, with differences of values.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb {

// Where a gradient and the difference that it was compared with stand farthest apart.
struct GradientMismatch {
  int order = 0;             // 1, 2 or 3
  std::size_t argument = 0;  // of the function
  std::vector<Index> index;  // of the element
  double gradient = 0;       // by the tape
  double difference = 0;     // by differences
  double error = 0;          // |gradient − difference| / max(1, |gradient|, |difference|)
};

struct GradientCheck {
  bool passed = false;
  Index compared = 0;  // derivatives, over all arguments and orders; 0 where all arguments are empty, which passes
  GradientMismatch worst = {};
};

struct GradientCheckOptions {
  double tolerance = 1e-7;  // fourth-order differences of step 10⁻³ are good to about 1e-10 for tame functions
  double step = 1e-3;       // times max(1, |x|)
  int orders = 2;           // 1: the sweep; 2: the recorded sweep too; 3: and recorded sweeps of recorded sweeps
};

// Compares gradients of Σ c ∘ f(arguments), for a fixed cotangent c, with central differences of fourth order; those of
// the recorded sweep, projected argument by argument (second order), with differences of first gradients; and, where
// asked for, those of a recorded sweep of a recorded sweep, projected over all arguments (third order), with
// differences of second ones. Float arguments are taken in float64; int64 ones are passed on as they are. Every
// argument's every element is compared. Error where no argument is a float tensor.
[[nodiscard]] GradientCheck check_gradients(const std::function<Tensor(std::span<const Tensor>)>& f,
                                            std::span<const Tensor> arguments,
                                            const GradientCheckOptions& options = {});

// check_gradients(f, x), check_gradients(f, x, w): f takes as many tensors as are given.
template <class F, class... Tensors>
requires std::is_invocable_r_v<Tensor, F, const Tensor&, const Tensors&...>
[[nodiscard]] GradientCheck check_gradients(F&& f, const Tensor& first, const Tensors&... others) {
  const std::array<Tensor, 1 + sizeof...(Tensors)> arguments{first, others...};
  return check_gradients(
      [&f](std::span<const Tensor> xs) {
        return [&]<std::size_t... i>(std::index_sequence<i...>) { return f(xs[i]...); }
        (std::make_index_sequence<1 + sizeof...(Tensors)>());
      },
      arguments);
}

}  // namespace ebb

template <>
struct fmt::formatter<ebb::GradientCheck> : fmt::formatter<std::string_view> {
  auto format(const ebb::GradientCheck& check, fmt::format_context& context) const -> fmt::format_context::iterator;
};
