#pragma once

namespace ebb {

// The instruction set whose kernels this process uses: "x86-64-v4", "x86-64-v3" or "portable". Chosen once at start;
// results are bit-identical from run to run only under the same one.
const char* instruction_set();

}  // namespace ebb
