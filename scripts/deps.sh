#!/usr/bin/env bash
# deps.sh [build|test]: installs the Debian packages that building K2 (default) or testing it needs.
# Works as root or with sudo; does nothing, and needs no network, when all are there.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config git ca-certificates
  libjson-c-dev libsqlite3-dev libzstd-dev libsnappy-dev liblz4-dev zlib1g-dev libssl-dev
  uuid-dev libyaml-dev libcurl4-openssl-dev libexpat1-dev
  libwebsockets-dev libmicrohttpd-dev librdkafka-dev)
test=(libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev g++ python3 python3-venv
  maven default-jdk-headless sqlite3 curl procps iproute2 docker-compose)

case ${1:-build} in
  build) packages=("${build[@]}") ;;
  test) packages=("${build[@]}" "${test[@]}") ;;
  *) echo "usage: deps.sh [build|test]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || { echo "deps.sh: not root, and no sudo: install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "deps.sh: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q >&2
"${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
