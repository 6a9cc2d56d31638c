#!/usr/bin/env bash
# How much of autograd/ the tests run, line by line: a table by file, and an error below 97 %. Nothing is left out. A line
# that is compiled several times (a template, a kernel for each instruction set) counts once, as run if one of them was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/setup.sh

programs="ebb_tests thread_tests allocation_tests"
need $compiler_packages doctest-dev librapidcheck-dev libcli11-dev gcovr
build coverage "$programs"
say "testing"
find build/coverage -name '*.gcda' -delete
for program in $programs; do
  "build/coverage/tests/$program" --minimal || stop "$program failed"
done
for set in portable x86-64-v3; do  # which the program takes by itself only where the machine has no better
  EBB_INSTRUCTION_SET=$set build/coverage/tests/ebb_tests --minimal --test-case='kernels:*' || stop "$set failed"
done
gcovr --root . --object-directory build/coverage --filter autograd/ --fail-under-line 97
