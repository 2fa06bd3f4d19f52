#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.sh PROGRAM: the Debian packages whose libraries a program is linked with, a name a line: what
# must be installed where it runs, and no second list to keep.
set -eu
ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | while read -r library; do
  file=$(realpath "$library")
  dpkg-query -S "*/$(basename "$(dirname "$file")")/$(basename "$file")" | sed 's/:.*//'
done | sort -u
