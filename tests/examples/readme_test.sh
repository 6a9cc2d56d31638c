#!/usr/bin/env bash
# The README's quickstart is the program in examples/, and prints what the README says. Arguments: the source folder and
# the built program.
set -euo pipefail
readme="$1/README.md"
program=$(sed -n '/^```cpp$/,/^```$/p' "$readme" | sed '1d;$d')
if ! diff <(echo "$program") <(sed '/^\/\//d' "$1/examples/quickstart.cpp" | sed '/./,$!d'); then
  echo "README.md and examples/quickstart.cpp differ"
  exit 1
fi
printed=$("$2")
grep -qF "prints \`$printed\`" "$readme" || { echo "the program printed: $printed"; exit 1; }
