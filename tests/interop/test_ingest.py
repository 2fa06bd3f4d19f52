# SPDX-License-Identifier: Apache-2.0
"""The ingest stage over real sockets against k2-exchange-sim, with each of its faults.

Whatever the exchange does, every trade of both recordings must be in the log, and what is there is
decoded by fastavro and compared with the recorded frames, field by field.
"""
import datetime
import decimal
import gzip
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import fastavro
import pytest

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("K2_BUILD", ROOT / "build" / "dev"))
RECORDINGS = sorted(ROOT.glob("recordings/binance-*.gz"))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
decimal.getcontext().prec = 60


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


def message_id(symbol, number):
    """The recipe of docs/tables.md: 60 bits of SHA-256, then the trade id, as a UUID of version 8."""
    prefix = int.from_bytes(hashlib.sha256(b"BINANCE:" + symbol.encode()).digest()[:8], "big") >> 4
    value = prefix >> 12 << 80 | 8 << 76 | (prefix & 0xFFF) << 64 | 2 << 62 | number
    text = "%032x" % value
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@pytest.fixture(scope="module")
def recorded():
    trades = {}
    for path in RECORDINGS:
        for line in gzip.open(path, "rt"):
            event = json.loads(line.split(" ", 1)[1])["data"]
            trades[message_id(event["s"], event["t"])] = event
    assert len(trades) == 9757 + 8409
    return trades


class Simulator:
    def __init__(self, *options, faults=""):
        command = [BUILD / "k2-exchange-sim", "--exchange", "binance", "--port", "0", *options]
        if "--speed" not in options:
            command += ["--speed", "0"]
        for path in RECORDINGS:
            command += ["--recording", path]
        if faults:
            command += ["--faults", faults]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = re.match(r"listening ws=(\S+) rest=(\S+)", self.process.stdout.readline())
        self.ws, self.rest = "ws://" + found[1], "http://" + found[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def ingest(folder, ws, rest, *options, expect=0):
    done = subprocess.run([BUILD / "tests/interop/ingest_tool", "ws=" + ws, "rest=" + rest,
                           "log=%s" % (folder / "log.db"), *options], capture_output=True, text=True, timeout=200)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Sanitizer" not in done.stderr
    counts, records = {}, []
    for line in done.stdout.splitlines():
        if line.startswith("record "):
            records.append(line.split(" ")[1:])
        else:
            name, value = line.split("=", 1)
            counts[name] = int(value) if re.fullmatch(r"-?\d+", value) else value
    return counts, records, done.stderr


def decode(counts, records):
    schema = fastavro.parse_schema(json.loads(counts["schema"]))
    trades = {}
    for partition, key, value in records:
        data = bytes.fromhex(value)
        assert data[:5] == b"\0\0\0\0\1"
        stream = io.BytesIO(data[5:])
        trade = fastavro.schemaless_reader(stream, schema)
        assert not stream.read() and trade["symbol"] == key
        trades.setdefault(trade["message_id"], []).append((partition, trade))
    return trades


def assert_same(recorded, trades):
    assert trades.keys() == recorded.keys()
    places = {}
    for id, copies in trades.items():
        event = recorded[id]
        for partition, trade in copies:
            places.setdefault(partition, set()).add(event["s"])
            assert trade["trade_id"] == "BINANCE-%d" % event["t"]
            assert trade["source_sequence"] == event["t"]
            assert trade["exchange"] == "BINANCE" and trade["asset_class"] == "crypto"
            assert trade["currency"] == "USDT" and trade["trade_conditions"] == []
            assert trade["price"] == decimal.Decimal(event["p"])
            assert trade["quantity"] == decimal.Decimal(event["q"])
            assert trade["side"] == ("SELL" if event["m"] else "BUY")
            assert micros(trade["timestamp"]) == event["T"] * 1000
            assert trade["vendor_data"]["event_time"] == str(event["E"])
    assert sum(len(symbols) for symbols in places.values()) == 2, "a symbol has one partition"


def run(folder, recorded, faults, *options, **more):
    with Simulator(faults=faults, **more) as exchange:
        counts, records, stderr = ingest(folder, exchange.ws, exchange.rest,
                                         "trades=%d" % len(recorded), "for_ms=120000", *options)
    assert counts["acknowledged"] == counts["sent"] == counts["trades"] + counts["dead_letters"]
    assert len(records) == counts["trades"]
    return counts, decode(counts, records), stderr


@pytest.mark.parametrize("faults", ["", "glued", "trickle", "fragmented", "reordered", "swap"])
def test_every_trade_once(tmp_path, recorded, faults):
    counts, trades, _ = run(tmp_path, recorded, faults)
    assert_same(recorded, trades)
    assert max(len(copies) for copies in trades.values()) == 1
    assert counts["connections"] == 1 and counts["dead_letters"] == 0


@pytest.mark.parametrize("faults", ["reset:5000", "reset:4000,replay:50", "shutdown:6000",
                                    "glued,fragmented,reordered,swap,reset:7000,replay:20"])
def test_every_trade_through_reconnects(tmp_path, recorded, faults):
    counts, trades, _ = run(tmp_path, recorded, faults)
    assert_same(recorded, trades)
    assert counts["connections"] > 1
    assert counts["trades"] - counts["repeated"] == len(recorded)
    assert ("replay" in faults) == (counts["repeated"] > 0)


def test_a_frozen_connection_is_given_up(tmp_path, recorded):
    counts, trades, stderr = run(tmp_path, recorded, "freeze:9000", "idle_ms=1000")
    assert_same(recorded, trades)
    assert "not a byte for 1000 ms" in stderr and counts["connections"] > 1


def test_a_connection_with_pings_but_no_data_is_given_up(tmp_path, recorded):
    counts, trades, stderr = run(tmp_path, recorded, "stop-data:15000")
    assert_same(recorded, trades)
    assert "subscribed, but no trade for" in stderr and counts["connections"] == 2


def test_junk_goes_to_the_dead_letters(tmp_path, recorded):
    counts, trades, _ = run(tmp_path, recorded, "junk:100")
    assert_same(recorded, trades)
    assert counts["dead_letters"] >= 100
    assert counts["frames"] == counts["trades"] + counts["dead_letters"] + counts["control"]


def test_a_refused_upgrade_is_tried_again_when_the_server_says(tmp_path, recorded):
    counts, trades, stderr = run(tmp_path, recorded, "http-503:2")
    assert_same(recorded, trades)
    assert counts["attempts"] == 3 and "HTTP 503" in stderr


def test_ids_that_never_come_are_counted(tmp_path, recorded):
    with Simulator(faults="skip:1000") as exchange:
        counts, records, _ = ingest(tmp_path, exchange.ws, exchange.rest, "for_ms=3000")
    trades = decode(counts, records)
    assert trades.keys() < recorded.keys()
    assert counts["missing"] in (len(recorded) - len(trades), len(recorded) - len(trades) - 1)


def test_pings_are_answered(tmp_path):
    # Three pings without an answer and the exchange ends the connection; so it does at more than 5
    # messages a second, pongs included.
    with Simulator("--ping-every", "0.4", "--speed", "1") as exchange:
        counts, _, _ = ingest(tmp_path, exchange.ws, exchange.rest, "for_ms=4000")
    assert counts["connections"] == 1 and counts["attempts"] == 1


def test_an_unknown_symbol_is_named(tmp_path):
    with Simulator() as exchange:
        counts, _, _ = ingest(tmp_path, exchange.ws, exchange.rest, "symbols=BTCUSDT,NOPEUSDT", expect=1)
    assert counts["error"] == "exchanges.binance.symbols: not in the exchange's list: NOPEUSDT"


def test_without_network_the_url_and_the_reason_are_said_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    counts, _, stderr = ingest(tmp_path, "ws://127.0.0.1:%d" % port, "http://127.0.0.1:%d" % port, "for_ms=3000")
    assert "http://127.0.0.1:%d/api/v3/exchangeInfo" % port in counts["trouble"]
    assert stderr.count("level=warn") == 1
    with Simulator() as exchange:
        counts, _, stderr = ingest(tmp_path, "ws://127.0.0.1:%d" % port, exchange.rest, "for_ms=3000")
    assert "ws://127.0.0.1:%d/stream" % port in counts["trouble"]
    assert stderr.count("level=warn") == 1
