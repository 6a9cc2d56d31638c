#include "nn/instruments/omega.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "autograd/ops/layout.h"
#include "autograd/ops/matmul.h"
#include "autograd/tensor/access.h"

namespace ebb::nn {

std::vector<double> omega_terms(std::span<const Magnitude> state_gradient) {
  std::vector<double> terms;
  for (std::size_t k = 0; k + 1 < state_gradient.size(); ++k) {
    const Magnitude &here = state_gradient[k], &next = state_gradient[k + 1];
    const bool defined = std::isfinite(here.value) && std::isfinite(next.value) && next.value > 0;
    const double off = here.value / next.value - 1;
    terms.push_back(defined ? off * off : std::numeric_limits<double>::quiet_NaN());
  }
  return terms;
}

namespace {

constexpr double least_norm = 1e-10;  // of a gradient that counts

// ‖row‖. Squares of float32 stay in float64's range; those of float64 are of parts of the largest.
template <class T>
double norm_of(const T* row, Index size) {
  double scale = 1;
  if constexpr (std::is_same_v<T, double>) {
    for (Index i = 0; i < size; ++i) scale = std::max(scale, std::abs(row[i]));
    if (std::isinf(scale)) return scale;
  }
  double sum = 0;
  for (Index i = 0; i < size; ++i) {
    const double part = static_cast<double>(row[i]) / scale;
    sum += part * part;
  }
  return scale * std::sqrt(sum);
}

// Appends (σ' ∘ δ) / ‖δ‖ for the rows of δ that count to `u`: directions, since squares of what fades or explodes would
// leave float32. Returns the new end.
template <class T>
T* append_directions(const Tensor& gradient, const Tensor& slope, T* u) {
  const Index batch = gradient.extent(0), hidden = gradient.extent(1);
  const T* delta = gradient.values<T>().data();
  const T* by_state = slope.values<T>().data();
  for (Index n = 0; n < batch; ++n, delta += hidden, by_state += hidden) {
    const double norm = norm_of(delta, hidden);
    if (!(norm >= least_norm && std::isfinite(norm))) continue;
    const double scale = 1 / norm;
    for (Index i = 0; i < hidden; ++i) u[i] = static_cast<T>(static_cast<double>(delta[i]) * scale) * by_state[i];
    u += hidden;
  }
  return u;
}

// Of the rows y of u Wᵀ, Ω = Σ (‖y‖² − 1)² / rows; leaves 4 (‖y‖² − 1) y / rows, its derivative, in their place.
template <class T>
double omega_and_derivative(T* y, Index rows, Index hidden) {
  double total = 0;
  const auto count = static_cast<double>(rows);
  for (Index r = 0; r < rows; ++r, y += hidden) {
    double square = 0;
    for (Index i = 0; i < hidden; ++i) square += static_cast<double>(y[i]) * static_cast<double>(y[i]);
    const double off = square - 1;
    total += off * off;
    const T factor = static_cast<T>(4 * off / count);
    for (Index i = 0; i < hidden; ++i) y[i] *= factor;
  }
  return total / count;
}

}  // namespace

Omega::Omega(const Cell& cell, const Unrolled& run)
    : cell_(cell), run_(run), watch_("Omega", cell, run), gradients_(run.states.size()) {
  detail::require_one_shape("Omega", run);
}

Observer Omega::observer() {
  watch_.restart();
  forget();
  return [this](const Record& record, const Tensor& gradient) { observe(record, gradient); };
}

void Omega::forget() {
  gradients_.assign(run_.states.size(), Tensor());
  versions_.clear();
  for (const Tensor& state : run_.states) versions_.push_back(state.version());
  versions_.push_back(cell_.recurrent_weights().version());
}

void Omega::observe(const Record& record, const Tensor& gradient) {
  if (watch_.begins(record)) forget();
  for (std::size_t k = watch_.step_of(record); k != detail::StateWatch::none; k = watch_.another_step())
    gradients_[k] = gradient;
}

void Omega::require_unwritten() const {
  const auto require = [](const char* what, std::uint32_t then, const Tensor& now) {
    if (now.version() != then)
      fail<StaleValueError>("Omega", "{} was written since the sweep; ask for the value before", what);
  };
  if (versions_.empty()) return;  // no sweep was observed
  for (std::size_t k = 0; k < run_.states.size(); ++k) require("a state of the run", versions_[k], run_.states[k]);
  require("the cell's W", versions_.back(), cell_.recurrent_weights());
}

OmegaValue Omega::value() const {
  const Pause pause;
  detail::require_run_of("Omega", cell_, run_);  // the cell may have got other parameters since
  require_unwritten();
  const Tensor& W = cell_.recurrent_weights();
  const Index hidden = W.extent(0), batch = run_.states[0].extent(0);
  return ebb::detail::by_float_type("Omega", W.dtype(), [&](auto zero) -> OmegaValue {
    using T = decltype(zero);
    const Tensor all = ebb::detail::uninitialised(W.dtype(), {run_.steps() * batch, hidden});
    T* end = ebb::detail::data<T>(all);
    for (std::size_t k = 1; k < gradients_.size(); ++k) {
      if (!gradients_[k].defined()) continue;
      detail::require_gradient_of("Omega", run_.states[k], gradients_[k]);
      end = append_directions(gradients_[k], detail::slope_of("Omega", cell_, run_, k), end);
    }
    if (end == ebb::detail::data<T>(all)) return {0, zeros_like(W)};
    const Index rows = (end - ebb::detail::data<T>(all)) / hidden;

    const Tensor u = slice(all, 0, rows), y = matmul(u, W, {.transpose_b = true});
    const double value = omega_and_derivative(ebb::detail::data<T>(y), rows, hidden);
    return {value, matmul(y, u, {.transpose_a = true})};
  });
}

}  // namespace ebb::nn
