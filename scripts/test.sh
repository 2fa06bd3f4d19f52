#!/usr/bin/env bash
# test.sh [quick] [--s3 versitygw|minio]: installs what the tests need, builds K2 and runs all its tests
# with ctest.
#
#   quick   the inner loop, under two minutes: gcc build, unit and contract tests, 200 simulated seeds
#   (none)  beside that: format, clang, the sanitizers over unit tests and simulation, 2,000 seeds and
#           every mutation, foreign readers, kills, the whole program end to end
#   --s3    which S3 server the tests with servers take: versitygw by default, for its build time of two
#           minutes; MinIO takes seven, once
set -euo pipefail

usage() {
  echo "usage: test.sh [quick] [--s3 versitygw|minio]" >&2
  exit 2
}

run=all
export S3_SERVER=versitygw
while (($# > 0)); do
  case $1 in
    quick) run=quick ;;
    --s3)
      S3_SERVER=${2:-}
      [[ $S3_SERVER == versitygw || $S3_SERVER == minio ]] || usage
      shift
      ;;
    *) usage ;;
  esac
  shift
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -- --quiet
}

step() { printf '\n== %s\n' "$*"; }

if [[ $run == quick ]]; then
  scripts/deps.sh test
  build dev
  ctest --test-dir build/dev -L quick -j "$(nproc)" --output-on-failure
  exit
fi

step packages
scripts/deps.sh test
step format
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
step "clang, warnings as errors"
build clang
step "gcc, sanitizers: unit and contract tests, simulation"
build asan
ctest --test-dir build/asan -L quick -j "$(nproc)" --output-on-failure
step "readers"
scripts/readers.sh
export K2_PYTHON=$PWD/build/readers/bin/python K2_DUCKDB_EXTENSIONS=$PWD/build/duckdb-extensions
export K2_JARS=$PWD/build/java-iceberg K2_SPARK_JARS=$PWD/build/spark-jars
step "servers"
for server in kafka s3 registry iceberg-rest; do
  tests/services/$server.sh install
done
KAFKA_VERSION=3.9.1 tests/services/kafka.sh install
tests/services/nessie.sh install || echo "without Nessie: the other REST catalog is tested"
tests/services/trino.sh install || echo "without Trino: the other readers are tested"
step "release"
build release
step "gcc: all tests"
build dev
export K2_RELEASE=$PWD/build/release
ctest --test-dir build/dev --output-on-failure
