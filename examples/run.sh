#!/usr/bin/env bash
# Sets up, builds and runs the main job: trains a recurrent network and logs its gradients at every time step.
# Arguments go to train_sequence: examples/run.sh --task text --input FILE; examples/run.sh --help
set -euo pipefail
here=$(pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$(pwd)
. cmake/setup.sh

need $compiler_packages $example_packages
build release train_sequence -DEBB_TESTS=OFF
say "running train_sequence $*"
cd "$here"
exec "$root/build/release/examples/train_sequence" "$@"
