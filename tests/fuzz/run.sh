#!/usr/bin/env bash
# Builds the fuzzer and lets it look for so many seconds (60): tests/fuzz/run.sh 600. What it learns stays in
# build/fuzz/learnt for the next time. What breaks the library ends it, and lies in build/fuzz/broken-*: mend it, make it
# small (ops_fuzz -minimize_crash=1), and put it into tests/fuzz/corpus under a name that says what it found, where the
# ordinary tests run it from then on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. cmake/setup.sh

need $compiler_packages clang libclang-rt-dev
build fuzz ops_fuzz
say "fuzzing"
mkdir -p build/fuzz/learnt
exec build/fuzz/tests/fuzz/ops_fuzz build/fuzz/learnt tests/fuzz/corpus -artifact_prefix=build/fuzz/broken- \
  -max_total_time="${1:-60}" -max_len=400 -timeout=20 -verbosity=0 -print_final_stats=1
