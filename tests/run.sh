#!/usr/bin/env bash
# Sets up, builds and passes the tests. Arguments go to ctest: tests/run.sh -R tape
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/setup.sh

need $compiler_packages $example_packages doctest-dev librapidcheck-dev clang pkg-config patch chromium
want_node
build release all -DEBB_TESTS=ON
say "testing"
exec ctest --preset release "$@"
