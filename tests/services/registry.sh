#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# registry.sh install|start|stop|status|wipe - Apicurio Registry, a schema
# registry that speaks the Confluent REST API, on loopback.
#
# The API's root is http://127.0.0.1:REGISTRY_PORT/apis/ccompat/v7 (port 8081
# by default; its health endpoints are on REGISTRY_MANAGEMENT_PORT, 8091).
# Schemas persist in an H2 file.  The global compatibility level is set to
# REGISTRY_COMPATIBILITY (BACKWARD, as Confluent's own registry has it).
# Version 3.0.9 is the newest that runs on Java 17; 3.3.3 needs Java 21
# or newer (set REGISTRY_VERSION and REGISTRY_JAVA, the java command).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${REGISTRY_VERSION:-3.0.9}
port=${REGISTRY_PORT:-8081}
mport=${REGISTRY_MANAGEMENT_PORT:-8091}
api=http://127.0.0.1:$port/apis/ccompat/v7
app=$K2_CACHE/apicurio-$version
data=$K2_SERVICES_DIR/registry-data

install() {
  [[ -e $app/.complete ]] && return 0
  local tmp=$app.partial
  rm -rf "$tmp" "$app"
  mkdir -p "$tmp"
  mvn -B -q dependency:copy -DoutputDirectory="$tmp/dist" \
    "-Dartifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all" >&2
  tar -xzf "$tmp/dist/apicurio-registry-app-$version-all.tar.gz" -C "$tmp"
  rm -rf "$tmp/dist"
  touch "$tmp/.complete"
  mv "$tmp" "$app"
}

set_compatibility() {
  curl -fsS -o /dev/null -X PUT "$api/config" \
    -H 'Content-Type: application/vnd.schemaregistry.v1+json' \
    -d "{\"compatibility\": \"${REGISTRY_COMPATIBILITY:-BACKWARD}\"}"
}

start() {
  local jar
  install
  ports_free registry "$port" "$mport"
  mkdir -p "$data"
  jar=$app/quarkus-run.jar
  [[ -e $jar ]] || jar=$app/apicurio-registry-app-$version-runner.jar
  svc_start registry "${REGISTRY_JAVA:-java}" "-Xmx${REGISTRY_HEAP:-256m}" \
    -XX:+UseSerialGC \
    -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$port" \
    -Dquarkus.management.host=127.0.0.1 "-Dquarkus.management.port=$mport" \
    -Dapicurio.storage.sql.kind=h2 \
    "-Dapicurio.datasource.url=jdbc:h2:file:$data/registry" -jar "$jar"
  svc_wait registry http_ok "$api/subjects"
  set_compatibility
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) svc_stop registry ;;
  status) svc_status registry ;;
  wipe) svc_stop registry && rm -rf "$data" ;;
  *) die "usage: registry.sh install|start|stop|status|wipe" ;;
esac
