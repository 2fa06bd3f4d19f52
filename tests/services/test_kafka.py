# SPDX-License-Identifier: Apache-2.0
"""The log on Kafka, against real brokers: the port's contract, who reads which partition, brokers that die,
transactions that are taken back, TLS and SASL.  At the end of each pipeline every trade is in Gold once."""
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import servers
from pipeline import BTC, BUILD, ETH, LENGTH_S, TOPIC, Exchange, Pipeline, message_id, recorded, wait_until

TRADES = 9757 + 8409
BROKER, BROKERS = "127.0.0.1:9092", "127.0.0.1:9092,127.0.0.1:9094,127.0.0.1:9096"
PARTITIONS = 40


class OnKafka(Pipeline):
    """`log`: further keys of the section."""

    def __init__(self, folder, brokers=BROKER, log="replication: 1"):
        super().__init__(folder)
        self.section = f'log: {{type: kafka, brokers: "{brokers}", {log}}}\n'

    def connect(self, *exchanges):
        super().connect(*exchanges)
        with open(self.config, "a") as file:
            file.write(self.section)

    def lines(self, event):
        return [line for line in (self.folder / "k2.log").read_text().splitlines() if f" event={event} " in line]


def brokers(folder, count=1, **properties):
    """Servers with further lines in server.properties; the last of a key counts."""
    properties.setdefault("group.initial.rebalance.delay.ms", 0)
    file = folder / "broker.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    return servers.Servers("kafka", KAFKA_BROKERS=str(count), KAFKA_PROPERTIES=str(file), KAFKA_HEAP="256m")


def check(pipeline):
    report = pipeline.audit()
    rows = pipeline.rows("gold_crypto_trades", "message_id")
    assert len(rows) == TRADES
    assert {row["message_id"] for row in rows} == {message_id(trade["s"], trade["t"])
                                                   for path in (BTC, ETH) for trade in recorded(path)}
    return report


def serve_all(pipeline):
    with Exchange("--speed", "0", "--stop-when-done", "--shift-time") as exchange:
        pipeline.connect(exchange)
        worker = pipeline.start()
        exchange.wait(180)
        pipeline.end(worker, signal.SIGTERM, timeout=120)


def consume(topic, **properties):
    """All committed records as (partition, key)."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": BROKER, "group.id": "judge", "enable.partition.eof": True,
                         "isolation.level": "read_committed", **properties})
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    records, ended = [], 0
    while ended < len(partitions):
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            ended += 1
        else:
            records.append((message.partition(), message.key()))
    consumer.close()
    return records


def test_the_contract_of_the_port(tmp_path):
    with brokers(tmp_path, **{"message.max.bytes": 8388608, "log.retention.ms": -1}):
        done = subprocess.run([BUILD / "tests/contract/contract_log"], capture_output=True, text=True, timeout=400,
                              env={**os.environ, "K2_KAFKA": BROKER})
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("\n[       OK ] records_come_back_as_they_were_sent") + \
            done.stderr.count("\n[       OK ] records_come_back_as_they_were_sent") == 3


def test_partitions_agree_with_java_and_aborted_records_are_never_seen(tmp_path):
    """Kafka's own clients put a key where K2 puts it: murmur2_random is Java's partitioner."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic
    with brokers(tmp_path), OnKafka(tmp_path) as pipeline:
        admin = AdminClient({"bootstrap.servers": BROKER})
        for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1), NewTopic("keys", PARTITIONS, 1)]).values():
            future.result()
        doubtful = Producer({"bootstrap.servers": BROKER, "transactional.id": "t"})
        doubtful.init_transactions()
        for partition in range(PARTITIONS):
            doubtful.begin_transaction()
            for _ in range(3):
                doubtful.produce(TOPIC, b"\0never", key=b"BTCUSDT", partition=partition)
            doubtful.flush()
            doubtful.abort_transaction()
        serve_all(pipeline)
        assert re.search(r" [1-9]\d* never were", check(pipeline))

        placed = {key: partition for partition, key in consume(TOPIC)}
        assert set(placed) == {b"BTCUSDT", b"ETHUSDT"}
        producer = Producer({"bootstrap.servers": BROKER, "partitioner": "murmur2_random"})
        for key in placed:
            producer.produce("keys", b"", key=key)
        producer.flush()
        assert {key: partition for partition, key in consume("keys")} == placed


def test_a_commit_that_takes_long_costs_no_membership(tmp_path):
    with brokers(tmp_path), OnKafka(tmp_path, log="replication: 1, properties: {session.timeout.ms: 6000, "
                                                  "max.poll.interval.ms: 6000}") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 40), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            wait_until(lambda: pipeline.lines("kafka_assigned"), 60, "partitions")
            time.sleep(3)
            with sqlite3.connect(pipeline.data / "k2.db", isolation_level=None, timeout=30) as catalog:
                catalog.execute("BEGIN EXCLUSIVE")
                time.sleep(15)
                catalog.execute("ROLLBACK")
            exchange.wait(180)
            assert len(pipeline.lines("kafka_assigned")) == 1 and not pipeline.lines("kafka_revoked")
            pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)


def test_partitions_move_between_bronze_processes(tmp_path):
    """Two of them, started, stopped and killed in turn, while the exchange goes on."""
    with brokers(tmp_path), OnKafka(tmp_path, log="replication: 1, properties: {session.timeout.ms: 6000}") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 60), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            others = pipeline.start("--jobs", "ingest-binance,silver-binance,gold")
            bronze = [pipeline.start("--jobs", "bronze-binance")]
            for turn in range(6):
                time.sleep(5)
                bronze.append(pipeline.start("--jobs", "bronze-binance"))
                time.sleep(4)
                if turn % 3 == 2:
                    pipeline.kill(bronze.pop(0))
                else:
                    pipeline.end(bronze.pop(0), signal.SIGTERM)
            exchange.wait(180)
            pipeline.end(others, signal.SIGTERM, timeout=120)
            pipeline.end(bronze.pop(), signal.SIGTERM, timeout=120)
        pipeline.end(pipeline.start("--jobs", "bronze-binance,silver-binance,gold", "--for", "15s"), timeout=120)
        check(pipeline)
        moved = [re.search(r"partitions=(\d+)", line)[1] for line in pipeline.lines("kafka_revoked")]
        assert any(0 < int(count) < PARTITIONS for count in moved), moved


def test_a_broker_dies_and_comes_back(tmp_path):
    with brokers(tmp_path, count=3) as cluster, OnKafka(tmp_path, BROKERS, log="replication: 3") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 60), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            for node in "213":
                time.sleep(6)
                cluster.run("kafka", "stop", KAFKA_NODE=node, K2_STOP_WAIT="0")
                time.sleep(4)
                cluster.run("kafka", "start", KAFKA_NODE=node)
            assert worker.poll() is None, pipeline.said()
            exchange.wait(180)
            done = pipeline.command("check")
            assert "FAIL  log" not in done.stdout, done.stdout
            pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)


def make_keys(folder):
    """An authority, and a broker's key signed by it, as PEM."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key",
            "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-keyout", "key.pem", "-out", "broker.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "broker.pem")
    (folder / "broker.keys").write_text((folder / "key.pem").read_text() + (folder / "broker.pem").read_text())


SAFE, INNER = "127.0.0.1:9192", BROKER


def safe_brokers(folder, version=None):
    """A broker that others than its own controller reach by TLS and SASL, and tests also without."""
    make_keys(folder)
    module = "org.apache.kafka.common.security"
    started = brokers(folder, **{
        "listeners": f"SASL_SSL://{SAFE},PLAINTEXT://{INNER},CONTROLLER://127.0.0.1:19092",
        "advertised.listeners": f"SASL_SSL://{SAFE},PLAINTEXT://{INNER}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM", "ssl.keystore.location": folder / "broker.keys",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config":
            f'{module}.plain.PlainLoginModule required user_k2="plain-secret";',
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;"})
    if version:
        started.environment["KAFKA_VERSION"] = version
    return started


def make_scram_user():
    from confluent_kafka.admin import (AdminClient, ScramCredentialInfo, ScramMechanism,
                                       UserScramCredentialUpsertion)
    user = UserScramCredentialUpsertion("k2", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), b"scram-secret")
    admin = AdminClient({"bootstrap.servers": INNER})
    for future in admin.alter_user_scram_credentials([user]).values():
        future.result()


def login(mechanism, password, ca):
    return (f"replication: 1, properties: {{security.protocol: SASL_SSL, sasl.mechanisms: {mechanism}, "
            f"sasl.username: k2, sasl.password: '{password}', ssl.ca.location: '{ca}'}}")


def refused(folder, log):
    """What `k2 check` says of the log; never a secret."""
    with OnKafka(folder, SAFE, log) as pipeline, Exchange() as exchange:
        pipeline.connect(exchange)
        done = pipeline.command("check")
        assert done.returncode == 1 and "secret" not in done.stdout + done.stderr
        return next(line for line in done.stdout.splitlines() if line.startswith("FAIL  log"))


def test_tls_and_plain_where_the_broker_demands_them(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    make_keys(tmp_path / "other")
    monkeypatch.setenv("K2_TEST_PASSWORD", "plain-secret")
    with safe_brokers(tmp_path):
        with OnKafka(tmp_path / "k2", SAFE, login("PLAIN", "${K2_TEST_PASSWORD}", tmp_path / "ca.pem")) as pipeline:
            serve_all(pipeline)
            check(pipeline)
        assert "uthentication" in refused(tmp_path / "a", login("PLAIN", "wrong-secret", tmp_path / "ca.pem"))
        assert "certificate" in refused(tmp_path / "b", login("PLAIN", "plain-secret", tmp_path / "other/ca.pem"))


def test_scram_where_the_broker_demands_it(tmp_path):
    """Debian's librdkafka cannot with a broker of Kafka 4 (CVE-2024-56128's fix refuses what it sends, mended in
    librdkafka 2.6.1), and we say so."""
    (tmp_path / "password").write_text("scram-secret\n")
    good = login("SCRAM-SHA-512", f"file:{tmp_path}/password", tmp_path / "ca.pem")
    with safe_brokers(tmp_path, "3.9.1"):
        make_scram_user()
        with OnKafka(tmp_path / "k2", SAFE, good) as pipeline:
            serve_all(pipeline)
            check(pipeline)
        assert "uthentication" in refused(tmp_path / "a", login("SCRAM-SHA-512", "wrong-secret", tmp_path / "ca.pem"))
    with safe_brokers(tmp_path):
        make_scram_user()
        with OnKafka(tmp_path / "new", SAFE, good) as pipeline, Exchange() as exchange:
            pipeline.connect(exchange)
            said = pipeline.command("check").stdout
            assert "is cluster" in said or "cannot log in to Kafka 4 by SCRAM, 2.6.1 can" in said


def test_one_replica_is_said_and_a_missing_topic_names_the_command(tmp_path):
    with brokers(tmp_path), Exchange() as exchange:
        with OnKafka(tmp_path / "few", log="replication: 3") as pipeline:
            pipeline.connect(exchange)
            assert "the cluster has 1 brokers" in pipeline.command("check").stdout
            worker = pipeline.start()
            assert worker.wait(60) != 0
            pipeline.workers.remove(worker)
            assert "set log.replication" in pipeline.said()
        with OnKafka(tmp_path / "none", log="replication: 1, create_topics: false") as pipeline:
            pipeline.connect(exchange)
            worker = pipeline.start()
            assert worker.wait(60) != 0
            pipeline.workers.remove(worker)
            assert f"--create --topic {TOPIC} --partitions {PARTITIONS}" in pipeline.said()
        with OnKafka(tmp_path / "one") as pipeline:
            serve_all(pipeline)
            said = pipeline.command("check").stdout
            assert f"topic {TOPIC} has 1 replica" in said and "min.insync.replicas=1" in said
