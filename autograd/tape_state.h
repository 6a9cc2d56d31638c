// What a tape keeps, in memory that its thread reuses from tape to tape. Private to tape.cpp and sweep.cpp.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tape.h"

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

  std::vector<Entry> entries_ = std::vector<Entry>(64);
  std::size_t count_ = 0;
  std::uint64_t epoch_ = 1;
};

// What is known of a record in one sweep.
struct Cell {
  Tensor sum;               // of the contributions so far
  std::uint32_t asked = 0;  // how many of the wanted gradients are this one's
  bool live = false;        // something that was asked for is at or behind this record
  std::uint32_t pending = Record::none;
};

// Contributions that wait to be added together.
struct Pending {
  std::vector<std::pair<Tensor, Tensor>> products;  // aᵀ b each
  Index rows = 0;                                   // of all products
  std::vector<Tensor> pieces;                       // in recorded sweeps
  std::vector<Place> places;
};

// A look at a part of a tensor: a record's, or one that no record made, from `offset` in its source's elements on.
struct View {
  std::uint32_t record = Record::none;
  Index offset = 0;
  Shape shape = {};
};

// One of the tensors that gradients were asked for: a record, and the views that lead from it to the tensor.
struct Target {
  std::uint32_t position = 0;
  std::vector<View> views;  // last one first
  Shape shape;
};

// What a sweep works in: cell i is record first + i.
struct Sweep::State {
  Tape* tape = nullptr;
  std::uint32_t first = 0;
  std::vector<Cell> cells;
  std::vector<Pending> pending;
  std::uint32_t pending_count = 0;
  std::vector<Target> targets;
  std::vector<const void*> left_rows, right_rows;

  Cell* find(std::uint32_t position) {
    if (position == Record::none || position < first || position - first >= cells.size()) return nullptr;
    Cell& cell = cells[position - first];
    return cell.live ? &cell : nullptr;
  }
  Pending& pending_of(Cell& cell);
  void clear();
};

struct Tape::State {
  static constexpr std::uint32_t chunk_bits = 10;
  struct Chunk {
    alignas(64) std::byte bytes[sizeof(Record) << chunk_bits];
  };
  struct ScopeEntry {
    std::string name;
    std::uint32_t outer = 0;
  };
  struct InnerTape {
    std::uint64_t id;
    std::vector<Tensor> sources;  // what it read
  };

  std::vector<std::unique_ptr<Chunk>> chunks;
  std::uint32_t size = 0;
  SourceTable sources;
  std::vector<ScopeEntry> scopes{{}};  // the first one is the outside
  std::uint32_t scope_count = 1;
  std::uint32_t scope = 0;
  std::vector<InnerTape> inner_tapes;
  std::vector<std::unique_ptr<Sweep::State>> sweeps;  // one for each level of sweeps within sweeps
  std::size_t sweep_depth = 0;

  Record& at(std::uint32_t i) {
    auto* chunk = reinterpret_cast<Record*>(chunks[i >> chunk_bits]->bytes);
    return chunk[i & ((1u << chunk_bits) - 1)];
  }
  // Where this tape made the body with the values that it now has, or none: what is written has no history.
  std::uint32_t made(const detail::Body& body, std::uint64_t id) {
    const auto [tape, index] = body.position;
    if (tape != id || index == Record::none || at(index).version != body.storage().version) return Record::none;
    return index;
  }
  // Destroys the records from `first` on, last to first; whether a source was among them.
  bool drop(std::uint32_t first) noexcept;
};

extern const Op source_op;        // a value that the tape didn't make
extern const Op inner_result_op;  // one that an inner tape computed from values that this tape knows

}  // namespace ebb
