#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# in_namespace.sh COMMAND ARG... - runs it in a network namespace of its own that has a loopback and
# nothing else: what listens there on every interface (the REST catalog, Trino) is seen by nobody else,
# and ports cannot clash.  Needs root or user namespaces; what must be downloaded is installed before.
set -euo pipefail
map=()
[[ $(id -u) == 0 ]] || map=(--map-root-user)
exec unshare "${map[@]}" --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
