// Optimisers write parameters in place and move their versions on.
#pragma once

#include <span>
#include <vector>

#include "nn/layers/parameter.h"

namespace ebb::nn {

// What to do about NaN or infinity in gradients: throw a NonFiniteError that names the parameter, or leave this step
// out and count it. Either way no parameter is touched.
enum class NonFinite { error, skip };

struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0;    // v ← momentum · v + g
  bool nesterov = false;  // p ← p − rate (g + momentum · v) instead of p − rate · v
  NonFinite non_finite = NonFinite::error;
};

// Stochastic gradient descent, as in PyTorch.
class Sgd {
 public:
  // Error unless the learning rate is finite and ≥ 0, the momentum in [0, 1), and > 0 where Nesterov's is asked for.
  explicit Sgd(const Parameters& parameters, const SgdOptions& options = {});

  // One update from gradients in the parameters' order. Error (nothing is written) unless counts, shapes and types fit
  // and the options, which may be changed in between, are as the constructor wants them.
  void step(std::span<const Tensor> gradients);
  Index skipped() const { return skipped_; }

  SgdOptions options;

 private:
  void require_options() const;

  Parameters parameters_;
  std::vector<Tensor> velocity_;
  Index skipped_ = 0;
};

struct AdamOptions {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  NonFinite non_finite = NonFinite::error;
};

// Kingma & Ba 2015, algorithm 1. Computed in float64; the moments are kept in the parameters' type, so a gradient whose
// square leaves that type counts as not finite.
class Adam {
 public:
  // Error unless the learning rate is finite and ≥ 0, the betas in [0, 1) and epsilon > 0.
  explicit Adam(const Parameters& parameters, const AdamOptions& options = {});
  void step(std::span<const Tensor> gradients);
  Index skipped() const { return skipped_; }

  AdamOptions options;

 private:
  void require_options() const;

  Parameters parameters_;
  std::vector<Tensor> first_, second_;
  Index steps_ = 0;
  Index skipped_ = 0;
};

}  // namespace ebb::nn
