// A run as it happens: one live line on a terminal, else a plain line now and then.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "report/line_writer.h"
#include "report/words.h"
#include "sequence/trainer.h"

namespace sequence {

// One character a column for log10 ‖∂L/∂s_k‖, k = 1 … T, at most `columns` of them: a step of ▁▂▃▄▅▆▇█ is a power of
// ten, or more where the range needs it; · is an exact zero, or no path, and ! what isn't finite.
std::string sparkline(const Magnitudes& state_gradient, int columns);

// Whether another tenth of the way is over with this update.
bool ends_a_tenth(Index done, Index updates);

using report::LineWriter;
using report::to_text;

class Progress {
 public:
  // Live when `out` is a terminal that can move its cursor, and NO_COLOR is not set.
  Progress(LineWriter& out, const RunOptions& options);

  void show(const Observation& seen);
  // A line of text that stays, above the live one.
  void say(std::string_view text);
  double seconds() const;  // since it was made
  // Leaves the live line where it is.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string line(const Observation& seen, int columns) const;

  LineWriter& out_;
  const RunOptions& options_;
  bool live_;
  bool visible_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_live_ = start_;
  Index clipped_ = 0;
};

}  // namespace sequence
