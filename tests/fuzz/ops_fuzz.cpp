// libFuzzer: bytes become programs of ops, good and bad ones, that may only end in values or in an ebb::Error. run.sh
// runs it.
#include "wild_program.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ebb::test::run_wild_program({data, size});
  return 0;
}
