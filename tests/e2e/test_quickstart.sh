#!/usr/bin/env bash
# test_quickstart.sh: scripts/quickstart.sh as a newcomer runs it, and as it fails.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
quickstart=$here/../../scripts/quickstart.sh
folder=$(mktemp -d)
started=''
trap 'test -z "$started" || kill "$started" 2>/dev/null; rm -rf "$folder"' EXIT

fail() {
  echo "test_quickstart: $*" >&2
  [[ ! -f $folder/out ]] || cat "$folder/out" >&2
  exit 1
}

# expect CODE ARG...: runs it; its output lies in $folder/out.
expect() {
  local wanted=$1 code=0
  shift
  timeout 300 "$quickstart" "$@" >"$folder/out" 2>&1 </dev/null || code=$?
  [[ $code == "$wanted" ]] || fail "quickstart.sh $*: exit code $code, not $wanted"
}

says() { grep -Eq -- "$1" "$folder/out" || fail "its output lacks: $1"; }

# nobody_in DIR: no process writes into it any more.
nobody_in() {
  local fd
  for fd in /proc/[0-9]*/fd/*; do
    [[ $(readlink "$fd" 2>/dev/null || true) != "$1"/* ]] || fail "still running: $fd -> $(readlink "$fd")"
  done
}

# signalled SIGNAL CODE: a run, in a session of its own, that gets the signal while trades arrive.
signalled() {
  local pid code=0 i data=$folder/signalled-$1
  : >"$folder/out"
  env --default-signal=INT setsid "$quickstart" --data "$data" --speed 2 >"$folder/out" 2>&1 </dev/null &
  pid=$! started=$!
  for ((i = 0; i < 600; i++)); do
    if grep -Eq 'trades [1-9]' "$folder/out"; then break; fi
    sleep 0.1
  done
  # Ctrl-C is for the whole foreground group, a plain kill for the script alone.
  if [[ $1 == INT ]]; then kill -INT -- "-$pid"; else kill "-$1" "$pid"; fi
  wait "$pid" || code=$?
  started=''
  [[ $code == "$2" ]] || fail "after SIG$1: exit code $code, not $2"
  nobody_in "$data"
}

expect 0 --help
says '^usage: scripts/quickstart.sh'
expect 2 --fast
says 'unknown option --fast'
expect 2 --speed 0
expect 2 --speed
says '--speed expects a value'

mkdir "$folder/foreign"
echo mine >"$folder/foreign/file"
expect 1 --data "$folder/foreign"
says 'was not made by this script'
[[ $(<"$folder/foreign/file") == mine ]] || fail "a foreign folder was touched"

for speed in 8 40; do
  expect 0 --data "$folder/data" --speed $speed
  says "^ *0:[0-9]{2}  .*gold 24222"
  says '^bronze_binance_trades +18,166 +[0-9]+ +[0-9]+'
  says '^silver_binance_trades +18,166 +[0-9]+ +[0-9]+'
  says '^bronze_kraken_trades +6,056 +[0-9]+ +[0-9]+'
  says '^silver_kraken_trades +6,056 +[0-9]+ +[0-9]+'
  says '^silver_dlq_trades +0 +0 +[0-9]+'
  says '^gold_crypto_trades +24,222 +[0-9]+ +[0-9]+'
  says '^audit: ok$'
  says "^FROM iceberg_scan\('$folder/data/warehouse/.*/gold_crypto_trades/metadata/.*\.metadata\.json'\)"
  says "uri=\"sqlite:///$folder/data/k2.db\""
  says "spark-sql .*jdbc:sqlite:$folder/data/k2.db"
  [[ -f $(sed -n "s/^FROM iceberg_scan('\(.*\)')/\1/p" "$folder/out") ]] || fail "DuckDB's file is not there"
  nobody_in "$folder/data"
  echo "at speed $speed: ok"
done
expect 1 --live --data "$folder/data"
says 'holds recordings trades'

signalled TERM 143
signalled INT 1
says 'quickstart: interrupted'
echo "signals: ok"

if unshare --net true 2>/dev/null; then
  began=$SECONDS code=0
  timeout 120 unshare --net "$quickstart" --live --data "$folder/live" >"$folder/out" 2>&1 || code=$?
  [[ $code == 1 ]] || fail "--live without a network: exit code $code"
  says 'the exchanges cannot be used from here'
  echo "no network: ok, after $((SECONDS - began)) s"
else
  echo "no network: not tried, for want of unshare --net"
fi
