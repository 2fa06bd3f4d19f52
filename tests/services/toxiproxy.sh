#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# toxiproxy.sh install|start|stop|status|cli - toxiproxy, a TCP proxy that adds
# latency, cuts connections and the like, told what to do over HTTP.
#
# TOXIPROXY_PORT (default 8474) is its API.  `toxiproxy.sh cli ARG...` runs its
# client, for example: cli create -l 127.0.0.1:19000 -u 127.0.0.1:9000 s3
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${TOXIPROXY_VERSION:-v2.5.0}
port=${TOXIPROXY_PORT:-8474}
bin=$K2_CACHE/toxiproxy-$version

install() {
  local module=github.com/Shopify/toxiproxy/v2
  [[ -x $bin/server && -x $bin/cli ]] ||
    go_install "$bin" "$module/cmd/server@$version" "$module/cmd/cli@$version"
}

start() {
  install
  ports_free toxiproxy "$port"
  svc_start toxiproxy "$bin/server" -host 127.0.0.1 -port "$port"
  svc_wait toxiproxy http_ok "http://127.0.0.1:$port/version"
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) svc_stop toxiproxy ;;
  status) svc_status toxiproxy ;;
  cli) shift && install && "$bin/cli" -h "http://127.0.0.1:$port" "$@" ;;
  *) die "usage: toxiproxy.sh install|start|stop|status|cli ARG..." ;;
esac
