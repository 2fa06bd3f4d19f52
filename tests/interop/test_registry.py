# SPDX-License-Identifier: Apache-2.0
"""The embedded registry on the status port, as other people's clients meet it: confluent-kafka's
SchemaRegistryClient, AvroSerializer and AvroDeserializer, fastavro, plain HTTP, and K2's own adapter
for such registries.  K2_BUILD names the build folder."""
import decimal
import io
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

import fastavro
import pytest
import requests
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, BUILD, TOPIC, Exchange, Pipeline, recorded, wait_until  # noqa: E402

SUBJECT = TOPIC + "-value"
BRONZE = "bronze_binance_trades"


def address_of(pipeline):
    """Where the status port is, once k2 has said so."""
    def said():
        return re.findall(r"event=status_port address=(\S+)", pipeline.said(1000))
    wait_until(said, 30, "k2 says its status port")
    return "http://" + said()[-1]


def listen(pipeline, address="127.0.0.1:0"):
    with open(pipeline.config, "a") as file:
        file.write(f'http: {{listen: "{address}"}}\n')


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A k2 that has taken some trades and goes on running."""
    with Exchange("--speed", "100") as exchange, \
            Pipeline(tmp_path_factory.mktemp("registry")) as pipeline:
        pipeline.connect(exchange)
        listen(pipeline)
        pipeline.start()
        url = address_of(pipeline)
        wait_until(lambda: (pipeline.data / "k2.db").exists()
                   and requests.get(url + "/health", timeout=10).status_code == 200
                   and 'k2_rows_total{job="bronze-binance"} 0' not in requests.get(url + "/metrics", timeout=10).text,
                   60, "bronze has rows")
        yield pipeline, url


@pytest.fixture
def client(world):
    return SchemaRegistryClient({"url": world[1]})


@pytest.fixture
def idle(tmp_path):
    """A k2 whose registry is empty."""
    with Pipeline(tmp_path) as pipeline:
        pipeline.config.write_text(f"data_dir: {pipeline.data}\n")
        listen(pipeline)
        pipeline.start("--jobs", "gold")
        yield address_of(pipeline)


def test_confluents_deserializer_reads_our_records(world, client):
    rows = world[0].rows(BRONZE, "raw_bytes")
    first = next(iter(recorded(BTC)))
    read = AvroDeserializer(client)
    trades = [read(row["raw_bytes"], SerializationContext(TOPIC, MessageField.VALUE)) for row in rows]
    assert len(trades) > 100
    (trade,) = [t for t in trades if (t["symbol"], t["source_sequence"]) == ("BTCUSDT", first["t"])]
    assert trade["price"] == decimal.Decimal(first["p"])


def test_fastavro_reads_our_records(world):
    pipeline, url = world
    raw = pipeline.rows(BRONZE, "raw_bytes")[0]["raw_bytes"]
    magic, key = struct.unpack(">bI", raw[:5])
    answer = requests.get(f"{url}/schemas/ids/{key}", timeout=10)
    assert magic == 0
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"
    trade = fastavro.schemaless_reader(io.BytesIO(raw[5:]), fastavro.parse_schema(json.loads(answer.json()["schema"])))
    assert trade["exchange"] == "BINANCE"


def test_a_producer_registers_what_may_follow_and_nothing_else(world, client):
    latest = client.get_latest_version(SUBJECT)
    wider = json.loads(latest.schema.schema_str)
    wider["fields"].append({"name": "venue", "type": "string", "default": ""})
    narrower = {**wider, "fields": [*wider["fields"], {"name": "fee", "type": "double"}]}
    key = client.register_schema(SUBJECT, Schema(json.dumps(wider, indent=2), "AVRO"))
    assert client.get_versions(SUBJECT) == [latest.version, latest.version + 1]
    assert client.lookup_schema(SUBJECT, Schema(json.dumps(wider), "AVRO")).schema_id == key
    assert client.test_compatibility(SUBJECT, Schema(json.dumps(narrower), "AVRO")) is False
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(SUBJECT, Schema(json.dumps(narrower), "AVRO"))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 409)
    assert "field fee is new and has no default" in str(refused.value)
    assert client.get_versions(SUBJECT) == [latest.version, latest.version + 1]
    assert client.get_compatibility(SUBJECT) == "BACKWARD"


def test_confluents_serializer_registers_by_itself(world, client):
    schema = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}
    context = SerializationContext("notes é/1", MessageField.VALUE)
    record = AvroSerializer(client, json.dumps(schema))({"text": "x"}, context)
    assert AvroDeserializer(client)(record, context) == {"text": "x"}
    assert "notes é/1-value" in SchemaRegistryClient({"url": world[1]}).get_subjects()


def test_unknown_things_have_confluents_codes(client):
    for code, ask in ((40401, lambda: client.get_versions("none")), (40403, lambda: client.get_schema(4711)),
                      (40402, lambda: client.get_version(SUBJECT, 4711)),
                      (42201, lambda: client.register_schema("x", Schema('{"type": "no"}', "AVRO")))):
        with pytest.raises(SchemaRegistryError) as error:
            ask()
        assert error.value.error_code == code


def test_our_adapter_for_registries_over_http_keeps_its_contract(idle):
    done = subprocess.run([BUILD / "tests/contract/contract_registry"], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "K2_REGISTRY_URL": idle})
    assert done.returncode == 0, done.stdout + done.stderr


def test_requests_are_bounded(idle):
    body = json.dumps({"schema": json.dumps("int" + " " * 200_000)})
    assert requests.post(idle + "/subjects/x/versions", data=body, timeout=10).status_code == 413
    assert requests.get(idle + "/subjects/" + "x" * 20_000, timeout=10).status_code in (413, 414, 431)
    host, port = idle.removeprefix("http://").split(":")
    held = [socket.create_connection((host, int(port))) for _ in range(16)]
    with pytest.raises(requests.exceptions.ReadTimeout):  # waits for one of them to end
        requests.get(idle + "/health", timeout=1)
    for connection in held:
        connection.close()
    wait_until(lambda: requests.get(idle + "/health", timeout=10).ok, 10, "connections are free again")


def test_a_taken_address_is_refused_when_it_was_asked_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other, Pipeline(tmp_path) as pipeline:
        address = "127.0.0.1:%d" % other.getsockname()[1]
        for listen_at, text in ((address, "another program listens there"), ("nowhere", "expected host:port"),
                                ("203.0.113.9:80", "Cannot assign")):
            pipeline.config.write_text(f"data_dir: {pipeline.data}\n")
            listen(pipeline, listen_at)
            done = pipeline.command("run", "--jobs", "gold", timeout=30)
            assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
            assert f"http.listen {listen_at}" in done.stderr and text in done.stderr
            assert not pipeline.data.exists()


def test_it_can_be_switched_off(tmp_path):
    with Pipeline(tmp_path) as pipeline:
        pipeline.config.write_text(f"data_dir: {pipeline.data}\n")
        listen(pipeline, "off")
        done = pipeline.command("run", "--jobs", "gold", "--for", "1s", timeout=30)
        assert done.returncode == 0 and "status_port" not in done.stderr
