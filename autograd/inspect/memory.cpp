// What a tape holds in memory, and for whom.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "autograd/inspect/repeats.h"

namespace ebb {

TapeMemory Tape::memory() const {
  TapeMemory result;
  result.records = size();
  result.reusable = detail::reusable_bytes();

  std::unordered_set<const detail::Body*> read;
  for (Index i = 0; i < size(); ++i)
    for (const std::uint32_t value : detail::values_read((*this)[i]))
      read.insert(&(*this)[value].output.body().storage());

  std::unordered_set<const detail::Body*> seen;
  std::unordered_map<std::string_view, TapeMemory::OfOp> by_op;
  for (Index i = 0; i < size(); ++i) {
    const Record& record = (*this)[i];
    result.record_bytes += sizeof(Record);
    if (record.count > Record::few) result.record_bytes += record.count * sizeof(std::uint32_t);
    TapeMemory::OfOp& of_op = by_op.try_emplace(record.op.name, TapeMemory::OfOp{record.op.name}).first->second;
    ++of_op.records;
    const detail::Body& storage = record.output.body().storage();
    if (!seen.insert(&storage).second) continue;
    const std::size_t bytes = static_cast<std::size_t>(storage.size) * bytes_of(storage.dtype);
    of_op.live += bytes;
    if (read.contains(&storage)) of_op.kept += bytes;
  }

  for (const auto& [name, of_op] : by_op) {
    result.live += of_op.live;
    result.kept += of_op.kept;
    result.by_op.push_back(of_op);
  }
  std::sort(result.by_op.begin(), result.by_op.end(), [](const TapeMemory::OfOp& a, const TapeMemory::OfOp& b) {
    return a.live != b.live ? a.live > b.live : a.op < b.op;
  });
  return result;
}

}  // namespace ebb
