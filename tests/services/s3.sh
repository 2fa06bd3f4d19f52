#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# s3.sh install|start|stop|status|wipe - an S3 server on loopback.
#
# S3_SERVER is versitygw (default: over plain files, quick to build) or minio.
# S3_PORT (default 9000), S3_ACCESS_KEY and S3_SECRET_KEY (default k2access and
# k2secret123); S3_BUCKET (default lakehouse, 3 letters at least) is made at
# start.  S3_DOMAIN: names below it, as lakehouse.DOMAIN, are buckets.  The server is built from its Go module once, into the cache: minio
# takes 6 minutes of CPU time, versitygw 2.  S3_BIN names a binary to use
# instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

server=${S3_SERVER:-versitygw}
port=${S3_PORT:-9000}
bucket=${S3_BUCKET:-lakehouse}
data=$K2_SERVICES_DIR/s3-data-$server
access_key=${S3_ACCESS_KEY:-k2access}
secret_key=${S3_SECRET_KEY:-k2secret123}

case $server in
  minio)
    version=v0.0.0-20260212201848-7aac2a2c5b7c
    module=github.com/minio/minio
    ;;
  versitygw)
    version=v1.8.0
    module=github.com/versity/versitygw/cmd/versitygw
    ;;
  *) die "S3_SERVER is minio or versitygw, not $server" ;;
esac
bin=${S3_BIN:-$K2_CACHE/$server-$version/$server}

install() {
  [[ -x $bin ]] || go_install "$(dirname "$bin")" "$module@$version"
}

start_minio() {
  MINIO_DOMAIN=${S3_DOMAIN:-} MINIO_ROOT_USER=$access_key MINIO_ROOT_PASSWORD=$secret_key \
    MINIO_BROWSER=off MINIO_UPDATE=off MINIO_PROMETHEUS_AUTH_TYPE=public \
    svc_start s3 "$bin" server --quiet --address "127.0.0.1:$port" "$data"
  svc_wait s3 http_ok "http://127.0.0.1:$port/minio/health/ready"
}

start_versitygw() {
  ROOT_ACCESS_KEY=$access_key ROOT_SECRET_KEY=$secret_key \
    svc_start s3 "$bin" --quiet --port "127.0.0.1:$port" --health /health \
    ${S3_DOMAIN:+--virtual-domain "$S3_DOMAIN"} posix "$data"
  svc_wait s3 http_ok "http://127.0.0.1:$port/health"
}

start() {
  install
  ports_free s3 "$port"
  mkdir -p "$data/$bucket" # to both servers a folder of the root is a bucket
  "start_$server"
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) svc_stop s3 ;;
  status) svc_status s3 ;;
  wipe) svc_stop s3 && rm -rf "$data" ;;
  *) die "usage: s3.sh install|start|stop|status|wipe" ;;
esac
