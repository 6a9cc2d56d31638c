#include "sequence/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace sequence {

namespace {

constexpr std::string_view erase_line = "\r\x1b[K";
constexpr auto refresh_interval = std::chrono::milliseconds(100);

bool can_be_live(const LineWriter& out) {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
  const char* terminal = std::getenv("TERM");
  return out.is_terminal() && !(no_color && *no_color) && terminal && std::string_view(terminal) != "dumb";
}

// Minutes and seconds, or hours too.
std::string clock(double seconds) {
  const auto whole = static_cast<long>(std::min(std::ceil(seconds), 3.5e6));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

int columns_of(std::string_view utf8) {
  return static_cast<int>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string sparkline(const Magnitudes& state_gradient, int columns) {
  constexpr std::array levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto steps = static_cast<int>(state_gradient.size()) - 1;
  columns = std::min(columns, steps);

  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Magnitude& magnitude : state_gradient) {
    if (magnitude.kind != nn::Kind::number || magnitude == 0.0) continue;
    low = std::min(low, std::log10(magnitude));
    high = std::max(high, std::log10(magnitude));
  }
  const double level = std::max(1.0, (high - low) / levels.size());  // in powers of ten

  std::string line;
  for (int column = 0; column < columns; ++column) {
    // The middle one of the steps that share this column.
    const auto k = static_cast<std::size_t>(1 + (2L * column + 1) * steps / (2L * columns));
    const Magnitude& magnitude = state_gradient[k];
    if (magnitude.kind == nn::Kind::infinite || magnitude.kind == nn::Kind::nan)
      line += "!";
    else if (magnitude.kind != nn::Kind::number || magnitude == 0.0)
      line += "·";
    else
      line += levels[static_cast<std::size_t>(std::max(0.0, 7.99 - (high - std::log10(magnitude)) / level))];
  }
  return line;
}

bool ends_a_tenth(Index done, Index updates) { return done * 10 / updates != (done - 1) * 10 / updates; }

Progress::Progress(LineWriter& out, const RunOptions& options)
    : out_(out), options_(options), live_(can_be_live(out)) {}

void Progress::show(const Observation& seen) {
  clipped_ += seen.clipped;
  const Index done = seen.update + 1;
  const bool ends = done == options_.updates || !seen.is_finite();
  if (live_) {
    const Clock::time_point now = Clock::now();
    if (now < next_live_ && !ends) return;
    next_live_ = now + refresh_interval;
    visible_ = true;
    out_.write(fmt::format("{}{}", erase_line, line(seen, out_.columns() - 1)));
  } else if (done == 1 || ends_a_tenth(done, options_.updates) || ends) {
    out_.write(line(seen, 1000) + "\n");  // the first, every tenth of the way, and the last
  }
}

std::string Progress::line(const Observation& seen, int columns) const {
  const Index done = seen.update + 1;
  const double rate = static_cast<double>(done) / std::max(seconds(), 1e-9);
  std::string text = fmt::format("{:<9} {:>{}}/{}", options_.name, done, fmt::formatted_size("{}", options_.updates),
                                 options_.updates);
  auto add = [&](const std::string& part) {
    if (columns_of(text) + columns_of(part) <= columns) text += part;
  };
  add(fmt::format("  {:>4.0f}/s", rate));
  if (live_) add(fmt::format("  {} left", clock(static_cast<double>(options_.updates - done) / rate)));
  add(fmt::format("  loss {:<6}", to_text(seen.loss, "{:.4f}")));
  add(fmt::format("  |g| {:<8}", to_text(seen.gradient_norm)));
  if (options_.clip > 0)
    add(fmt::format("  clipped {:.0f} %", 100.0 * static_cast<double>(clipped_) / static_cast<double>(done)));
  const std::string first = to_text(seen.state_gradient[1]), last = to_text(seen.state_gradient.back());
  if (!live_) {
    add(fmt::format("  ‖∂L/∂s_1‖ {:<9}  ‖∂L/∂s_{}‖ {}", first, options_.time, last));
  } else if (const int room = columns - columns_of(text) - 23; room >= 10) {
    text += fmt::format("  {:>9} {} {:<9}", first, sparkline(seen.state_gradient, room), last);
  }
  return text;
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Progress::say(std::string_view text) {
  out_.write(fmt::format("{}{}\n", visible_ ? erase_line : "", text));
  visible_ = false;
  next_live_ = Clock::now();
}

void Progress::finish() {
  if (visible_) out_.write("\n");
  visible_ = false;
}

}  // namespace sequence
