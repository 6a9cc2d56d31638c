#include "sequence/closeup.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace sequence {

Weights weights(const ebb::Tensor& W) {
  const std::vector<double> values = ebb::singular_values(W);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {values.front(), sum / static_cast<double>(values.size()), values.back(), ebb::spectral_radius(W)};
}

void TapeWatch::observe(const ebb::Record& record, const ebb::Tensor& gradient) {
  if (record.index < gradients_.size())
    gradients_[record.index] = Magnitude::of(ebb::norm(ebb::cast(gradient, ebb::f64)).item());
}

TapeCopy TapeWatch::copy(const nn::Unrolled& run, const nn::GradientFlow& flow,
                         const std::vector<std::pair<std::string, ebb::Tensor>>& sources) && {
  const ebb::Pause pause;
  TapeCopy copy{ebb::to_json(tape_),
                std::vector<std::string>(gradients_.size()),
                {},
                std::vector<Index>(gradients_.size(), -1),
                std::move(gradients_)};
  for (std::size_t i = 0; i < copy.steps.size(); ++i) {
    const ebb::Tensor& value = tape_[static_cast<Index>(i)].output;
    copy.norms.push_back(value.dtype() == ebb::i64 ? std::numeric_limits<double>::quiet_NaN()
                                                   : ebb::norm(ebb::cast(value, ebb::f64)).item());
  }
  for (const auto& [name, tensor] : sources)
    if (const ebb::Record* record = tape_.find(tensor)) copy.names[record->index] = name;
  for (Index k = 1; k <= run.steps(); ++k) {
    const ebb::Record* before = tape_.find(run.states[static_cast<std::size_t>(k - 1)]);
    const ebb::Record* state = tape_.find(run.states[static_cast<std::size_t>(k)]);
    if (!before || !state) continue;
    copy.gradients[state->index] = flow.state_gradient[static_cast<std::size_t>(k)];
    // The sources that step 1 found on its way are nobody's step.
    for (std::size_t i = before->index + 1; i <= state->index; ++i)
      if (tape_[static_cast<Index>(i)].count > 0) copy.steps[i] = k;
  }
  return copy;
}

}  // namespace sequence
