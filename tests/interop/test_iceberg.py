# SPDX-License-Identifier: Apache-2.0
"""Tables of ours, judged by pyiceberg, DuckDB and fastavro, and theirs by us.

tests/lib/table_tool.c makes a warehouse of the four tables with random rows.  K2_BUILD names the
build folder, K2_DUCKDB_EXTENSIONS where DuckDB's extensions lie, K2_SEEDS how many warehouses.
"""

import datetime
import decimal
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan
from pyiceberg.types import DoubleType

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))
VECTORS = Path(__file__).parents[1] / "vectors" / "iceberg"
SEEDS = int(os.environ.get("K2_SEEDS", "3"))
EXTENSIONS = os.environ.get("K2_DUCKDB_EXTENSIONS")
NAMES = [
    "bronze_binance_trades",
    "silver_binance_trades",
    "silver_dlq_trades",
    "gold_crypto_trades",
]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
decimal.getcontext().prec = 60


class World:
    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed
        self.run("make", str(seed))

    def run(self, *args):
        tool = BUILD / "tests" / "interop" / "table_tool"
        done = subprocess.run([tool, self.folder, *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def show(self):
        return {t["name"]: t for t in json.loads(self.run("show"))}

    def written(self, name):
        lines = (self.folder / f"{name}.jsonl").read_text().splitlines()
        return Counter(json.dumps(json.loads(line)) for line in lines)

    def catalog(self):
        return SqlCatalog(
            "iceberg",
            uri=f"sqlite:///{self.folder}/k2.db",
            warehouse=f"file://{self.folder}/warehouse",
        )

    def table(self, name):
        return self.catalog().load_table(f"market_data.{name}")


@pytest.fixture(scope="module", params=range(SEEDS))
def world(request, tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), request.param)


@pytest.fixture
def own_world(tmp_path):
    return World(tmp_path, 77)


def plain_value(kind, value):
    """A value of an arrow column as table_tool prints it."""
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return int(value.scaleb(kind.scale))
    if pa.types.is_timestamp(kind):
        return value
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, bytes):
        return value.hex()
    if pa.types.is_map(kind):
        return [[plain_value(kind.key_type, v) for v in pair] for pair in value]
    if isinstance(value, list):
        return [plain_value(kind.value_type, v) for v in value]
    return value


def plain_rows(table, columns=None):
    """The rows of an arrow table, counted, as table_tool prints them."""
    lists = []
    for field in table.schema:
        if columns is not None and field.name not in columns:
            continue
        column = table.column(field.name)
        if pa.types.is_date(field.type):
            column = column.cast(pa.int32())
        if pa.types.is_timestamp(field.type):
            column = column.cast(pa.int64())
        lists.append([plain_value(field.type, v) for v in column.to_pylist()])
    return Counter(json.dumps(list(row)) for row in zip(*lists))


@pytest.mark.parametrize("name", NAMES)
def test_our_reader_finds_what_was_written(world, name):
    shown = world.show()[name]
    rows = Counter(json.dumps(row) for file in shown["files"] for row in file["data"])
    assert rows == world.written(name)
    assert all(len(file["data"]) == file["rows"] for file in shown["files"])


@pytest.mark.parametrize("name", NAMES)
def test_pyiceberg_reads_every_row(world, name):
    assert plain_rows(world.table(name).scan().to_arrow()) == world.written(name)


@pytest.mark.parametrize("name", NAMES)
def test_older_snapshots_can_still_be_read(world, name):
    table = world.table(name)
    counts = [
        table.scan(snapshot_id=s.snapshot_id).to_arrow().num_rows for s in table.metadata.snapshots
    ]
    assert counts == [int(s.summary["total-records"]) for s in table.metadata.snapshots]
    assert counts == sorted(counts)


def test_pyiceberg_lists_the_tables_and_their_shapes(world):
    listed = world.catalog().list_tables("market_data")
    assert {t[-1] for t in listed} == set(NAMES)
    spec = world.table("gold_crypto_trades").spec()
    assert [(f.field_id, f.name, str(f.transform)) for f in spec.fields] == [
        (1000, "exchange_date", "identity"),
        (1001, "exchange_hour", "identity"),
    ]
    order = world.table("gold_crypto_trades").sort_order()
    assert order.order_id == 1 and len(order.fields) == 2
    assert str(world.table("bronze_binance_trades").spec().fields[0].transform) == "day"


def literal(field, value):
    if str(field.field_type) == "date":
        return (EPOCH + datetime.timedelta(days=value)).date().isoformat()
    if str(field.field_type) == "timestamptz":
        return (EPOCH + datetime.timedelta(microseconds=value)).isoformat()
    return value


FILTERS = [
    ("bronze_binance_trades", "offset"),
    ("bronze_binance_trades", "ingestion_date"),
    ("bronze_binance_trades", "kafka_timestamp"),
    ("silver_binance_trades", "validation_timestamp"),
    ("silver_binance_trades", "source_sequence"),
    ("silver_dlq_trades", "dlq_date"),
    ("gold_crypto_trades", "exchange_date"),
    ("gold_crypto_trades", "exchange_hour"),
    ("gold_crypto_trades", "timestamp"),
]


@pytest.mark.parametrize("name,column", FILTERS)
def test_filters_prune_files_and_lose_no_row(world, name, column):
    """The plan has just the files whose values can match, from partitions and bounds."""
    table, shown = world.table(name), world.show()[name]
    place = shown["columns"].index(column)
    field = table.schema().find_field(column)
    is_time = str(field.field_type) == "timestamptz"
    of_file = {f["path"]: [r[place] for r in f["data"]] for f in shown["files"]}
    every = sorted(v for values in of_file.values() for v in values if v is not None)
    for low in (every[0], every[len(every) // 2], every[-1]):
        high = low + (3600_000_000 if is_time else 1)
        condition = And(
            GreaterThanOrEqual(column, literal(field, low)), LessThan(column, literal(field, high))
        )
        scan = table.scan(row_filter=condition)
        planned = {task.file.file_path for task in scan.plan_files()}
        wanted = {
            path
            for path, values in of_file.items()
            if (present := [v for v in values if v is not None])
            and min(present) < high
            and max(present) >= low
        }
        assert planned == wanted
        assert scan.to_arrow().num_rows == sum(low <= v < high for v in every)


def test_partition_filters_read_only_manifests_that_match(world):
    table, shown = world.table("gold_crypto_trades"), world.show()["gold_crypto_trades"]
    tuples = Counter(tuple(f["partition"]) for f in shown["files"])
    for (day, hour), count in tuples.items():
        date = (EPOCH + datetime.timedelta(days=day)).date().isoformat()
        condition = And(EqualTo("exchange_date", date), EqualTo("exchange_hour", hour))
        assert len(list(table.scan(row_filter=condition).plan_files())) == count


@pytest.mark.parametrize("name", NAMES)
def test_inspect_agrees_with_us(world, name):
    table, shown = world.table(name), world.show()[name]
    snapshots = table.inspect.snapshots().to_pylist()
    assert [s["snapshot_id"] for s in snapshots] == shown["snapshots"]
    files = table.inspect.files().to_pylist()
    assert Counter(f["file_path"] for f in files) == Counter(f["path"] for f in shown["files"])
    assert sum(f["record_count"] for f in files) == sum(f["rows"] for f in shown["files"])
    for file in files:
        assert file["file_size_in_bytes"] == Path(file["file_path"][7:]).stat().st_size
    manifests = table.inspect.manifests().to_pylist()
    assert sum(
        m["added_data_files_count"] + m["existing_data_files_count"] for m in manifests
    ) == len(files)
    assert any(m["existing_data_files_count"] > 1 for m in manifests), "nothing was merged"
    history = table.inspect.history().to_pylist()
    assert history[-1]["snapshot_id"] == shown["main"]
    summary = snapshots[-1]["summary"]
    summary = dict(summary) if not isinstance(summary, dict) else summary
    assert int(summary["total-data-files"]) == len(files)
    assert int(summary["total-files-size"]) == sum(f["file_size_in_bytes"] for f in files)


def bounds_of(values, kind):
    if kind in ("string", "binary"):
        values = [bytes.fromhex(v) for v in values]
    return min(values), max(values)


@pytest.mark.parametrize("name", NAMES)
def test_statistics_in_manifests_are_true(world, name):
    """Counts and bounds of each file against its rows; text bounds cut to 16 characters."""
    table, shown = world.table(name), world.show()[name]
    fields = {f.field_id: f for f in table.schema().fields}
    rows_of = {f["path"]: f["data"] for f in shown["files"]}
    places = {n: i for i, n in enumerate(shown["columns"])}
    for task in table.scan().plan_files():
        file = task.file
        for field_id, field in fields.items():
            values = [r[places[field.name]] for r in rows_of[file.file_path]]
            present = [v for v in values if v is not None]
            kind = str(field.field_type)
            if kind.startswith(("list", "map")):
                assert field_id not in (file.value_counts or {})
                continue
            assert file.value_counts[field_id] == len(values)
            assert file.null_value_counts[field_id] == len(values) - len(present)
            lower, upper = file.lower_bounds.get(field_id), file.upper_bounds.get(field_id)
            if field.name in ("message_id", "raw_bytes", "raw_record") or not present:
                assert lower is None and upper is None
                continue
            low, high = bounds_of(present, kind)
            if kind in ("string", "binary"):
                units = (lambda b: b.decode()) if kind == "string" else bytes
                assert units(lower) == units(low)[:16]
                assert upper is None or upper >= high
                assert len(units(high)) > 16 or upper == high
            elif kind.startswith("decimal"):
                assert int.from_bytes(lower, "big", signed=True) == low
                assert int.from_bytes(upper, "big", signed=True) == high
                assert len(lower) == 1 or not -(1 << 8 * len(lower) - 9) <= low < 1 << (
                    8 * len(lower) - 9
                )
            else:
                assert int.from_bytes(lower, "little", signed=True) == low
                assert int.from_bytes(upper, "little", signed=True) == high
                assert len(lower) == (4 if kind in ("int", "date") else 8)
        assert file.split_offsets[0] == 4 and file.split_offsets == sorted(file.split_offsets)


def metadata_files(world):
    return sorted((world.folder / "warehouse").glob("market_data/*/metadata/*.metadata.json"))


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(v) for v in value.values())
    if isinstance(value, list):
        return any(has_null(v) for v in value)
    return value is None


def test_metadata_has_no_null_and_only_texts_in_maps(world):
    for path in metadata_files(world):
        pairs = []
        document = json.loads(path.read_text(), object_pairs_hook=lambda p: pairs.append(p) or dict(p))
        assert not has_null(document)
        assert all(len({k for k, _ in p}) == len(p) for p in pairs), "a key occurs twice"
        for snapshot in document["snapshots"]:
            assert all(isinstance(v, str) for v in snapshot["summary"].values())
            assert snapshot["schema-id"] == 0
            assert snapshot["sequence-number"] <= document["last-sequence-number"]
        assert all(isinstance(v, str) for v in document["properties"].values())
        if document["snapshots"]:
            assert document["refs"]["main"]["snapshot-id"] == document["current-snapshot-id"]
            assert document["snapshot-log"][-1]["snapshot-id"] == document["current-snapshot-id"]
            listed = {s["snapshot-id"] for s in document["snapshots"]}
            assert {e["snapshot-id"] for e in document["snapshot-log"]} <= listed
        times = [e["timestamp-ms"] for e in document["metadata-log"]]
        assert times == sorted(times) and all(t <= document["last-updated-ms"] for t in times)


def shape(schema):
    """An Avro schema without docs and defaults, which readers do not ask for."""
    if isinstance(schema, dict):
        return {k: shape(v) for k, v in schema.items() if k not in ("doc", "default")}
    if isinstance(schema, list):
        return [shape(s) for s in schema]
    return schema


def avro_header(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        metadata = dict(reader.metadata)
        return metadata, json.loads(metadata["avro.schema"]), list(reader)


def golden(name):
    return shape(json.loads((VECTORS / name).read_text()))


def test_manifest_lists_have_the_golden_schema(world):
    """v2 differs from the golden file as Java does: both sequence numbers are required, and
    key_metadata comes last."""
    wanted = golden("avro_schema_manifest_file_v2.json")["fields"]
    for field in wanted:
        if field["name"] in ("sequence_number", "min_sequence_number"):
            field["type"] = "long"
    wanted.append({"name": "key_metadata", "type": ["null", "bytes"], "field-id": 519})
    for path in (world.folder / "warehouse").glob("market_data/*/metadata/snap-*.avro"):
        metadata, schema, rows = avro_header(path)
        assert schema["name"] == "manifest_file"
        assert shape(schema)["fields"] == wanted
        assert metadata["format-version"] == "2" and metadata["avro.codec"] in ("null", "deflate")
        assert int(metadata["snapshot-id"]) == int(path.name.split("-")[1])
        assert {"parent-snapshot-id", "sequence-number"} <= set(metadata)
        for row in rows:
            manifest = Path(row["manifest_path"][7:])
            assert row["manifest_length"] == manifest.stat().st_size
            assert 0 < row["min_sequence_number"] <= row["sequence_number"]
            _, _, entries = avro_header(manifest)
            counts = Counter(e["status"] for e in entries)
            files = (row["existing_files_count"], row["added_files_count"], row["deleted_files_count"])
            assert files == (counts[0], counts[1], counts[2])
            assert row["added_rows_count"] + row["existing_rows_count"] == sum(
                e["data_file"]["record_count"] for e in entries
            )
            for i, key in enumerate(entries[0]["data_file"]["partition"]):
                values = [e["data_file"]["partition"][key] for e in entries]
                days = [
                    (v - EPOCH.date()).days if isinstance(v, datetime.date) else v for v in values
                ]
                summary = row["partitions"][i]
                assert not summary["contains_null"] and summary["contains_nan"] is False
                assert int.from_bytes(summary["lower_bound"], "little", signed=True) == min(days)
                assert int.from_bytes(summary["upper_bound"], "little", signed=True) == max(days)


def by_name(schema):
    fields = next(f for f in schema["fields"] if f["name"] == "data_file")["type"]["fields"]
    return {f["name"]: f for f in fields}


def test_manifests_have_the_golden_schema(world):
    """The golden entry is a v1 one: block_size_in_bytes is gone and the v2 fields are added."""
    wanted = by_name(golden("avro_schema_manifest_entry.json"))
    for path in (world.folder / "warehouse").glob("market_data/*/metadata/*-m*.avro"):
        metadata, schema, entries = avro_header(path)
        assert schema["name"] == "manifest_entry"
        assert [(f["name"], f["field-id"]) for f in schema["fields"]] == [
            ("status", 0),
            ("snapshot_id", 1),
            ("sequence_number", 3),
            ("file_sequence_number", 4),
            ("data_file", 2),
        ]
        got = by_name(shape(schema))
        assert set(got) - set(wanted) == {"content", "equality_ids", "referenced_data_file"}
        assert set(wanted) - set(got) == {"block_size_in_bytes"}
        for name, field in wanted.items():
            if name not in ("partition", "block_size_in_bytes"):
                assert got[name] == field
        assert metadata["format-version"] == "2" and metadata["content"] == "data"
        assert json.loads(metadata["schema"])["schema-id"] == int(metadata["schema-id"]) == 0
        spec = json.loads(metadata["partition-spec"])
        assert [f["field-id"] for f in spec] == [f["field-id"] for f in got["partition"]["type"]["fields"]]
        assert metadata["partition-spec-id"] == "0"
        for entry in entries:
            numbers = (entry["sequence_number"], entry["file_sequence_number"])
            assert entry["snapshot_id"] > 0
            assert numbers == (None, None) if entry["status"] == 1 else None not in numbers


DUCKDB = """
import duckdb, json, sys
con = duckdb.connect(config={"extension_directory": sys.argv[1], "allow_unsigned_extensions": "true"})
con.execute("LOAD avro; LOAD iceberg; SET TimeZone='UTC'")
out = []
for query in json.load(sys.stdin):
    out.append([[None if v is None else str(v) for v in row] for row in con.execute(query).fetchall()])
json.dump(out, sys.stdout)
"""


def duckdb(queries):
    """In a process of its own: a bad manifest ends DuckDB's."""
    done = subprocess.run(
        [sys.executable, "-c", DUCKDB, EXTENSIONS],
        input=json.dumps(queries),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_duckdb = pytest.mark.skipif(EXTENSIONS is None, reason="K2_DUCKDB_EXTENSIONS is not set")


@needs_duckdb
@pytest.mark.parametrize("name", NAMES)
def test_duckdb_reads_every_row(world, name):
    shown = world.show()[name]
    rows = [row for file in shown["files"] for row in file["data"]]
    scan = f"iceberg_scan('{shown['metadata'][7:]}')"
    fields = world.table(name).schema().fields
    # Each scalar column as table_tool prints it, all rows counted.
    texts = {
        "string": "hex({0})",
        "binary": "hex({0})",
        "date": "({0} - DATE '1970-01-01')",
        "timestamptz": "epoch_us({0})",
    }
    scalars = [
        (i, texts.get(kind, "({0}::DECIMAL(38, 8) * 100000000)::BIGINT" if "decimal" in kind else "{0}").format(f'"{f.name}"'))
        for i, f in enumerate(fields)
        if not (kind := str(f.field_type)).startswith(("list", "map"))
    ]
    query = f"SELECT {', '.join(text for _, text in scalars)} FROM {scan}"
    wanted = Counter(
        json.dumps([None if r[i] is None else str(r[i]).lower() for i, _ in scalars]) for r in rows
    )
    nested = [f.name for f in fields if str(f.field_type).startswith(("list", "map"))]
    lists = [n if n == "trade_conditions" else f"map_keys({n})" for n in nested]
    sums = f"SELECT count(*){''.join(f', sum(len({n}))' for n in lists)} FROM {scan}"
    got, counted = duckdb([query, sums])
    assert Counter(json.dumps([None if v is None else v.lower() for v in r]) for r in got) == wanted
    lengths = [
        str(sum(len(r[shown["columns"].index(n)] or []) for r in rows)) for n in nested
    ]
    assert counted == [[str(len(rows)), *lengths]]


@needs_duckdb
def test_duckdb_filters_on_partition_and_bounds(world):
    shown = world.show()["gold_crypto_trades"]
    scan = f"iceberg_scan('{shown['metadata'][7:]}')"
    hours = Counter(f["partition"][1] for f in shown["files"] for _ in f["data"])
    place = shown["columns"].index("timestamp")
    times = sorted(r[place] for f in shown["files"] for r in f["data"])
    middle = times[len(times) // 2]
    stamp = (EPOCH + datetime.timedelta(microseconds=middle)).isoformat()
    by_hour, by_time = duckdb(
        [
            f"SELECT exchange_hour, count(*) FROM {scan} WHERE exchange_hour >= 11 GROUP BY ALL",
            f"SELECT count(*) FROM {scan} WHERE timestamp >= TIMESTAMPTZ '{stamp}'",
        ]
    )
    assert {int(h): int(c) for h, c in by_hour} == {h: c for h, c in hours.items() if h >= 11}
    assert by_time == [[str(sum(t >= middle for t in times))]]


def foreign_rows(table, count):
    """Rows that pyiceberg itself writes: every column, nulls where there may be."""
    day = datetime.date(2026, 11, 23)
    time = datetime.datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=datetime.timezone.utc)
    values = {
        "string": "foreign",
        "binary": b"\\x00foreign",
        "int": 11,
        "long": 1 << 40,
        "date": day,
        "timestamptz": time,
        "decimal(18, 8)": decimal.Decimal("12.50000000"),
        "double": 0.5,
    }
    rows = []
    for n in range(count):
        row = {}
        for field in table.schema().fields:
            kind = str(field.field_type)
            if not field.required and n % 2:
                row[field.name] = None
            elif kind.startswith("list"):
                row[field.name] = ["a", "b"]
            elif kind.startswith("map"):
                row[field.name] = [("k", "v")]
            else:
                row[field.name] = values[kind]
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


@pytest.mark.parametrize("name", NAMES)
def test_we_go_on_after_pyiceberg_appends_and_expires(own_world, name):
    table = own_world.table(name)
    foreign = foreign_rows(table, 10)
    table.append(foreign)
    table = own_world.table(name)
    table.maintenance.expire_snapshots().by_ids(
        [s.snapshot_id for s in table.metadata.snapshots[:-1]]
    ).commit()
    with own_world.table(name).update_schema() as update:
        update.add_column("extra", DoubleType())
    own_world.table(name).transaction().set_properties({"foreign": "1"}).commit_transaction()
    wanted = own_world.written(name) + plain_rows(foreign)
    shown = own_world.show()[name]
    assert len(shown["snapshots"]) == 1
    assert Counter(json.dumps(row) for f in shown["files"] for row in f["data"]) == wanted
    own_world.run("append", "5")
    table = own_world.table(name)
    wanted = own_world.written(name) + plain_rows(foreign)
    read = table.scan().to_arrow()
    assert plain_rows(read, shown["columns"]) == wanted
    assert read.column("extra").null_count == read.num_rows
    assert table.properties["foreign"] == "1"
    current = table.current_snapshot()
    assert int(current.summary["total-records"]) == read.num_rows
    assert int(current.summary["total-data-files"]) == len(table.inspect.files())
    assert current.schema_id == table.metadata.current_schema_id == 1
    table.append(foreign_rows(table, 3))
    assert own_world.table(name).scan().to_arrow().num_rows == read.num_rows + 3


def test_a_column_taken_away_is_refused_by_name(own_world):
    with own_world.table("gold_crypto_trades").update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("platform_sequence")
    tool = BUILD / "tests" / "interop" / "table_tool"
    done = subprocess.run([tool, own_world.folder, "show"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ALTER TABLE gold_crypto_trades ADD COLUMN platform_sequence BIGINT" in done.stderr
