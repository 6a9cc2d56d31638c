#include "report/words.h"

#include <cmath>

namespace report {

namespace {

// Where ‖∂L/∂s_k‖ first is exactly zero on the way back: that k, or 0.
std::size_t first_zero(const WayBack& way) {
  for (std::size_t k = way.anchor; k > 0; --k)
    if (way.state_gradient[k].value == 0) return k;
  return 0;
}

const char* reason_of_zero(nn::Kind kind) {
  if (kind == nn::Kind::saturated) return "saturated: every σ' is 0 as stored";
  if (kind == nn::Kind::underflow) return "underflow: too small for float32";
  return "a true zero, as where W is 0";
}

std::string steps(double count) { return fmt::format("{:.{}f} steps", count, count < 10 ? 1 : 0); }

// Where the fit goes the way of the ratio: one step far off the others may turn it.
std::string half_life(const WayBack& way) {
  const nn::Decay decay = way.decay();
  return decay.rate < 0 ? fmt::format("; half-life {}", steps(decay.half_life())) : "";
}

std::string doubling(const WayBack& way) {
  const nn::Decay decay = way.decay();
  return decay.rate > 0 ? fmt::format("; doubles every {}", steps(decay.half_life())) : "";
}

}  // namespace

std::string to_text(const Magnitude& magnitude, fmt::string_view number_format) {
  if (magnitude.kind != nn::Kind::number) return std::string(nn::name(magnitude.kind));
  return fmt::format(fmt::runtime(number_format), magnitude.value);
}

Magnitude WayBack::ratio() const {
  const Magnitude &first = state_gradient[1], &last = state_gradient[anchor];
  if (first.kind != nn::Kind::number) return first;
  if (last.kind != nn::Kind::number) return last;
  return Magnitude::of(first / last);
}

nn::Decay WayBack::decay() const { return nn::decay(state_gradient, first_zero(*this) + 1, anchor); }

std::string bound_says(double gamma_lambda) {
  if (!std::isfinite(gamma_lambda)) return "";
  if (std::abs(gamma_lambda - 1) < 1e-3) return "it could not grow";
  return gamma_lambda < 1 ? "it had to shrink" : "it could grow, but need not have";
}

std::string verdict(const WayBack& way) {
  if (way.state_gradient.size() < 2) return "no step to look at";
  const Magnitude &last = way.state_gradient[way.anchor], ratio = way.ratio();
  if (!std::isfinite(last.value)) return fmt::format("no number: ‖∂L/∂s_{}‖ is {}", way.anchor, nn::name(last.kind));
  if (last.value == 0)
    return fmt::format("nothing arrives: ‖∂L/∂s_{}‖ is already zero ({})", way.anchor, reason_of_zero(last.kind));
  if (const std::size_t k = first_zero(way); k > 0)
    return fmt::format("vanishing: exactly zero {} {} back ({}){}", way.anchor - k,
                       way.anchor - k == 1 ? "step" : "steps", reason_of_zero(way.state_gradient[k].kind),
                       half_life(way));
  if (!std::isfinite(ratio.value)) return fmt::format("no number: ‖∂L/∂s_1‖ is {}", nn::name(ratio.kind));
  if (way.anchor == 1)
    return way.state_gradient.size() == 2 ? "no step to go back"
                                          : "a loss at every step: it hides what decays on the way";
  if (ratio < 1e-2)
    return fmt::format("vanishing: step 1 keeps {:.1e} of step {}{}", ratio.value, way.anchor, half_life(way));
  if (ratio > 1e2)
    return fmt::format("exploding: step 1 has {:.1e} times step {}{}", ratio.value, way.anchor, doubling(way));
  return fmt::format("staying in size: step 1 has {:.2g} times step {}", ratio.value, way.anchor);
}

}  // namespace report
