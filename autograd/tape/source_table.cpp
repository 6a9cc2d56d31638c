#include "autograd/tape/source_table.h"

#include <utility>

namespace ebb {

std::uint32_t SourceTable::find_any_version(const detail::Body& body) const {
  std::uint32_t latest = detail::TapePosition::none;
  search(body, [&latest](const Entry& e) {
    if (latest == detail::TapePosition::none || e.index > latest) latest = e.index;
    return false;
  });
  return latest;
}

void SourceTable::insert(const detail::Body& body, std::uint32_t version, std::uint32_t index) {
  if (2 * (count_ + 1) > entries_.size()) {
    std::vector<Entry> old(entries_.size() * 2);
    std::swap(old, entries_);
    mask_ = entries_.size() - 1;
    for (const Entry& entry : old)
      if (entry.epoch == epoch_) const_cast<Entry&>(search(*entry.body, [](const Entry&) { return false; })) = entry;
  }
  const_cast<Entry&>(search(body, [](const Entry&) { return false; })) = {&body, version, index, epoch_};
  ++count_;
}

// The entries behind the hole that it leaves move up, as far as that brings them nearer to their place.
void SourceTable::erase(const detail::Body& body, std::uint32_t index) noexcept {
  const Entry& found = search(body, [index](const Entry& e) { return e.index == index; });
  if (found.epoch != epoch_) return;
  auto hole = static_cast<std::size_t>(&found - entries_.data());
  for (std::size_t slot = hole + 1; entries_[slot & mask_].epoch == epoch_; ++slot) {
    const std::size_t from_its_place = (slot - slot_of(*entries_[slot & mask_].body)) & mask_;
    if (from_its_place < ((slot - hole) & mask_)) continue;
    entries_[hole & mask_] = entries_[slot & mask_];
    hole = slot;
  }
  entries_[hole & mask_] = {};
  --count_;
}

void SourceTable::clear() {
  ++epoch_;
  count_ = 0;
}

}  // namespace ebb
