#!/usr/bin/env bash
# Builds and runs programs with nothing but a compiler and pkg-config, with ebb's static libraries and with its shared
# ones, and looks at what they include and link. Arguments: pkg-config, the compiler, the source folder, the folder of
# the installations, and the programs.
set -euo pipefail
pkg_config=$1 compiler=$2 source=$3 installed=$4
shift 4
programs=("$source/tests/consumer/main.cpp")
for program in "$@"; do programs+=("$source/examples/$program.cpp"); done
wrong() {
  printf '%s\n' "$@"
  exit 1
}
ebb() {  # KIND OPTION...: what pkg-config says of that installation
  PKG_CONFIG_PATH=$(dirname "$(find "$installed/$1" -name ebb.pc)") "$pkg_config" "${@:2}" ebb
}

work=$installed/pkg-config-$(basename "$compiler")
mkdir -p "$work"
cd "$work"
cflags=$(ebb static --cflags)
allowed='linux-vdso|ld-linux|lib(ebb_nn|ebb_autograd|fmt|stdc\+\+|m|gcc_s|c)[-.]'
for program in "${programs[@]}"; do
  name=$(basename "$program" .cpp)
  "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -MD $cflags -c "$program" -o "$name.o"
  seen=$(grep -P 'Eigen|nlohmann|kernels/(?!instruction_set.h)' "$name.d" || true)
  [ -z "$seen" ] || wrong "$name includes what is ebb's own business:" "$seen"
  for kind in static shared; do
    "$compiler" "$name.o" $(ebb $kind --libs) -o "$name-$kind"
    LD_LIBRARY_PATH=$(ebb $kind --variable=libdir)
    export LD_LIBRARY_PATH
    linked=$(ldd "$name-$kind")
    extra=$(grep -vE "$allowed" <<< "$linked" || true)
    [ -z "$extra" ] || wrong "$name links more than fmt and the standard library:" "$extra"
    [ $kind = static ] || grep -q libebb_autograd <<< "$linked" || wrong "$name-shared doesn't link the shared library"
    "./$name-$kind"
  done
done
