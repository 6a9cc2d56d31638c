#include "autograd/inspect/position.h"

#include "autograd/tape/state.h"

namespace ebb {

std::uint32_t position_on(Tape& tape, const Tensor& x) { return tape.state().position(x); }

std::uint64_t walked(const Tape& tape) { return tape.state().walked; }

}  // namespace ebb
