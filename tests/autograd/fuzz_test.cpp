// What the fuzzer (fuzz/ops_fuzz.cpp) once stumbled over, and bytes at random, in the ordinary tests.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/wild_program.h"
#include "support.h"

using namespace ebb;
using namespace ebb::test;

TEST_CASE("fuzz: the corpus") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EBB_SOURCE_DIR "/tests/fuzz/corpus")) {
    CAPTURE(entry.path().filename().string());
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
    CHECK_NOTHROW(run_wild_program(bytes));
    ++files;
  }
  CHECK(files > 0);
}

TEST_CASE("fuzz: random bytes") {
  Rng rng(1);
  for (int i = 0; i < 3000; ++i) {
    CAPTURE(i);
    std::vector<std::uint8_t> bytes(200);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(256));
    CHECK_NOTHROW(run_wild_program(bytes));
  }
}
