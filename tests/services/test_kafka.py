# SPDX-License-Identifier: Apache-2.0
"""The log on Kafka, against real brokers: the port's contract, who reads which partition, brokers that come late or
die, transactions that are taken back, TLS, SASL and rights.  At the end of each pipeline every trade is in Gold once.

Most tests share one broker, each with topics of its own making; it is started by the first that needs it."""
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import servers
from pipeline import BTC, BUILD, DEAD_TOPIC, ETH, LENGTH_S, SOURCE, TOPIC, Exchange, Pipeline, message_id, recorded, wait_until

TRADES = 9757 + 8409
BROKER, BROKERS = "127.0.0.1:9092", "127.0.0.1:9092,127.0.0.1:9094,127.0.0.1:9096"
PARTITIONS = 40
KRAKEN = [SOURCE / "recordings" / f"kraken-v2-made-{name}.gz" for name in ("btcusd", "ethusd")]


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


def admin(address=BROKER):
    from confluent_kafka.admin import AdminClient
    return AdminClient({"bootstrap.servers": address})


def ask(operation, *arguments, address=BROKER):
    """One of the admin client's operations, done."""
    client = admin(address)
    for future in getattr(client, operation)(*arguments).values():
        future.result()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The shared broker's Servers, not started."""
    with_it = safe_brokers(tmp_path_factory.mktemp("shared"))
    yield with_it
    with_it.__exit__()


@pytest.fixture
def away(shared):
    """The shared broker, stopped before the test; without topics after it."""
    shared.run("kafka", "stop")
    yield shared
    remove_topics(shared)


@pytest.fixture
def broker(shared):
    """The shared broker, started, without topics."""
    shared.run("kafka", "start")
    yield shared
    remove_topics(shared)


def remove_topics(shared):
    shared.run("kafka", "start")
    client = admin()
    names = [name for name in client.list_topics(timeout=30).topics if not name.startswith("__")]
    if names:
        ask("delete_topics", names)
    wait_until(lambda: not set(names) & set(client.list_topics(timeout=30).topics), 30, "topics are gone")


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
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": BROKER, "group.id": "judge", "enable.partition.eof": True,
                         "isolation.level": "read_committed", **properties})
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
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


def test_it_waits_for_brokers_that_come_late(tmp_path, away):
    """Stopped while it waits, it ends at once and well; else it goes on when they come."""
    with OnKafka(tmp_path) as pipeline, Exchange("--speed", "0", "--stop-when-done", "--shift-time") as exchange:
        pipeline.connect(exchange)
        need_it = {"ingest-binance", "bronze-binance", "silver-binance"}
        for number in (signal.SIGINT, signal.SIGTERM):
            waits = len(pipeline.lines("job_waits"))
            worker = pipeline.start()
            wait_until(lambda: waiting(pipeline.lines("job_waits")[waits:]) == need_it, 30, "every job that needs it says so")
            pipeline.end(worker, number, timeout=10)
        assert all(f"no broker of {BROKER} answers" in line and "Connection refused" in line
                   for line in pipeline.lines("job_waits"))
        assert pipeline.command("maintain").returncode == 0  # what brokers forget is the topic's own setting
        worker = pipeline.start()
        wait_until(lambda: health()[0] == 503, 30, "the status port shows it")
        assert f"no broker of {BROKER} answers" in health()[1]
        away.run("kafka", "start")
        exchange.wait(180)
        pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)
        assert waiting(pipeline.lines("job_waits")) == need_it


def waiting(lines):
    """The jobs that say so."""
    return {re.search(r" job=(\S+)", line)[1] for line in lines}


def health():
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080/health", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


def test_the_contract_of_the_port(broker):
    done = subprocess.run([BUILD / "tests/contract/contract_log"], capture_output=True, text=True, timeout=400,
                          env={**os.environ, "K2_KAFKA": BROKER})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("\n[       OK ] records_come_back_as_they_were_sent") == 3


def test_a_commit_that_takes_long_costs_no_membership(tmp_path, broker):
    with OnKafka(tmp_path, log="replication: 1, properties: {session.timeout.ms: 6000, "
                               "max.poll.interval.ms: 6000}") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 20), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            wait_until(lambda: metric("k2_batches_total", "bronze-binance") > 0, 60, "a commit")
            with sqlite3.connect(pipeline.data / "k2.db", isolation_level=None, timeout=30) as catalog:
                catalog.execute("BEGIN EXCLUSIVE")
                committed, sent = (metric("k2_batches_total", "bronze-binance"),
                                   metric("k2_records_acknowledged_total", "ingest-binance"))
                time.sleep(9)  # longer than both timeouts
                assert metric("k2_batches_total", "bronze-binance") <= committed + 1
                assert metric("k2_records_acknowledged_total", "ingest-binance") > sent
                catalog.execute("ROLLBACK")
            exchange.wait(180)
            assert len(pipeline.lines("kafka_assigned")) == 1 and not pipeline.lines("kafka_revoked")
            pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)


def metric(name, job):
    """0 while there is no status port."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080/metrics", timeout=10) as answer:
            found = re.search(rf'^{name}{{job="{job}"}} (\d+)$', answer.read().decode(), re.M)
            return int(found[1])
    except OSError:
        return 0


def test_partitions_move_between_bronze_processes(tmp_path, broker):
    """Two of them, started, stopped and killed in turn, while the exchange goes on."""
    with OnKafka(tmp_path, log="replication: 1, properties: {session.timeout.ms: 6000}") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 30), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            others = pipeline.start("--jobs", "ingest-binance,silver-binance,gold")
            bronze = [pipeline.start("--jobs", "bronze-binance")]
            wait_until(lambda: pipeline.lines("kafka_assigned"), 60, "partitions")
            for kill in (False, True, False):
                given = len(pipeline.lines("kafka_assigned"))
                bronze.append(pipeline.start("--jobs", "bronze-binance"))
                wait_until(lambda: len(pipeline.lines("kafka_assigned")) > given, 60, "partitions for the new one")
                given = len(pipeline.lines("kafka_assigned"))
                if kill:
                    pipeline.kill(bronze.pop(0))
                else:
                    pipeline.end(bronze.pop(0), signal.SIGTERM)
                wait_until(lambda: len(pipeline.lines("kafka_assigned")) > given, 60, "partitions of the old one")
            exchange.wait(180)
            pipeline.end(others, signal.SIGTERM, timeout=120)
            pipeline.end(bronze.pop(), signal.SIGTERM, timeout=120)
        pipeline.end(pipeline.start("--jobs", "bronze-binance,silver-binance,gold", "--for", "1s"), timeout=120)
        check(pipeline)
        moved = [re.search(r"partitions=(\d+)", line)[1] for line in pipeline.lines("kafka_revoked")]
        assert any(0 < int(count) < PARTITIONS for count in moved), moved


def test_a_broker_dies_and_comes_back(tmp_path, shared):
    """Two in turn, as leader, coordinator and controller; at the end settings that would lose records."""
    shared.run("kafka", "stop")
    with brokers(tmp_path, count=3) as cluster, OnKafka(tmp_path, BROKERS, log="replication: 3") as pipeline:
        with Exchange("--speed", str(LENGTH_S / 60), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            wait_until(lambda: metric("k2_records_acknowledged_total", "ingest-binance") > 0, 60, "trades")
            for node in "21":
                wait_until(lambda: in_sync(BROKERS), 60, "three replicas in sync")
                cluster.run("kafka", "stop", KAFKA_NODE=node, K2_STOP_WAIT="0")
                before = metric("k2_records_acknowledged_total", "ingest-binance")
                wait_until(lambda: metric("k2_records_acknowledged_total", "ingest-binance") > before + 200,
                           60, f"trades are acknowledged without broker {node}")
                assert exchange.process.poll() is None, "not all was read before the broker was killed"
                if node == "2":
                    stop_demanding_more_than_there_are()
                cluster.run("kafka", "start", KAFKA_NODE=node)
            assert worker.poll() is None, pipeline.said()
            exchange.wait(180)
            said = pipeline.command("check").stdout
            assert "FAIL  log" not in said, said
            pipeline.end(worker, signal.SIGTERM, timeout=120)
            check(pipeline)
            check_names_what_would_lose_records(pipeline)


def stop_demanding_more_than_there_are():
    """Three in sync where there are two: brokers refuse what asks for all of them (acks=all), and nothing else."""
    def acknowledged():
        return metric("k2_records_acknowledged_total", "ingest-binance")
    set_topic(TOPIC, BROKERS, min_insync_replicas="3")
    time.sleep(1)  # what was under way
    held = acknowledged()
    time.sleep(2)
    assert acknowledged() == held > 0
    set_topic(TOPIC, BROKERS, min_insync_replicas="2")
    wait_until(lambda: acknowledged() > held, 30, "trades are acknowledged again")


def in_sync(address):
    """All replicas of K2's topic, once it is there."""
    topic = admin(address).list_topics(timeout=30).topics.get(TOPIC)
    return topic is not None and all(len(partition.isrs) == 3 for partition in topic.partitions.values())


def set_topic(topic, address, **settings):
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
    entries = [ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
               for name, value in settings.items()]
    ask("incremental_alter_configs", [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)],
        address=address)


def check_names_what_would_lose_records(pipeline):
    """`k2 check` demands min.insync.replicas of 2 and no unclean election, and names what sets them."""
    wanted = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
    set_topic(TOPIC, BROKERS, min_insync_replicas="1", unclean_leader_election_enable="true")
    found = pipeline.command("check")
    assert found.returncode == 1
    for name, bad in (("min.insync.replicas", "1"), ("unclean.leader.election.enable", "true")):
        assert re.search(rf"^FAIL  log +topic {re.escape(TOPIC)} has {name}={bad}: what was acknowledged could be lost "
                         rf"with one broker: `kafka-configs.sh --bootstrap-server {BROKERS} --alter --entity-type "
                         rf"topics --entity-name {re.escape(TOPIC)} --add-config {name}={wanted[name]}`$",
                         found.stdout, re.M), found.stdout
    set_topic(TOPIC, BROKERS, **{name.replace(".", "_"): value for name, value in wanted.items()})
    assert "FAIL  log" not in pipeline.command("check").stdout


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
    """A broker that others than its own controller reach by TLS and SASL, and tests also without.  It checks rights:
    user poor has none."""
    make_keys(folder)
    module = "org.apache.kafka.common.security"
    started = brokers(folder, **{
        "listeners": f"SASL_SSL://{SAFE},PLAINTEXT://{INNER},CONTROLLER://127.0.0.1:19092",
        "advertised.listeners": f"SASL_SSL://{SAFE},PLAINTEXT://{INNER}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM", "ssl.keystore.location": folder / "broker.keys",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config":
            f'{module}.plain.PlainLoginModule required user_k2="plain-secret" user_poor="poor-secret";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:k2", "message.max.bytes": 8388608, "log.retention.ms": -1,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;"})
    started.ca = folder / "ca.pem"
    if version:
        started.environment["KAFKA_VERSION"] = version
    return started


def make_scram_user():
    from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
    user = UserScramCredentialUpsertion("k2", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), b"scram-secret")
    ask("alter_user_scram_credentials", [user])


def login(mechanism, password, ca, user="k2"):
    return (f"replication: 1, properties: {{security.protocol: SASL_SSL, sasl.mechanisms: {mechanism}, "
            f"sasl.username: {user}, sasl.password: '{password}', ssl.ca.location: '{ca}'}}")


def refused(folder, log):
    """What `k2 check` says of the log, and `k2 run`, which ends at once; never a secret."""
    with OnKafka(folder, SAFE, log) as pipeline, Exchange() as exchange:
        pipeline.connect(exchange)
        found = pipeline.command("check")
        ended = pipeline.command("run", timeout=10)
        assert found.returncode == 1 and ended.returncode == 2
        assert "secret" not in found.stdout + found.stderr + ended.stdout + ended.stderr
        assert "refuse us" in ended.stderr.splitlines()[-1]
        return next(line for line in found.stdout.splitlines() if line.startswith("FAIL  log"))


def test_tls_and_plain_where_the_broker_demands_them(tmp_path, broker, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    make_keys(other)
    monkeypatch.setenv("K2_TEST_PASSWORD", "plain-secret")
    with OnKafka(tmp_path / "k2", SAFE, login("PLAIN", "${K2_TEST_PASSWORD}", broker.ca)) as pipeline:
        serve_all(pipeline)
        check(pipeline)
    assert "uthentication" in refused(tmp_path / "a", login("PLAIN", "wrong-secret", broker.ca))
    assert "certificate" in refused(tmp_path / "b", login("PLAIN", "plain-secret", other / "ca.pem"))


def test_a_broker_that_refuses_does_not_speak_for_the_others(tmp_path, broker):
    """One has another authority's certificate and answers at once, the other is good and slow."""
    strange = tmp_path / "strange"
    strange.mkdir()
    make_keys(strange)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(strange / "broker.pem", strange / "key.pem")

    def refuse(client):
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secured:
            secured.recv(1)

    def relay_late(client):
        time.sleep(0.5)
        with client, socket.create_connection(("127.0.0.1", 9192)) as other:
            def pump(source, sink):
                with contextlib.suppress(OSError):
                    while data := source.recv(65536):
                        sink.sendall(data)
                    sink.shutdown(socket.SHUT_WR)
            back = threading.Thread(target=pump, args=(other, client), daemon=True)
            back.start()
            pump(client, other)
            back.join()

    with listen(refuse) as bad, listen(relay_late) as good, \
            OnKafka(tmp_path, f"{bad},{good}", login("PLAIN", "plain-secret", broker.ca)) as pipeline, \
            Exchange() as exchange:
        pipeline.connect(exchange)
        for _ in range(3):
            said = pipeline.command("check").stdout
            assert "is cluster" in said, said


@contextlib.contextmanager
def listen(serve):
    """Its address; a thread for each that connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        yield "127.0.0.1:%d" % server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_scram_where_the_broker_demands_it(tmp_path, shared):
    """Debian's librdkafka cannot with a broker of Kafka 4 (CVE-2024-56128's fix refuses what it sends, mended in
    librdkafka 2.6.1), and we say so."""
    (tmp_path / "password").write_text("scram-secret\n")
    shared.run("kafka", "start")
    make_scram_user()
    with OnKafka(tmp_path / "new", SAFE, login("SCRAM-SHA-512", f"file:{tmp_path}/password", shared.ca)) as pipeline, \
            Exchange() as exchange:
        pipeline.connect(exchange)
        said = pipeline.command("check").stdout
        assert "is cluster" in said or "cannot log in to Kafka 4 by SCRAM, 2.6.1 can" in said
    shared.run("kafka", "stop")
    with safe_brokers(tmp_path, "3.9.1") as old:
        make_scram_user()
        with OnKafka(tmp_path / "k2", SAFE, login("SCRAM-SHA-512", f"file:{tmp_path}/password", old.ca)) as pipeline:
            serve_all(pipeline)
            check(pipeline)
        assert "uthentication" in refused(tmp_path / "a", login("SCRAM-SHA-512", "wrong-secret", old.ca))


FIX = re.compile(r"`kafka-acls.sh --bootstrap-server \S+ --add --allow-principal 'User:poor' --operation (\w+) "
                 r"--(topic|group) (\S+)`")


def grant(operation, kind, name):
    from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType)
    name_of = {"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(operation, operation.upper())
    ask("create_acls", [AclBinding(ResourceType[kind.upper()], name, ResourcePatternType.LITERAL, "User:poor", "*",
                                   AclOperation[name_of], AclPermissionType.ALLOW)])


def test_a_right_that_is_missing_is_named_until_it_is_given(tmp_path, broker):
    ca = tmp_path / "ca.pem"
    shutil.copy(broker.ca, ca)
    with OnKafka(tmp_path, SAFE, login("PLAIN", "poor-secret", ca, "poor")) as pipeline, \
            Exchange("--speed", "0", "--stop-when-done", "--shift-time") as exchange:
        pipeline.connect(exchange)
        group = "k2-market_data-bronze-binance"
        topics = {("Describe", "topic", TOPIC), ("Describe", "topic", DEAD_TOPIC)}
        missing = []
        while fixes := {fix.groups() for line in pipeline.command("check").stdout.splitlines()
                        if line.startswith("FAIL  log") and (fix := FIX.search(line))}:
            assert not any(fixes & given for given in missing), "given, and still named"
            missing.append(fixes)
            for fix in fixes:
                if fix[0] != "Write" and fix[1] != "group":
                    grant(*fix)
            if missing[-1] == {("Create", "topic", TOPIC), ("Create", "topic", DEAD_TOPIC)}:
                make_topics(pipeline)
                pipeline.connect(exchange)
                break
        assert missing == [topics, {("Create", "topic", TOPIC), ("Create", "topic", DEAD_TOPIC)}]
        expected = {(operation, "topic", topic) for operation in ("Read", "DescribeConfigs")
                    for topic in (TOPIC, DEAD_TOPIC)}
        found = {fix.groups() for fix in FIX.finditer(pipeline.command("check").stdout)}
        assert found == expected | {("Write", "topic", TOPIC), ("Read", "group", group)}

        for topic in (TOPIC, DEAD_TOPIC):
            grant("DescribeConfigs", "topic", topic)
        worker = pipeline.start()
        needed = [("ingest_log_failing", ("Write", "topic", TOPIC)), ("job_waits", ("Read", "group", group)),
                  ("job_waits", ("Read", "topic", TOPIC))]
        for event, right in needed[:2]:
            wait_until(lambda: is_named(pipeline.lines(event), right), 60, f"{event} names {right}")
        replace_the_authority_slowly(pipeline, worker, ca)
        for event, right in needed:
            wait_until(lambda: is_named(pipeline.lines(event), right), 60, f"{event} names {right}")
            grant(*right)
        grant("Write", "topic", DEAD_TOPIC)
        grant("Read", "topic", DEAD_TOPIC)
        exchange.wait(180)
        take_and_give_back(pipeline)
        pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)
        assert not FIX.search(pipeline.command("check").stdout)


def make_topics(pipeline):
    """By K2, with another exchange: what was read and may not be written is lost with it."""
    with Exchange() as exchange:
        pipeline.connect(exchange)
        worker = pipeline.start("--jobs", "ingest-binance")
        wait_until(lambda: {TOPIC, DEAD_TOPIC} <= set(admin().list_topics(timeout=30).topics), 30, "topics")
        pipeline.kill(worker)


def is_named(lines, right):
    return any((fix := FIX.search(line)) and fix.groups() == right for line in lines)


def replace_the_authority_slowly(pipeline, worker, ca):
    """A producer that is denied is made anew, and its certificates may just be away: what was read stays."""
    ca.rename(ca.with_suffix(".new"))
    wait_until(lambda: any("ssl.ca.location" in line for line in pipeline.lines("ingest_log_failing")), 30,
               "no new producer")
    time.sleep(1.5)  # it tries twice more
    assert worker.poll() is None
    ca.with_suffix(".new").rename(ca)


def take_and_give_back(pipeline):
    """The right to read, while all is read: partitions that stay idle do not hold the others up."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import (AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType,
                                       ResourceType)
    wait_until(lambda: metric("k2_rows_total", "bronze-binance") == TRADES, 60, "Bronze has all")
    ask("delete_acls", [AclBindingFilter(ResourceType.TOPIC, TOPIC, ResourcePatternType.LITERAL, "User:poor", "*",
                                         AclOperation.READ, AclPermissionType.ALLOW)])
    time.sleep(3)  # each partition's fetch is denied
    said = len(pipeline.lines("job_waits"))
    producer = Producer({"bootstrap.servers": BROKER})
    producer.produce(TOPIC, b"no trade", partition=0)
    producer.flush()
    wait_until(lambda: is_named(pipeline.lines("job_waits")[said:], ("Read", "topic", TOPIC)), 60, "it is said again")
    grant("Read", "topic", TOPIC)
    wait_until(lambda: metric("k2_rows_total", "bronze-binance") == TRADES + 1, 30, "Bronze goes on")


def test_one_replica_is_said_and_a_missing_topic_names_the_command(tmp_path, broker):
    with Exchange() as exchange:
        with OnKafka(tmp_path / "few", log="replication: 3") as pipeline:
            pipeline.connect(exchange)
            assert "the cluster has 1 brokers" in pipeline.command("check").stdout
            worker = pipeline.start()
            wait_until(lambda: pipeline.lines("ingest_not_ready"), 30, "it waits for the other brokers")
            assert "set log.replication" in pipeline.lines("ingest_not_ready")[0]
            pipeline.end(worker, signal.SIGTERM, timeout=20)
        with OnKafka(tmp_path / "none", log="replication: 1, create_topics: false") as pipeline:
            pipeline.connect(exchange)
            assert "not there yet" in pipeline.command("check").stdout
            ended = pipeline.command("run", timeout=60)
            assert ended.returncode == 2
            assert f"--create --topic {TOPIC} --partitions {PARTITIONS}" in ended.stderr.splitlines()[-1]
        with OnKafka(tmp_path / "one") as pipeline:
            pipeline.connect(exchange)
            pipeline.end(pipeline.start("--jobs", "ingest-binance", "--for", "1s"))
            said = pipeline.command("check").stdout
            assert f"topic {TOPIC} has 1 replica" in said and "min.insync.replicas=1" in said


def test_partitions_agree_with_java_and_the_audit_asks_for_offsets_that_never_were(tmp_path, broker):
    """Kafka's own producer puts a key where K2 puts it.  Aborted records are never seen, nor is a topic's deleted head
    missed.  What K2 sends is compressed by zstd."""
    from confluent_kafka import Producer, TopicPartition
    from confluent_kafka.admin import NewTopic
    with OnKafka(tmp_path) as pipeline:
        ask("create_topics", [NewTopic(TOPIC, PARTITIONS, 1), NewTopic("keys", PARTITIONS, 1)])
        doubtful = Producer({"bootstrap.servers": BROKER, "transactional.id": "t"})
        doubtful.init_transactions()
        doubtful.begin_transaction()
        for partition in range(PARTITIONS):
            for _ in range(3):
                doubtful.produce(TOPIC, b"\0never", key=b"BTCUSDT", partition=partition)
        doubtful.flush()
        doubtful.abort_transaction()
        ask("delete_records", [TopicPartition(TOPIC, partition, 2) for partition in range(PARTITIONS)])
        serve_all(pipeline)
        report = check(pipeline)
        assert never_were(report) == 2 * PARTITIONS  # of each partition one record and the marker, behind the head

        placed = {key: partition for partition, key in consume(TOPIC)}
        assert set(placed) == {b"BTCUSDT", b"ETHUSDT"}
        assert produce_by_java("keys", list(placed)) == placed
        check_batches(broker, placed)
        lose_a_file_of_bronze(pipeline, broker)
        make_the_topic_again(pipeline, placed)


def tool(name, *words, **options):
    return subprocess.run([servers.SERVICES / "kafka.sh", "tool", f"org.apache.kafka.tools.{name}", *map(str, words)],
                          capture_output=True, text=True, timeout=120, check=True, **options).stdout


def produce_by_java(topic, keys):
    """The partitions that Kafka's own producer puts keys into."""
    tool("ConsoleProducer", "--bootstrap-server", BROKER, "--topic", topic, "--reader-property", "parse.key=true",
         "--reader-property", "key.separator=|", input="".join(f"{key.decode()}|x\n" for key in keys))
    return {key: partition for partition, key in consume(topic)}


def check_batches(broker, placed):
    """As they lie on the broker's disk: zstd, by an idempotent producer and not in a transaction."""
    for partition in set(placed.values()):
        segment = broker.folder / f"kafka-data/kafka/logs/{TOPIC}-{partition}/00000000000000000000.log"
        batches = [line for line in tool("DumpLogSegments", "--files", segment).splitlines()
                   if line.startswith("baseOffset:") and "isTransactional: false" in line]
        assert batches
        for batch in batches:
            assert "compresscodec: zstd" in batch and "producerId: -1" not in batch, batch


def make_the_topic_again(pipeline, placed):
    """Under the same name, on the same cluster: with as many records no position can tell, their times do."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import NewTopic
    ask("delete_topics", [TOPIC])
    wait_until(lambda: TOPIC not in admin().list_topics(timeout=30).topics, 30, "the topic is gone")
    ask("create_topics", [NewTopic(TOPIC, PARTITIONS, 1)])
    producer = Producer({"bootstrap.servers": BROKER})
    for partition in set(placed.values()):
        for _ in range(TRADES):
            producer.produce(TOPIC, b"\0another", partition=partition)
            producer.poll(0)
    producer.flush()
    before = pipeline.rows("bronze_binance_trades", "offset")
    ended = pipeline.command("run", "--jobs", "bronze-binance", "--for", "3s", timeout=60)
    assert ended.returncode != 0 and "topic_recreated" in ended.stderr, ended.stderr
    assert len(pipeline.rows("bronze_binance_trades", "offset")) == len(before)


def test_kraken_has_20_partitions(tmp_path, broker):
    topic = TOPIC.replace("binance", "kraken")
    with OnKafka(tmp_path) as pipeline, Exchange("--speed", "0", "--stop-when-done", "--shift-time",
                                                 recordings=KRAKEN, kind="kraken-v2") as exchange:
        pipeline.connect(exchange)
        worker = pipeline.start()
        exchange.wait(180)
        pipeline.end(worker, signal.SIGTERM, timeout=120)
        pipeline.audit()
        expected = sum(len(frame["data"]) for path in KRAKEN for frame in kraken_frames(path))
        assert len(pipeline.rows("gold_crypto_trades", "message_id")) == expected
        placed = set(consume(topic))
        assert len(admin().list_topics(timeout=30).topics[topic].partitions) == 20
        assert produce_by_java(topic, [key for _, key in placed]) == {key: partition for partition, key in placed}


def kraken_frames(path):
    with gzip.open(path, "rt") as file:
        for line in file:
            frame = json.loads(line.split(" ", 1)[1])
            if frame.get("channel") == "trade":
                yield frame


def never_were(report):
    return int(re.search(rf"^{re.escape(TOPIC)}: .* (\d+) never were$", report, re.M)[1])


def lose_a_file_of_bronze(pipeline, broker):
    """Then counts explain nothing: only the log knows which of the offsets that Bronze lacks never were."""
    from pyiceberg.expressions import EqualTo
    bronze = pipeline.table("bronze_binance_trades")
    held = bronze.scan(selected_fields=("partition", "ingestion_timestamp")).to_arrow().to_pylist()
    partition, time = held[0]["partition"], held[0]["ingestion_timestamp"]
    bronze.delete(EqualTo("ingestion_timestamp", time.isoformat()))
    lost = sum(row["ingestion_timestamp"] == time for row in held)
    unexplained = f"partition {partition} offsets 2 to 3: absent, and in no other table"

    asked = pipeline.command("audit")
    assert f"audit: FAILED {lost} violations" in asked.stdout and not asked.stderr, asked.stdout + asked.stderr
    assert never_were(asked.stdout) == 2 * PARTITIONS and unexplained not in asked.stdout

    broker.run("kafka", "stop")
    alone = pipeline.command("audit")
    assert alone.returncode == 1 and unexplained in alone.stdout, alone.stdout
    assert "offsets that Bronze lacks could not be asked for" in alone.stderr, alone.stderr

    broker.run("kafka", "start")
    wait_until(lambda: pipeline.command("positions", "set", "bronze-binance", "rows", "--yes").stdout.endswith("set\n"),
               30, "the partitions have their leader again")
    pipeline.end(pipeline.start("--jobs", "bronze-binance,silver-binance,gold", "--for", "1s"), timeout=120)
    check(pipeline)
