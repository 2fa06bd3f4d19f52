# SPDX-License-Identifier: Apache-2.0
"""Random files of our Parquet writer, read back by pyarrow and DuckDB.

tests/lib/parquet_tool.c writes them with what must come out.  Footer, page headers and page indexes
are parsed here by a Thrift reader of its own, because no Python library shows them all.  K2_BUILD
names the build folder, K2_SEEDS how many files.
"""

import decimal
import json
import os
import subprocess
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))
SEEDS = int(os.environ.get("K2_SEEDS", "12"))
BOUND_BYTES_MAX = 64
decimal.getcontext().prec = 60


class Thrift:
    """Thrift's compact protocol: structs as {id: value}, lists as lists."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind, item=False):
        if kind in (1, 2):
            return (self.byte() if item else kind) == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            size = self.varint()
            self.at += size
            return bytes(self.data[self.at - size : self.at])
        if kind == 9:
            head = self.byte()
            count = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15, True) for _ in range(count)]
        assert kind == 12, kind
        return self.struct()

    def struct(self):
        fields, last = {}, 0
        while (head := self.byte()) != 0:
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)
        return fields


class Case:
    def __init__(self, folder, seed):
        self.path = folder / f"{seed}.parquet"
        expected = folder / f"{seed}.jsonl"
        tool = BUILD / "tests" / "interop" / "parquet_tool"
        subprocess.run([tool, str(seed), self.path, expected], check=True)
        lines = expected.read_text().splitlines()
        self.meta = json.loads(lines[0])
        rows = [json.loads(line) for line in lines[1:]]
        assert len(rows) == self.meta["rows"]
        self.fields = self.meta["fields"]
        self.columns = [[decode(f, row[i]) for row in rows] for i, f in enumerate(self.fields)]
        self.data = self.path.read_bytes()
        size = int.from_bytes(self.data[-8:-4], "little")
        self.footer = Thrift(self.data, len(self.data) - 8 - size).struct()
        self.leaves = [leaf for i in range(len(self.fields)) for leaf in self.leaves_of(i)]

    def leaves_of(self, i):
        """(field, id, position of the leaf within an entry or None, entries of each row)"""
        field, column = self.fields[i], self.columns[i]
        if field["kind"] == "list":
            yield field, field["child_id"][0], [list(row) if row else [None] for row in column]
        elif field["kind"] == "map":
            for part in range(2):
                rows = [[entry[part] for entry in row] if row else [None] for row in column]
                yield field, field["child_id"][part], rows
        else:
            yield field, field["id"], [[value] for value in column]

    def groups(self):
        """(row group, index of its first row)"""
        first = 0
        for group in self.footer[4]:
            yield group, first
            first += group[3]


def decode(field, value):
    if value is None:
        return None
    kind = field["kind"]
    if kind == "string":
        return bytes.fromhex(value).decode()
    if kind == "binary":
        return bytes.fromhex(value)
    if kind == "list":
        return [None if v is None else bytes.fromhex(v).decode() for v in value]
    if kind == "map":
        return [tuple(None if v is None else bytes.fromhex(v).decode() for v in kv) for kv in value]
    if kind == "decimal":
        return int(value)
    return value


@pytest.fixture(scope="module", params=range(SEEDS))
def case(request, tmp_path_factory):
    return Case(tmp_path_factory.mktemp("parquet"), request.param)


def plain(column, field):
    """An arrow column as what decode() gives."""
    kind = field["kind"]
    if kind == "date":
        column = column.cast(pa.int32())
    if kind == "timestamptz":
        column = column.cast(pa.int64())
    values = column.to_pylist()
    if kind == "decimal":
        return [None if v is None else int(v.scaleb(field["scale"])) for v in values]
    if kind == "map":
        return [None if v is None else [tuple(kv) for kv in v] for v in values]
    return values


def arrow_type(field):
    return {
        "bool": pa.bool_(),
        "int": pa.int32(),
        "long": pa.int64(),
        "date": pa.date32(),
        "timestamptz": pa.timestamp("us", tz="UTC"),
        "decimal": pa.decimal128(max(field["precision"], 1), field["scale"]),
        "string": pa.string(),
        "binary": pa.binary(),
        "list": pa.list_(pa.string()),
        "map": pa.map_(pa.string(), pa.string()),
    }[field["kind"]]


def test_pyarrow_reads_every_value(case):
    table = pq.read_table(case.path, page_checksum_verification=True)
    assert table.num_rows == case.meta["rows"]
    for i, field in enumerate(case.fields):
        assert plain(table.column(i), field) == case.columns[i], field


def test_duckdb_reads_every_value(case):
    table = duckdb.connect().execute(f"SELECT * FROM '{case.path}'").to_arrow_table()
    assert table.num_rows == case.meta["rows"]
    for i, field in enumerate(case.fields):
        assert plain(table.column(i), field) == case.columns[i], field


def test_duckdb_prunes_without_losing_rows(case):
    """Filters on values that are there, so that statistics and dictionaries are put to use."""
    connection = duckdb.connect()
    for i, field in enumerate(case.fields):
        if field["kind"] not in ("int", "long", "string") or not case.columns[i]:
            continue
        values = [v for v in case.columns[i] if v is not None]
        for value in values[:1] + values[-1:]:
            query = f"SELECT count(*) FROM '{case.path}' WHERE {field['name']} = ?"
            (count,) = connection.execute(query, [value]).fetchone()
            assert count == values.count(value), (field, value)


def test_types_and_ids_are_those_of_the_fields(case):
    schema = pq.read_schema(case.path)
    for field, arrow in zip(case.fields, schema, strict=True):
        assert arrow.name == field["name"]
        assert arrow.nullable == (not field["required"])
        assert int(arrow.metadata[b"PARQUET:field_id"]) == field["id"]
        if field["kind"] == "list":
            items = [(arrow.type.value_field, 0, field["child_optional"])]
        elif field["kind"] == "map":
            items = [(arrow.type.key_field, 0, False)]
            items.append((arrow.type.item_field, 1, field["child_optional"]))
        else:
            assert arrow.type == arrow_type(field)
            continue
        for item, part, optional in items:
            assert item.type == pa.string() and item.nullable == optional
            assert int(item.metadata[b"PARQUET:field_id"]) == field["child_id"][part]


def test_both_logical_and_converted_types_are_filled(case):
    elements = {e.get(9): e for e in case.footer[2]}
    converted = {"string": 0, "map": 1, "list": 3, "decimal": 5, "date": 6, "timestamptz": 10}
    logical = {"string": 1, "map": 2, "list": 3, "decimal": 5, "date": 6, "timestamptz": 8}
    for field in case.fields:
        element = elements[field["id"]]
        assert element.get(6) == converted.get(field["kind"])
        assert list(element.get(10, {})) == [logical[k] for k in [field["kind"]] if k in logical]
        if field["kind"] == "decimal":
            assert (element[7], element[8]) == (field["scale"], field["precision"])
            assert element[10][5] == {1: field["scale"], 2: field["precision"]}
            assert element[1] == (2 if field["precision"] <= 18 else 7)
        if field["kind"] == "timestamptz":
            assert element[10][8] == {1: True, 2: {2: {}}}
    assert case.footer[7] == [{1: {}}] * len(case.leaves)
    assert case.footer[1] == 1


def test_encodings_are_as_wished_or_given_up_whole(case):
    for group, _ in case.groups():
        for (field, _, _), chunk in zip(case.leaves, group[1], strict=True):
            data = [s[2] for s in chunk[3][13] if s[1] == 0]
            assert len(data) == 1
            numbers = field["kind"] in ("int", "long", "timestamptz")
            if field["encoding"] == "delta" and numbers:
                assert data == [5]
            elif field["encoding"] == "dictionary" and field["kind"] != "bool":
                assert data in ([0], [8])
            else:
                assert data == [0]
            assert (11 in chunk[3]) == (data == [8])
            assert chunk[3][4] == (6 if case.meta["zstd_level"] > 0 else 0)


def as_number(field, value):
    return int(value) if field["kind"] in ("bool", "int", "long", "date", "timestamptz") else value


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


def parse_bound(field, data):
    """A bound as Parquet has it."""
    if field["kind"] == "bool":
        return data[0]
    if field["kind"] == "decimal" and field["precision"] > 18:
        return int.from_bytes(data, "big", signed=True)
    assert len(data) == (4 if field["kind"] in ("int", "date") else 8)
    return int.from_bytes(data, "little", signed=True)


def check_bounds(field, values, lower, upper, parse, exact=None):
    """lower and upper bound the values, exactly where the format lets them."""
    if isinstance(values[0], (str, bytes)):
        values = [as_bytes(v) for v in values]
        low, high = min(values), max(values)
        assert lower <= low and upper >= high
        assert lower == low or (len(low) > BOUND_BYTES_MAX and low.startswith(lower))
        if field["kind"] != "binary":
            lower.decode()
            upper.decode()
        if len(high) <= BOUND_BYTES_MAX:
            assert upper == high
        elif upper != high:
            assert len(upper) <= BOUND_BYTES_MAX + 1  # the next character may take a byte more
        if exact is not None:
            assert exact == (lower == low, upper == high)
    else:
        numbers = [as_number(field, v) for v in values]
        assert (parse(field, lower), parse(field, upper)) == (min(numbers), max(numbers))
        assert exact in (None, (True, True))


def entries_of(rows, first, count):
    return [value for row in rows[first : first + count] for value in row]


def test_statistics_are_exact(case):
    for group, first in case.groups():
        for (field, _, rows), chunk in zip(case.leaves, group[1], strict=True):
            entries = entries_of(rows, first, group[3])
            present = [v for v in entries if v is not None]
            statistics = chunk[3][12]
            assert chunk[3][5] == len(entries)
            assert statistics[3] == len(entries) - len(present)
            if field["no_bounds"] or not present:
                assert 5 not in statistics and 6 not in statistics
            else:
                exact = (statistics[8], statistics[7])
                check_bounds(field, present, statistics[6], statistics[5], parse_bound, exact)
            assert 1 not in statistics and 2 not in statistics


def parse_single(field, data):
    """Iceberg's single value serialization."""
    if field["kind"] == "decimal":
        value = int.from_bytes(data, "big", signed=True)
        assert len(data) == 1 or not -(1 << 8 * len(data) - 9) <= value < 1 << 8 * len(data) - 9
        return value
    return parse_bound(field, data)


def test_leaf_stats_are_those_of_the_whole_file(case):
    for n, ((field, leaf_id, rows), stats) in enumerate(
        zip(case.leaves, case.meta["stats"], strict=True)
    ):
        entries = entries_of(rows, 0, len(rows))
        present = [v for v in entries if v is not None]
        assert stats["id"] == leaf_id
        assert stats["values"] == len(entries)
        assert stats["nulls"] == len(entries) - len(present)
        assert stats["bytes"] == sum(group[1][n][3][7] for group, _ in case.groups())
        bounded = present and not field["no_bounds"] and field["kind"] not in ("list", "map")
        assert ("lower" in stats) == bool(bounded)
        if bounded:
            lower, upper = (bytes.fromhex(stats[k]) for k in ("lower", "upper"))
            check_bounds(field, present, lower, upper, parse_single)


def check_order(order, bounds):
    ascending = all(a[0] <= b[0] and a[1] <= b[1] for a, b in zip(bounds, bounds[1:]))
    descending = all(a[0] >= b[0] and a[1] >= b[1] for a, b in zip(bounds, bounds[1:]))
    assert order == (1 if ascending else 2 if descending else 0)


def test_page_indexes_say_what_the_pages_hold(case):
    page_rows_max = case.meta["page_rows_max"] or 20000
    for group, first in case.groups():
        for (field, _, rows), chunk in zip(case.leaves, group[1], strict=True):
            offsets = Thrift(case.data, chunk[4])
            locations = offsets.struct()[1]
            assert offsets.at == chunk[4] + chunk[5]
            assert locations[0][1] == chunk[3][9] and locations[0][3] == 0
            columns = None
            if field["no_bounds"]:
                assert 6 not in chunk and 7 not in chunk
            else:
                parser = Thrift(case.data, chunk[6])
                columns = parser.struct()
                assert parser.at == chunk[6] + chunk[7]
            ends = [location[3] for location in locations[1:]] + [group[3]]
            bounds = []
            for p, (location, end) in enumerate(zip(locations, ends)):
                assert 0 < end - location[3] <= page_rows_max
                entries = entries_of(rows, first + location[3], end - location[3])
                present = [v for v in entries if v is not None]
                header = Thrift(case.data, location[1])
                page = header.struct()
                body = case.data[header.at : header.at + page[3]]
                assert header.at + page[3] == location[1] + location[2]
                assert page[1] == 0 and page[5][1] == len(entries)
                assert page[4] & 0xFFFFFFFF == zlib.crc32(body)
                if columns is None:
                    continue
                assert columns[1][p] == (not present)
                assert columns[5][p] == len(entries) - len(present)
                if present:
                    lower, upper = columns[2][p], columns[3][p]
                    check_bounds(field, present, lower, upper, parse_bound)
                    numbers = not isinstance(present[0], (str, bytes))
                    parsed = [parse_bound(field, b) if numbers else b for b in (lower, upper)]
                    bounds.append(parsed)
            if columns is not None:
                check_order(columns[4], bounds)


def test_the_file_adds_up(case):
    assert case.data[:4] == case.data[-4:] == b"PAR1"
    assert case.meta["split_offsets"] == [group[5] for group, _ in case.groups()]
    position = 4
    for group, _ in case.groups():
        assert group[5] == position
        for chunk in group[1]:
            assert chunk[3].get(11, chunk[3][9]) == position
            position += chunk[3][7]
        assert group[6] == position - group[5]
        assert group[2] == sum(chunk[3][6] for chunk in group[1])
    metadata = pq.read_metadata(case.path)
    assert metadata.metadata[b"k2.writer"] == b"1" and metadata.metadata[b"empty"] == b""
    assert metadata.created_by == "k2 version 0.1.0 (build test)"
    for g in range(metadata.num_row_groups):
        for i, (field, _, _) in enumerate(case.leaves):
            chunk = metadata.row_group(g).column(i)
            assert chunk.has_offset_index
            assert chunk.has_column_index == (not field["no_bounds"])
