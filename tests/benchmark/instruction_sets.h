// That both sides may use the same instructions.
#pragma once

#include <autograd/kernels/instruction_set.h>

#include <cstdlib>
#include <string_view>

#include "handwritten_rnn.h"
#include "row.h"

namespace ebb::benchmarks {

// Ends the program where a comparison wouldn't be fair.
inline void require_same_instruction_set() {
  const std::string_view ours = instruction_set(), theirs = HandwrittenRnn::instruction_set();
  if (ours == theirs) return;
  fmt::print(stderr, "ebb uses {}, the handwritten program {}; EBB_INSTRUCTION_SET={} makes it fair\n", ours, theirs,
             theirs);
  std::exit(1);
}

}  // namespace ebb::benchmarks
