#include "autograd/inspect/repeats.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"

namespace ebb {

std::vector<std::uint32_t> TapeReader::scopes(const Record& record) const {
  std::vector<std::uint32_t> result;
  for (std::uint32_t i = record.scope; i != 0; i = tape_.state().scopes[i].outer) result.push_back(i);
  std::reverse(result.begin(), result.end());
  return result;
}

const std::string& TapeReader::scope_name(std::uint32_t scope) const { return tape_.state().scopes[scope].name; }

// ---- what looks alike

std::uint32_t TapeReader::kind_of_scope(std::uint32_t scope) {
  // A scope is numbered after the one around it.
  for (auto i = static_cast<std::uint32_t>(kind_by_scope_.size()); i <= scope; ++i) {
    std::string name;
    for (const char c : scope_name(i)) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit || name.empty() || name.back() != '0') name.push_back(digit ? '0' : c);
    }
    const std::uint32_t outer = i == 0 ? 0 : kind_by_scope_[tape_.state().scopes[i].outer];
    const auto next = static_cast<std::uint32_t>(scope_kinds_.size());
    kind_by_scope_.push_back(scope_kinds_.try_emplace({outer, std::move(name)}, next).first->second);
  }
  return kind_by_scope_[scope];
}

std::uint32_t TapeReader::kind_of(const Record& record) {
  const Tensor& y = record.output;
  const auto key = fmt::format("{} {} {} {} {} {}", fmt::ptr(&record.op), kind_of_scope(record.scope), name(y.dtype()),
                               y.shape(), record.count, detail::owned_bytes(record));
  return record_kinds_.try_emplace(key, static_cast<std::uint32_t>(record_kinds_.size())).first->second;
}

// ---- where they repeat

namespace {

constexpr std::uint32_t longest_period = 256;
constexpr std::uint32_t fewest_hidden = 3;  // records that folding has to save

std::int64_t moved(const Record& from, const Record& to, std::size_t input) {
  const std::uint32_t a = from.inputs()[input], b = to.inputs()[input];
  if (a == Record::none || b == Record::none) return a == b ? 0 : std::int64_t{1} << 40;
  return std::int64_t{b} - std::int64_t{a};
}

}  // namespace

// Whether the record goes on with what began at `first`: its inputs have moved, since the time before, as far as they
// did then. (A step reads the state before it, the weights that all steps read, or the next of some data.)
bool TapeReader::continues(std::uint32_t first, std::uint32_t period, std::uint32_t index) const {
  if (kinds_[index] != kinds_[index - period]) return false;
  const Record &record = tape_[index], &before = tape_[index - period];
  for (std::size_t i = 0; i < record.count; ++i) {
    const std::int64_t now = moved(before, record, i);
    if (now > Record::none) return false;
    if (index >= first + 2 * period && now != moved(tape_[index - 2 * period], before, i)) return false;
  }
  return true;
}

Stretch TapeReader::longest_from(std::uint32_t first) const {
  const auto size = static_cast<std::uint32_t>(kinds_.size());
  Stretch best;
  for (std::uint32_t period = 1; period <= longest_period && first + 3 * period <= size; ++period) {
    const bool repeats_best = best.period != 0 && period % best.period == 0 && first + period <= best.end();
    if (repeats_best || kinds_[first] != kinds_[first + period]) continue;
    std::uint32_t end = first + period;
    while (end < size && continues(first, period, end)) ++end;
    // Aligned to its end: a first step reads the weights for the first time, or lacks a state; the last one is whole.
    const std::uint32_t repeats = (end - first) / period;
    const Stretch found{end - repeats * period, period, repeats};
    const bool saves = found.repeats >= 3 && found.last() - found.hidden() >= fewest_hidden;
    if (saves && found.end() > best.end()) best = found;
  }
  return best;
}

std::vector<Stretch> TapeReader::stretches() {
  const auto size = static_cast<std::uint32_t>(tape_.size());
  kinds_.clear();
  for (std::uint32_t i = 0; i < size; ++i) kinds_.push_back(kind_of(tape_[i]));
  std::vector<Stretch> result;
  for (std::uint32_t i = 0; i < size;) {
    const Stretch found = longest_from(i);
    if (found.repeats != 0) result.push_back(found);
    i = found.repeats == 0 ? i + 1 : found.end();
  }
  return result;
}

// ---- a record's values

std::vector<std::uint32_t> detail::values_read(const Record& record) {
  const std::span<const std::uint32_t> inputs = record.inputs();
  const auto is_tensor = [&](std::size_t i) { return i < inputs.size() && inputs[i] != Record::none; };
  unsigned reads = record.op.reads;
  // Only what is read for operands that aren't numbers.
  if (record.op.vjp == binary_rule) {
    reads = 0;
    const auto& op = static_cast<const BinaryOp&>(record.op);
    for (std::size_t i = 0; i < 2; ++i) reads |= is_tensor(i) ? op.reads_for[i] : 0;
  }
  std::vector<std::uint32_t> result;
  for (std::size_t i = 0; i < 31; ++i)
    if ((reads >> i & 1) != 0 && is_tensor(i) && std::find(result.begin(), result.end(), inputs[i]) == result.end())
      result.push_back(inputs[i]);
  if ((reads & Op::reads_output) != 0) result.push_back(record.index);
  return result;
}

std::size_t detail::owned_bytes(const Record& record) {
  if (is_source(record) || record.output.body().root) return 0;
  return static_cast<std::size_t>(record.output.size()) * bytes_of(record.output.dtype());
}

}  // namespace ebb
