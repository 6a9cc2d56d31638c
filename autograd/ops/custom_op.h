// An op of one's own with any number of inputs, values that it saves and rules that it brings. (For an elementwise one
// two formulas are enough: formula_op.h.)
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "autograd/tape/tape.h"

namespace ebb {

// What an op's value puts aside for its rules. To recorded sweeps these are constants: what a second derivative has to
// go through, a rule computes from the inputs or the output instead. What is written afterwards is a StaleValueError
// for the sweep that would read it.
using Saved = std::vector<Tensor>;

// A type whose objects are ops of n inputs. For n = 2:
//
//   struct Scaled {                                    // y = c · x / ‖x‖
//     static constexpr auto name = "scaled";
//     static constexpr auto derivative = "x: …, c: …";  // optional: the formula as text, for a printed tape
//
//     ebb::Tensor value(ebb::Saved& saved, const ebb::Tensor& x, const ebb::Tensor& c) const;
//
//     // One contribution an input (undefined for none), of its shape or one that broadcasts to it, from the
//     // cotangent g.
//     std::array<ebb::Tensor, 2> vjp(const ebb::Saved& saved, const ebb::Tensor& g, const ebb::Tensor& y,
//                                    const ebb::Tensor& x, const ebb::Tensor& c) const;
//
//     // Optional: the output's tangent from the inputs' (zeros written out). Without it jvp is a TapeError.
//     ebb::Tensor jvp(const ebb::Saved& saved, const std::array<ebb::Tensor, 2>& tangents, const ebb::Tensor& y,
//                     const ebb::Tensor& x, const ebb::Tensor& c) const;
//   };
//   ebb::Tensor y = ebb::custom(Scaled{}, x, c);
//
// `value` runs paused and returns a new tensor (one that others hold too, or a view, is copied). The rules are written
// with ordinary ops, which a recorded sweep records. The object may have members (an axis, a size); it is copied, and
// lives as long as the record. What is written to a tensor among them goes unnoticed: a tensor that a rule reads is to
// be an input, or saved.
template <class F, class... Inputs>
concept CustomOp = requires(const F& f, Saved& saved, const Tensor& g, const Inputs&... inputs) {
  { f.value(saved, inputs...) } -> std::same_as<Tensor>;
  { f.vjp(saved, g, g, inputs...) } -> std::same_as<std::array<Tensor, sizeof...(Inputs)>>;
  F::name;
};

namespace detail {

template <class F>
struct CustomRecord {
  F f;
  Saved saved = {};
  std::vector<std::uint32_t> versions = {};  // of what is saved

  // StaleValueError where the value of one was written since.
  const Saved& checked(const Pass& pass, const Record& record) const {
    for (std::size_t i = 0; i < saved.size(); ++i) pass.require_version(saved[i], versions[i], record);
    return saved;
  }
};

// f(inputs…) with the inputs of a record.
template <std::size_t n, class Call>
decltype(auto) with_inputs(const Pass& pass, const Record& record, Call call) {
  return [&]<std::size_t... i>(std::index_sequence<i...>)->decltype(auto) {
    return call(pass.input(record, static_cast<Index>(i))...);
  }
  (std::make_index_sequence<n>());
}

template <class F, std::size_t n>
void custom_rule(Sweep& sweep, const Record& record, Tensor g) {
  const CustomRecord<F>& own = kept<CustomRecord<F>>(record);
  const Saved& saved = own.checked(sweep, record);
  const Tensor& y = sweep.output(record);
  std::array<Tensor, n> contributions =
      with_inputs<n>(sweep, record, [&](const auto&... inputs) { return own.f.vjp(saved, g, y, inputs...); });
  for (std::size_t i = 0; i < n; ++i)
    if (contributions[i].defined()) sweep.give(record, static_cast<Index>(i), std::move(contributions[i]));
}

template <class F, std::size_t n>
Tensor custom_tangent(const Tangents& tangents, const Record& record) {
  const CustomRecord<F>& own = kept<CustomRecord<F>>(record);
  const Saved& saved = own.checked(tangents, record);
  const Tensor& y = tangents.output(record);
  std::array<Tensor, n> pushed;
  for (std::size_t i = 0; i < n; ++i) pushed[i] = tangents.or_zeros(record, static_cast<Index>(i));
  return with_inputs<n>(tangents, record,
                        [&](const auto&... inputs) { return own.f.jvp(saved, pushed, y, inputs...); });
}

template <class F, class... Inputs>
constexpr Op make_custom_op() {
  Op op{.name = F::name, .vjp = custom_rule<F, sizeof...(Inputs)>, .reads = ~0u};
  if constexpr (requires(const F& f, const Saved& saved, const std::array<Tensor, sizeof...(Inputs)>& tangents,
                         const Tensor& y, const Inputs&... inputs) { f.jvp(saved, tangents, y, inputs...); })
    op.jvp = custom_tangent<F, sizeof...(Inputs)>;
  if constexpr (requires { F::derivative; }) op.derivative = F::derivative;
  return op;
}

template <class F, class... Inputs>
inline constexpr Op custom_op = make_custom_op<F, Inputs...>();

}  // namespace detail

// Applies the op and records it as one record.
template <class F, std::same_as<Tensor>... Inputs>
requires CustomOp<F, Inputs...>
[[nodiscard]] Tensor custom(F f, const Inputs&... inputs) {
  const auto kept = std::make_shared<detail::CustomRecord<F>>(detail::CustomRecord<F>{std::move(f)});
  const std::array<const Tensor*, sizeof...(Inputs)> all{&inputs...};
  Tensor y;
  {
    const Pause pause;
    y = std::as_const(kept->f).value(kept->saved, inputs...);
    // Somebody else's tensor stays what it is to them.
    std::uint32_t own_handles = 1;
    kept->versions.reserve(kept->saved.size());
    for (const Tensor& saved : kept->saved) {
      own_handles += saved.is(y) ? 1 : 0;
      kept->versions.push_back(saved.defined() ? saved.version() : 0);
    }
    if (y.body().root || y.body().references.get() > own_handles) y = detach(y);
  }
  record(detail::custom_op<F, Inputs...>, y, all, kept);
  return y;
}

}  // namespace ebb
