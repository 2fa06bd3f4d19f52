#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kafka.sh install|start|stop|status|wipe|tool - Apache Kafka in KRaft mode on
# loopback.
#
# KAFKA_BROKERS=1 (default) or 3 combined broker+controller nodes.  Node N
# listens on KAFKA_PORT + 2*(N-1) (default 9092, 9094, 9096); its controller
# on KAFKA_CONTROLLER_PORT + 2*(N-1) (default 19092, 19094, 19096).
# KAFKA_NODE=N makes start/stop/status act on one node of the cluster.
# KAFKA_HEAP (default 384m) is each node's heap; KAFKA_PROPERTIES names a file
# whose lines are appended to server.properties of a node when it is formatted.
# `kafka.sh tool CLASS ARG...` runs a class of Kafka's own tools, for example
# org.apache.kafka.tools.TopicCommand.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
source "$here/lib.sh"

version=${KAFKA_VERSION:-4.4.0}
brokers=${KAFKA_BROKERS:-1}
port=${KAFKA_PORT:-9092}
cport=${KAFKA_CONTROLLER_PORT:-19092}
cluster_id=K2servicesAAAAAAAAAAAA
data=$K2_SERVICES_DIR/kafka-data

# The tools are a version behind the broker: that is the newest to be had.
tool_jars() { maven_jars kafka-tools "$here/poms/kafka-tools.xml"; }
jars() { maven_jars "kafka-$version" "$here/poms/kafka.xml" "-Dkafka.version=$version"; }

run_java() {
  local libs=$1
  shift
  java -Dlog4j2.configurationFile="$here/kafka-log4j2.properties" -cp "$libs/*" "$@"
}

node_name() { ((brokers == 1)) && echo kafka || echo "kafka-$1"; }
nodes() { if [[ -n ${KAFKA_NODE:-} ]]; then echo "$KAFKA_NODE"; else seq 1 "$brokers"; fi; }

# Writes the properties of node $1 and formats its log directory, once.
format_node() {
  local n=$1 dir voters="" i rf=$((brokers < 3 ? brokers : 3))
  dir=$data/$(node_name "$n")
  [[ -e $dir/logs/meta.properties ]] && return 0
  mkdir -p "$dir"
  for ((i = 1; i <= brokers; i++)); do
    voters+=${voters:+,}$i@127.0.0.1:$((cport + 2 * (i - 1)))
  done
  cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + 2 * (n - 1))),CONTROLLER://127.0.0.1:$((cport + 2 * (n - 1)))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port + 2 * (n - 1)))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/logs
num.partitions=3
default.replication.factor=$rf
min.insync.replicas=$((rf > 1 ? 2 : 1))
offsets.topic.num.partitions=3
offsets.topic.replication.factor=$rf
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=$rf
transaction.state.log.min.isr=$((rf > 1 ? 2 : 1))
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$rf
share.coordinator.state.topic.min.isr=$((rf > 1 ? 2 : 1))
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=16777216
EOF
  if [[ -n ${KAFKA_PROPERTIES:-} ]]; then cat "$KAFKA_PROPERTIES" >>"$dir/server.properties"; fi
  run_java "$2" kafka.tools.StorageTool format -t "$cluster_id" \
    -c "$dir/server.properties" >>"$dir/format.log" 2>&1 || {
    tail -n 20 "$dir/format.log" >&2
    die "cannot format node $n"
  }
}

start() {
  local libs n name
  libs=$(jars)
  for n in $(nodes); do
    name=$(node_name "$n")
    ports_free "$name" $((port + 2 * (n - 1))) $((cport + 2 * (n - 1)))
    format_node "$n" "$libs"
    svc_start "$name" java "-Xmx${KAFKA_HEAP:-384m}" "-Xms${KAFKA_HEAP:-384m}" \
      -XX:+UseSerialGC -Djava.awt.headless=true \
      -Dlog4j2.configurationFile="$here/kafka-log4j2.properties" \
      -cp "$libs/*" kafka.Kafka "$data/$name/server.properties"
  done
  for n in $(nodes); do
    name=$(node_name "$n")
    svc_wait "$name" grep -q "Kafka Server started" "$K2_SERVICES_DIR/$name/log"
  done
}

stop() {
  local n
  for n in $(nodes); do svc_stop "$(node_name "$n")"; done
}

status() {
  local n rc=0
  for n in $(nodes); do svc_status "$(node_name "$n")" || rc=$?; done
  return "$rc"
}

case ${1:-} in
  install) jars >/dev/null ;;
  start) start ;;
  stop) stop ;;
  status) status ;;
  wipe) stop && rm -rf "$data" ;;
  tool) shift && run_java "$(tool_jars)" "$@" ;;
  *) die "usage: kafka.sh install|start|stop|status|wipe|tool CLASS ARG..." ;;
esac
