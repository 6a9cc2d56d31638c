// The rows of the table of docs/performance.md, as every program here prints them.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "problem.h"

namespace ebb::benchmarks {

struct Row {
  std::string what;
  std::string goal;  // and the floor, in brackets
  std::string handwritten;
  std::string ours;
  std::string ratio;
};

inline void print(const Row& row) {
  fmt::print("{:<67} | {:<29} | {:>18} | {:>24} | {}\n", row.what, row.goal, row.handwritten, row.ours, row.ratio);
  std::fflush(stdout);
}

inline std::string goal_and_floor(double goal, double floor) { return fmt::format("{:g} ({:g})", goal, floor); }

inline std::string duration(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.1f} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.2f} µs", seconds * 1e6);
  return fmt::format("{:.3f} ms", seconds * 1e3);
}

// Names of rows in which several programs put something.
inline std::string step_row(const Size& size, const std::string& way) {
  return fmt::format("step ({}, {}, {}), {}", size.time, size.batch, size.hidden, way);
}
inline std::string add_chain_row(long elements, long length) {
  return fmt::format("add on {} elements, {} in a chain: forward / backward / end", elements, length);
}

}  // namespace ebb::benchmarks
