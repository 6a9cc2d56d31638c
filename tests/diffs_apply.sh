#!/usr/bin/env bash
# The changes that a document shows, its blocks of ```diff, fit the sources. Arguments: the document, the source folder.
set -euo pipefail
sed -n '/^```diff$/,/^```$/p' "$1" | sed '/^```/d' | patch --dry-run --force -p1 -d "$2"
