# SPDX-License-Identifier: Apache-2.0
"""Every table that the real pipeline makes, read by pyiceberg, DuckDB, pyarrow, fastavro and Iceberg's
own library, and compared with the recordings that went in.

Three runs of `k2 run` against k2-exchange-sim, hours and a day apart, with junk among the frames and
reconnects that repeat trades.  K2_BUILD names the build folder, K2_DUCKDB_EXTENSIONS where DuckDB's
extensions lie, K2_JARS those of java/run.sh."""
import datetime
import decimal
import gzip
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections import Counter

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, TOPIC, Exchange, Pipeline, message_id, recorded  # noqa: E402

EXTENSIONS = os.environ.get("K2_DUCKDB_EXTENSIONS")
JARS = os.environ.get("K2_JARS")
JAVA = pathlib.Path(__file__).parent / "java" / "run.sh"
BRONZE, SILVER, DEAD, GOLD = NAMES = [
    "bronze_binance_trades",
    "silver_binance_trades",
    "silver_dlq_trades",
    "gold_crypto_trades",
]
TRADES = 9757 + 8409
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
FAULTS = ["junk:100", "reset:2000,replay:50", "junk:500"]  # of the three runs
decimal.getcontext().prec = 60

TIME = "timestamp[us, tz=UTC]"
TRADE_COLUMNS = [
    ("message_id", "string", False),
    ("trade_id", "string", False),
    ("symbol", "string", False),
    ("exchange", "string", False),
    ("asset_class", "string", False),
    ("timestamp", TIME, False),
    ("price", "decimal128(18, 8)", False),
    ("quantity", "decimal128(18, 8)", False),
    ("currency", "string", False),
    ("side", "string", False),
    ("trade_conditions", "list<element: string not null>", False),
    ("source_sequence", "int64", True),
    ("ingestion_timestamp", TIME, False),
    ("platform_sequence", "int64", True),
    ("vendor_data", "map<string, string>", True),
]
COLUMNS = {
    BRONZE: [
        ("raw_bytes", "binary", True),
        ("topic", "string", False),
        ("partition", "int32", False),
        ("offset", "int64", False),
        ("kafka_timestamp", TIME, False),
        ("ingestion_timestamp", TIME, False),
        ("ingestion_date", "date32[day]", False),
    ],
    SILVER: [
        *TRADE_COLUMNS,
        ("validation_timestamp", TIME, False),
        ("bronze_ingestion_timestamp", TIME, False),
        ("schema_id", "int32", False),
        ("kafka_partition", "int32", False),
        ("kafka_offset", "int64", False),
        ("replay_id", "string", True),
    ],
    DEAD: [
        ("raw_record", "binary", True),
        ("error_reason", "string", False),
        ("error_type", "string", False),
        ("error_timestamp", TIME, False),
        ("bronze_source", "string", False),
        ("kafka_topic", "string", False),
        ("kafka_partition", "int32", False),
        ("kafka_offset", "int64", False),
        ("schema_id", "int32", True),
        ("dlq_date", "date32[day]", False),
    ],
    GOLD: [
        *TRADE_COLUMNS,
        ("gold_ingestion_timestamp", TIME, False),
        ("exchange_date", "date32[day]", False),
        ("exchange_hour", "int32", False),
    ],
}
NO_BOUNDS = ("message_id", "raw_bytes", "raw_record")


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


class World:
    """The data folder after three runs, and what went in: trades, and how their times were moved."""

    def __init__(self, folder):
        self.folder = folder
        self.trades = {message_id(t["s"], t["t"]): t for path in (BTC, ETH) for t in recorded(path)}
        hour = datetime.datetime.now(UTC).replace(minute=0, second=30, microsecond=0)
        self.ends = [hour - datetime.timedelta(hours=h) for h in (50, 26, 3)]
        self.pipeline = Pipeline(folder)
        self.dead_letters = 0
        for part, (end, faults) in enumerate(zip(self.ends, FAULTS)):
            self.play(end, [self.cut(path, part) for path in (BTC, ETH)], faults)
        self.arrow = {name: self.table(name).scan().to_arrow() for name in NAMES}
        self.files = {name: live_files(self.table(name)) for name in NAMES}

    def cut(self, path, part):
        """A third of a recording, as one."""
        lines = gzip.open(path, "rt").read().splitlines(True)
        third = len(lines) // 3 + 1
        place = self.folder / f"{path.stem}-{part}"
        place.write_text("".join(lines[part * third : (part + 1) * third]))
        return place

    def play(self, end, recordings, faults):
        """Serves recordings whose last frame lies at `end`, and runs the pipeline until it has all."""
        if faults.startswith("junk:"):
            frames = sum(len(path.read_text().splitlines()) for path in recordings)
            junk = (frames - 1) // int(faults.removeprefix("junk:"))
            self.dead_letters += junk - (junk + 3) // 4  # every fourth is a message of the exchange
        start = end.strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ")
        options = ["--speed", "0", "--stop-when-done", "--faults", faults, start]
        with Exchange(*options, recordings=recordings) as exchange:
            self.pipeline.connect(exchange)
            worker = self.pipeline.start()
            exchange.wait(120)
            self.pipeline.end(worker, signal.SIGTERM)

    def table(self, name):
        return self.pipeline.table(name)

    def rows(self, name):
        return self.arrow[name].to_pylist()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.pipeline.close()


def local(path):
    assert path.startswith("file:///")
    return path.removeprefix("file://")


def avro(path):
    with open(local(path), "rb") as file:
        return list(fastavro.reader(file))


class Live:
    """A live data file as its manifest tells it, and as pyarrow reads it."""

    def __init__(self, entry):
        self.entry = entry["data_file"]
        self.path = self.entry["file_path"]
        self.file = pq.ParquetFile(local(self.path))
        self.rows = self.file.read()

    def of(self, field):
        return {e["key"]: e["value"] for e in self.entry[field] or ()}


def live_files(table):
    manifests = avro(table.current_snapshot().manifest_list)
    return [Live(e) for m in manifests for e in avro(m["manifest_path"]) if e["status"] != 2]


def present(column):
    return [v for v in column.to_pylist() if v is not None]


# -- rows


def assert_trade(world, row):
    """The 15 fields against the exchange's own JSON; times moved alike for all of a recording."""
    trade = world.trades[row["message_id"]]
    moved = row["timestamp"] - EPOCH - datetime.timedelta(milliseconds=trade["T"])
    assert row["trade_id"] == f"BINANCE-{trade['t']}"
    assert (row["symbol"], row["exchange"], row["asset_class"]) == (trade["s"], "BINANCE", "crypto")
    assert row["price"] == decimal.Decimal(trade["p"])
    assert row["quantity"] == decimal.Decimal(trade["q"])
    assert row["currency"] == "USDT"
    assert row["side"] == ("SELL" if trade["m"] else "BUY")
    assert row["trade_conditions"] == []
    assert row["source_sequence"] == trade["t"]
    event_time = EPOCH + datetime.timedelta(milliseconds=trade["E"]) + moved
    assert dict(row["vendor_data"]) == {"event_time": str(micros(event_time) // 1000)}
    return trade["s"], moved


def test_gold_has_each_recorded_trade_once(world):
    rows = world.rows(GOLD)
    assert len(rows) == TRADES == len(world.trades)
    assert {r["message_id"] for r in rows} == world.trades.keys()
    assert len({assert_trade(world, row) for row in rows}) == 6
    for row in rows:
        assert row["exchange_date"] == row["timestamp"].date()
        assert row["exchange_hour"] == row["timestamp"].hour
        assert row["ingestion_timestamp"] <= row["gold_ingestion_timestamp"]
    assert {r["timestamp"].date() for r in rows} >= {end.date() for end in world.ends}


def test_gold_has_the_first_of_the_copies_in_silver(world):
    silver = sorted(world.rows(SILVER), key=lambda r: r["kafka_offset"], reverse=True)
    first = {r["message_id"]: r for r in silver}
    assert len(silver) > len(first) == TRADES
    for row in world.rows(GOLD):
        assert {k: row[k] for k, _, _ in TRADE_COLUMNS} == {
            k: first[row["message_id"]][k] for k, _, _ in TRADE_COLUMNS
        }


def test_files_of_gold_are_sorted(world):
    for live in world.files[GOLD]:
        keys = list(zip(*(live.rows.column(n).to_pylist() for n in ("timestamp", "trade_id"))))
        assert keys == sorted(keys)
        assert live.entry["sort_order_id"] == 1


def test_bronze_decodes_with_fastavro_to_silver(world):
    """Raw bytes with the registry's header, by offset; Silver has the same values in its own types."""
    schemas = {k: fastavro.parse_schema(v) for k, v in world.pipeline.schemas().items()}
    silver = {(r["kafka_partition"], r["kafka_offset"]): r for r in world.rows(SILVER)}
    bronze = world.rows(BRONZE)
    assert len(bronze) == len(silver) == world.arrow[SILVER].num_rows
    offsets = {}
    for row in bronze:
        offsets.setdefault(row["partition"], []).append(row["offset"])
        assert row["topic"] == TOPIC and row["ingestion_date"] == row["ingestion_timestamp"].date()
        assert row["kafka_timestamp"] <= row["ingestion_timestamp"]
        raw, clean = row["raw_bytes"], silver[row["partition"], row["offset"]]
        assert raw[0] == 0
        stream = io.BytesIO(raw[5:])
        trade = fastavro.schemaless_reader(stream, schemas[int.from_bytes(raw[1:5], "big")])
        assert not stream.read()
        assert {k: dict(v) if k == "vendor_data" else v for k, v in clean.items() if k in trade} == trade
        assert_trade(world, clean)
        assert clean["schema_id"] == int.from_bytes(raw[1:5], "big")
        assert clean["bronze_ingestion_timestamp"] == row["ingestion_timestamp"]
        assert clean["validation_timestamp"] >= row["ingestion_timestamp"]
        assert clean["replay_id"] is None
    ends = world.pipeline.log_ends()
    assert {p: sorted(o) for p, o in offsets.items()} == {p: list(range(e)) for p, e in ends.items()}


def test_dead_letters_have_the_raw_frames(world):
    rows = sorted(world.rows(DEAD), key=lambda r: r["kafka_offset"])
    assert [r["kafka_offset"] for r in rows] == list(range(world.dead_letters))
    seen = Counter()
    for row in rows:
        assert (row["error_type"], row["bronze_source"]) == ("ingest", "ingest_binance")
        assert (row["kafka_topic"], row["kafka_partition"]) == (TOPIC + ".dlq", 0)
        assert row["schema_id"] is None
        assert row["dlq_date"] == row["error_timestamp"].date()
        raw = row["raw_record"]
        if raw == b"upstream connect error or disconnect/reset before headers":
            kind, reason = "text", "not_json"
        elif b"unheardOf" in raw:
            assert json.loads(raw)["data"]["e"] == "unheardOf"
            kind, reason = "event", "unknown_event"
        else:
            assert raw[:10] == b'{"stream":' and b'"data":{"e":"trade"' in raw
            kind, reason = "cut", "not_json"
        assert row["error_reason"] == reason
        seen[kind] += 1
    assert all(abs(seen[kind] - world.dead_letters / 3) <= 2 for kind in ("text", "event", "cut"))


def test_the_audit_agrees(world):
    assert f"{TRADES} rows of ours" in world.pipeline.audit()


# -- types, nulls, statistics


def plain_type(kind):
    """As Parquet's readers show it, wherever the names inside lists and maps come from."""
    text = str(kind).replace("large_", "")
    if pa.types.is_map(kind):
        return "map<string, string>"
    return text.split(" ('")[0]


@pytest.mark.parametrize("name", NAMES)
def test_each_column_has_its_type_and_id(world, name):
    wanted = COLUMNS[name]
    assert [(f.name, plain_type(f.type), f.nullable) for f in world.arrow[name].schema] == wanted
    for live in world.files[name]:
        schema = live.file.schema_arrow
        assert [(f.name, plain_type(f.type), f.nullable) for f in schema] == wanted
        ids = [int(f.metadata[b"PARQUET:field_id"]) for f in schema]
        assert ids == list(range(1, len(wanted) + 1))
        inner = [
            int(f.metadata[b"PARQUET:field_id"])
            for column in schema
            for f in (
                [column.type.value_field] if pa.types.is_list(column.type)
                else [column.type.key_field, column.type.item_field] if pa.types.is_map(column.type)
                else []
            )
        ]
        assert inner == list(range(len(wanted) + 1, len(wanted) + 1 + len(inner)))
        assert len(inner) == (3 if name in (SILVER, GOLD) else 0)


@pytest.mark.parametrize("name", NAMES)
def test_pyarrow_finds_the_rows_of_the_table_in_its_files(world, name):
    files = world.files[name]
    keys = {BRONZE: ["partition", "offset"], SILVER: ["kafka_partition", "kafka_offset"],
            DEAD: ["kafka_offset"], GOLD: ["message_id"]}[name]
    order = [(key, "ascending") for key in keys]
    rows = pa.concat_tables([live.rows for live in files]).sort_by(order).to_pylist()
    assert rows == world.arrow[name].sort_by(order).to_pylist()
    assert len({live.path for live in files}) == len(files) > 1


def decoded(raw, kind):
    if pa.types.is_decimal(kind):
        return decimal.Decimal(int.from_bytes(raw, "big", signed=True)).scaleb(-kind.scale)
    if pa.types.is_string(kind):
        return raw.decode()
    if pa.types.is_timestamp(kind):
        assert len(raw) == 8
        return EPOCH + datetime.timedelta(microseconds=int.from_bytes(raw, "little", signed=True))
    number = int.from_bytes(raw, "little", signed=True)
    if pa.types.is_date(kind):
        assert len(raw) == 4
        return EPOCH.date() + datetime.timedelta(days=number)
    assert len(raw) == kind.bit_width // 8
    return number


@pytest.mark.parametrize("name", NAMES)
def test_statistics_in_manifests_are_those_of_the_rows(world, name):
    for live in world.files[name]:
        values, nulls, sizes = (live.of(k) for k in ("value_counts", "null_value_counts", "column_sizes"))
        lower, upper = live.of("lower_bounds"), live.of("upper_bounds")
        assert live.entry["file_format"].lower() == "parquet"
        assert live.entry["record_count"] == live.rows.num_rows
        assert live.entry["file_size_in_bytes"] == os.path.getsize(local(live.path))
        for id, field in enumerate(live.rows.schema, 1):
            if pa.types.is_nested(field.type):
                assert id not in lower and id not in upper
                continue
            column = live.rows.column(field.name)
            assert values[id] == live.rows.num_rows
            assert nulls[id] == column.null_count
            held = present(column)
            if field.name in NO_BOUNDS or not held:
                assert id not in lower and id not in upper
                continue
            low, high = decoded(lower[id], field.type), decoded(upper[id], field.type)
            if pa.types.is_string(field.type):
                assert low == min(held)[:16]
                assert high == max(held) if len(max(held)) <= 16 else high > max(held) and len(high) == 16
            else:
                assert (low, high) == (min(held), max(held))
        footer = live.file.metadata
        groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        chunks = [g.column(i) for g in groups for i in range(g.num_columns)]
        assert sum(sizes.values()) == sum(c.total_compressed_size for c in chunks)
        starts = [g.column(0).dictionary_page_offset or g.column(0).data_page_offset for g in groups]
        assert live.entry["split_offsets"] == starts


@pytest.mark.parametrize("name", NAMES)
def test_statistics_in_footers_are_those_of_the_rows(world, name):
    for live in world.files[name]:
        footer = live.file.metadata
        assert footer.metadata[b"k2.writer"] == b"k2"
        for index in range(footer.num_row_groups):
            group, rows = footer.row_group(index), live.file.read_row_group(index)
            assert group.num_rows == rows.num_rows
            for place in range(group.num_columns):
                chunk = group.column(place)
                assert chunk.compression == "ZSTD" and chunk.has_offset_index
                if "." in chunk.path_in_schema:
                    continue
                assert chunk.has_column_index == (chunk.path_in_schema not in NO_BOUNDS)
                column, found = rows.column(chunk.path_in_schema), chunk.statistics
                assert found.null_count == column.null_count
                assert found.num_values == rows.num_rows - column.null_count
                held = present(column)
                assert found.has_min_max == (chunk.path_in_schema not in NO_BOUNDS and bool(held))
                if not found.has_min_max:
                    continue
                if pa.types.is_string(column.type):
                    assert found.min <= min(held) and found.max >= max(held)
                else:
                    assert (found.min, found.max) == (min(held), max(held))


@pytest.mark.parametrize("name", NAMES)
def test_nulls_are_where_they_belong(world, name):
    nulls = {f.name: world.arrow[name].column(f.name).null_count for f in world.arrow[name].schema}
    every = {SILVER: ["replay_id"], DEAD: ["schema_id"]}.get(name, [])
    assert {k: n for k, n in nulls.items() if n} == {k: world.arrow[name].num_rows for k in every}


@pytest.mark.parametrize("name", NAMES)
def test_snapshots_add_up(world, name):
    table = world.table(name)
    rows, parent, files = 0, None, set()
    for snapshot in table.metadata.snapshots:
        assert snapshot.parent_snapshot_id == parent
        parent = snapshot.snapshot_id
        rows += int(snapshot.summary["added-records"] or 0)
        assert int(snapshot.summary["total-records"]) == rows
        assert table.scan(snapshot_id=parent).count() == rows
        now = {t.file.file_path for t in table.scan(snapshot_id=parent).plan_files()}
        assert now >= files and len(now) - len(files) == int(snapshot.summary["added-data-files"] or 0)
        files = now
    assert rows == world.arrow[name].num_rows


# -- pruning


def overlaps(live, column, low, high):
    held = present(live.rows.column(column))
    return bool(held) and min(held) < high and max(held) >= low


PRUNED = [(BRONZE, "offset"), (BRONZE, "kafka_timestamp"), (SILVER, "kafka_offset"), (SILVER, "timestamp"),
          (SILVER, "source_sequence"), (DEAD, "kafka_offset"), (GOLD, "timestamp"), (GOLD, "exchange_hour")]


def ranges(world, name, column):
    """Narrow ranges around the least, the middle and the greatest value; the last is in no row."""
    held = sorted(present(world.arrow[name].column(column)))
    step = datetime.timedelta(milliseconds=1) if "timestamp" in column else 1
    for low in (held[0], held[len(held) // 2], held[-1], held[-1] + step):
        yield low, low + step, sum(low <= v < low + step for v in held)


def literal(value):
    return value.isoformat() if isinstance(value, datetime.datetime) else value


@pytest.mark.parametrize("name,column", PRUNED)
def test_pyiceberg_plans_only_files_that_can_match(world, name, column):
    files, pruned = world.files[name], False
    for low, high, count in ranges(world, name, column):
        condition = And(GreaterThanOrEqual(column, literal(low)), LessThan(column, literal(high)))
        scan = world.table(name).scan(row_filter=condition)
        planned = {task.file.file_path for task in scan.plan_files()}
        assert planned == {live.path for live in files if overlaps(live, column, low, high)}
        pruned |= 0 < len(planned) < len(files)
        assert scan.to_arrow().num_rows == count
    assert pruned


def test_an_hour_of_gold_is_planned_from_its_own_files(world):
    table, files = world.table(GOLD), world.files[GOLD]
    hours = Counter((r["exchange_date"], r["exchange_hour"]) for r in world.rows(GOLD))
    assert len(hours) >= 4
    for (date, hour), count in hours.items():
        condition = And(EqualTo("exchange_date", date.isoformat()), EqualTo("exchange_hour", hour))
        scan = table.scan(row_filter=condition)
        planned = {task.file.file_path for task in scan.plan_files()}
        days = (date - EPOCH.date()).days
        found = {l.path for l in files if tuple(l.entry["partition"].values()) in ((date, hour), (days, hour))}
        assert planned == found and planned and len(planned) < len(files)
        assert all(f"/exchange_date={date}/exchange_hour={hour:02}/" in p or
                   f"/exchange_date={date}/exchange_hour={hour}/" in p for p in planned)
        assert scan.to_arrow().num_rows == count


@pytest.mark.parametrize("name", NAMES)
def test_manifest_lists_know_the_partitions_of_their_manifests(world, name):
    table = world.table(name)
    assert [str(f.transform) for f in table.spec().fields] == (["identity"] * 2 if name == GOLD else ["day"])
    for manifest in avro(table.current_snapshot().manifest_list):
        entries = avro(manifest["manifest_path"])
        tuples = [tuple(e["data_file"]["partition"].values()) for e in entries]
        for place, summary in enumerate(manifest["partitions"]):
            held = [t[place] for t in tuples]
            held = [(v - EPOCH.date()).days if isinstance(v, datetime.date) else v for v in held]
            bounds = [int.from_bytes(summary[k], "little", signed=True) for k in ("lower_bound", "upper_bound")]
            assert bounds == [min(held), max(held)] and summary["contains_null"] is False


# -- DuckDB

DUCKDB = """
import duckdb, json, sys
con = duckdb.connect(config={"extension_directory": sys.argv[1], "allow_unsigned_extensions": "true"})
con.execute("LOAD avro; LOAD iceberg; SET TimeZone='UTC'")
for query in json.load(sys.stdin):
    for row in con.execute(query).fetchall():
        print(json.dumps([str(v) for v in row]))
"""


def duckdb(*queries):
    """In a process of its own: a bad manifest would end DuckDB's."""
    done = subprocess.run([sys.executable, "-c", DUCKDB, EXTENSIONS], input=json.dumps(queries),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


needs_duckdb = pytest.mark.skipif(EXTENSIONS is None, reason="K2_DUCKDB_EXTENSIONS is not set")


def scan_text(world, name):
    return f"iceberg_scan('{local(world.table(name).metadata_location)}')"


@needs_duckdb
@pytest.mark.parametrize("name", NAMES)
def test_duckdb_reads_the_same_values_in_the_same_types(world, name, tmp_path):
    duckdb(f"COPY (SELECT * FROM {scan_text(world, name)}) TO '{tmp_path}/copy' (FORMAT parquet)")
    copy, key = pq.read_table(tmp_path / "copy"), {GOLD: "message_id", DEAD: "kafka_offset"}.get(name)
    keys = [key] if key else [c for c, _, _ in COLUMNS[name] if "partition" in c or "offset" in c]
    order = [(key, "ascending") for key in keys]
    assert [(f.name, plain_type(f.type).replace("not null", "").replace(" >", ">")) for f in copy.schema] == [
        (c, kind.replace(" not null", "")) for c, kind, _ in COLUMNS[name]
    ]
    assert copy.sort_by(order).to_pylist() == world.arrow[name].sort_by(order).to_pylist()


@needs_duckdb
@pytest.mark.parametrize("name,column", PRUNED)
def test_duckdb_filters_lose_no_row(world, name, column):
    queries, wanted = [], []
    for low, high, count in ranges(world, name, column):
        low, high = (f"TIMESTAMPTZ '{v.isoformat()}'" if "timestamp" in column else v for v in (low, high))
        where = f'"{column}" >= {low} AND "{column}" < {high}'
        queries.append(f"SELECT count(*) FROM {scan_text(world, name)} WHERE {where}")
        wanted.append([str(count)])
    assert duckdb(*queries) == wanted


@needs_duckdb
def test_duckdb_computes_prices_exactly(world):
    """Turnover by pair and hour: as DuckDB sums it, and as Python does from the recording.  DuckDB
    multiplies two DECIMAL(18, 8) within 18 digits unless one of them is cast."""
    wanted = {}
    for row in world.rows(GOLD):
        trade = world.trades[row["message_id"]]
        key = (row["symbol"], str(row["exchange_date"]), str(row["exchange_hour"]))
        wanted[key] = wanted.get(key, 0) + decimal.Decimal(trade["p"]) * decimal.Decimal(trade["q"])
    got = duckdb(f"SELECT symbol, exchange_date, exchange_hour, sum(price::DECIMAL(38, 8) * quantity) FROM"
                 f" {scan_text(world, GOLD)} GROUP BY ALL")
    assert {tuple(r[:3]): decimal.Decimal(r[3]) for r in got} == wanted


# -- Iceberg's own library

needs_java = pytest.mark.skipif(JARS is None or not JAVA.exists(), reason="K2_JARS is not set")


def java(world, name, *condition):
    done = subprocess.run([JAVA, world.pipeline.data, "plan", name, *map(str, condition)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_java
@pytest.mark.parametrize("name", NAMES)
def test_java_loads_strictly_and_plans_every_file(world, name):
    planned, files = java(world, name), world.files[name]
    assert Counter(planned["files"]) == Counter(live.path for live in files)
    assert planned["records"] == world.arrow[name].num_rows
    assert planned["snapshots"] == len(world.table(name).metadata.snapshots)


@needs_java
@pytest.mark.parametrize("name,column", [(BRONZE, "offset"), (SILVER, "kafka_offset"), (SILVER, "timestamp"),
                                         (DEAD, "kafka_offset"), (GOLD, "exchange_hour"), (GOLD, "timestamp")])
def test_java_plans_only_files_that_can_match(world, name, column):
    files = world.files[name]
    low, high, _ = list(ranges(world, name, column))[1]
    planned = java(world, name, column, literal(low), literal(high))
    assert set(planned["files"]) == {l.path for l in files if overlaps(l, column, low, high)}
    assert 0 < len(planned["files"]) < len(files)
