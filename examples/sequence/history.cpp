#include "sequence/history.h"

#include <algorithm>
#include <cmath>

namespace sequence {

namespace {

bool is_zero(const Magnitude& magnitude) {
  return magnitude.value == 0;  // saturated or underflow; NaN where there is no path
}

}  // namespace

double History::log10_bound(const Logged& logged, Index lag) const {
  return static_cast<double>(lag) * std::log10(ebb::gamma(options.activation) * logged.weights.lambda);
}

void History::add(const Observation& seen) {
  updates_done = seen.update + 1;
  if (!below_trivial && seen.loss < trivial_loss) below_trivial = seen.update;
  if (is_zero(seen.state_gradient[1])) {
    if (!first_zero) first_zero = seen;
    ++zeros;
  } else if (!first_zero) {
    norm_before_zero = seen.clipped_gradient_norm;
  }
}

void History::add_logged(const Observation& seen, const Weights& weights) {
  const Magnitude ratio = way_back(seen).ratio();
  const bool is_first = kept.empty();
  least_ratio = is_first ? ratio : std::min<double>(least_ratio, ratio);
  greatest_ratio = is_first ? ratio : std::max<double>(greatest_ratio, ratio);

  // The last one gives way to the next, unless it is the first of its quarter.
  auto quarter = [this](Index update) { return update * 4 / options.updates; };
  const std::size_t count = kept.size();
  if (count >= 2 && quarter(kept[count - 1].seen.update) == quarter(kept[count - 2].seen.update)) kept.pop_back();
  kept.push_back({seen, weights});
}

}  // namespace sequence
