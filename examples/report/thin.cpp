#include "report/thin.h"

#include <algorithm>

namespace report {

std::vector<std::size_t> thinned(std::size_t count, std::size_t most, const std::function<double(std::size_t)>& least,
                                 const std::function<double(std::size_t)>& greatest) {
  std::vector<std::size_t> kept;
  if (count <= most) {
    for (std::size_t i = 0; i < count; ++i) kept.push_back(i);
    return kept;
  }
  kept = {0, count - 1};
  const std::size_t stretches = (most - 2) / 2;
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * count / stretches, end = (s + 1) * count / stretches;
    std::size_t low = begin, high = begin;
    double low_score = least(begin), high_score = greatest(begin);
    for (std::size_t i = begin + 1; i < end; ++i) {
      if (const double score = least(i); score < low_score) low = i, low_score = score;
      if (const double score = greatest(i); score > high_score) high = i, high_score = score;
    }
    kept.insert(kept.end(), {low, high});
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

}  // namespace report
