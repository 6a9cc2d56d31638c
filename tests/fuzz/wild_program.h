// What the fuzzer runs, and the test of its corpus.
#pragma once

#include <cstdint>
#include <span>

namespace ebb::test {

// Takes bytes as commands over a few tensors and tapes: ops with good and bad arguments, tapes that nest and end in any
// order, pauses, scopes, sweeps, tangents, Jacobians, writes. Each may throw an ebb::Error, which is let pass. Whatever
// else is thrown comes out, and so does a std::logic_error where an error left something changed, or the same question
// got two answers.
void run_wild_program(std::span<const std::uint8_t> bytes);

}  // namespace ebb::test
