#include "nn/omega.h"

#include <cmath>
#include <limits>

#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/matrix.h"
#include "autograd/reduction.h"
#include "autograd/where.h"

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
}

Omega::Omega(const Cell& cell, const Unrolled& run)
    : cell_(cell), run_(run), watch_("Omega", run), gradients_(run.states.size()) {}

Observer Omega::observer() {
  watch_.restart();
  gradients_.assign(run_.states.size(), Tensor());
  return [this](const Record& record, const Tensor& gradient) { observe(record, gradient); };
}

void Omega::observe(const Record& record, const Tensor& gradient) {
  if (watch_.begins(record)) gradients_.assign(run_.states.size(), Tensor());
  const std::size_t k = watch_.step_of(record);
  if (k != detail::StateWatch::none) gradients_[k] = gradient;
}

OmegaValue Omega::value() const {
  const Pause pause;
  const Tensor& W = cell_.recurrent_weights();
  std::vector<Tensor> arriving, slopes;
  for (std::size_t k = 1; k < gradients_.size(); ++k) {
    if (!gradients_[k].defined()) continue;
    arriving.push_back(gradients_[k]);
    slopes.push_back(cell_.slope(run_, k));
  }
  if (arriving.empty()) return {0, zeros_like(W)};

  // One row for each step of each sequence, as a direction: squares of what fades or explodes would leave float32.
  const Tensor delta = concat(arriving), norms = norm(delta, 1, /*keepdim=*/true);
  const Tensor counts = (norms >= least_norm) * (norms < std::numeric_limits<double>::infinity());
  const double count = sum(counts).item();
  if (count == 0) return {0, zeros_like(W)};
  const Tensor u = where(counts, delta / norms, 0.0) * concat(slopes);

  Tape tape;
  const Tensor ratio = sum(square(matmul(u, W, {.transpose_b = true})), 1, /*keepdim=*/true);
  const Tensor omega = sum(where(counts, square(ratio - 1.0), 0.0)) / count;
  return {omega.item(), tape.gradient(omega, W)};
}

}  // namespace ebb::nn
