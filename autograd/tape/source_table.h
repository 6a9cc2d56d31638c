// Where a tape keeps the tensors that it didn't make. Private to autograd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograd/tensor/storage.h"

namespace ebb {

// Finds the source record of a tensor by its body and its storage's version: a table of open addressing that is emptied
// by a new epoch rather than by a pass over it.
class SourceTable {
 public:
  // The record of this very version, or none.
  std::uint32_t find(const detail::Body& body) const;
  // The latest record of any version, or none.
  std::uint32_t find_any_version(const detail::Body& body) const;
  void insert(const detail::Body& body, std::uint32_t version, std::uint32_t index);
  void erase(const detail::Body& body, std::uint32_t index) noexcept;
  void clear();

 private:
  struct Entry {
    const detail::Body* body = nullptr;
    std::uint32_t version = 0, index = 0;
    std::uint64_t epoch = 0;
  };
  // The first entry for the body that `accept` takes, or the free one where the search ends.
  template <class Accept>
  const Entry& search(const detail::Body& body, Accept accept) const;
  static std::size_t slot_of(const detail::Body& body);

  std::vector<Entry> entries_ = std::vector<Entry>(64);
  std::size_t mask_ = 63;
  std::size_t count_ = 0;
  std::uint64_t epoch_ = 1;
};

inline std::size_t SourceTable::slot_of(const detail::Body& body) {
  return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(&body) >> 6) * 0x9e3779b97f4a7c15u >> 32);
}

template <class Accept>
inline const SourceTable::Entry& SourceTable::search(const detail::Body& body, Accept accept) const {
  for (std::size_t slot = slot_of(body);; ++slot) {
    const Entry& entry = entries_[slot & mask_];
    if (entry.epoch != epoch_ || (entry.body == &body && accept(entry))) return entry;
  }
}

inline std::uint32_t SourceTable::find(const detail::Body& body) const {
  const std::uint32_t version = body.storage().version;
  const Entry& entry = search(body, [version](const Entry& e) { return e.version == version; });
  return entry.epoch == epoch_ ? entry.index : detail::TapePosition::none;
}

}  // namespace ebb
