// What the texts made of a tape have in common: how scopes nest, which values a record keeps, and where records repeat.
// Private to autograd.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tape/state.h"

namespace ebb {

// Records that repeat: `repeats` ≥ 3 times the same `period` records, from `first` on.
struct Stretch {
  std::uint32_t first = 0, period = 0, repeats = 0;

  // What stands between the first and the last time; and what comes after all.
  std::uint32_t hidden() const { return first + period; }
  std::uint32_t last() const { return first + period * (repeats - 1); }
  std::uint32_t end() const { return first + period * repeats; }
};

class TapeReader {
 public:
  explicit TapeReader(const Tape& tape) : tape_(tape) {}

  // The scopes around a record by number, outermost first; and the name of one.
  std::vector<std::uint32_t> scopes(const Record& record) const;
  const std::string& scope_name(std::uint32_t scope) const;

  // The stretches of the tape that say nothing new after their first time: the same ops on the same shapes, in scopes
  // whose names differ in numbers alone, and with inputs that move on evenly. In order.
  std::vector<Stretch> stretches();

 private:
  std::uint32_t kind_of_scope(std::uint32_t scope);
  std::uint32_t kind_of(const Record& record);
  bool continues(std::uint32_t first, std::uint32_t period, std::uint32_t index) const;
  Stretch longest_from(std::uint32_t first) const;

  const Tape& tape_;
  // Scopes and records that look alike have the same number.
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> scope_kinds_ = {};
  std::vector<std::uint32_t> kind_by_scope_ = {};
  std::map<std::string, std::uint32_t> record_kinds_ = {};
  std::vector<std::uint32_t> kinds_ = {};
};

namespace detail {

// The records whose values a sweep through this one may read, itself included; each once.
std::vector<std::uint32_t> values_read(const Record& record);
// The bytes of the values that the record itself made: 0 for a view, and for a source.
std::size_t owned_bytes(const Record& record);

}  // namespace detail
}  // namespace ebb
