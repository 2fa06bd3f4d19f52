# SPDX-License-Identifier: Apache-2.0
"""Random schemas and records, ours against fastavro, in both directions.

Each value is made twice: as fastavro takes it and as our JSON says it (src/codec/avro_json.h).
K2_BUILD names the build folder that has avro_tool; K2_SEEDS how many tens of schemas.
"""

import decimal
import io
import json
import os
import random
import struct
import subprocess
from pathlib import Path

import fastavro
import pytest

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("K2_BUILD", ROOT / "build" / "dev"))
TOOL = BUILD / "tests" / "interop" / "avro_tool"
SEEDS = 10 * int(os.environ.get("K2_SEEDS", "12"))
RECORDS = 20
PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
decimal.getcontext().prec = 60


def tool(*arguments, lines=()):
    """What avro_tool prints, line by line."""
    done = subprocess.run(
        [TOOL, *arguments],
        input="".join(line + "\n" for line in lines).encode(),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split("\n")[:-1]


class Schemas:
    """Draws schemas; remembers the named ones, which may come again."""

    def __init__(self, rng):
        self.rng = rng
        self.named = {}
        self.count = 0
        self.ids = rng.random() < 0.5
        # A name without a dot would be looked for in the enclosing namespace.
        self.spaces = rng.choice([[""], ["a", "b.c"]])

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def keep(self, schema):
        self.named[full_name(schema)] = schema
        return schema

    def record(self, depth):
        space = self.rng.choice(self.spaces)
        schema = {"type": "record", "name": self.name("R"), "namespace": space, "fields": []}
        for _ in range(self.rng.randrange(0, 7) + (depth == 0)):
            field = {"name": self.name("f"), "type": self.any(depth + 1)}
            if self.ids and self.rng.random() < 0.95:
                field["field-id"] = self.count + 1000
            schema["fields"].append(field)
        return self.keep(schema)

    def any(self, depth):
        kind = self.rng.random()
        if depth > 4 or kind < 0.4:
            return self.rng.choice(PRIMITIVES + ["null"])
        if kind < 0.5:
            return self.rng.choice([self.enum, self.fixed, self.decimal])()
        if kind < 0.6 and self.named:
            return self.rng.choice(list(self.named))
        if kind < 0.68:
            return {"type": "array", "items": self.any(depth + 1)}
        if kind < 0.76:
            return {"type": "map", "values": self.any(depth + 1)}
        if kind < 0.88:
            return self.union(depth)
        return self.record(depth)

    def enum(self):
        symbols = [self.name("S") for _ in range(self.rng.randrange(1, 80))]
        return self.keep(self.in_space("enum", symbols=symbols))

    def in_space(self, kind, **more):
        return {"type": kind, "name": self.name("N"), "namespace": self.spaces[0], **more}

    def fixed(self):
        return self.keep(self.in_space("fixed", size=self.rng.randrange(0, 9)))

    def decimal(self):
        return {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}

    def union(self, depth):
        branches = []
        for _ in range(self.rng.choice([1, 1, 1, 3, 5])):
            named = dict(self.named)
            branch = self.any(depth + 1)
            name = self.branch_name(branch)
            if name in ("union", "null") or name in map(self.branch_name, branches):
                self.named = named  # what it defined is dropped with it
            else:
                branches.append(branch)
        if self.rng.random() < 0.8 or not branches:
            branches.insert(self.rng.randrange(len(branches) + 1), "null")
        return branches

    def branch_name(self, schema):
        if isinstance(schema, list):
            return "union"
        if isinstance(schema, str):
            return schema
        return full_name(schema) if "name" in schema else schema["type"]


def full_name(schema):
    space = schema.get("namespace")
    return f"{space}.{schema['name']}" if space else schema["name"]


def text_of(rng, first=0):
    spans = [(first, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    spans = spans[: rng.randrange(1, 6)]
    size = rng.choice([0, 1, 5, 63, 64, 200])
    return "".join(chr(rng.randrange(*rng.choice(spans))) for _ in range(size))


def integer_of(rng, bits):
    reach = 1 << rng.randrange(bits)
    edge = 1 << (bits - 1)
    return rng.choice([rng.randrange(-reach, reach), edge - 1, -edge, 0, -1])


def real_of(rng, form):
    value = struct.unpack(form, rng.randbytes(struct.calcsize(form)))[0]
    if value != value or value in (float("inf"), float("-inf")):
        return rng.choice([0.0, -0.0, 1.0, -2.5])
    return value


def leaf(rng, kind):
    """(fastavro's, our JSON's)"""
    if kind == "null":
        return None, None
    if kind == "boolean":
        value = rng.random() < 0.5
    elif kind in ("int", "long"):
        value = integer_of(rng, 32 if kind == "int" else 64)
    elif kind in ("float", "double"):
        value = real_of(rng, "<f" if kind == "float" else "<d")
    elif kind == "string":
        value = text_of(rng)
    else:
        value = rng.randbytes(rng.choice([0, 1, 16, 100]))
        return value, value.hex()
    return value, value


def decimal_of(rng):
    unscaled = integer_of(rng, 120)
    size = (unscaled.bit_length() + 8) // 8
    return decimal.Decimal(unscaled).scaleb(-18), unscaled.to_bytes(size, "big", signed=True).hex()


def value_of(rng, schema, schemas):
    """(fastavro's, our JSON's)"""
    if isinstance(schema, str) and schema in schemas.named:
        schema = schemas.named[schema]
    if isinstance(schema, str):
        return leaf(rng, schema)
    if isinstance(schema, list):
        branch = rng.choice(schema)
        theirs, ours = value_of(rng, branch, schemas)
        if branch == "null":
            return None, None
        name = schemas.branch_name(branch)
        return (name, theirs), (ours if is_optional(schema) else {name: ours})
    kind = schema["type"]
    if kind == "record":
        pairs = {f["name"]: value_of(rng, f["type"], schemas) for f in schema["fields"]}
        return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}
    if kind == "array":
        values = [value_of(rng, schema["items"], schemas) for _ in range(rng.choice([0, 1, 3]))]
        return [v[0] for v in values], [v[1] for v in values]
    if kind == "map":
        keys = [text_of(rng, 1) for _ in range(rng.choice([0, 1, 3]))]
        pairs = {key: value_of(rng, schema["values"], schemas) for key in keys}
        return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}
    if kind == "enum":
        symbol = rng.choice(schema["symbols"])
        return symbol, symbol
    if kind == "fixed":
        value = rng.randbytes(schema["size"])
        return value, value.hex()
    return decimal_of(rng)


def is_optional(union):
    return len([b for b in union if b != "null"]) == 1


def leaves(schema, ours, schemas, path=""):
    """Each value that a path through records reaches, as avro_tool wishes for it."""
    for field in schema["fields"]:
        kind = field["type"]
        if isinstance(kind, list):
            present = [b for b in kind if b != "null"]
            if len(present) != 1:
                continue
            kind = present[0]
        if kind == "null":
            continue
        kind = schemas.named.get(kind, kind) if isinstance(kind, str) else kind
        value = None if ours is None else ours[field["name"]]
        yield path + field["name"], value
        if isinstance(kind, dict) and kind["type"] == "record":
            yield from leaves(kind, value, schemas, path + field["name"] + "/")


def json_line(value):
    """UTF-8 as it is: json-c 0.16 takes an escaped U+CD8ED, say, for half a surrogate pair."""
    return json.dumps(value, ensure_ascii=False)


def bits(value):
    """Floats by their bits, so that -0.0 is not 0.0."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, list):
        return [bits(v) for v in value]
    if isinstance(value, dict):
        return {k: bits(v) for k, v in value.items()}
    return value


def encoded(parsed, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, value)
    return out.getvalue()


def check_data(schema, pairs, schemas, path):
    """Single data, both ways, and the compiled program."""
    path.write_text(json.dumps(schema))
    parsed = fastavro.parse_schema(schema)
    ours = [json_line(pair[1]) for pair in pairs]
    theirs = [encoded(parsed, pair[0]).hex() for pair in pairs]
    assert tool("encode", path, lines=ours) == theirs
    decoded = tool("decode", path, lines=theirs)
    for got, pair in zip(decoded, pairs, strict=True):
        assert bits(json.loads(got)) == bits(pair[1])
    wished = tool("wishes", path, lines=theirs)
    for got, pair in zip(wished, pairs, strict=True):
        assert bits(json.loads(got)) == bits(dict(leaves(schema, pair[1], schemas)))


def check_files(schema, pairs, path, tmp_path, codec):
    parsed = fastavro.parse_schema(schema)
    theirs = tmp_path / "theirs.avro"
    with open(theirs, "wb") as out:
        fastavro.writer(out, parsed, [pair[0] for pair in pairs], codec=codec, sync_interval=500)
    for got, pair in zip(tool("read", theirs), pairs, strict=True):
        assert bits(json.loads(got)) == bits(pair[1])
    ours = tmp_path / "ours.avro"
    tool("write", path, codec, ours, lines=[json_line(pair[1]) for pair in pairs])
    with open(ours, "rb") as file:
        reader = fastavro.reader(file)
        assert reader.codec == codec
        assert reader.metadata["k2.test"] == "yes"
        records = list(reader)
    data = [io.BytesIO(encoded(parsed, pair[0])) for pair in pairs]
    assert bits(records) == bits([fastavro.schemaless_reader(one, parsed, None) for one in data])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_schemas(seed, tmp_path):
    rng = random.Random(seed)
    schemas = Schemas(rng)
    schema = schemas.record(0)
    pairs = [value_of(rng, schema, schemas) for _ in range(RECORDS)]
    path = tmp_path / "schema.avsc"
    check_data(schema, pairs, schemas, path)
    for codec in ("null", "deflate"):
        check_files(schema, pairs, path, tmp_path, codec)


def test_trades(tmp_path):
    rng = random.Random(1)
    schemas = Schemas(rng)
    schema = json.loads((ROOT / "tests/vectors/avro/trade_v2.avsc").read_text())
    for field in schema["fields"]:
        if field["type"] == {"type": "long", "logicalType": "timestamp-micros"}:
            field["type"] = "long"
        if isinstance(field["type"], dict) and "name" in field["type"]:
            field["type"]["namespace"] = ""
    pairs = [value_of(rng, schema, schemas) for _ in range(2000)]
    path = tmp_path / "schema.avsc"
    check_data(schema, pairs, schemas, path)
    for codec in ("null", "deflate"):
        check_files(schema, pairs, path, tmp_path, codec)


def test_other_codecs_are_refused_by_name(tmp_path):
    path = tmp_path / "file.avro"
    schema = fastavro.parse_schema({"type": "record", "name": "R", "fields": []})
    with open(path, "wb") as out:
        fastavro.writer(out, schema, [{}], codec="bzip2")
    done = subprocess.run([TOOL, "read", path], capture_output=True)
    assert done.returncode == 1
    assert b"codec bzip2 is not read" in done.stderr
