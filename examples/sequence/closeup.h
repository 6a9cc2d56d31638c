// What is looked at more closely on the updates that are logged, while their tape is at hand.
#pragma once

#include <nn/nn.h>

#include <string>
#include <utility>
#include <vector>

#include "sequence/model.h"

namespace sequence {

using ebb::Index;
using nn::Magnitude;
using nn::Magnitudes;

// How far a logged update is looked into.
struct Attention {
  bool contributions = false;
  bool saturation = false;
  bool transport = false;
  bool tape = false;
};

// Of W, before the update. Singular values and the spectral radius, in float64.
struct Weights {
  double lambda;  // ‖W‖₂, the largest
  double sigma_mean, sigma_min;
  double rho;
};
Weights weights(const ebb::Tensor& W);

// ‖∂s_T/∂s_k‖₂ along the first sequence of the batch, by k, and the largest Lyapunov exponent.
struct Transported {
  nn::Transport transport;
  double lyapunov = 0;
};

// A training step's tape, and by record the norm of its value and what the sweep brought to it.
struct TapeCopy {
  std::string records;             // of ebb::to_json
  std::vector<std::string> names;  // of sources, by record; empty elsewhere
  std::vector<double> norms;       // of the values, by record; NaN for indices
  std::vector<Index> steps;  // k of the record that computes s_k and of those before it back to s_{k−1}; −1 elsewhere
  Magnitudes gradients;
};

// Watches one sweep over the tape of a training step.
class TapeWatch {
 public:
  explicit TapeWatch(const ebb::Tape& tape)
      : tape_(tape), gradients_(static_cast<std::size_t>(tape.size()), Magnitude::no_path()) {}

  void observe(const ebb::Record& record, const ebb::Tensor& gradient);
  // With the magnitudes of the states as the flow saw them, which knows why a zero is one. `sources`: with their names.
  TapeCopy copy(const nn::Unrolled& run, const nn::GradientFlow& flow,
                const std::vector<std::pair<std::string, ebb::Tensor>>& sources) &&;

 private:
  const ebb::Tape& tape_;
  Magnitudes gradients_;
};

}  // namespace sequence
