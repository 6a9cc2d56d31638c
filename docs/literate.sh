#!/usr/bin/env bash
# Documents and programs that belong together, so that neither can drift; the tests compare, docs/refresh.sh refreshes.
#
# A document whose code is a program: `literate.sh program DOC` prints that program: its blocks of ```cpp one after the
# other in main, those of ```cpp definition before it. `literate.sh filled DOC PROGRAM` prints DOC with each block of
# ```text holding what PROGRAM, built from it, printed in the block of code above.
#
# A document that goes along with a program: the program prints sections, a title at the start of a line and all else
# indented, and the document has them as headings. `literate.sh sections DOC PROGRAM` prints DOC with the block of
# ```text under each such heading holding that section. It fails where either has a section that the other lacks.
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
sections)
  output=$("$3")
  awk -v doc="$2" '
    /^[^ ]/ { title = $0; titles[++count] = title; next }
    NF { printed[title] = printed[title] substr($0, 3) "\n" }
    END {
      while ((getline line < doc) > 0) {
        if (line ~ /^#+ /) { heading = line; sub(/^#+ /, "", heading) }
        if (skipping && line == "```") skipping = 0
        if (!skipping) print line
        if (line != "```text") continue
        if (!(heading in printed)) missing = missing "not printed: " heading "\n"
        printf "%s", printed[heading]
        shown[heading] = skipping = 1
      }
      for (i = 1; i <= count; ++i) if (!(titles[i] in shown)) missing = missing "not in the document: " titles[i] "\n"
      if (missing) { printf "%s", missing > "/dev/stderr"; exit 1 }
    }' <<< "$output"
  ;;
esac
