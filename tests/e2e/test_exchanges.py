# SPDX-License-Identifier: Apache-2.0
"""Binance and Kraken, API v1 or v2, into one Gold: precisely the trades of the recordings, whatever the
exchange does, and one API at a time.  Gold is read by pyiceberg and compared with what Python's json finds
in the recordings."""
import collections
import datetime
import decimal
import gzip
import json
import pathlib
import signal
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, SOURCE, Exchange, Pipeline, message_id, recorded, wait_until  # noqa: E402

RECORDINGS = SOURCE / "recordings"
MADE = {"v1": {"BTCUSD": RECORDINGS / "kraken-v1-made-xbtusd.gz", "ETHUSD": RECORDINGS / "kraken-v1-made-ethusd.gz"},
        "v2": {"BTCUSD": RECORDINGS / "kraken-v2-made-btcusd.gz", "ETHUSD": RECORDINGS / "kraken-v2-made-ethusd.gz"}}
TRADES = {"BTCUSD": 3253, "ETHUSD": 2803}
BINANCE_TRADES = 9757 + 8409
SPEED_0 = ("--speed", "0", "--stop-when-done")
TIMEOUT_S = 120
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
SIDES = {"b": "BUY", "s": "SELL", "buy": "BUY", "sell": "SELL"}
TYPES = {"l": "limit", "m": "market", "limit": "limit", "market": "market"}


@pytest.fixture
def pipeline(tmp_path):
    with Pipeline(tmp_path) as pipeline:
        yield pipeline


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


def nearest(fraction):
    """A time's text after the point, as microseconds."""
    return int(decimal.Decimal("0." + fraction).scaleb(6).quantize(0, decimal.ROUND_HALF_UP))


def kraken_trades(api, path):
    """(time, price, quantity, side, order type, id or None) of each recorded trade, in order."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as file:
        for line in file:
            frame = json.loads(line.split(" ", 1)[1], parse_float=decimal.Decimal)
            if api == "v1" and isinstance(frame, list):
                for price, volume, time, side, kind, _ in frame[1]:
                    seconds, fraction = time.split(".")
                    yield (int(seconds) * 1_000_000 + nearest(fraction), decimal.Decimal(price),
                           decimal.Decimal(volume), SIDES[side], TYPES[kind], None)
            elif api == "v2" and frame.get("channel") == "trade":
                for row in frame["data"]:
                    seconds, fraction = row["timestamp"].rstrip("Z").split(".")
                    time = datetime.datetime.fromisoformat(seconds + "+00:00")
                    yield (micros(time) + nearest(fraction), decimal.Decimal(row["price"]),
                           decimal.Decimal(row["qty"]), SIDES[row["side"]], TYPES[row["ord_type"]], row["trade_id"])


def plain(number):
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def v1_id(symbol, time_us, price, quantity, side, kind, ordinal):
    """docs/tables.md, once more."""
    space = uuid.uuid5(uuid.NAMESPACE_DNS, "ws.kraken.com")
    return str(uuid.uuid5(space, f"KRAKEN:{symbol}|{time_us}|{plain(price)}|{plain(quantity)}|{side}|{kind}|{ordinal}"))


def expected(api, symbol, path, shift_us):
    seen = collections.Counter()
    for time_us, price, quantity, side, kind, number in kraken_trades(api, path):
        time_us += shift_us
        equal = (time_us, price, quantity, side, kind)
        if number is None:
            key = v1_id(symbol, *equal, seen[equal])
        else:
            key = message_id(symbol, number, "KRAKEN")
        seen[equal] += 1
        yield {
            "message_id": key,
            "trade_id": f"KRAKEN-{key if number is None else number}",
            "symbol": symbol,
            "exchange": "KRAKEN",
            "asset_class": "crypto",
            "timestamp": time_us,
            "price": price,
            "quantity": quantity,
            "currency": symbol[-3:],
            "side": side,
            "trade_conditions": [kind],
            "source_sequence": number,
            "exchange_date": datetime.date(1970, 1, 1) + datetime.timedelta(days=time_us // 86_400_000_000),
            "exchange_hour": time_us // 3_600_000_000 % 24,
        }


def check_kraken(rows, api, recordings, more):
    for symbol, path in recordings.items():
        got = {row["message_id"]: dict(row) for row in rows if row["symbol"] == symbol}
        assert got and len(got) == sum(row["symbol"] == symbol for row in rows)
        first = next(kraken_trades(api, path))[0]
        want = {row["message_id"]: row
                for row in expected(api, symbol, path, min(micros(row["timestamp"]) for row in got.values()) - first)}
        for row in got.values():
            row["timestamp"] = micros(row["timestamp"])
            assert set(dict(row.pop("vendor_data") or ())) <= {"type", *more}
            for name in ("ingestion_timestamp", "gold_ingestion_timestamp", "platform_sequence"):
                row.pop(name)
        assert set(got) == set(want)
        for key, row in want.items():
            assert got[key] == row


def check(pipeline, api, dead=0, more=()):
    pipeline.audit()
    rows = pipeline.rows("gold_crypto_trades")
    binance = {row["message_id"] for row in rows if row["exchange"] == "BINANCE"}
    assert binance == {message_id(trade["s"], trade["t"]) for path in (BTC, ETH) for trade in recorded(path)}
    kraken = [row for row in rows if row["exchange"] == "KRAKEN"]
    check_kraken(kraken, api, MADE[api], more)
    assert len(kraken) == sum(TRADES.values()) and len(rows) == len(binance) + len(kraken)
    assert dead is None or count(pipeline, "silver_dlq_trades") == dead


def count(pipeline, table):
    return pipeline.table(table).scan().to_arrow().num_rows


def replay(pipeline, api, *options, runs=((),), clients=()):
    """Serves all to `k2 run` processes with those options until they have it; as test_exact.py."""
    with Exchange(*SPEED_0, "--shift-time", *clients) as binance, \
            Exchange(*SPEED_0, "--shift-time", *clients, *options, kind=f"kraken-{api}",
                     recordings=MADE[api].values()) as kraken:
        pipeline.connect(binance, kraken)
        workers = [pipeline.start(*run) for run in runs]
        binance.wait(TIMEOUT_S)
        kraken.wait(TIMEOUT_S)
        for worker in reversed(workers):
            pipeline.end(worker, signal.SIGTERM)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_once(pipeline, api):
    replay(pipeline, api)
    check(pipeline, api)
    assert count(pipeline, "bronze_kraken_trades") == sum(TRADES.values())
    assert count(pipeline, "bronze_binance_trades") == BINANCE_TRADES
    assert set(pipeline.log_ends("market.crypto.trades.kraken")) <= set(range(20))
    done = pipeline.command("tables")
    assert all(f"{layer}_{name}_trades" in done.stdout for layer in ("bronze", "silver") for name in ("binance", "kraken"))


@pytest.mark.parametrize("api, faults", [
    ("v1", "reset:900,ack-lost:1"),
    ("v2", "reset:900,replay:20,ack-lost:1"),
    ("v1", "glued,reordered,ack-late:3"),
    ("v2", "glued,reordered,ack-late:3"),
    ("v1", "trickle,fragmented"),
    ("v2", "trickle,fragmented"),
])
def test_whatever_the_connection_does(pipeline, api, faults):
    replay(pipeline, api, "--faults", faults)
    check(pipeline, api, more=("note", "far"))  # keys that "reordered" adds


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_frames_that_are_no_trades(pipeline, api):
    replay(pipeline, api, "--faults", "junk:100")
    check(pipeline, api, dead=None)
    letters = pipeline.rows("silver_dlq_trades", "bronze_source", "error_type", "error_reason")
    assert letters and {row["bronze_source"] for row in letters} == {"ingest_kraken"}
    assert {row["error_type"] for row in letters} == {"ingest"}
    assert {row["error_reason"] for row in letters} <= {"not_json", "unknown_event", "unknown_message"}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_history_on_every_subscription(pipeline, api):
    """v1 sends it unasked, v2 to us; a reset in between brings it again."""
    replay(pipeline, api, "--faults", "reset:900", *(["--snapshot"] if api == "v1" else []))
    check(pipeline, api)
    assert count(pipeline, "bronze_kraken_trades") > sum(TRADES.values())


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_by_two_ingest_processes_at_once(pipeline, api):
    replay(pipeline, api, runs=[[], ["--jobs", "ingest-kraken,ingest-binance"]], clients=["--clients", "2"])
    check(pipeline, api)
    assert count(pipeline, "bronze_kraken_trades") == 2 * sum(TRADES.values())


def test_a_recorded_session(pipeline):
    """Real frames of v1, with two pairs that trade."""
    path = RECORDINGS / "kraken-v1-20210417.txt"
    with Exchange(*SPEED_0, "--shift-time", kind="kraken-v1", recordings=[path]) as kraken:
        pipeline.connect(kraken, symbols=["XMR/USD", "SC/EUR"])
        worker = pipeline.start()
        kraken.wait(TIMEOUT_S)
        pipeline.end(worker, signal.SIGTERM)
    pipeline.audit()
    rows = [(row["symbol"], row["price"], row["quantity"], row["side"], row["trade_conditions"], row["currency"])
            for row in pipeline.rows("gold_crypto_trades")]
    assert len(rows) == 10 and collections.Counter(row[0] for row in rows) == {"XMRUSD": 4, "SCEUR": 6}
    assert ("XMRUSD", decimal.Decimal("354.04"), decimal.Decimal("0.28245396"), "SELL", ["market"], "USD") in rows


def test_one_api_at_a_time_writes_the_tables(pipeline):
    with Exchange("--speed", "0", "--shift-time", kind="kraken-v1", recordings=MADE["v1"].values()) as v1:
        pipeline.connect(v1)
        worker = pipeline.start()
        wait_until(lambda: "gold_crypto_trades" in pipeline.command("tables").stdout, TIMEOUT_S, "Gold")
        wait_until(lambda: pipeline.log_ends("market.crypto.trades.kraken"), TIMEOUT_S, "trades in the log")
        pipeline.end(worker, signal.SIGTERM)
        done = pipeline.command("check")
        assert done.returncode == 0 and "the tables are written through API v1" in done.stdout, done.stdout
    before = pipeline.log_ends("market.crypto.trades.kraken")
    assert before
    with Exchange("--speed", "0", "--shift-time", kind="kraken-v2", recordings=MADE["v2"].values()) as v2:
        pipeline.connect(v2)
        done = pipeline.command("check")
        assert done.returncode == 1
        assert "bronze_kraken_trades is written through API v1, and exchanges.kraken.api is v2" in done.stdout
        for jobs in ([], ["--jobs", "ingest-kraken"], ["--jobs", "bronze-kraken"]):
            done = pipeline.command("run", "--for", "20s", *jobs)
            assert done.returncode == 2, done.stderr
            assert "set it to v1, or begin anew" in done.stderr
    assert pipeline.log_ends("market.crypto.trades.kraken") == before
