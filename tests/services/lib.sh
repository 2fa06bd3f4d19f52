# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.sh - helpers that the service scripts source: directories, pid files
# that survive pid reuse, bounded waits.  Not a command of its own.
#
# K2_SERVICES_DIR (build/services): data, logs and pid files of one set of services; a second set needs a
# second folder and other ports, or a namespace of its own.  K2_SERVICES_CACHE (build/services-cache): programs.

shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
K2_SERVICES_DIR=${K2_SERVICES_DIR:-$root/build/services}
K2_CACHE=${K2_SERVICES_CACHE:-$root/build/services-cache}
mkdir -p "$K2_SERVICES_DIR" "$K2_CACHE"
K2_SERVICES_DIR=$(cd "$K2_SERVICES_DIR" && pwd)
K2_CACHE=$(cd "$K2_CACHE" && pwd)
K2_WAIT=${K2_WAIT:-60} # seconds that a start may take

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# The moment process $1 started, in clock ticks since boot; with the pid it
# names one process for good.  Fails for a process that is gone or a zombie.
proc_birth() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [[ $1 != Z ]] || return 1
  printf '%s\n' "${20}"
}

# svc_pid NAME: prints the pid of a running service, or fails.
svc_pid() {
  local pid birth
  { read -r pid birth <"$K2_SERVICES_DIR/$1/pid"; } 2>/dev/null || return 1
  [[ $(proc_birth "$pid" || true) == "$birth" ]] || return 1
  printf '%s\n' "$pid"
}

# ports_free NAME PORT...: fails when another program listens on one of them.
ports_free() {
  local name=$1 p
  shift
  if svc_pid "$name" >/dev/null; then return 0; fi
  for p in "$@"; do
    if port_open "$p"; then die "$name: port $p is taken"; fi
  done
}

# svc_start NAME COMMAND...: starts it detached, output in NAME/log; the log of
# the run before is kept as NAME/log.1.
svc_start() {
  local name=$1 dir=$K2_SERVICES_DIR/$1 pid
  shift
  mkdir -p "$dir"
  if pid=$(svc_pid "$name"); then
    say "$name: already running (pid $pid)"
    return 0
  fi
  if [[ -e $dir/log ]]; then mv "$dir/log" "$dir/log.1"; fi
  setsid "$@" </dev/null >"$dir/log" 2>&1 &
  pid=$!
  printf '%s %s\n' "$pid" "$(proc_birth "$pid")" >"$dir/pid"
  disown "$pid"
}

# svc_stop NAME: SIGTERM, then SIGKILL after K2_STOP_WAIT seconds.
svc_stop() {
  local name=$1 pid i
  if pid=$(svc_pid "$name"); then
    kill -TERM "$pid"
    for ((i = 0; i < ${K2_STOP_WAIT:-20} * 10; i++)); do
      svc_pid "$name" >/dev/null || break
      sleep 0.1
    done
    if svc_pid "$name" >/dev/null; then kill -KILL "$pid"; fi
    say "$name: stopped"
  else
    say "$name: not running"
  fi
  rm -f "$K2_SERVICES_DIR/$name/pid"
}

svc_status() {
  local pid
  if pid=$(svc_pid "$1"); then
    printf '%s: running, pid %s, %s MiB\n' "$1" "$pid" \
      "$(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$pid/status")"
  else
    printf '%s: stopped\n' "$1"
    return 3
  fi
}

# svc_wait NAME TEST...: until TEST succeeds; fails when the service dies or
# K2_WAIT seconds have passed.
svc_wait() {
  local name=$1 until=$((SECONDS + K2_WAIT))
  shift
  until "$@" >/dev/null 2>&1; do
    if ! svc_pid "$name" >/dev/null; then
      tail -n 20 "$K2_SERVICES_DIR/$name/log" >&2
      die "$name died while starting"
    fi
    ((SECONDS < until)) || die "$name not ready after $K2_WAIT s"
    sleep 0.2
  done
  say "$name: ready"
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
http_ok() { curl -fsS -o /dev/null --max-time 5 "$1"; }

# maven_jars NAME POM [ARG...]: copies the runtime jars of a pom into
# cache/NAME once, and prints the folder.
maven_jars() {
  local dir=$K2_CACHE/$1 pom=$2 tmp
  shift 2
  if [[ ! -e $dir/.complete ]]; then
    tmp=$dir.partial
    rm -rf "$tmp" "$dir"
    mvn -B -q -f "$pom" dependency:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$tmp" "$@" >&2
    touch "$tmp/.complete"
    mv "$tmp" "$dir"
  fi
  printf '%s\n' "$dir"
}

# go_install DIR PACKAGE@VERSION...: builds commands into DIR.
go_install() {
  local dir=$1
  shift
  mkdir -p "$dir"
  GOBIN=$dir CGO_ENABLED=0 GOFLAGS=-buildvcs=false go install "$@" >&2
}

# java_home MIN [HOME]: prints HOME, or else the folder of a JDK of MIN or newer
# that lies beside the default one.
java_home() {
  local home version
  if [[ -n ${2:-} ]]; then
    printf '%s\n' "$2"
    return 0
  fi
  for home in "$(dirname "$(readlink -f "$(command -v java)")")"/../../*; do
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null) || continue
    if ((${version:-0} >= $1)); then
      realpath "$home"
      return 0
    fi
  done
  die "Java $1 or newer is needed: set TRINO_JAVA_HOME, NESSIE_JAVA_HOME"
}
