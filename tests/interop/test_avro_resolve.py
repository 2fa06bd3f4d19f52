# SPDX-License-Identifier: Apache-2.0
"""Random pairs of a writer's and a reader's schema: ours against fastavro's resolution.

A pair is drawn, evolved from one another by random edits, or unrelated; random data are written by
the writer's schema and read by both.  Both must give the same values, and refuse the same data.

Where we differ on purpose, each with a test of its own at the end:
  - a schema is refused as a whole where fastavro finds out by datum, so that it takes one whose
    list of what cannot be read is empty;
  - a reader's union takes the writer's own type before one that it promotes to;
  - an enum is read as a string;
  - an alias of the writer's field names the reader's;
  - decimals and times are resolved with their own kind only.
K2_BUILD names the build folder that has resolve_tool; K2_SEEDS how many hundreds of pairs.
"""

import copy
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
TOOL = BUILD / "tests" / "interop" / "resolve_tool"
HUNDREDS = int(os.environ.get("K2_SEEDS", "30"))
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
NAMED = {"record": "R", "enum": "E", "fixed": "F"}  # fastavro takes an enum for a fixed of its name
PROMOTED = {"int": ["long", "float", "double"], "long": ["float", "double"], "float": ["double"],
            "string": ["bytes"], "bytes": ["string"]}


class Tool:
    """One process for all pairs."""

    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8")

    def ask(self, kind, text):
        self.process.stdin.write(f"{kind} {text}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "resolve_tool died"
        return answer[:-1]

    def resolve(self, writer, reader):
        """None, or why not."""
        assert self.ask("W", json.dumps(writer, ensure_ascii=False)) == "ok"
        answer = self.ask("R", json.dumps(reader, ensure_ascii=False))
        return None if answer == "ok" else answer

    def read(self, datum):
        """(the datum, what the program reads) or a text that says why not."""
        answer = self.ask("D", datum.hex())
        if answer.startswith("reject "):
            return answer
        return tuple(json.loads(part) for part in answer.split("\t"))


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.process.stdin.close()
    assert tool.process.wait(10) == 0


class Draw:
    """Draws schemas.  Fields are f0, f1, … so that unrelated records share some."""

    def __init__(self, rng, without=()):
        self.rng = rng
        self.without = without
        self.count = 0
        self.latin = {}  # a default of bytes as fastavro gives it -> hex

    def name(self, kind):
        self.count += 1
        return f"{NAMED[kind]}{self.count}"

    def primitive(self):
        return self.rng.choice([p for p in PRIMITIVES if p not in self.without])

    def record(self, depth):
        names = self.rng.sample(range(8), self.rng.randrange(1, 6))
        fields = [{"name": f"f{n}", "type": self.any(depth + 1)} for n in names]
        return {"type": "record", "name": self.name("record"), "fields": fields}

    def enum(self):
        symbols = [f"S{n}" for n in self.rng.sample(range(6), self.rng.randrange(1, 5))]
        return {"type": "enum", "name": self.name("enum"), "symbols": symbols}

    def fixed(self):
        return {"type": "fixed", "name": self.name("fixed"), "size": self.rng.randrange(1, 5)}

    def any(self, depth):
        kind = self.rng.random()
        if depth > 3 or kind < 0.45:
            return self.primitive()
        if kind < 0.55 and "enum" not in self.without:
            return self.enum()
        if kind < 0.6:
            return self.fixed()
        if kind < 0.7:
            return {"type": "array", "items": self.any(depth + 1)}
        if kind < 0.78:
            return {"type": "map", "values": self.any(depth + 1)}
        if kind < 0.9:
            return self.union(depth)
        return self.record(depth)

    def union(self, depth):
        branches = []
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            add_branch(branches, self.any(depth + 1))
        if self.rng.random() < 0.6:
            add_branch(branches, "null", self.rng.randrange(len(branches) + 1))
        return branches or ["null"]

    def default(self, schema):
        if isinstance(schema, list):
            return self.default(schema[0])
        kind = kind_of(schema)
        if kind == "record":
            return {f["name"]: self.default(f["type"]) for f in schema["fields"]}
        if kind == "array":
            return [self.default(schema["items"]) for _ in range(self.rng.randrange(3))]
        if kind == "map":
            return {f"k{n}": self.default(schema["values"]) for n in range(self.rng.randrange(3))}
        if kind == "enum":
            return self.rng.choice(schema["symbols"])
        if kind in ("bytes", "fixed"):
            size = schema["size"] if kind == "fixed" else 4
            text = "".join(chr(self.rng.randrange(0x80, 0x100)) for _ in range(size))
            self.latin[text] = text.encode("latin-1").hex()
            return text
        return {"null": None, "boolean": True, "int": -7, "long": 1 << 40, "float": 1.5,
                "double": 1e300, "string": "the€"}[kind]

    # -- edits

    def evolve(self, schema):
        """What a reader's schema may have become of a writer's."""
        rng = self.rng
        if isinstance(schema, list):
            branches = []
            for branch in schema:
                if rng.random() < 0.9 or len(schema) == 1:
                    add_branch(branches, self.evolve(branch))
            if rng.random() < 0.2:
                add_branch(branches, self.any(3))
            rng.shuffle(branches)
            if len(branches) == 1 and rng.random() < 0.3:
                return branches[0]
            return branches or ["null"]
        kind = kind_of(schema)
        if rng.random() < 0.04 and kind != "enum":
            return self.any(2)
        if rng.random() < 0.1:
            branches = []
            add_branch(branches, self.evolve(schema))
            add_branch(branches, "null", rng.randrange(2))
            return branches
        if isinstance(schema, str):
            return rng.choice(PROMOTED.get(schema, [schema])) if rng.random() < 0.4 else schema
        schema = copy.deepcopy(schema)
        if "name" in schema and rng.random() < 0.15:
            old, schema["name"] = schema["name"], self.name(kind)
            if rng.random() < 0.8:
                schema["aliases"] = [old]
        if kind == "record":
            self.evolve_fields(schema)
        elif kind == "enum":
            self.evolve_symbols(schema)
        elif kind == "fixed" and rng.random() < 0.05:
            schema["size"] += 1
        elif kind in ("array", "map"):
            key = "items" if kind == "array" else "values"
            schema[key] = self.evolve(schema[key])
        return schema

    def evolve_symbols(self, schema):
        symbols = schema["symbols"]
        if self.rng.random() < 0.4:
            symbols.append("S9")
        if self.rng.random() < 0.4:
            symbols.remove(symbols[0])
        self.rng.shuffle(symbols)
        symbols[:] = symbols or ["S9"]
        if self.rng.random() < 0.5:
            schema["default"] = self.rng.choice(symbols)

    def evolve_fields(self, schema):
        rng = self.rng
        fields = []
        for field in schema["fields"]:
            if rng.random() < 0.15:
                continue
            field["type"] = self.evolve(field["type"])
            if rng.random() < 0.15:
                old, field["name"] = field["name"], f"g{len(fields)}"
                if rng.random() < 0.85:
                    field["aliases"] = ["nobody", old]
            fields.append(field)
        while rng.random() < 0.35:
            fields.append({"name": f"n{len(fields)}", "type": self.any(2)})
        for field in fields:
            if rng.random() < 0.85:
                field["default"] = self.default(field["type"])
        rng.shuffle(fields)
        schema["fields"] = fields


def kind_of(schema):
    return schema["type"] if isinstance(schema, dict) else schema


def branch_name(schema):
    """fastavro looks at bytes before it looks at string; a union has one of the two."""
    if isinstance(schema, list):
        return "union"
    if isinstance(schema, dict) and "name" in schema:
        return schema["name"]
    return {"bytes": "string"}.get(kind_of(schema), kind_of(schema))


def add_branch(branches, schema, at=None):
    name = branch_name(schema)
    if name != "union" and name not in map(branch_name, branches):
        branches.insert(len(branches) if at is None else at, schema)


def value_of(rng, schema):
    if isinstance(schema, list):
        branch = rng.choice(schema)
        if branch == "null":
            return None
        name = branch["name"] if isinstance(branch, dict) and "name" in branch else kind_of(branch)
        return (name, value_of(rng, branch))
    kind = kind_of(schema)
    if kind == "record":
        return {f["name"]: value_of(rng, f["type"]) for f in schema["fields"]}
    if kind == "array":
        return [value_of(rng, schema["items"]) for _ in range(rng.choice([0, 1, 1, 3]))]
    if kind == "map":
        return {f"k{n}": value_of(rng, schema["values"]) for n in range(rng.choice([0, 1, 1, 3]))}
    if kind == "enum":
        return rng.choice(schema["symbols"])
    if kind == "fixed":
        return rng.randbytes(schema["size"])
    if kind in ("int", "long"):
        reach = 1 << rng.randrange(1, 31 if kind == "int" else 63)
        return rng.randrange(-reach, reach)
    text = "".join(rng.choice("aZ0ęБ€😀") for _ in range(rng.randrange(12)))
    return {"null": None, "boolean": rng.random() < 0.5, "float": rng.randrange(-999, 999) / 8,
            "double": rng.uniform(-1e9, 1e9), "string": text, "bytes": text.encode()}[kind]


def plain(value, latin):
    """A value of fastavro's as our JSON says it; a union's branch is left out."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return latin.get(value, value)
    if isinstance(value, list):
        return [plain(v, latin) for v in value]
    if isinstance(value, dict):
        return {k: plain(v, latin) for k, v in value.items()}
    return value


def is_branch(name):
    return name in PRIMITIVES + ["array", "map"] or (name[0] in "REF" and name[1:].isdigit())


def same(ours, theirs):
    if isinstance(ours, dict) and len(ours) == 1 and is_branch(next(iter(ours))):
        return same(next(iter(ours.values())), theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float) and not isinstance(ours, (bool, str, type(None), list, dict)):
        if isinstance(ours, int):  # the first branch that promotes against the exact one
            return float(ours) == theirs
        # A long read as a float is rounded to one here, and to a double there.
        return ours == theirs or ours == struct.unpack("<f", struct.pack("<f", theirs))[0]
    return type(ours) is type(theirs) and ours == theirs


def at(value, path):
    for name in path.split("/"):
        if value is None:
            return None
        value = value[name]
    return value


def has_empty(value):
    if isinstance(value, tuple):
        return has_empty(value[1])
    if isinstance(value, dict):
        return not value or any(map(has_empty, value.values()))
    return isinstance(value, list) and (not value or any(map(has_empty, value)))


def encoded(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def theirs_of(datum, writer, reader):
    """(value, None) or (None, why not)"""
    try:
        return fastavro.schemaless_reader(io.BytesIO(datum), copy.deepcopy(writer),
                                          copy.deepcopy(reader)), None
    except Exception as refused:  # noqa: BLE001: it has several for it
        return None, repr(refused)


def check_pair(tool, rng, writer, reader, latin):
    """How many data both read, and how many both refused."""
    refused = tool.resolve(writer, reader)
    counts = [0, 0]
    for _ in range(6):
        value = value_of(rng, writer)
        datum = encoded(writer, value)
        theirs, why = theirs_of(datum, writer, reader)
        ours = refused or tool.read(datum)
        said = f"{json.dumps(writer)}\n{json.dumps(reader)}\n{value}\nours {ours}\ntheirs {theirs} {why}"
        if isinstance(ours, str):
            by_items = "items: " in ours or "no branch of" in ours
            assert why or (by_items and has_empty(value)), said
        else:
            assert why is None, said
            expected = plain(theirs, latin)
            assert same(ours[0], expected), said
            assert all(same(got, at(expected, path)) for path, got in ours[1].items()), said
        counts[isinstance(ours, str)] += 1
    return counts


@pytest.mark.parametrize("seed", range(HUNDREDS))
def test_random_pairs(tool, seed):
    rng = random.Random(seed)
    read = refused = 0
    for _ in range(100):
        # An enum is read as a string by us only: a pair has either.
        draw = Draw(rng, rng.choice([("enum",), ("string", "bytes")]))
        writer = draw.record(0)
        if rng.random() < 0.85:
            reader = draw.evolve(copy.deepcopy(writer))
        else:
            reader = draw.record(0)
            reader["name"] = writer["name"]
            for field in reader["fields"]:
                if rng.random() < 0.9:
                    field["default"] = draw.default(field["type"])
        counts = check_pair(tool, rng, writer, reader, draw.latin)
        read += counts[0]
        refused += counts[1]
    assert read > 100 and refused > 50, (read, refused)


def record(*fields, name="R1"):
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def test_an_empty_list_of_what_cannot_be_read_is_refused_with_its_schema(tool):
    """fastavro takes it; we would have to wait for the first item to say what is wrong."""
    writer = record(field("a", {"type": "array", "items": record(field("x", "int"), name="R2")}))
    reader = record(field("a", {"type": "array", "items": record(field("y", "int"), name="R2")}))
    assert "field y: the writer has none" in tool.resolve(writer, reader)
    assert theirs_of(encoded(writer, {"a": []}), writer, reader) == ({"a": []}, None)
    assert theirs_of(encoded(writer, {"a": [{"x": 1}]}), writer, reader)[1]


def test_a_union_takes_the_writers_own_type_first(tool):
    """As Java does; fastavro takes the first branch that it can be promoted to."""
    writer, reader = record(field("a", "long")), record(field("a", ["null", "double", "long"]))
    datum = encoded(writer, {"a": (1 << 62) + 1})
    assert tool.resolve(writer, reader) is None
    assert tool.read(datum)[0] == {"a": (1 << 62) + 1}
    assert theirs_of(datum, writer, reader)[0] == {"a": float(1 << 62)}


def test_an_enum_is_read_as_a_string(tool):
    """What a symbol may be is a rule's business; fastavro refuses it."""
    writer = record(field("a", {"type": "enum", "name": "E1", "symbols": ["X", "Y"]}))
    reader = record(field("a", "string"))
    datum = encoded(writer, {"a": "Y"})
    assert tool.resolve(writer, reader) is None
    assert tool.read(datum) == ({"a": "Y"}, {"a": "Y"})
    assert theirs_of(datum, writer, reader)[1]


def test_an_alias_of_the_writers_names_the_readers_field(tool):
    """A producer renames; fastavro knows a reader's aliases only."""
    writer, reader = record(field("px", "int", aliases=["price"])), record(field("price", "long"))
    datum = encoded(writer, {"px": 7})
    assert tool.resolve(writer, reader) is None
    assert tool.read(datum) == ({"price": 7}, {"price": 7})
    assert theirs_of(datum, writer, reader)[1]


def test_decimals_and_times_resolve_with_their_own_kind(tool):
    """fastavro reads bytes as a decimal, and a count of milliseconds as one of microseconds."""
    dec = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
    stamp = {"type": "long", "logicalType": "timestamp-micros"}
    for kind, wanted in [("bytes", dec), ("string", dec), ({"type": "int", "logicalType": "date"}, stamp),
                         ({"type": "long", "logicalType": "local-timestamp-micros"}, stamp),
                         ({"type": "long", "logicalType": "time-micros"}, stamp)]:
        assert "the writer has" in tool.resolve(record(field("a", kind)), record(field("a", wanted)))
    writer, reader = record(field("a", dec)), record(field("a", {**dec, "scale": 4}))
    datum = encoded(writer, {"a": decimal.Decimal("1.23")})
    assert tool.resolve(writer, reader) is None
    assert tool.read(datum)[0] == {"a": "7b"}  # 123, of the writer's scale
