#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# iceberg-rest.sh install|start|stop|status|wipe - the Iceberg REST catalog
# that Apache Iceberg's own tests use (RESTCatalogServer, over JdbcCatalog on a
# SQLite file).  It listens on every interface, without authentication.
#
# ICEBERG_REST_PORT (default 8181).  ICEBERG_WAREHOUSE is a folder (default:
# one under the services directory) or s3://BUCKET/PREFIX; for the latter
# S3_PORT, S3_ACCESS_KEY and S3_SECRET_KEY are those of s3.sh.  ICEBERG_CATALOG_DB is
# the SQLite file; one of K2's own (catalog name rest_backend) shows K2's tables.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${ICEBERG_VERSION:-1.11.0}
port=${ICEBERG_REST_PORT:-8181}
data=$K2_SERVICES_DIR/iceberg-rest-data

jars() {
  maven_jars "iceberg-rest-$version" "$here/poms/iceberg-rest.xml" \
    "-Diceberg.version=$version"
}

# The server takes CATALOG_A__B_C as the property a-b.c.
start() {
  local libs
  libs=$(jars)
  ports_free iceberg-rest "$port"
  mkdir -p "$data"
  CATALOG_REST_PORT=$port \
    CATALOG_URI="jdbc:sqlite:${ICEBERG_CATALOG_DB:-$data/catalog.db}" \
    CATALOG_JDBC_USER=k2 CATALOG_JDBC_PASSWORD=k2 \
    CATALOG_WAREHOUSE=${ICEBERG_WAREHOUSE:-$data/warehouse} \
    CATALOG_IO__IMPL=org.apache.iceberg.io.ResolvingFileIO \
    CATALOG_S3_ENDPOINT="http://127.0.0.1:${S3_PORT:-9000}" \
    CATALOG_S3_PATH__STYLE__ACCESS=true \
    AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=${S3_ACCESS_KEY:-k2access} \
    AWS_SECRET_ACCESS_KEY=${S3_SECRET_KEY:-k2secret123} \
    svc_start iceberg-rest java "-Xmx${ICEBERG_REST_HEAP:-256m}" -XX:+UseSerialGC \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp "$libs/*" org.apache.iceberg.rest.RESTCatalogServer
  svc_wait iceberg-rest http_ok "http://127.0.0.1:$port/v1/config"
}

case ${1:-} in
  install) jars >/dev/null ;;
  start) start ;;
  stop) svc_stop iceberg-rest ;;
  status) svc_status iceberg-rest ;;
  wipe) svc_stop iceberg-rest && rm -rf "$data" ;;
  *) die "usage: iceberg-rest.sh install|start|stop|status|wipe" ;;
esac
