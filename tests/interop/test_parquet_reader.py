# SPDX-License-Identifier: Apache-2.0
"""Random files of pyarrow's and DuckDB's writers, read by our Parquet reader.

tests/lib/parquet_read_tool.c prints what it reads.  Encoding by column, codec, page version, sizes of
pages and row groups, statistics, types and ids are drawn from the seed.  K2_BUILD names the build
folder, K2_SEEDS how many files of each writer.
"""

import datetime
import decimal
import json
import os
import random
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))
SEEDS = int(os.environ.get("K2_SEEDS", "40"))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

# Columns of the kinds that Bronze, Silver and Gold have, by the tool's words for them.
KINDS = {
    "raw_bytes": "binary", "topic": "string", "partition": "int", "offset": "long",
    "message_id": "string", "timestamp": "timestamptz", "price": "decimal", "side": "string",
    "trade_conditions": "list", "vendor_data": "map", "exchange_date": "date", "flag": "bool",
}


def value_of(kind, draw, row):
    few = draw.random() < 0.5
    if kind == "bool":
        return draw.random() < 0.3
    if kind in ("int", "date"):
        return draw.choice((0, 7, 20779)) if few else draw.randrange(0, 40000)
    if kind == "long":
        return row * 3 if few else draw.randrange(-(2**63), 2**63)
    if kind == "timestamptz":
        return 1_795_000_000_000_000 + row * 1000 * draw.randrange(1, 5)
    if kind == "decimal":
        return draw.choice((1, -1, 10**18 - 1)) if few else draw.randrange(-(10**18) + 1, 10**18)
    if kind == "list":
        return [value_of("string", draw, row) for _ in range(draw.choice((0, 0, 1, 3)))]
    if kind == "map":
        return [(f"k{k}", value_of("string", draw, row)) for k in range(draw.choice((0, 1, 2)))]
    word = draw.choice(("BUY", "SELL", "", "a" * 40)) if few else f"BINANCE-{row:012d}-{draw.random()}"
    return word.encode() if kind == "binary" else word


def columns_of(draw, rows):
    found = {}
    for name, kind in KINDS.items():
        nulls = draw.choice((0, 0, 0.1, 0.9))
        found[name] = [None if draw.random() < nulls else value_of(kind, draw, r) for r in range(rows)]
    return found


def arrow_array(kind, values):
    if kind == "decimal":
        scaled = [None if v is None else decimal.Decimal(v).scaleb(-8) for v in values]
        return pa.array(scaled, pa.decimal128(18, 8))
    if kind == "timestamptz":
        return pa.array(values, pa.int64()).cast(pa.timestamp("us", "UTC"))
    if kind == "date":
        return pa.array(values, pa.int32()).cast(pa.date32())
    types = {"bool": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "string": pa.string(),
             "binary": pa.binary(), "list": pa.list_(pa.string()),
             "map": pa.map_(pa.string(), pa.string())}
    return pa.array(values, types[kind])


def arrow_table(draw, columns, ids):
    order = list(columns)
    draw.shuffle(order)
    fields = []
    arrays = []
    for name in order:
        array = arrow_array(KINDS[name], columns[name])
        number = str(1 + list(KINDS).index(name)).encode()
        metadata = {b"PARQUET:field_id": number} if ids else None
        fields.append(pa.field(name, array.type, draw.random() < 0.5 or array.null_count > 0, metadata))
        arrays.append(array)
    fields.append(pa.field("foreign", pa.float64(), True, {b"PARQUET:field_id": b"99"} if ids else None))
    arrays.append(pa.array([0.5] * len(arrays[0]), pa.float64()))
    return pa.table(arrays, schema=pa.schema(fields))


def encoding_of(draw, kind, as_integer):
    choices = {
        "bool": ["PLAIN", "RLE"],
        "decimal": ["PLAIN", "BYTE_STREAM_SPLIT"]
        + (["DELTA_BINARY_PACKED"] if as_integer else ["DELTA_BYTE_ARRAY"]),
        "string": ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    }
    for name in ("int", "long", "date", "timestamptz"):
        choices[name] = ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
    for name in ("binary", "list", "map"):
        choices[name] = choices["string"]
    return draw.choice(choices[kind])


def write_pyarrow(path, columns, draw):
    as_integer = draw.random() < 0.5
    dictionary = draw.choice((True, False))
    leaves = {n: [n] for n in KINDS} | {
        "trade_conditions": ["trade_conditions.list.element"],
        "vendor_data": ["vendor_data.key_value.key", "vendor_data.key_value.value"],
    }
    options = {"use_deprecated_int96_timestamps": draw.random() < 0.2}
    if not dictionary:
        options["column_encoding"] = {
            leaf: encoding_of(draw, kind, as_integer)
            for name, kind in KINDS.items() for leaf in leaves[name]
        }
        if options["use_deprecated_int96_timestamps"]:
            options["column_encoding"]["timestamp"] = "PLAIN"
    pq.write_table(
        arrow_table(draw, columns, draw.random() < 0.7), path,
        use_dictionary=dictionary,
        dictionary_pagesize_limit=draw.choice((100, 1 << 20)),
        store_decimal_as_integer=as_integer,
        compression=draw.choice(("zstd", "snappy", "gzip", "lz4", "none")),
        data_page_version=draw.choice(("1.0", "2.0")),
        data_page_size=draw.choice((60, 1000, 1 << 20)),
        write_batch_size=draw.choice((7, 64, 1024)),
        row_group_size=draw.choice((50, 700, 100000)),
        write_statistics=draw.choice((True, False)),
        write_page_index=draw.choice((True, False)),
        write_page_checksum=draw.choice((True, False)),
        store_schema=draw.choice((True, False)),
        **options,
    )


def write_duckdb(path, columns, draw):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("made", arrow_table(draw, columns, False))
    codec = draw.choice(("zstd", "snappy", "gzip", "lz4_raw", "uncompressed"))
    connection.execute(
        f"COPY made TO '{path}' (FORMAT parquet, COMPRESSION {codec},"
        f" PARQUET_VERSION {draw.choice(('v1', 'v2'))}, ROW_GROUP_SIZE {draw.choice((2048, 100000))},"
        f" DICTIONARY_SIZE_LIMIT {draw.choice((1, 100, 100000))})"
    )


def shown(value):
    """As JSON has it from the tool: bytes in hex, decimals as text."""
    if isinstance(value, (str, bytes)):
        return (value.encode() if isinstance(value, str) else value).hex()
    if isinstance(value, (list, tuple)):
        return [shown(v) for v in value]
    return value


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("write", [write_pyarrow, write_duckdb])
def test_every_value_is_read(tmp_path, write, seed):
    draw = random.Random(f"{write.__name__} {seed}")
    columns = columns_of(draw, draw.choice((0, 1, 40, 1500, 6000)))
    path = tmp_path / "random.parquet"
    write(path, columns, draw)
    tool = BUILD / "tests" / "interop" / "parquet_read_tool"
    spec = [f"{1 + n}:{name}:{kind}" for n, (name, kind) in enumerate(KINDS.items())]
    run = subprocess.run([tool, path, *spec], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for line, (name, values) in zip(run.stdout.splitlines(), columns.items(), strict=True):
        expected = [str(v) if KINDS[name] == "decimal" and v is not None else shown(v) for v in values]
        assert json.loads(line) == expected, name
