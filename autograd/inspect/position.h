// Where a tape keeps a tensor, and what its passes cost: for instruments that watch sweeps, and for tests.
#pragma once

#include <cstdint>

#include "autograd/tape/tape.h"

namespace ebb {

// The position of the record that made x, or of the source that it is; x becomes a source where the tape never saw it.
std::uint32_t position_on(Tape& tape, const Tensor& x);
// How many records the passes over the tape have looked at so far.
std::uint64_t walked(const Tape& tape);

}  // namespace ebb
