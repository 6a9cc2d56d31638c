# Shared by examples/run.sh, tests/run.sh and .ci/run, which source it: says what happens in a line a stage, and installs
# what is missing from the system's packages.

say() { printf 'ebb: %s\n' "$*"; }
stop() {
  printf 'ebb: %s\n' "$*" >&2
  exit 1
}

# need PACKAGE...: installs those Debian packages that aren't there. Elsewhere it leaves finding them to CMake.
need() {
  command -v dpkg-query > /dev/null || return 0
  local package missing=() as_root=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || stop "${missing[*]} missing, and neither root nor sudo: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    stop "couldn't install ${missing[*]}; what apt-get said last stands above"
  fi
  rm -f "$log"
}

# Node, which builds the page of reports: there or installed, and if neither can be, the build does without.
want_node() {
  command -v node > /dev/null && command -v npm > /dev/null || (need nodejs npm) || say "there will be no report.html"
}

# build PRESET TARGETS CMAKE-OPTION...: configures and builds, quietly unless it fails.
build() {
  local preset=$1 targets=$2 log
  shift 2
  mkdir -p "build/$preset"
  log="build/$preset/log.txt"
  say "building ($preset)"
  if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --target $targets; } > "$log" 2>&1; then
    grep -E -A 5 'error|CMake Error|FAILED' "$log" | head -n 40 >&2
    stop "the build failed; all that it said is in $log"
  fi
}

compiler_packages="cmake ninja-build g++ libfmt-dev libeigen3-dev nlohmann-json3-dev"
example_packages="libcli11-dev"
