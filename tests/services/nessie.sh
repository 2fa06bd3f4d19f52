#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nessie.sh install|start|stop|status|wipe - Nessie on loopback, whose Iceberg
# REST catalog (under /iceberg) is another than Iceberg's own: it chooses where
# tables lie, demands tokens, and gives each table keys of its own.
#
# NESSIE_PORT (default 19120; the next one is its management's), NESSIE_HEAP
# (default 384m).  NESSIE_PUBLIC_KEY: an RSA key as base64 without lines; only
# who brings a JWT signed by it is let in.  NESSIE_VENDS=true: keys are those of
# the S3 server's AssumeRole, which MinIO has and versitygw has not.  S3_PORT,
# S3_ACCESS_KEY and S3_SECRET_KEY are those of s3.sh.  Tables are forgotten at
# its end.  This version does not look whether main is absent when that is what
# a commit requires (assert-ref-snapshot-id null), so the catalog's contract is
# not run over it: of two first commits the later one replaces.  It needs Java
# 21 or newer: NESSIE_JAVA_HOME, or a JDK that lies beside the default one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${NESSIE_VERSION:-0.99.0}
port=${NESSIE_PORT:-19120}
app=$K2_CACHE/nessie-$version
jar=$app/nessie-quarkus-$version-runner.jar
s3=nessie.catalog.service.s3.default-options

install() {
  java_home 21 "${NESSIE_JAVA_HOME:-}" >/dev/null
  [[ -e $jar ]] && return 0
  rm -rf "$app.partial" "$app"
  mvn -B -q dependency:copy -DoutputDirectory="$app.partial" \
    "-Dartifact=org.projectnessie.nessie:nessie-quarkus:$version:jar:runner" >&2
  mv "$app.partial" "$app"
}

start() {
  local home options
  install
  home=$(java_home 21 "${NESSIE_JAVA_HOME:-}")
  ports_free nessie "$port" $((port + 1))
  options=(
    -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$port"
    -Dquarkus.management.host=127.0.0.1 "-Dquarkus.management.port=$((port + 1))"
    -Dnessie.version.store.type=IN_MEMORY
    -Dnessie.catalog.default-warehouse=k2
    "-Dnessie.catalog.warehouses.k2.location=s3://${S3_BUCKET:-lakehouse}/nessie"
    "-D$s3.endpoint=http://127.0.0.1:${S3_PORT:-9000}"
    "-D$s3.region=us-east-1" "-D$s3.path-style-access=true"
    "-D$s3.request-signing-enabled=false"
    "-D$s3.access-key=urn:nessie-secret:quarkus:s3keys"
    "-Ds3keys.name=${S3_ACCESS_KEY:-k2access}" "-Ds3keys.secret=${S3_SECRET_KEY:-k2secret123}"
  )
  if [[ ${NESSIE_VENDS:-} == true ]]; then
    options+=(
      "-D$s3.client-iam.enabled=true" "-D$s3.sts-endpoint=http://127.0.0.1:${S3_PORT:-9000}"
      "-D$s3.client-iam.assume-role=arn:aws:iam::000000000000:role/k2"
    )
  fi
  if [[ -n ${NESSIE_PUBLIC_KEY:-} ]]; then
    options+=(
      -Dnessie.server.authentication.enabled=true -Dquarkus.oidc.tenant-enabled=true
      -Dquarkus.oidc.client-id=k2 "-Dquarkus.oidc.public-key=$NESSIE_PUBLIC_KEY"
    )
  fi
  svc_start nessie "$home/bin/java" "-Xmx${NESSIE_HEAP:-384m}" -XX:+UseSerialGC "${options[@]}" -jar "$jar"
  svc_wait nessie http_ok "http://127.0.0.1:$((port + 1))/q/health"
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) svc_stop nessie ;;
  status) svc_status nessie ;;
  wipe) svc_stop nessie ;;
  *) die "usage: nessie.sh install|start|stop|status|wipe" ;;
esac
