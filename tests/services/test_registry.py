# SPDX-License-Identifier: Apache-2.0
"""registry_http.c against a real server: its contract; who must say who he is; a schema that may not follow; an outage,
through which Silver waits; an id that nobody knows, which is a dead letter."""
import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.request

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import fault_proxy
import pipeline
import servers
from pipeline import TOPIC, Exchange, Pipeline, Producer, wait_until

CONTRACT = pipeline.BUILD / "tests" / "contract" / "contract_registry"
PARTITIONS = 40
TRADES = 9757 + 8409
UNKNOWN = "007fffffff00"  # the magic byte, an id that was never given, a byte


@pytest.fixture
def running():
    with servers.Servers("registry") as running:
        yield running


class OnRegistry(Pipeline):
    """`more`: what else the section says."""

    def __init__(self, folder, url=servers.REGISTRY, **more):
        super().__init__(folder)
        self.section = {"type": "http", "url": url, **more}

    def connect(self, *exchanges):
        super().connect(*exchanges)
        with open(self.config, "a") as file:
            file.write(f"registry: {json.dumps(self.section)}\n")

    def lines(self, event):
        return [line for line in (self.folder / "k2.log").read_text().splitlines() if f" event={event} " in line]

    def looked_at(self):
        """What `k2 check` says of the registry."""
        (line,) = [line for line in self.command("check").stdout.splitlines() if " registry " in line]
        return line


class Gate(fault_proxy.Proxy):
    """Lets in who says so."""

    def __init__(self, authorization):
        super().__init__("127.0.0.1", 8081, every=1, seed=0, faults=())
        self.authorization = authorization

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.headers.get("Authorization") != self.authorization:
            return self.answer(handler, 401, [], b"")
        answer, content = self.forward(handler, body)
        return self.answer(handler, answer.status, [("Content-Type", answer.getheader("Content-Type"))], content)

    def registry(self):
        return self.url + "/apis/ccompat/v7"


def put(path, method, document):
    asked = urllib.request.Request(servers.REGISTRY + path, json.dumps(document).encode(), method=method,
                                   headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def test_the_contract_holds_over_the_server(running):
    done = subprocess.run([CONTRACT], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "K2_REGISTRY_URL": servers.REGISTRY})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_who_does_not_say_who_he_is_is_told_so(running, tmp_path):
    basic = "Basic " + base64.b64encode(b"k2:pass word").decode()
    with Exchange() as exchange:
        for n, (authorization, right, wrong) in enumerate((
                (basic, {"user": "k2", "password": "pass word"}, {"user": "k2", "password": "password"}),
                ("Bearer t0ken", {"token": "t0ken"}, {"token": "stale"}))):
            with Gate(authorization) as gate:
                for m, more in enumerate((right, wrong, {})):
                    with OnRegistry(tmp_path / f"{n}{m}", gate.registry(), **more) as pipeline:
                        pipeline.connect(exchange)
                        said = pipeline.looked_at()
                        assert said.startswith("ok" if more == right else "FAIL"), said
                        assert more == right or "401" in said and "registry." in said
                        assert not any(secret in said for secret in ("pass word", "t0ken", "stale")), said


def test_a_schema_that_may_not_follow_stops_ingest_with_the_registry_s_words(running, tmp_path):
    strange = {"type": "record", "name": "Strange", "fields": [{"name": "price", "type": "int"}]}
    put(f"/subjects/{TOPIC}-value/versions", "POST", {"schema": json.dumps(strange)})
    with OnRegistry(tmp_path) as pipeline, Exchange("--shift-time") as exchange:
        pipeline.connect(exchange)
        worker = pipeline.start("--jobs", "ingest-binance")
        wait_until(lambda: "incompatible" in pipeline.said().lower() or worker.poll() is not None, 60, "it says so")
        assert "incompatible" in pipeline.said().lower() and f"{TOPIC}-value" in pipeline.said(), pipeline.said()
        if worker.poll() is None:
            pipeline.end(worker, signal.SIGTERM)
    with urllib.request.urlopen(f"{servers.REGISTRY}/config/{TOPIC}-value", timeout=30) as answer:
        assert json.load(answer)["compatibilityLevel"] == "BACKWARD"
    with urllib.request.urlopen(f"{servers.REGISTRY}/subjects/{TOPIC}-value/versions", timeout=30) as answer:
        assert json.load(answer) == [1]


def test_through_an_outage_silver_waits_and_an_unknown_id_is_a_dead_letter(running, tmp_path):
    with OnRegistry(tmp_path) as pipeline:
        with Exchange("--speed", "0", "--stop-when-done", "--shift-time") as exchange:
            pipeline.connect(exchange)
            worker = pipeline.start("--jobs", "ingest-binance,bronze-binance")
            exchange.wait(180)
            pipeline.end(worker, signal.SIGTERM, timeout=120)
        with Producer(pipeline.data, TOPIC, PARTITIONS) as producer:
            producer.ask(f"R 0 {UNKNOWN}")
            assert producer.ask("F") == 1
        running.run("registry", "stop")
        said = pipeline.looked_at()
        assert said.startswith("FAIL") and "127.0.0.1:8081" in said and "that the registry is up" in said, said
        worker = pipeline.start("--jobs", "bronze-binance,silver-binance,gold")
        wait_until(lambda: any("job=silver-binance" in line and "127.0.0.1:8081" in line
                               for line in pipeline.lines("job_waits")), 60, "Silver waits for the registry")
        assert pipeline.table("silver_dlq_trades").current_snapshot() is None
        running.run("registry", "start")
        wait_until(lambda: any("job=silver-binance" in line for line in pipeline.lines("job_recovered")), 120, "it goes on")
        pipeline.end(worker, signal.SIGTERM, timeout=120)
        (letter,) = pipeline.rows("silver_dlq_trades")
        assert letter["error_reason"] == "schema_not_found" and letter["error_type"] == "schema"
        assert letter["raw_record"].hex() == UNKNOWN and letter["schema_id"] == 0x7FFFFFFF
        assert len({row["message_id"] for row in pipeline.rows("gold_crypto_trades", "message_id")}) == TRADES
        assert pipeline.looked_at().startswith("ok")
        pipeline.audit()
