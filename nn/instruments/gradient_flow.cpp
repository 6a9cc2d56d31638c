#include "nn/instruments/gradient_flow.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduction.h"
#include "autograd/tensor/access.h"

namespace ebb::nn {

GradientFlow::GradientFlow(const Cell& cell, const Unrolled& run, const GradientFlowOptions& options)
    : cell_(cell), contributions_(options.contributions), watch_("GradientFlow", cell, run) {
  if (contributions_) detail::require_one_shape("GradientFlow", run);
  forget();
}

Observer GradientFlow::observer() {
  watch_.restart();
  if (!is_fresh()) forget();
  return [this](const Record& record, const Tensor& gradient) { observe(record, gradient); };
}

void GradientFlow::forget() {
  state_gradient.assign(watch_.states(), Magnitude::no_path());
  contribution.assign(contributions_ ? watch_.states() : 0, Magnitude::no_path());
  later_gradient_ = Tensor();
}

void GradientFlow::observe(const Record& record, const Tensor& gradient) {
  if (watch_.begins(record) && !is_fresh()) forget();
  const std::size_t k = watch_.step_of(record);
  if (k == detail::StateWatch::none) return;
  see(k, gradient);
  if (watch_.may_repeat()) see_again(gradient);
}

inline void GradientFlow::see(std::size_t k, const Tensor& gradient) {
  const double norm = ebb::detail::norm_value(gradient);
  state_gradient[k] = norm != 0 ? Magnitude::of(norm) : Magnitude{0, kind_of_zero(k)};
  later_gradient_ = gradient;
  later_step_ = k;
  if (contributions_) contribute(k, gradient);
}

void GradientFlow::see_again(const Tensor& gradient) {
  for (std::size_t k; (k = watch_.another_step()) != detail::StateWatch::none;) see(k, gradient);
}

[[gnu::noinline]] void GradientFlow::contribute(std::size_t k, const Tensor& gradient) {
  if (k > 0) contribution[k] = contribution_at(k, gradient);
}

namespace {

// Calls f(σ' as stored, δ) for the elements where δ ≠ 0 until it returns true; whether it did.
template <class F>
bool any_arriving(const Tensor& slope, const Tensor& gradient, F f) {
  detail::require_gradient_of("GradientFlow", slope, gradient);
  for (Index i = 0; i < gradient.size(); ++i) {
    const double delta = ebb::detail::element(gradient, i);
    if (delta != 0 && f(ebb::detail::element(slope, i), delta)) return true;
  }
  return false;
}

bool is_zero_as_stored(double product, DType dtype) {
  return dtype == f32 ? static_cast<float>(product) == 0 : product == 0;
}

}  // namespace

// Why δ_k = 0: from what arrived at the state after it.
Kind GradientFlow::kind_of_zero(std::size_t k) const {
  if (!later_gradient_.defined() || later_step_ != k + 1) return Kind::number;
  const Magnitude& later = state_gradient[k + 1];
  if (later.kind == Kind::no_path) return Kind::number;
  if (later.value == 0) return later.kind;
  const Tensor slopes = detail::slope_of("GradientFlow", cell_, run(), k + 1);
  if (!any_arriving(slopes, later_gradient_, [](double slope, double) { return slope != 0; })) return Kind::saturated;
  const DType dtype = slopes.dtype();
  if (!any_arriving(slopes, later_gradient_,
                    [dtype](double slope, double delta) { return !is_zero_as_stored(slope * delta, dtype); }))
    return Kind::underflow;
  // What is left of it was lost in the product with Wᵀ, or there W is zero.
  const Tensor u = cast(slopes, f64) * cast(later_gradient_, f64);
  const Tensor back = matmul(u, cast(cell_.recurrent_weights(), f64), {.transpose_b = true});
  return ebb::detail::norm_value(back) != 0 ? Kind::underflow : Kind::number;
}

namespace {

// Whether float32 holds a vector of that norm to its digits: down where its numbers end they are 1.4e-45 apart.
bool is_held(double norm) { return norm > 1e-35 && norm < 1e28; }

// ‖Sᵀ U‖_F, if S and U are far enough from the ends of float32 for products of a few: by inner products of rows, where
// these are less work and don't cancel, else by the product itself.
std::optional<double> norm_of_product(const Tensor& S, const Tensor& U) {
  const auto is_moderate = [](double square) { return square > 1e-24 && square < 1e24; };
  double s_square = 0, u_square = 0;
  if (S.extent(0) <= S.extent(1)) {
    const auto squares = ebb::detail::squared_norms_of_product(S, U);
    s_square = squares[1];
    u_square = squares[2];
    const double least = S.dtype() == f32 ? 1e-2 : 1e-8;
    if (is_moderate(s_square) && is_moderate(u_square) && squares[0] > least * s_square * u_square)
      return std::sqrt(squares[0]);
  } else {
    s_square = std::pow(ebb::detail::norm_value(S), 2);
    u_square = std::pow(ebb::detail::norm_value(U), 2);
  }
  if (!is_moderate(s_square) || !is_moderate(u_square)) return std::nullopt;
  return ebb::detail::norm_value(matmul(S, U, {.transpose_a = true}));
}

}  // namespace

// ‖s_{k−1}ᵀ u‖_F with u = σ' ∘ δ.
Magnitude GradientFlow::contribution_at(std::size_t k, const Tensor& gradient) {
  const double size = state_gradient[k].value;
  if (size == 0) return state_gradient[k];
  // δ is brought near 1 by a power of two where it is too far from there for float32.
  const bool one_row = gradient.extent(0) == 1;
  const bool is_near = one_row ? is_held(size) : size > 1e-6 && size < 1e6;
  if (is_near || !std::isfinite(size)) return contribution_of(k, gradient, gradient, 0);
  const int exponent = std::clamp(std::ilogb(size), -126, 126);
  return contribution_of(k, gradient, gradient * std::scalbn(1.0, -exponent), exponent);
}

// The same from δ / 2^exponent, `scaled`.
Magnitude GradientFlow::contribution_of(std::size_t k, const Tensor& gradient, const Tensor& scaled, int exponent) {
  const Unrolled& run = this->run();
  const Tensor& s = run.states[k - 1];
  if (&s.body() == &run.states[k].body()) return Magnitude::no_path();  // the same state again is no step
  if (!u_.defined()) u_ = ebb::detail::uninitialised_like(scaled);
  cell_.times_slope(run, k, scaled, u_);
  std::optional<double> norm;
  if (s.extent(0) > 1) {
    norm = norm_of_product(s, u_);
  } else {
    const double s_norm = ebb::detail::norm_value(s), u_norm = ebb::detail::norm_value(u_);
    if ((s_norm == 0 || is_held(s_norm)) && is_held(u_norm)) norm = s_norm * u_norm;
  }
  if (!norm) return contribution_with_care(k, gradient);
  return Magnitude::of(exponent == 0 ? *norm : std::scalbn(*norm, exponent));
}

// The same in float64, for the rest.
Magnitude GradientFlow::contribution_with_care(std::size_t k, const Tensor& gradient) const {
  const Tensor slope = detail::slope_of("GradientFlow", cell_, run(), k);
  const Tensor s = cast(run().states[k - 1], f64), u = cast(slope, f64) * cast(gradient, f64);
  const double s_norm = ebb::detail::norm_value(s), u_norm = ebb::detail::norm_value(u);
  if (u_norm == 0) {
    const bool saturated = !any_arriving(slope, gradient, [](double passes, double) { return passes != 0; });
    return {0, saturated ? Kind::saturated : Kind::underflow};
  }
  if (s.extent(0) == 1 || s_norm == 0 || !std::isfinite(u_norm) || !std::isfinite(s_norm))
    return Magnitude::of(u_norm * s_norm);
  return Magnitude::of(u_norm * s_norm * norm_of_product(s / s_norm, u / u_norm).value());  // both norms are 1
}

// ---- shards

namespace {

using Flows = std::span<const Magnitudes>;

// √Σ (share ‖·‖)², with no square that overflows.
double joined_norm(Flows flows, std::span<const double> shares, std::size_t k) {
  double largest = 0, not_finite = 0, sum = 0;
  for (const Magnitudes& flow : flows) {
    if (flow[k].kind == Kind::no_path) continue;
    if (std::isfinite(flow[k].value))
      largest = std::max(largest, flow[k].value);
    else
      not_finite += flow[k].value;
  }
  if (not_finite != 0) return not_finite;
  if (largest == 0) return 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const double norm = flows[i][k].kind == Kind::no_path ? 0 : shares[i] * (flows[i][k].value / largest);
    sum += norm * norm;
  }
  return largest * std::sqrt(sum);
}

// Why nothing is left at k: an underflow, where it is one in any of the shards that had something at k + 1.
Kind joined_kind_of_zero(Flows flows, std::size_t k) {
  Kind kind = Kind::number;
  for (const Magnitudes& flow : flows) {
    const bool ended_before = k + 1 < flow.size() && flow[k + 1].value == 0;
    if (ended_before || flow[k].kind == Kind::no_path) continue;
    if (flow[k].kind == Kind::underflow || kind == Kind::number) kind = flow[k].kind;
  }
  return kind;
}

}  // namespace

Magnitudes joined(Flows state_gradients, std::span<const double> shares) {
  if (state_gradients.empty() || state_gradients.size() != shares.size())
    fail<ShapeError>("joined", "{} flows and {} shares; give one share for each", state_gradients.size(),
                     shares.size());
  const std::size_t states = state_gradients[0].size();
  for (const Magnitudes& flow : state_gradients)
    if (flow.size() != states)
      fail<ShapeError>("joined", "a flow of {} states and one of {}; shards have the same steps", states, flow.size());

  Magnitudes result(states, Magnitude::no_path());
  for (std::size_t k = states; k-- > 0;) {
    const auto has_path = [k](const Magnitudes& flow) { return flow[k].kind != Kind::no_path; };
    if (!std::any_of(state_gradients.begin(), state_gradients.end(), has_path)) continue;
    const double norm = joined_norm(state_gradients, shares, k);
    const bool was_zero = k + 1 < states && result[k + 1].value == 0;
    if (norm != 0)
      result[k] = Magnitude::of(norm);
    else
      result[k] = {0, was_zero ? result[k + 1].kind : joined_kind_of_zero(state_gradients, k)};
  }
  return result;
}

}  // namespace ebb::nn
