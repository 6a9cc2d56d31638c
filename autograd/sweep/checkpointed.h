// Memory for time: a stretch of computation that the tape keeps as one record, and that sweeps compute again.
#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <span>
#include <utility>

#include "autograd/tensor/tensor.h"

namespace ebb {

// f(inputs…), recorded as one entry: what f computes on the way is dropped, and computed again by each sweep (plain or
// recorded) and each forward walk that passes. T steps in √T stretches so take the memory of about 2√T steps, and one
// more computation of the values (Chen et al. 2016).
//
//   state = ebb::checkpointed([=](const ebb::Tensor& s) { return run(s, first, last); }, state);
//
// f is copied and each time a fresh copy runs. Tensors that it captured (weights!) count as inputs: the first run finds
// them. A generator that it uses gives the same numbers again and afterwards stands where it stood. All else that f
// reads must be as it was: capture by value what changes, a loop's index or the tensor that is assigned to.
// StaleValueError where a tensor was written in between, TapeError where f gives other values when it is run again.
// What f computed and put aside elsewhere has no path back; a sweep that would need it says so (TapeError).
//
// With no tape it is f(inputs…).
[[nodiscard]] Tensor checkpointed(const std::function<Tensor(std::span<const Tensor>)>& f,
                                  std::span<const Tensor> inputs);

template <class F, std::same_as<Tensor>... Inputs>
requires std::is_invocable_r_v<Tensor, F&, const Inputs&...>
[[nodiscard]] Tensor checkpointed(F f, const Inputs&... inputs) {
  const std::array<Tensor, sizeof...(Inputs)> all{inputs...};
  return checkpointed(
      [f = std::move(f)](std::span<const Tensor> xs) mutable {
        return [&]<std::size_t... i>(std::index_sequence<i...>) { return f(xs[i]...); }
        (std::index_sequence_for<Inputs...>());
      },
      std::span<const Tensor>(all));
}

}  // namespace ebb
