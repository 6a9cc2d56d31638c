#include "sequence/seed.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace sequence {

std::string fault_of_seed(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool passes = error == std::errc() && end == text.data() + text.size();
  return passes ? "" : fmt::format("{} is not a whole number from 0 to 2^64 - 1", text);
}

}  // namespace sequence
