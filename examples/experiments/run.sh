#!/usr/bin/env bash
# Runs the eight experiments from the folder of their programs and prints one table of claims; exits with 1 if one
# fails. Their logs and reports go to runs/experiments.
#   run.sh FOLDER [--seed N] [--seeds N] [--short]
set -euo pipefail
folder=$1
shift
short=no options=()
for option in "$@"; do
  if [ "$option" = --short ]; then short=yes; else options+=("$option"); fi
done

mkdir -p runs/experiments
failed=0 table=""
for name in bound_vs_reality eigenvalue_trap chaos_and_input cliff isometry logistic_vanishes tanh_explodes adding_irnn; do
  arguments=("${options[@]}")
  case $short,$name in yes,logistic_vanishes | yes,tanh_explodes | yes,adding_irnn) arguments+=(--short) ;; esac
  output=runs/experiments/$name.txt began=$SECONDS
  status=0
  "$folder/$name" "${arguments[@]}" | tee "$output" || status=$?
  if [ $status = 2 ]; then exit 2; fi # bad options are so for all of them
  if [ $status = 0 ]; then verdict=PASS; else verdict=FAIL failed=1; fi
  echo
  claim=$(sed -n "1s/^$name: //p" "$output")
  table+=$(printf '%-18s %-5s %6d s   %s' "$name" "$verdict" "$((SECONDS - began))" "$claim")$'\n'
done
printf '%-18s %-5s %8s   %s\n%s' experiment "" time claim "$table"
exit $failed
