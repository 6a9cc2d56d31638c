// A tape made visible: as lines of text, as a picture, and as data for other programs.
//
// Where the same records come again and again (the steps of a recurrent network), text and picture show the first time
// and the last, with a count in between. Scopes whose names differ in numbers alone ("step 3", "step 4") are the same.
#pragma once

#include <fmt/format.h>

#include <string>

#include "autograd/tape/tape.h"

namespace ebb {

// The tape as a graph for Graphviz (dot -Tsvg): a node a record, an arrow from each input, sources as boxes; scopes and
// the steps of what repeats as clusters.
[[nodiscard]] std::string to_dot(const Tape& tape);

// Every record as JSON: {"records": [{"index", "scope", "op", "inputs", "shape", "dtype", "bytes", "keeps",
// "derivative"}, …]}. `inputs` are indices of records, null for a number; `keeps` those of the records whose values
// the derivative may read; `bytes` those of the values that the record made, 0 for a view and for a source, whose
// values belong to somebody else. What isn't UTF-8 in the name of a scope is replaced by U+FFFD.
[[nodiscard]] std::string to_json(const Tape& tape);

}  // namespace ebb

// One aligned line a record: index, scope, op, inputs (indices; "num" for a number), shape (with the element type where
// that isn't float32), what it keeps for its derivative (indices, and y for its own output), the bytes of the values
// that it made, and its derivative, in which g is the gradient that arrives, x or a and b are the inputs and y is the
// output. Sources have no bytes of their own.
template <>
struct fmt::formatter<ebb::Tape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const ebb::Tape& tape, fmt::format_context& context) const -> fmt::format_context::iterator;
};

// A small table, in bytes.
template <>
struct fmt::formatter<ebb::TapeMemory> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const ebb::TapeMemory& memory, fmt::format_context& context) const -> fmt::format_context::iterator;
};
