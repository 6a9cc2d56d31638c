// How fast the processor can multiply and add.
#pragma once

namespace ebb::benchmarks {

// So many rounds of multiply-adds on float32 that wait for nothing but the units that do them, with the vectors of the
// instruction set that it is compiled for. The number of floating-point operations, two for each.
double multiply_and_add(long rounds);

}  // namespace ebb::benchmarks
