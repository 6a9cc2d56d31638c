// Less of a large map, with its extremes.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace report {

// Which of `count` rows to keep: all where that is at most `most` (≥ 4), else two of each of equally long stretches,
// the one with the least score and the one with the greatest, and the first and last of all. Ascending.
std::vector<std::size_t> thinned(std::size_t count, std::size_t most, const std::function<double(std::size_t)>& least,
                                 const std::function<double(std::size_t)>& greatest);

}  // namespace report
