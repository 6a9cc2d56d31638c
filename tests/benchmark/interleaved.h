// Times several programs in turns (a, b, c, a, b, c, …), so that what else happens on the machine happens to all, and
// compares them round by round.
#pragma once

#include <time.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace ebb::benchmarks {

// The process's own time: what other processes take from it isn't counted. The wall's for programs with threads.
enum class Clock { process, wall };

inline double seconds_now(Clock clock) {
  timespec now{};
  clock_gettime(clock == Clock::process ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Seconds a call, one of each program in each round.
class Times {
 public:
  explicit Times(std::size_t programs) : samples_(programs) {}
  void add(std::size_t program, double seconds) { samples_[program].push_back(seconds); }
  // Those of as many programs, of which these are more rounds.
  void add(const Times& others) {
    for (std::size_t k = 0; k < samples_.size(); ++k)
      samples_[k].insert(samples_[k].end(), others.samples_[k].begin(), others.samples_[k].end());
  }

  double median_of(std::size_t program) const { return median(samples_[program]); }
  double least_of(std::size_t program) const {
    return *std::min_element(samples_[program].begin(), samples_[program].end());
  }
  // The median of a / b over the rounds, and the least a over the least b: far apart when the machine was busy.
  double ratio(std::size_t a, std::size_t b) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < samples_[a].size(); ++i) ratios.push_back(samples_[a][i] / samples_[b][i]);
    return median(ratios);
  }
  double ratio_of_least(std::size_t a, std::size_t b) const { return least_of(a) / least_of(b); }

 private:
  std::vector<std::vector<double>> samples_;
};

struct InterleavedOptions {
  double seconds = 2;     // about how long all of it takes; there are five rounds at least
  double sample = 0.002;  // a sample is as many calls as take this long
  Clock clock = Clock::process;
};

inline Times interleaved(const std::vector<std::function<void()>>& programs, const InterleavedOptions& options = {}) {
  const auto seconds_for = [&](const std::function<void()>& program, int calls) {
    const double start = seconds_now(options.clock);
    for (int i = 0; i < calls; ++i) program();
    return seconds_now(options.clock) - start;
  };

  std::vector<int> calls;
  double round = 0;
  for (const auto& program : programs) {
    for (int i = 0; i < 3; ++i) program();  // memory, page faults, packed weights
    const double once = std::min(seconds_for(program, 1), seconds_for(program, 1));
    calls.push_back(std::max(1, static_cast<int>(options.sample / std::max(once, 1e-9))));
    round += once * (calls.back() + 1);
  }

  const int rounds = std::clamp(static_cast<int>(options.seconds / round), 5, 1000);
  Times times(programs.size());
  for (int r = 0; r < rounds; ++r) {
    for (std::size_t k = 0; k < programs.size(); ++k) {
      programs[k]();  // brings its own data back into the caches
      times.add(k, seconds_for(programs[k], calls[k]) / calls[k]);
    }
  }
  return times;
}

}  // namespace ebb::benchmarks
