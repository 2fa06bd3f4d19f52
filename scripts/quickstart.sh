#!/usr/bin/env bash
# quickstart.sh: from a fresh Debian 12 with git to Iceberg tables, in one command.
#
# Installs what the build needs, builds a release, serves the recordings that ship with the project as
# Binance and Kraken would, runs both into one Gold table, audits what came out and says how to query it.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'END'
usage: scripts/quickstart.sh [--live] [--data DIR] [--speed X]

  --data DIR   the data folder (default ./k2-quickstart; with --live ./k2-live).  One that this script
               made is made anew (with --live: gone on with); anything else is refused
  --speed X    X times as fast as recorded (default 8: 43 s)
  --live       the real exchanges, until Ctrl-C
END
}

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

bad_usage() {
  echo "quickstart: $*" >&2
  usage >&2
  exit 2
}

live='' data='' speed=8
while [[ $# -gt 0 ]]; do
  case $1 in
    --live) live=1 ;;
    --data | --speed)
      [[ $# -ge 2 && -n $2 ]] || bad_usage "$1 expects a value"
      declare "${1#--}=$2"
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) bad_usage "unknown option $1" ;;
  esac
  shift
done
[[ $speed =~ ^[0-9]{1,4}(\.[0-9]{1,3})?$ && ! $speed =~ ^[0.]+$ ]] ||
  bad_usage "--speed: \"$speed\": expected a number above 0, up to 9999"
data=${data:-${live:+./k2-live}}
data=$(realpath -m -- "${data:-./k2-quickstart}")
[[ $data =~ ^[A-Za-z0-9/._+-]+$ ]] ||
  bad_usage "--data: \"$data\": the path may hold letters, digits and /._+- only"
marker=$data/.made-by-quickstart
kind=${live:+live}
kind=${kind:-recordings}

step() { printf '\n== %s\n' "$*"; }

# -- what must never stay behind

exchange_pids='' k2_pid='' interrupted=''
finish() {
  local pid
  for pid in $k2_pid $exchange_pids; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# -- the data folder

prepare_data() {
  if [[ -e $data && ! -d $data ]]; then fail "$data is no folder; choose another with --data"; fi
  if [[ -d $data && -n $(ls -A -- "$data") ]]; then
    [[ -f $marker ]] ||
      fail "$data is not empty, and was not made by this script; choose another with --data"
    [[ $(<"$marker") == "$kind" ]] ||
      fail "$data holds $(<"$marker") trades, not ${kind} ones; choose another with --data"
    [[ -n $live ]] || rm -rf -- "$data"
  fi
  mkdir -p -- "$data" || fail "cannot make the data folder $data"
  echo "$kind" >"$marker" || fail "cannot write into $data"
}

# -- the build

build() {
  local log
  step "packages"
  scripts/deps.sh || fail "the packages of scripts/deps.sh could not be installed (is there a network?)"
  echo "all there"
  step "build"
  mkdir -p build
  log=build/quickstart.log
  echo "release, half a minute or so; the compiler's words: $log"
  if ! { cmake --preset release && cmake --build --preset release --target k2 k2-exchange-sim; } \
    >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "the build failed; all of it: $log"
  fi
  build/release/k2 --version
}

# -- the exchanges

# start_exchange NAME KIND RECORDING...: its section of the configuration.
start_exchange() {
  local name=$1 kind=$2 log=$data/$1.log i line='' pid files=()
  shift 2
  for i in "$@"; do files+=(--recording "recordings/$i"); done
  : >"$log"
  build/release/k2-exchange-sim --exchange "$kind" --port 0 --rest-port 0 --speed "$speed" --shift-time \
    "${files[@]}" >"$log" 2>&1 &
  pid=$!
  exchange_pids+=" $pid"
  for ((i = 0; i < 100; i++)); do
    line=$(grep -m1 '^listening ' "$log" || true)
    [[ -z $line ]] || break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  [[ $line =~ ws=([0-9.:]+)\ rest=([0-9.:]+) ]] ||
    fail "the simulator of $name does not listen: $(tail -n 3 "$log")"
  echo "  $name: {urls: [\"ws://${BASH_REMATCH[1]}\"], rest_url: \"http://${BASH_REMATCH[2]}\"}" >>"$data/k2.yaml"
  echo "$name: $line"
}

start_exchanges() {
  echo 'exchanges:' >>"$data/k2.yaml"
  start_exchange binance binance binance-btcusdt-20240808.gz binance-ethusdt-20240809.gz
  start_exchange kraken kraken-v2 kraken-v2-made-btcusd.gz kraken-v2-made-ethusd.gz
  cat >>"$data/k2.yaml" <<'END'
bronze: {interval: 2s}
silver: {interval: 3s}
gold: {interval: 5s}
END
  echo "Kraken's frames are made from recorded trades (recordings/README.md)."
  echo "Times are moved so that the last trade is of now; until then the lag says how old they are."
}

# -- the pipeline

# Ctrl-C reaches k2 as well, which finishes what it has.
run_k2() {
  local rc=0
  trap 'interrupted=1' INT
  build/release/k2 run --config "$data/k2.yaml" --progress "$@" 2>>"$data/k2.log" &
  k2_pid=$!
  while true; do
    rc=0
    wait "$k2_pid" || rc=$?
    kill -0 "$k2_pid" 2>/dev/null || break # else a signal ended the wait
  done
  k2_pid=''
  trap 'exit 130' INT
  if [[ $rc != 0 ]]; then
    grep -v 'level=info' "$data/k2.log" | tail -n 10 >&2 || true
    fail "k2 run ended with $rc; what it said: $data/k2.log"
  fi
}

run_recordings() {
  local length=346 seconds
  step "the exchanges: recordings of Binance and Kraken, $speed times as fast"
  start_exchanges
  seconds=$(awk -v l="$length" -v x="$speed" 'BEGIN { print int(l / x + 0.999) + 3 }')
  step "k2 run --for ${seconds}s"
  run_k2 --for "${seconds}s"
  [[ -z $interrupted ]] || fail "interrupted; what was taken until then is in $data"
}

run_live() {
  local rc=0
  step "k2 check: can the exchanges be reached?"
  timeout 60 build/release/k2 check --config "$data/k2.yaml" || rc=$?
  if [[ $rc != 0 ]]; then
    [[ $rc != 124 ]] || echo "k2 check: no answer within 60 s" >&2
    fail "the exchanges cannot be used from here; without --live the recordings need no network"
  fi
  step "k2 run, until Ctrl-C"
  run_k2
}

# -- what came out

show_tables() {
  local tables rows
  step "tables"
  tables=$(build/release/k2 tables --config "$data/k2.yaml") || fail "k2 tables failed"
  printf '%s\n' "$tables"
  [[ -z $live ]] || return 0
  rows=$(awk '$1 ~ /gold_crypto_trades$/ { print $2 }' <<<"$tables" | tr -d ,)
  [[ $rows == 24222 ]] ||
    fail "gold_crypto_trades has ${rows:-no} rows; the recordings have 24222 trades (see $data/k2.log)"
}

show_audit() {
  local report rc=0
  step "audit"
  report=$(build/release/k2 audit --config "$data/k2.yaml") || rc=$?
  printf '%s\n' "$report"
  [[ $rc == 0 ]] || fail "the audit found faults, or could not be finished (exit code $rc)"
  [[ ${report##*$'\n'} == "audit: ok" ]] || fail "the audit's last line is not \"audit: ok\""
}

# The metadata file that the catalog names for a table.
metadata_of() {
  build/release/k2 tables --json --config "$data/k2.yaml" |
    grep -o "{\"name\":\"$1\".*" | grep -o -m1 '"metadata":"[^"]*"' | sed -n '1s/.*"file:\/\/\(.*\)"/\1/p'
}

show_queries() {
  local newest
  newest=$(metadata_of gold_crypto_trades)
  step "query it"
  cat <<END
-- DuckDB 1.4 or later (a snapshot of now: the file names the state of the table)
INSTALL iceberg; LOAD iceberg;
SELECT exchange, symbol, exchange_hour, count(*) AS trades, sum(price::DECIMAL(38, 8) * quantity) / sum(quantity) AS vwap
FROM iceberg_scan('$newest')
GROUP BY ALL ORDER BY ALL;

# Python: pip install 'pyiceberg[sql-sqlite,pyarrow]'
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("iceberg", uri="sqlite:///$data/k2.db", warehouse="file://$data/warehouse")
gold = catalog.load_table("market_data.gold_crypto_trades")
columns = ("timestamp", "side", "price", "quantity")
for trade in gold.scan(row_filter="symbol = 'BTCUSDT'", selected_fields=columns, limit=5).to_arrow().to_pylist():
    print(*trade.values())

# Spark 4.1 (one line)
spark-sql --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0,org.xerial:sqlite-jdbc:3.46.1.3 --conf spark.sql.catalog.iceberg=org.apache.iceberg.spark.SparkCatalog --conf spark.sql.catalog.iceberg.catalog-impl=org.apache.iceberg.jdbc.JdbcCatalog --conf 'spark.sql.catalog.iceberg.uri=jdbc:sqlite:$data/k2.db' --conf 'spark.sql.catalog.iceberg.warehouse=file://$data/warehouse' -e 'SELECT symbol, side, count(*) AS trades, sum(quantity) AS quantity FROM iceberg.market_data.gold_crypto_trades GROUP BY symbol, side ORDER BY symbol, side'
END
}

prepare_data
build
echo "data_dir: \"$data\"" >"$data/k2.yaml"
if [[ -n $live ]]; then run_live; else run_recordings; fi
show_tables
show_audit
show_queries
printf '\nquickstart: done; everything is in %s\n' "$data"
