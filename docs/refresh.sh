#!/usr/bin/env bash
# Runs what the README and the documents show, and puts today's output and picture into them. In the README, between
# `<!-- output of COMMAND -->` and the end of the fenced block after it goes what COMMAND prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

examples/run.sh --output "$runs" > "$runs/out.txt"
# From the table on: what stands before it says how fast this machine is.
sed -n '/^‖∂L/,/^open /p' "$runs/out.txt" | head -n -2 > "$runs/table.txt"

awk -v table="$runs/table.txt" '
  /^<!-- output of examples\/run.sh -->$/ { print; getline; print; while ((getline line < table) > 0) print line; skip = 1; next }
  skip && /^```$/ { skip = 0 }
  !skip' README.md > "$runs/README.md"
cp "$runs/README.md" README.md

. cmake/setup.sh
need chromium
chromium --headless --no-sandbox --hide-scrollbars --force-device-scale-factor=1 --window-size=1200,1010 \
  --virtual-time-budget=4000 --screenshot="$runs/report.png" "file://$runs/report.html" 2> "$runs/chromium.txt"
cp "$runs/report.png" docs/report.png

build release "how_it_works article" -DEBB_TESTS=ON
docs/literate.sh filled docs/how-it-works.md build/release/tests/how_it_works > "$runs/how-it-works.md"
cp "$runs/how-it-works.md" docs/how-it-works.md
docs/literate.sh sections docs/article.md build/release/examples/article > "$runs/article.md"
cp "$runs/article.md" docs/article.md
echo "refreshed README.md, docs/report.png, docs/how-it-works.md and docs/article.md"
