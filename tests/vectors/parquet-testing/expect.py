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

# They hold damage, or what is refused: the test names them one by one.
PASSED_OVER = ("ARROW-", "PARQUET-", "nation.dict", "large_string_map", "delta_length", "nested_maps",
               "map_no_value")


def kinds_of(kind):
    if pa.types.is_boolean(kind):
        return ["bool"]
    if kind in (pa.int8(), pa.int16(), pa.int32()):
        return ["int", "long"]
    if kind == pa.int64():
        return ["long"]
    if pa.types.is_date32(kind):
        return ["date"]
    if pa.types.is_decimal(kind):
        return ["decimal"]
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return ["string"]
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return ["list"]
    return []


def plain(value, kind):
    if value is not None and pa.types.is_decimal(kind):
        return int(value.scaleb(kind.scale))
    if value is not None and pa.types.is_date32(kind):
        return value.toordinal() - 719163
    return value


def main():
    lines = []
    for path in sorted(HERE.glob("*.parquet")):
        if path.name.startswith(PASSED_OVER):
            continue
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            encodings = {}
            for i in range(file.metadata.num_columns):
                chunk = file.metadata.row_group(0).column(i)
                encodings[chunk.path_in_schema.split(".")[0]] = chunk.encodings
            for field in schema:
                if "DELTA_BYTE_ARRAY" in encodings[field.name]:
                    continue
                for kind in kinds_of(field.type):
                    values = file.read([field.name]).column(0).to_pylist()
                    text = "".join(shown(plain(v, field.type)) + "\n" for v in values)
                    decimal = pa.types.is_decimal(field.type)
                    lines.append(
                        f"{path.name} {field.name} {kind}"
                        f" {field.type.precision if decimal else 0}"
                        f" {field.type.scale if decimal else 0}"
                        f" {len(values)} {zlib.crc32(text.encode()):08x}\n"
                    )
    (HERE / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
