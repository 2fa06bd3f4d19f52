#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the Parquet files that tests/unit/codec/test_parquet_reader.c reads, and what they hold.

One table of every kind of column that K2's tables have, written again and again by other people's
writers in the shapes that a rewritten table may take.  table.txt is made from the same Python
values, not by reading a file back: a line for each row, columns parted by '|', '~' for null.

Run by hand with a Python that has pyarrow and duckdb (and pyspark for spark.parquet, with
--spark); the files are committed.
"""

import datetime
import decimal
import pathlib
import random
import shutil
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
ROWS = 120
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
rng = random.Random(20240722)


def maybe(value, share=0.2):
    return None if rng.random() < share else value


def word():
    return "".join(rng.choice("abcdefghij") for _ in range(rng.choice((0, 1, 3, 5, 18, 33, 40, 70))))


def row(i):
    return {
        "flag": maybe(rng.random() < 0.4),
        "count": maybe(rng.choice((0, -1, 7, i, -(2**31), 2**31 - 1))),
        "offset": 10_000_000_000 + 3 * i - rng.choice((0, 0, 0, 9)),
        "day": maybe(19000 + i // 30),
        "time": 1_720_000_000_000_000 + i * 1_000_003 + rng.randrange(1000),
        "price": rng.choice((6_512_345_000_000, 1, -1, 10**18 - 1, -(10**18) + 1, i * 100)),
        "wide": maybe(rng.choice((0, 5, -5, 10**38 - 1, -(10**38) + 1, 2**64 + i, -(2**64) - i))),
        "small": maybe(rng.choice((0, 1, -1, 99_999_999_9, -99_999_999_9, i))),
        "symbol": rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT", "")),
        "id": maybe(f"0198{i:08x}-{rng.getrandbits(32):08x}"),
        "raw": maybe(bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 2, 9))))),
        "nothing": None,
        "tags": maybe([maybe(word(), 0.1) for _ in range(rng.choice((0, 1, 1, 2, 5)))]),
        "vendor": maybe(
            [(f"k{k}", maybe(word(), 0.1)) for k in range(rng.choice((0, 1, 2, 2, 3)))], 0.1
        ),
    }


TABLE = [row(i) for i in range(ROWS)]


def text_of(value):
    data = value.encode() if isinstance(value, str) else value
    return "".join(chr(b) if 48 <= b <= 122 and b != 92 or b == 45 else f"\\{b:02x}" for b in data)


def shown(value):
    if value is None:
        return "~"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (str, bytes)):
        return text_of(value)
    if value and isinstance(value[0], tuple):
        return "{" + ",".join(f"{text_of(k)}={shown(v)}" for k, v in value) + "}"
    return "[" + ",".join(shown(v) for v in value) + "]"


def shown_row(values):
    cells = []
    for name, value in values.items():
        empty_map = name == "vendor" and value == []
        cells.append("{}" if empty_map else shown(value))
    return "|".join(cells)


def scaled(units, scale):
    return None if units is None else decimal.Decimal(units).scaleb(-scale, decimal.Context(prec=60))


def field(name, kind, number, nullable=True):
    return pa.field(name, kind, nullable, {b"PARQUET:field_id": str(number).encode()})


SCHEMA = pa.schema(
    [
        field("flag", pa.bool_(), 1),
        field("count", pa.int32(), 2),
        field("offset", pa.int64(), 3, False),
        field("day", pa.date32(), 4),
        field("time", pa.timestamp("us", tz="UTC"), 5, False),
        field("price", pa.decimal128(18, 8), 6, False),
        field("wide", pa.decimal128(38, 18), 7),
        field("small", pa.decimal128(9, 2), 8),
        field("symbol", pa.string(), 9, False),
        field("id", pa.string(), 10),
        field("raw", pa.binary(), 11),
        field("nothing", pa.string(), 12),
        field("tags", pa.list_(field("element", pa.string(), 15)), 13),
        field(
            "vendor", pa.map_(field("key", pa.string(), 16, False), field("value", pa.string(), 17)), 14
        ),
    ]
)


def arrow_values(name):
    values = [r[name] for r in TABLE]
    scale = {"price": 8, "wide": 18, "small": 2}.get(name)
    if scale is not None:
        return [scaled(v, scale) for v in values]
    if name == "time":
        return [EPOCH + datetime.timedelta(microseconds=v) for v in values]
    return values


def arrow_table(schema=SCHEMA):
    return pa.table([pa.array(arrow_values(f.name), f.type) for f in schema], schema=schema)


def without_ids(schema):
    bare = []
    for f in schema:
        kind = f.type
        if f.name == "tags":
            kind = pa.list_(pa.field("element", pa.string()))
        if f.name == "vendor":
            kind = pa.map_(pa.string(), pa.string())
        bare.append(pa.field(f.name, kind, f.nullable))
    return pa.schema(bare)


def write(name, table=None, **options):
    options = {"store_schema": False, **options}
    pq.write_table(arrow_table() if table is None else table, HERE / f"{name}.parquet", **options)


def write_all():
    numbers = ["count", "offset", "day", "time"]

    write("plain", use_dictionary=False, compression="none", write_page_checksum=True)
    write("dictionary", compression="zstd", store_decimal_as_integer=True)
    write("snappy_v2", compression="snappy", data_page_version="2.0")
    write("many_pages", compression="gzip", row_group_size=50, data_page_size=80, write_batch_size=8,
          dictionary_pagesize_limit=60, write_page_checksum=True, store_decimal_as_integer=True)
    write("many_pages_v2", compression="lz4", row_group_size=50, data_page_size=80,
          write_batch_size=8, data_page_version="2.0", store_decimal_as_integer=True)
    write("delta", compression="none", use_dictionary=False, column_encoding={
        **{n: "DELTA_BINARY_PACKED" for n in numbers + ["price", "small"]}, "flag": "RLE"},
          store_decimal_as_integer=True, data_page_version="2.0")
    # 12 of 120 rows a page, so that DELTA blocks are cut short in many ways
    write("delta_pages", compression="zstd", use_dictionary=False, column_encoding={
        n: "DELTA_BINARY_PACKED" for n in numbers}, data_page_size=40, write_batch_size=12,
          row_group_size=100)
    write("bare", arrow_table(without_ids(SCHEMA)), write_statistics=False, compression="none",
          use_compliant_nested_type=False)
    write("empty", arrow_table().slice(0, 0), compression="zstd")
    strings = ["symbol", "id", "raw", "tags.list.element", "vendor.key_value.key",
               "vendor.key_value.value"]
    write("delta_bytes", compression="zstd", use_dictionary=False, data_page_size=200,
          write_batch_size=16, column_encoding={
              n: "DELTA_BYTE_ARRAY" for n in strings + ["price", "wide", "small"]})
    write("delta_lengths", compression="snappy", use_dictionary=False, data_page_version="2.0",
          row_group_size=70, column_encoding={n: "DELTA_LENGTH_BYTE_ARRAY" for n in strings})
    # uncompressed and without checksums: a wrong byte reaches the decoders
    write("delta_bare", compression="none", use_dictionary=False, column_encoding={
        n: "DELTA_BYTE_ARRAY" for n in strings[:4] + ["price", "wide"]}
        | {n: "DELTA_LENGTH_BYTE_ARRAY" for n in strings[4:]})
    write("split_bare", compression="none", use_dictionary=False, column_encoding={
        n: "BYTE_STREAM_SPLIT" for n in numbers + ["price", "wide", "small"]})
    for name, options in (("split", {"store_decimal_as_integer": True}),
                          ("split_v2", {"data_page_version": "2.0", "data_page_size": 90})):
        write(name, compression="gzip", use_dictionary=False, write_batch_size=32, column_encoding={
            n: "BYTE_STREAM_SPLIT" for n in numbers + ["price", "wide", "small"]}, **options)
    write("indexed", write_page_index=True, data_page_size=80, write_batch_size=8,
          use_dictionary=False, compression="zstd")
    write("int96", use_deprecated_int96_timestamps=True, compression="zstd")
    nanos = pa.schema([f.with_type(pa.timestamp("ns", "UTC")) if f.name == "time" else f
                       for f in SCHEMA])
    write("nanos", arrow_table().cast(nanos), compression="zstd")


def write_duckdb():
    table = arrow_table(without_ids(SCHEMA))
    duckdb.sql("set timezone = 'UTC'")
    duckdb.register("made", table)
    for version in ("v1", "v2"):
        duckdb.sql(
            f"copy (select * exclude (tags, vendor), tags, vendor from made) to"
            f" '{HERE}/duckdb_{version}.parquet' (format parquet, compression zstd,"
            f" parquet_version {version}, row_group_size 2048)"
        )


def write_spark():
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.parquet.compression.codec", "snappy")
        .getOrCreate()
    )
    for name, options in (
        ("spark", {}),
        ("spark_v2", {"parquet.writer.version": "v2", "parquet.page.size": "400"}),
        ("spark_v2_plain", {"parquet.writer.version": "v2", "parquet.enable.dictionary": "false",
                            "compression": "zstd"}),
        ("spark_legacy", {"spark.sql.parquet.writeLegacyFormat": "true"}),
    ):
        spark.conf.set("spark.sql.parquet.writeLegacyFormat",
                       options.pop("spark.sql.parquet.writeLegacyFormat", "false"))
        folder = HERE / f"{name}.folder"
        frame = spark.read.parquet(str(HERE / "bare.parquet")).coalesce(1)
        frame.write.options(**options).mode("overwrite").parquet(str(folder))
        (part,) = folder.glob("part-*.parquet")
        part.rename(HERE / f"{name}.parquet")
        shutil.rmtree(folder)


def main():
    (HERE / "table.txt").write_text("".join(shown_row(r) + "\n" for r in TABLE))
    write_all()
    write_duckdb()
    if "--spark" in sys.argv:
        write_spark()


if __name__ == "__main__":
    main()
