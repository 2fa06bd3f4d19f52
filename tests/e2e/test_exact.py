# SPDX-License-Identifier: Apache-2.0
"""A replay of both recordings gives precisely their trades, in Gold once each, whoever serves or takes
them how often.  Gold is read by pyiceberg and compared with what Python's json finds in the
recordings."""
import datetime
import decimal
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, Exchange, Pipeline, message_id, recorded  # noqa: E402

TRADES = {BTC: 9757, ETH: 8409}
SPEED_0 = ("--speed", "0", "--stop-when-done")
TIMEOUT_S = 120


@pytest.fixture
def pipeline(tmp_path):
    with Pipeline(tmp_path) as pipeline:
        yield pipeline


def instant():
    """A start that has passed, for two runs of the simulator that are one world."""
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=10)
    return now.strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ")


def micros(time):
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (time - epoch) // datetime.timedelta(microseconds=1)


def replay(pipeline, exchange_options, *runs):
    """Serves both recordings to `k2 run` processes with those options until they have all.  The first
    of them has all jobs and ends last, so that it finishes what the others put into the log."""
    with Exchange(*exchange_options) as exchange:
        pipeline.connect(exchange)
        workers = [pipeline.start(*options) for options in runs]
        exchange.wait(TIMEOUT_S)
        for worker in reversed(workers):
            pipeline.end(worker, signal.SIGTERM)


def expected(path, shift_us):
    for trade in recorded(path):
        time_us = trade["T"] * 1000 + shift_us
        yield {
            "message_id": message_id(trade["s"], trade["t"]),
            "trade_id": f"BINANCE-{trade['t']}",
            "symbol": trade["s"],
            "exchange": "BINANCE",
            "asset_class": "crypto",
            "timestamp": time_us,
            "price": decimal.Decimal(trade["p"]),
            "quantity": decimal.Decimal(trade["q"]),
            "currency": "USDT",
            "side": "SELL" if trade["m"] else "BUY",
            "trade_conditions": [],
            "source_sequence": trade["t"],
            "vendor_data": {"event_time": str(trade["E"] + shift_us // 1000)},
            "exchange_date": datetime.date(1970, 1, 1) + datetime.timedelta(days=time_us // 86_400_000_000),
            "exchange_hour": time_us // 3_600_000_000 % 24,
        }


def plain(row):
    """A row of Gold without what the clock of this run decides."""
    taken, added = (micros(row.pop(name)) for name in ("ingestion_timestamp", "gold_ingestion_timestamp"))
    assert taken <= added and row.pop("platform_sequence") >= 0
    return row | {"timestamp": micros(row["timestamp"]), "vendor_data": dict(row["vendor_data"] or ())}


def check_gold(pipeline):
    pipeline.audit()
    assert pipeline.table("silver_dlq_trades").scan().to_arrow().num_rows == 0
    rows = [plain(row) for row in pipeline.rows("gold_crypto_trades")]
    for path, count in TRADES.items():
        symbol = next(recorded(path))["s"]
        got = sorted((row for row in rows if row["symbol"] == symbol), key=lambda row: row["source_sequence"])
        # The simulator moves all times of a recording alike; by how much, the first trade says.
        shift_us = got[0]["timestamp"] - next(recorded(path))["T"] * 1000 if got else 0
        want = list(expected(path, shift_us))
        assert len(want) == count == len(got)
        for one, other in zip(got, want):
            assert one == other
    assert len(rows) == sum(TRADES.values())


def bronze_rows(pipeline):
    return pipeline.table("bronze_binance_trades").scan().to_arrow().num_rows


def test_once(pipeline):
    replay(pipeline, [*SPEED_0, "--shift-time"], [])
    check_gold(pipeline)
    assert bronze_rows(pipeline) == sum(TRADES.values())


def test_served_twice(pipeline):
    same = instant()
    for _ in range(2):
        replay(pipeline, [*SPEED_0, same], [])
    check_gold(pipeline)
    assert bronze_rows(pipeline) == 2 * sum(TRADES.values())


def test_by_two_ingest_processes_at_once(pipeline):
    replay(pipeline, [*SPEED_0, "--shift-time", "--clients", "2"], [], ["--jobs", "ingest-binance"])
    check_gold(pipeline)
    assert bronze_rows(pipeline) == 2 * sum(TRADES.values())


def test_by_two_whole_pipelines_at_once(pipeline):
    replay(pipeline, [*SPEED_0, "--shift-time", "--clients", "2"], [], [])
    check_gold(pipeline)
    assert bronze_rows(pipeline) == 2 * sum(TRADES.values())
