#!/usr/bin/env bash
# Sets up, builds and runs the main job: trains a recurrent network, logs its gradients at every time step, and makes a
# report of them. Arguments go to train_sequence: examples/run.sh --task text --input FILE; examples/run.sh --help
#   examples/run.sh experiments [--seed N] [--seeds N]    the eight experiments in full, and one table of their claims
set -euo pipefail
here=$(pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$(pwd)
. cmake/setup.sh

need $compiler_packages $example_packages
want_node
if [ "${1:-}" = experiments ]; then
  shift
  build release experiments -DEBB_TESTS=OFF
  cd "$here"
  exec "$root/examples/experiments/run.sh" "$root/build/release/examples/experiments" "$@"
fi
build release "train_sequence ebb-report" -DEBB_TESTS=OFF
say "running train_sequence $*"
cd "$here"
exec "$root/build/release/examples/train_sequence" "$@"
