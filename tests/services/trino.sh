#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# trino.sh install|start|stop|status|wipe - a single Trino node whose catalog
# `rest` is the Iceberg REST catalog of iceberg-rest.sh, with its S3 server.
#
# TRINO_PORT (default 8282), TRINO_HEAP (default 2G).  TRINO_FILES=local: tables
# are local files (default: S3).  Only Iceberg's plugin is loaded: that makes it
# start in a third of the time.  Trino needs Java 24 or
# newer: TRINO_JAVA_HOME, or a JDK that lies beside the default one.  S3_PORT,
# S3_ACCESS_KEY, S3_SECRET_KEY and ICEBERG_REST_PORT are as in the scripts of
# those services.  It listens on every interface, without authentication.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${TRINO_VERSION:-476}
port=${TRINO_PORT:-8282}
app=$K2_CACHE/trino-$version
data=$K2_SERVICES_DIR/trino-data

install() {
  java_home 24 "${TRINO_JAVA_HOME:-}" >/dev/null
  [[ -e $app/.complete ]] && return 0
  local tmp=$app.partial
  rm -rf "$tmp" "$app"
  mkdir -p "$tmp"
  mvn -B -q dependency:copy -DoutputDirectory="$tmp/dist" \
    "-Dartifact=io.trino:trino-server:$version:tar.gz" >&2
  tar -xzf "$tmp/dist/trino-server-$version.tar.gz" -C "$tmp" --strip-components=1
  rm -rf "$tmp/dist"
  touch "$tmp/.complete"
  mv "$tmp" "$app"
}

write_config() {
  mkdir -p "$data/etc/catalog"
  mkdir -p "$data/plugins"
  ln -sfn "$app/plugin/iceberg" "$data/plugins/iceberg"
  cat >"$data/etc/node.properties" <<EOF
node.environment=k2
node.id=k2
node.data-dir=$data
plugin.dir=$data/plugins
EOF
  cat >"$data/etc/jvm.config" <<EOF
-server
-Xmx${TRINO_HEAP:-2G}
-XX:+ExitOnOutOfMemoryError
-Djdk.attach.allowAttachSelf=true
--add-modules=jdk.incubator.vector
EOF
  cat >"$data/etc/config.properties" <<EOF
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=$port
discovery.uri=http://127.0.0.1:$port
EOF
  cat >"$data/etc/catalog/rest.properties" <<EOF
connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri=http://127.0.0.1:${ICEBERG_REST_PORT:-8181}
EOF
  if [[ ${TRINO_FILES:-s3} == local ]]; then
    echo fs.hadoop.enabled=true >>"$data/etc/catalog/rest.properties"
    return 0
  fi
  cat >>"$data/etc/catalog/rest.properties" <<EOF
fs.native-s3.enabled=true
s3.endpoint=http://127.0.0.1:${S3_PORT:-9000}
s3.path-style-access=true
s3.region=us-east-1
s3.aws-access-key=${S3_ACCESS_KEY:-k2access}
s3.aws-secret-key=${S3_SECRET_KEY:-k2secret123}
EOF
}

started() {
  curl -fsS --max-time 5 "http://127.0.0.1:$port/v1/info" | grep -q '"starting":false'
}

start() {
  local home
  home=$(java_home 24 "${TRINO_JAVA_HOME:-}")
  install
  ports_free trino "$port"
  write_config
  JAVA_HOME=$home PATH=$home/bin:$PATH \
    svc_start trino "$app/bin/launcher" --etc-dir "$data/etc" run
  svc_wait trino started
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) svc_stop trino ;;
  status) svc_status trino ;;
  wipe) svc_stop trino && rm -rf "$data" ;;
  *) die "usage: trino.sh install|start|stop|status|wipe" ;;
esac
