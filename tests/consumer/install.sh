#!/usr/bin/env bash
# Installs a build, moves it, and looks at what is there. Arguments: cmake, the source folder, the build folder, and
# where to.
set -euo pipefail
cmake=$1 source=$2 build=$3 prefix=$4
wrong() {
  printf '%s\n' "$@"
  exit 1
}

rm -rf "$prefix" "$prefix.new"
mkdir -p "$prefix.new/include/ebb/autograd"
touch "$prefix.new/include/ebb/autograd/stale.h"  # of an older version
"$cmake" --install "$build" --prefix "$prefix.new"
mv "$prefix.new" "$prefix"
[ ! -e "$prefix/include/ebb/autograd/stale.h" ] || wrong "a header of the version before is still there"

# As whole paths: the source folder may be called /ebb, which include/ebb ends in.
named=$(for folder in "$source" "$build" "$prefix"; do grep -rIlP "(?<![\w}.-])\Q$folder\E(?![\w.-])" "$prefix" || true; done)
[ -z "$named" ] || wrong "these name folders of the machine that built them:" "$named"
private=$(grep -rIP '^#include.*(Eigen|nlohmann|kernels/(?!instruction_set.h))|Eigen3|nlohmann_json' "$prefix" ||
  find "$prefix" -path '*kernels*' -type f ! -name instruction_set.h)
[ -z "$private" ] || wrong "these show what ebb is made of:" "$private"
for library in "$prefix"/lib*/*.so; do
  [ -e "$library" ] || continue
  paths=$(readelf -d "$library" | grep -E 'R(UN)?PATH' | grep -vF '[$ORIGIN]' || true)
  [ -z "$paths" ] || wrong "$library looks for libraries at" "$paths"
  lost=$(ldd "$library" | grep 'not found' || true)
  [ -z "$lost" ] || wrong "$library doesn't find" "$lost"
done
