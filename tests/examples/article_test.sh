#!/usr/bin/env bash
# article_test.sh SOURCE PROGRAM: docs/article.md shows what the program prints, section by section.
set -euo pipefail
filled=$(mktemp)
trap 'rm -f "$filled"' EXIT
"$1/docs/literate.sh" sections "$1/docs/article.md" "$2" > "$filled"
diff "$1/docs/article.md" "$filled"
