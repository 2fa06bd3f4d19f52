# SPDX-License-Identifier: Apache-2.0
"""What people ask of the tables (docs/tables.md): is hour H complete, the last three hours of Gold, and
the trade behind a Gold row, back to its offset and raw bytes.

Five runs of `k2 run`, an hour of exchange time apart.  K2_BUILD names the build folder,
K2_DUCKDB_EXTENSIONS where DuckDB's extensions lie."""
import datetime
import gzip
import io
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys

import fastavro
import pytest
from pyiceberg.expressions import And, EqualTo, In, Or

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, TOPIC, Exchange, Pipeline, wait_until  # noqa: E402

EXTENSIONS = os.environ.get("K2_DUCKDB_EXTENSIONS")
needs_duckdb = pytest.mark.skipif(EXTENSIONS is None, reason="K2_DUCKDB_EXTENSIONS is not set")
UTC = datetime.timezone.utc
HOUR = datetime.timedelta(hours=1)
RUNS = 5
BRONZE, SILVER, DEAD, GOLD = ("bronze_binance_trades", "silver_binance_trades", "silver_dlq_trades",
                              "gold_crypto_trades")


class World(Pipeline):
    def __init__(self, folder):
        super().__init__(folder)
        now = datetime.datetime.now(UTC)
        self.hour = now.replace(minute=0, second=0, microsecond=0) - HOUR  # the last that is over
        for run in range(RUNS):
            parts = list(self.parts(run))
            start = (self.hour - run * HOUR + HOUR / 2).strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ")
            with Exchange("--speed", "0", "--stop-when-done", start, recordings=parts) as exchange:
                self.connect(exchange)
                self.began = datetime.datetime.now(UTC)
                worker = self.start()
                exchange.wait(120)
                self.end(worker, signal.SIGTERM)

    def parts(self, run):
        """Of each recording, what this run plays."""
        for path in (BTC, ETH):
            lines = gzip.open(path, "rt").read().splitlines(True)[500 * run : 500 * (run + 1)]
            part = self.folder / f"{path.stem}-{run}"
            part.write_text("".join(lines))
            yield part

    def through(self, name):
        text = self.table(name).properties.get("k2.complete-through")
        return None if text is None else datetime.datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world


def duckdb(*queries):
    code = ("import duckdb, json, sys\n"
            "con = duckdb.connect(config={'extension_directory': sys.argv[1],"
            " 'allow_unsigned_extensions': 'true'})\n"
            "con.execute(\"LOAD avro; LOAD iceberg; SET TimeZone='UTC'\")\n"
            "for query in json.load(sys.stdin):\n"
            "    print(json.dumps([[str(v) for v in row] for row in con.execute(query).fetchall()]))\n")
    done = subprocess.run([sys.executable, "-c", code, EXTENSIONS], input=json.dumps(queries),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def metadata_file(world, name):
    return world.table(name).metadata_location.removeprefix("file://")


def scan_text(world, name):
    return f"iceberg_scan('{metadata_file(world, name)}')"


# -- is hour H complete?


def test_each_table_says_through_when_it_is_complete(world):
    told = {t["name"]: t["complete_through"] for t in json.loads(world.command("tables", "--json").stdout)["tables"]}
    gold = world.through(GOLD)
    assert world.began < gold <= datetime.datetime.now(UTC)
    assert gold <= world.through(SILVER) <= world.through(BRONZE)
    assert world.through(DEAD) is None and told[DEAD] is None
    for name in (BRONZE, SILVER, GOLD):
        text = world.table(name).properties["k2.complete-through"]
        assert len(text) == len("2026-11-22T10:00:00.000000Z") and text == told[name]
        assert world.table(name).current_snapshot().summary["k2.complete-through"] == text
        assert text.replace("T", " ").partition(".")[0] in world.command("tables").stdout.replace("T", " ")


def test_the_hour_that_is_over_is_complete_and_the_one_to_come_is_not(world):
    gold = world.table(GOLD).properties["k2.complete-through"]
    over, to_come = ((world.hour + n * HOUR).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for n in (1, 3))
    assert over <= gold < to_come


@needs_duckdb
def test_duckdb_reads_it_from_the_metadata_file(world):
    (rows,) = duckdb("SELECT properties ->> '$.\"k2.complete-through\"' FROM"
                     f" read_json('{metadata_file(world, GOLD)}', columns = {{properties: 'JSON'}})")
    assert rows == [[world.table(GOLD).properties["k2.complete-through"]]]


def test_an_exchange_that_is_silent_is_complete_through_later_and_later(world):
    """Nothing is sent any more; a run looks once a second and commits the time once it is a minute old."""
    before, rows = world.through(BRONZE), world.table(BRONZE).scan().count()
    asked = datetime.datetime.now(UTC)
    worker = world.start("--jobs", "bronze-binance,silver-binance,gold")
    wait_until(lambda: world.through(GOLD) >= asked, 150, "Gold is complete through when it was asked")
    world.end(worker, signal.SIGTERM)
    assert world.through(BRONZE) > before and world.table(BRONZE).scan().count() == rows


# -- the last three hours


def last_three(world):
    hours = [world.hour - n * HOUR for n in range(3)]
    days = sorted({h.date() for h in hours})
    return hours, [(day, [h.hour for h in hours if h.date() == day]) for day in days]


def test_three_hours_of_gold_are_planned_from_three_partitions(world):
    hours, days = last_three(world)
    parts = [And(EqualTo("exchange_date", day.isoformat()), In("exchange_hour", list_)) for day, list_ in days]
    scan = world.table(GOLD).scan(row_filter=parts[0] if len(parts) == 1 else Or(*parts))
    files = list(scan.plan_files())
    everything = list(world.table(GOLD).scan().plan_files())
    of = {tuple(task.file.partition[n] for n in range(2)) for task in files}
    assert len(of) == 3 and len({tuple(t.file.partition[n] for n in range(2)) for t in everything}) == RUNS
    assert 3 <= len(files) < len(everything)
    rows = scan.to_arrow().to_pylist()
    assert {(r["exchange_date"], r["exchange_hour"]) for r in rows} == {(h.date(), h.hour) for h in hours}
    assert len(rows) == sum(task.file.record_count for task in files)


@needs_duckdb
def test_duckdb_reads_three_partitions_of_gold(world):
    _, days = last_three(world)
    where = " OR ".join(f"(exchange_date = DATE '{day}' AND exchange_hour IN ({', '.join(map(str, list_))}))"
                        for day, list_ in days)
    read, rows = duckdb(f"SELECT DISTINCT exchange_date, exchange_hour FROM {scan_text(world, GOLD)} WHERE {where}",
                        f"SELECT count(*) FROM {scan_text(world, GOLD)} WHERE {where}")
    assert len(read) == 3
    assert int(rows[0][0]) == sum(r["exchange_hour"] in dict(days).get(r["exchange_date"], [])
                                  for r in world.rows(GOLD, "exchange_date", "exchange_hour"))


# -- the trade behind a Gold row

BACK = """
SELECT s.kafka_partition, s.kafka_offset, s.schema_id, hex(b.raw_bytes)
FROM {gold} g
JOIN {silver} s ON s.message_id = g.message_id AND s.price = g.price
               AND s.quantity = g.quantity AND s.side = g.side
JOIN {bronze} b ON b.topic = '{topic}' AND b.partition = s.kafka_partition AND b."offset" = s.kafka_offset
WHERE g.trade_id = '{trade}' ORDER BY ALL
"""


def decode(world, raw):
    zero, schema_id = struct.unpack(">bI", raw[:5])
    assert zero == 0
    return schema_id, fastavro.schemaless_reader(io.BytesIO(raw[5:]), world.schemas()[schema_id])


def some_trades(world):
    rows = world.rows(GOLD, "trade_id", "message_id", "price", "quantity", "timestamp")
    return rows[:: len(rows) // 5]


def test_pyiceberg_follows_a_gold_row_back_to_its_bytes(world):
    for gold in some_trades(world):
        silver = world.table(SILVER).scan(row_filter=EqualTo("message_id", gold["message_id"]),
                                          selected_fields=("kafka_partition", "kafka_offset", "schema_id"))
        behind = silver.to_arrow().to_pylist()
        assert behind
        for row in behind:
            place = And(EqualTo("partition", row["kafka_partition"]), EqualTo("offset", row["kafka_offset"]))
            (bronze,) = world.table(BRONZE).scan(row_filter=place).to_arrow().to_pylist()
            schema_id, trade = decode(world, bronze["raw_bytes"])
            assert bronze["topic"] == TOPIC and schema_id == row["schema_id"]
            assert (trade["message_id"], trade["trade_id"]) == (gold["message_id"], gold["trade_id"])
            assert (trade["price"], trade["quantity"]) == (gold["price"], gold["quantity"])


@needs_duckdb
def test_duckdb_follows_a_gold_row_back_to_its_bytes(world):
    tables = {key: scan_text(world, name) for key, name in (("gold", GOLD), ("silver", SILVER), ("bronze", BRONZE))}
    ends = world.log_ends()
    trades = some_trades(world)
    for gold, rows in zip(trades, duckdb(*(BACK.format(**tables, topic=TOPIC, trade=t["trade_id"]) for t in trades))):
        assert rows
        for partition, offset, schema_id, raw in rows:
            assert int(offset) < ends[int(partition)]
            found, trade = decode(world, bytes.fromhex(raw))
            assert found == int(schema_id) and trade["trade_id"] == gold["trade_id"]
