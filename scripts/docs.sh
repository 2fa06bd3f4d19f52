#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh [BUILD]: makes docs/configuration.md anew from src/app/option.def, with the k2 of a build
# folder (build/dev unless named).  A test compares the committed page with the table.
set -eu
cd "$(dirname "$0")/.."
"${1:-build/dev}/k2" config-doc > docs/configuration.md.new
mv docs/configuration.md.new docs/configuration.md
