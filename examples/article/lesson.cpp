#include "article/lesson.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

namespace article {

namespace {

// "[[1, 2], [3, 4]]", on one line.
std::string text(const Tensor& value) {
  if (value.rank() == 0) return number(value.item());
  std::string result = "[";
  for (Index i = 0; i < value.extent(0); ++i) result += (i > 0 ? ", " : "") + text(value[i]);
  return result + "]";
}

void line(const Side& side, std::size_t width) { fmt::print("  {:<{}} = {}\n", side.name, width, text(side.value)); }

// In letters, for the padding.
std::size_t length(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void both(const Side& left, const Side& right) {
  const ebb::Pause pause;
  const std::size_t width = std::max(length(left.name), length(right.name));
  line(left, width);
  line(right, width);
}

}  // namespace

double difference(const Tensor& a, const Tensor& b) {
  const ebb::Pause pause;
  const double size = ebb::norm(b).item(), apart = ebb::norm(a - b).item();
  return size == 0 ? apart : apart / size;
}

std::string number(double value) { return value == 0 ? "0" : fmt::format("{:.5g}", value); }

void Lesson::section(const std::string& title) { fmt::print("{}{}\n", checked_ == 0 ? "" : "\n", title); }

void Lesson::say(const std::string& text) { fmt::print("  {}\n", text); }

void Lesson::show(const Side& side) {
  const ebb::Pause pause;
  line(side, 0);
}

void Lesson::equal(const Side& left, const Side& right, double tolerance) {
  both(left, right);
  const double apart = difference(left.value, right.value);
  const bool holds = apart <= tolerance;
  if (!holds)
    mark(fmt::format("relative difference {:.1e}, not below {:.0e}", apart, tolerance), holds);
  else
    mark(tolerance == 0 ? "difference 0" : fmt::format("relative difference below {:.0e}", tolerance), holds);
}

void Lesson::at_most(const Side& left, const Side& right) {
  both(left, right);
  mark("the first is at most the second", left.value.item() <= right.value.item());
}

void Lesson::claim(const std::string& text, bool holds) { mark(text, holds); }

void Lesson::mark(const std::string& text, bool holds) {
  ++checked_;
  wrong_ += !holds;
  fmt::print("    {} {}\n", text, holds ? "✓" : "✗");
}

}  // namespace article
