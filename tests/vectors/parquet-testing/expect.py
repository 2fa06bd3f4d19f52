#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expected.txt: what pyarrow finds in the files here (apache/parquet-testing @1a2a751).

A line for each column that K2's reader takes: file, column, kind, precision, scale, rows, CRC-32 of
the values as text (a line each, written as ../parquet/make.py writes them).  Run by hand.
"""

import pathlib
import sys
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "parquet"))
from make import shown  # noqa: E402

# The test names them one by one: they hold damage, or what K2 refuses.
PASSED_OVER = ("ARROW-", "PARQUET-", "nation.dict", "large_string_map", "datapage_v1-corrupt",
               "incorrect_map", "repeated_no_annotation")
# Damage in some of their columns only; the others are read.
IN_PART = ("ARROW-GH-41317", "ARROW-GH-41321", "nation.dict")
# A chunk that goes on behind its end, as very old writers left them (PARQUET-816); pyarrow guesses.
REFUSED = ("nation.dict-malformed.parquet", ("name", "comment_col"))
# pyarrow refuses keys that are declared optional; this is what DuckDB reads.
MAP = "{parent=another,name=report}\n"


def is_bytes(kind):
    return kind in (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())


def is_list(kind):
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)
            or pa.types.is_fixed_size_list(kind))


def kinds_of(kind, leaf):
    """What K2 takes such a column for; an integer that says nothing of its meaning is many things."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    bare = leaf.logical_type.type == "NONE"
    if pa.types.is_boolean(kind):
        return ["bool"]
    if kind in (pa.int8(), pa.int16(), pa.int32()):
        return ["int", "long"] + ["date"] * bare
    if kind == pa.int64():
        return ["long"] + ["timestamptz"] * bare
    if pa.types.is_date32(kind):
        return ["date"]
    if pa.types.is_timestamp(kind) and (kind.tz is not None or leaf.physical_type == "INT96"):
        return ["timestamptz"]
    if pa.types.is_decimal(kind):
        return ["decimal"]
    if is_bytes(kind):
        return ["string", "binary"]
    if is_list(kind) and is_bytes(kind.value_type):
        return ["list"]
    if pa.types.is_map(kind) and is_bytes(kind.key_type) and is_bytes(kind.item_type):
        return ["map"]
    return []


def plain(value, kind):
    if value is not None and pa.types.is_decimal(kind):
        return int(value.scaleb(kind.scale))
    if value is not None and pa.types.is_date32(kind):
        return value.toordinal() - 719163
    return value


def values_of(column):
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_pylist()
    return column.to_pylist()


def text_of(value, kind):
    if value == [] and pa.types.is_map(kind):
        return "{}"
    return shown(plain(value, kind))


def main():
    lines = []
    for path in sorted(HERE.glob("*.parquet")):
        if path.name.startswith(PASSED_OVER) and not path.name.startswith(IN_PART):
            continue
        with pq.ParquetFile(path) as file:
            leaves = [file.schema.column(i) for i in range(len(file.schema))]
            for field in file.schema_arrow:
                if path.name == REFUSED[0] and field.name in REFUSED[1]:
                    continue
                leaf = next(leaf for leaf in leaves if leaf.path.split(".")[0] == field.name)
                for kind in kinds_of(field.type, leaf):
                    try:
                        column = file.read([field.name]).column(0)
                    except OSError as error:
                        print(f"{path.name}, {field.name}: {error}")
                        continue
                    text = "".join(text_of(v, field.type) + "\n" for v in values_of(column))
                    decimal = pa.types.is_decimal(field.type)
                    lines.append(
                        f"{path.name} {field.name} {kind}"
                        f" {field.type.precision if decimal else 0}"
                        f" {field.type.scale if decimal else 0}"
                        f" {column.length()} {zlib.crc32(text.encode()):08x}\n"
                    )
    lines.append(f"incorrect_map_schema.parquet my_map map 0 0 1 {zlib.crc32(MAP.encode()):08x}\n")
    (HERE / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
