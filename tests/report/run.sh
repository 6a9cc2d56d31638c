#!/usr/bin/env bash
# Makes reports of real runs, drives them in a browser, and computes all that they show again from their logs.
#   run.sh NODE PROGRAMS TEMPLATE MODULES    PROGRAMS: the folder of the examples; MODULES: where node_modules is
set -euo pipefail
node=$1 programs=$2 template=$3 modules=$4
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$tests"/*.mjs "$modules"  # where they find their packages

"$programs/train_sequence" --updates 40 --output "$folder/three" > "$folder/said"
"$programs/train_sequence" --task adding --time 60 --updates 30 --log-every 1 --contributions --transport 5 \
  --output "$folder/adding" > "$folder/said"
"$programs/train_sequence" --task text --time 20 --updates 30 --threads 2 --output "$folder/text" > "$folder/said"
# More rows and columns than are shown.
"$programs/train_sequence" --task adding --time 1500 --hidden 4 --batch 2 --updates 700 --log-every 1 \
  --output "$folder/large" > "$folder/said"
hostile="$folder/<img src=x onerror=alert(1)> \"'&"
"$programs/train_sequence" --task adding --time 20 --updates 5 --output "$hostile" > "$folder/said"
"$programs/experiments/cliff" --output "$folder/cliff" > "$folder/said"
"$programs/report/ebb-report" "$hostile" "$folder/adding" --title '</script><script>alert(1)</script>' \
  -o "$folder/hostile.html" > "$folder/said"

three="$folder/three"
export EBB_TEMPLATE=$template
export EBB_REPORTS="$three/report.html:$folder/adding/report.html:$folder/text/report.html:$folder/large/report.html:$folder/hostile.html:$folder/cliff/report.html"
export EBB_LOGGED_REPORTS="$three/report.html=$three/vanishing,$three/exploding,$three/tamed:$three/tamed/report.html=$three/tamed:$folder/adding/report.html=$folder/adding:$folder/text/report.html=$folder/text:$folder/large/report.html=$folder/large:$folder/cliff/report.html=$folder/cliff"
cd "$modules"
"$node" --test recompute.test.mjs page.test.mjs
