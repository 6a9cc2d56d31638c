// The words for what a gradient did: the terminal and the report say the same.
#pragma once

#include <fmt/format.h>
#include <nn/nn.h>

#include <span>
#include <string>

namespace report {

namespace nn = ebb::nn;
using ebb::Index;
using nn::Magnitude;

// "1.23e-05", or its kind; at most 9 columns.
std::string to_text(const Magnitude& magnitude, fmt::string_view number_format = "{:.2e}");

// The way of a gradient back through the states of one update: ‖∂L/∂s_k‖ for k = 0 … T, [0] not looked at. `anchor` is
// the first step whose state the loss reads: from there back to step 1 it arrives by recurrence alone.
struct WayBack {
  std::span<const Magnitude> state_gradient;
  std::size_t anchor;

  // ‖∂L/∂s_1‖ / ‖∂L/∂s_anchor‖, or the kind of whichever of the two isn't a number.
  Magnitude ratio() const;
  // Over the steps before it is zero.
  nn::Decay decay() const;
};

// What the article's bound says of the way back, given what a step multiplies by at most, γλ: "it had to shrink".
// Nothing where that is no number.
std::string bound_says(double gamma_lambda);

// In one line: "vanishing: step 1 keeps 3.0e-12 of step 100; half-life 2.6 steps".
std::string verdict(const WayBack& way);

}  // namespace report
