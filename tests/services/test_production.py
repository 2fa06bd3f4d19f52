# SPDX-License-Identifier: Apache-2.0
"""The pipeline on what production runs, from the exchange's simulator to Gold: three Kafka brokers, a schema
registry, S3, the Iceberg REST catalog.  Every trade of the recordings is in Gold once, whatever the servers and the wires to
them do; pyiceberg, DuckDB and Spark read it there."""
import decimal
import os
import pathlib
import signal
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import fault_proxy
import servers
from pipeline import BTC, ETH, LENGTH_S, TOPIC, Exchange, message_id, recorded
from production import Production

TRADES = 9757 + 8409
BROKERS = "127.0.0.1:9092,127.0.0.1:9094,127.0.0.1:9096"
KAFKA = f"log: {{type: kafka, brokers: '{BROKERS}'}}\n"
WAREHOUSE = f"s3://{servers.BUCKET}/warehouse"


@pytest.fixture(autouse=True)
def running():
    with servers.Servers("s3", "registry", "iceberg-rest", ICEBERG_WAREHOUSE=WAREHOUSE) as running:
        yield running


def serve(pipeline, exchange, worker):
    """Until all is served and the pipeline has drained."""
    exchange.wait(180)
    pipeline.end(worker, signal.SIGTERM, timeout=120)


def check(pipeline):
    pipeline.audit()
    rows = pipeline.rows("gold_crypto_trades", "message_id")
    assert len(rows) == TRADES
    assert {row["message_id"] for row in rows} == {message_id(trade["s"], trade["t"])
                                                   for path in (BTC, ETH) for trade in recorded(path)}


@pytest.fixture
def brokers():
    with servers.Servers("kafka", KAFKA_BROKERS="3") as brokers:
        yield brokers


def test_from_the_exchange_to_gold_and_to_other_readers(tmp_path, brokers):
    with Production(tmp_path, log=KAFKA) as pipeline:
        with Exchange("--speed", "0", "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            done = pipeline.command("check")
            assert done.returncode == 0, done.stdout
            serve(pipeline, exchange, pipeline.start())
        check(pipeline)
        assert read_topic() == {trade_key(trade) for path in (BTC, ETH) for trade in recorded(path)}
        assert count_in_duckdb() == TRADES
        assert count_in_spark() == TRADES


def trade_key(trade):
    return message_id(trade["s"], trade["t"]), str(trade["p"]), str(trade["q"])


def read_topic():
    """Through the registry, by confluent-kafka's own deserializer."""
    from confluent_kafka import Consumer, TopicPartition
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext
    decode = AvroDeserializer(SchemaRegistryClient({"url": servers.REGISTRY}))
    context = SerializationContext(TOPIC, MessageField.VALUE)
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": "reader", "enable.auto.commit": False})
    found = set()
    partitions = consumer.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions
    assert len(partitions) == 40 and all(len(partition.replicas) == 3 for partition in partitions.values())
    for number in partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=30)
        consumer.assign([TopicPartition(TOPIC, number, 0)])
        for _ in range(end):
            message = consumer.poll(30)
            assert message is not None and message.error() is None
            assert message.key().decode() in ("BTCUSDT", "ETHUSDT")
            trade = decode(message.value(), context)
            found.add((trade["message_id"], eight(trade["price"]), eight(trade["quantity"])))
    consumer.close()
    return found


def eight(number):
    """As Binance writes it."""
    return str(number.quantize(decimal.Decimal("1e-8")))


def count_in_duckdb():
    import duckdb
    con = duckdb.connect(config={"extension_directory": os.environ["K2_DUCKDB_EXTENSIONS"]})
    con.execute("LOAD httpfs; LOAD iceberg")
    con.execute("CREATE SECRET (TYPE s3, KEY_ID 'k2access', SECRET 'k2secret123', ENDPOINT '127.0.0.1:9000',"
                " URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')")
    con.execute(f"ATTACH '' AS lake (TYPE iceberg, ENDPOINT '{servers.CATALOG}', AUTHORIZATION_TYPE 'none')")
    return con.execute("SELECT count(DISTINCT message_id) FROM lake.market_data.gold_crypto_trades").fetchone()[0]


def count_in_spark():
    from pyspark.sql import SparkSession
    jars = ",".join(str(jar) for jar in pathlib.Path(os.environ["K2_SPARK_JARS"]).glob("*.jar"))
    lake = "spark.sql.catalog.lake"
    spark = (SparkSession.builder.master("local[1]").config("spark.jars", jars).config("spark.ui.enabled", "false")
             .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
             .config(lake, "org.apache.iceberg.spark.SparkCatalog").config(f"{lake}.type", "rest")
             .config(f"{lake}.uri", servers.CATALOG).config(f"{lake}.io-impl", "org.apache.iceberg.aws.s3.S3FileIO")
             .config(f"{lake}.s3.endpoint", servers.S3).config(f"{lake}.s3.path-style-access", "true")
             .config(f"{lake}.s3.access-key-id", "k2access").config(f"{lake}.s3.secret-access-key", "k2secret123")
             .config(f"{lake}.client.region", "us-east-1").getOrCreate())
    try:
        return spark.sql("SELECT count(DISTINCT message_id) FROM lake.market_data.gold_crypto_trades").first()[0]
    finally:
        spark.stop()


def test_through_wires_that_lose_cut_and_refuse(tmp_path):
    """One request in six to the catalog and to the store: also commits that are done and not answered."""
    with fault_proxy.Proxy("127.0.0.1", 8181, every=6, seed=1) as catalog, \
            fault_proxy.Proxy("127.0.0.1", 9000, every=6, seed=2) as store, \
            Production(tmp_path, catalog=catalog.url, s3=store.url) as pipeline:
        with Exchange("--speed", "16", "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            exchange.wait(180)
            catalog.every = store.every = 10 ** 9
            pipeline.end(worker, signal.SIGTERM, timeout=120)
        check(pipeline)
        assert all(proxy.done[fault] > 0 for proxy in (catalog, store) for fault in fault_proxy.FAULTS)


def test_commits_that_are_done_and_not_answered_as_such(tmp_path):
    """Whether they were is found out by reading; one that arrives after we looked lands once or not at all."""
    with fault_proxy.Commits("127.0.0.1", 8181) as catalog, Production(tmp_path, catalog=catalog.url) as pipeline:
        with Exchange("--speed", str(LENGTH_S / 25), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            serve(pipeline, exchange, pipeline.start())
        check(pipeline)
        assert all(catalog.done[kind] > 0 for kind in (*catalog.KINDS, "hang")), catalog.done
        assert all(catalog.arrived[answer] > 0 for answer in (("twice", 409), ("late", 200), ("late", 409))), \
            catalog.arrived


def test_catalog_and_store_away_for_half_a_minute_each(tmp_path, brokers):
    """Jobs wait, say so and go on; the log takes the trades meanwhile, and Bronze stays in its group though no member of
    it may be silent for ten seconds."""
    log = f"log: {{type: kafka, brokers: '{BROKERS}', properties: {{max.poll.interval.ms: 10000, session.timeout.ms: 6000}}}}\n"
    with fault_proxy.Proxy("127.0.0.1", 8181, every=10 ** 9, seed=1) as catalog, \
            fault_proxy.Proxy("127.0.0.1", 9000, every=10 ** 9, seed=2) as store, \
            Production(tmp_path, catalog=catalog.url, s3=store.url, log=log) as pipeline:
        speed = LENGTH_S / 80
        with Exchange("--speed", str(speed), "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start()
            for proxy in (catalog, store):
                time.sleep(5)
                proxy.down = True
                time.sleep(30)
                proxy.down = False
                assert worker.poll() is None, pipeline.said()
            said = (pipeline.folder / "k2.log").read_text()
            assert "event=kafka_assigned" in said and "event=kafka_revoked" not in said, said
            serve(pipeline, exchange, worker)
        check(pipeline)
        assert "job_waits" in (pipeline.folder / "k2.log").read_text()
