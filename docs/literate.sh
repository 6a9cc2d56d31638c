#!/usr/bin/env bash
# A document whose code is a program. `literate.sh program DOC` prints that program: its blocks of ```cpp one after the
# other in main, those of ```cpp definition before it. `literate.sh filled DOC PROGRAM` prints DOC with each block of
# ```text holding what PROGRAM, built from it, printed in the block of code above. The tests compare, docs/refresh.sh
# refreshes.
set -euo pipefail
case $1 in
program)
  awk '
    /^```cpp definition$/ { part = "definition"; next }
    /^```cpp$/ { part = "code"; next }
    /^```/ { if (part == "code") code = code "  fmt::print(\"\\x1e\");\n"; part = ""; next }
    part == "definition" { definitions = definitions $0 "\n" }
    part == "code" { code = code "  " $0 "\n" }
    END {
      print "#include <autograd/autograd.h>\n#include <fmt/core.h>\n"
      print definitions "\nint main() {\n" code "}"
    }' "$2"
  ;;
filled)
  "$3" | awk -v doc="$2" '
    BEGIN { RS = "\x1e" }
    { printed[NR] = $0 }
    END {
      RS = "\n"
      while ((getline line < doc) > 0) {
        if (line ~ /^```cpp$/) ++block
        if (skipping && line == "```") skipping = 0
        if (!skipping) print line
        if (line == "```text") { printf "%s", printed[block]; skipping = 1 }
      }
    }'
  ;;
esac
