#!/usr/bin/env bash
# Sets up, builds and runs the benchmarks, prints their tables, and writes them into docs/performance.md.
#   tests/benchmark/run.sh [--seconds S]    S seconds a comparison (4), which makes some minutes in all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. cmake/setup.sh

seconds=4
[ "${1:-}" != --seconds ] || seconds=$2

need $compiler_packages libbenchmark-dev
# libtorch runs on whatever BLAS there is, by default one that nobody would want to be compared with.
if dpkg-query -W libtorch-dev > /dev/null 2>&1; then need libopenblas0-pthread; fi
build benchmark all
programs=build/benchmark/tests/benchmark
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
touch "$results/libtorch" "$results/none"

# section TITLE COLUMN COMMAND...: a table of the rows that COMMAND prints, with the cells of the file COLUMN beside.
section() {
  local title=$1 column=$results/$2
  shift 2
  say "$title"
  "$@" 2> "$results/log" > "$results/rows" || { cat "$results/log" >&2; stop "$1 failed"; }
  {
    printf '\n### %s\n\n' "$title"
    printf '| what | goal (floor) | handwritten | ours | ratio | libtorch |\n|---|---|---|---|---|---|\n'
    awk -F ' *[|] *' '
      FILENAME == ARGV[1] { beside[$1] = $2; next }
      { printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, beside[$1] }' "$column" "$results/rows"
  } | tee "$results/section"
  cat "$results/section" >> "$results/tables"
}

machine() {
  local processor compiler
  processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' build/benchmark/CMakeCache.txt)
  printf '%s, %s, %s cores, %s. ' "${processor:-$(uname -m)}" \
    "$("$programs/rnn_step" --instruction-set)" "$(nproc --all)" "$(uname -s)"
  printf '%s. Commit %s, %s. ' "$("$compiler" --version | head -n 1)" "$(git describe --always --dirty)" "$(date -u +%F)"
  printf 'Processes that wanted a core as it began: %s.\n' "$(cut -d ' ' -f 1 /proc/loadavg)"
}

machine > "$results/tables"
if [ -x "$programs/libtorch" ]; then
  say "libtorch"
  "$programs/libtorch" --seconds "$seconds" > "$results/libtorch"
fi
section "A training step at (T, B, H)" libtorch "$programs/rnn_step" --seconds "$seconds"
section "Two threads" none "$programs/threads" --seconds "$seconds"
section "Growth" none "$programs/growth" --seconds "$seconds"
section "Memory" none "$programs/memory"
section "Records, products, functions" libtorch "$programs/kernels" --benchmark_min_time=0.2
if [ -x "$programs/rnn_step_v3" ] && grep -q avx2 /proc/cpuinfo; then
  export EBB_INSTRUCTION_SET=x86-64-v3
  section "A training step under AVX2" none "$programs/rnn_step_v3" --seconds "$seconds"
  section "Products under AVX2" none "$programs/kernels_v3" --benchmark_min_time=0.2 --benchmark_filter=product
  unset EBB_INSTRUCTION_SET
fi
section "Start-up" none "$programs/start_up" "$programs/first_gradient" "$programs/no_gradient"

awk -v tables="$results/tables" '
  /^<!-- tests\/benchmark\/run.sh: to the end -->$/ { print; print ""; while ((getline line < tables) > 0) print line; exit }
  { print }' docs/performance.md > "$results/performance.md"
cp "$results/performance.md" docs/performance.md
say "docs/performance.md holds these tables now"
