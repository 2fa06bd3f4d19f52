# SPDX-License-Identifier: Apache-2.0
"""Trades through fastavro in both directions, and message_id by its recipe.

tests/lib/trade_tool.c writes records with what they must say, and reads what fastavro wrote.
K2_BUILD names the build folder.
"""

import decimal
import hashlib
import io
import json
import os
import random
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import fastavro
import pytest

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))
TOOL = BUILD / "tests" / "interop" / "trade_tool"
HEADER = b"\0\1\2\3\4"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
decimal.getcontext().prec = 60


def tool(*args, stdin=None):
    done = subprocess.run([TOOL, *map(str, args)], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def message_id(exchange, symbol, number):
    """The recipe, as the documentation has it."""
    digest = hashlib.sha256(f"{exchange}:{symbol}".encode()).hexdigest()
    low = 0b10 << 62 | number
    return f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-{low >> 48:04x}-{low & (1 << 48) - 1:012x}"


def micros(time):
    return (time - EPOCH) // timedelta(microseconds=1)


def plain(row):
    """A row of fastavro's in the tool's terms."""
    return {
        **row,
        "timestamp": micros(row["timestamp"]),
        "ingestion_timestamp": micros(row["ingestion_timestamp"]),
        "price": f"{row['price'] + 0:.18f}",  # + 0: no -0
        "quantity": f"{row['quantity'] + 0:.18f}",
    }


@pytest.fixture(scope="module")
def schema():
    return json.loads(tool("schema")[0])


def test_the_schema_is_avro_and_the_wire_format_of_the_records_in_use(schema):
    parsed = fastavro.parse_schema(schema)
    assert parsed["name"] == "com.k2.marketdata.TradeV2"
    old = json.loads((Path(__file__).parents[1] / "vectors/avro/trade_v2.avsc").read_text())

    def bare(node):
        """Without what only readers of values look at: the times' logical types."""
        if isinstance(node, dict):
            if node.get("logicalType") == "timestamp-micros":
                return node["type"]
            return {key: bare(value) for key, value in node.items() if key != "doc"}
        return [bare(item) for item in node] if isinstance(node, list) else node

    assert bare(schema) == bare(old)


@pytest.mark.parametrize("exchange", ["binance", "kraken"])
@pytest.mark.parametrize("seed", [1, 2])
def test_fastavro_reads_every_field_of_what_we_encode(schema, exchange, seed):
    parsed = fastavro.parse_schema(schema)
    lines = tool("encode", exchange, seed, 2000)
    assert len(lines) == 2000
    for line in lines:
        record, expected = line.split("\t")
        stream = io.BytesIO(bytes.fromhex(record))
        assert stream.read(5) == HEADER
        row = fastavro.schemaless_reader(stream, parsed)
        assert stream.read() == b""
        expected = json.loads(expected)
        assert list(row) == list(expected)
        assert plain(row) == expected
        if row["symbol"]:  # some are spoilt on purpose
            assert row["message_id"] == message_id(
                row["exchange"], row["symbol"], row["source_sequence"]
            )


@pytest.mark.parametrize(
    "exchange, symbol, number",
    [
        ("BINANCE", "BTCUSDT", 3735683259),
        ("BINANCE", "BTCUSDT", 0),
        ("KRAKEN", "BTCUSD", 2**48 - 1),
        ("KRAKEN", "BTCUSD", 2**48),
        ("BINANCE", "币安人生USDT", 12),
        ("BINANCE", "BTCUSDT", 2**62 - 1),
    ],
)
def test_ids_follow_the_recipe(exchange, symbol, number):
    assert tool("id", exchange, symbol, number) == [message_id(exchange, symbol, number)]


@pytest.mark.parametrize("number", [-1, 2**62, 2**63 - 1, -(2**63)])
def test_ids_beyond_62_bits_are_refused(number):
    assert tool("id", "BINANCE", "BTCUSDT", number) == ["refused"]


def random_row(rnd):
    """Any values that the schema allows, not only those of trades."""
    text = lambda: "".join(rnd.choice("aZ09-é币😀\"\\\n") for _ in range(rnd.randrange(40)))
    number = lambda: rnd.choice([0, 1, -1, 63, 64, 2**62, -(2**63), 2**63 - 1, rnd.getrandbits(40)])
    time = lambda: EPOCH + timedelta(microseconds=rnd.randrange(-(10**15), 2 * 10**15))
    value = lambda: decimal.Decimal(
        rnd.choice([-1, 1]) * rnd.randrange(10 ** rnd.randrange(1, 39))
    ).scaleb(-18)
    return dict(
        message_id=text(),
        trade_id=text(),
        symbol=text(),
        exchange=text(),
        asset_class=rnd.choice(["equities", "crypto", "futures", "options"]),
        timestamp=time(),
        price=value(),
        quantity=value(),
        currency=text(),
        side=rnd.choice(["BUY", "SELL", "SELL_SHORT", "UNKNOWN"]),
        trade_conditions=[text() for _ in range(rnd.randrange(4))],
        source_sequence=rnd.choice([None, number()]),
        ingestion_timestamp=time(),
        platform_sequence=rnd.choice([None, number()]),
        vendor_data=rnd.choice([None, {text(): text() for _ in range(rnd.randrange(4))}]),
    )


def written(schema, rows):
    for row in rows:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema, row)
        yield HEADER + stream.getvalue()


def decoded(tmp_path, schema, rows):
    path = tmp_path / "writer.avsc"
    path.write_text(json.dumps(schema))
    records = written(fastavro.parse_schema(schema), rows)
    lines = tool("decode", path, stdin="".join(record.hex() + "\n" for record in records))
    assert len(lines) == len(rows)
    return [json.loads(line) for line in lines]


def test_we_read_every_field_of_what_fastavro_writes(schema, tmp_path):
    rnd = random.Random(11)
    rows = [random_row(rnd) for _ in range(1000)]
    assert decoded(tmp_path, schema, rows) == [plain(row) for row in rows]


def test_another_writers_order_scale_and_unit_make_no_difference(schema, tmp_path):
    rnd = random.Random(12)
    rows = [random_row(rnd) for _ in range(300)]
    other = json.loads(json.dumps(schema))
    for field in other["fields"]:
        if field["name"] == "price":
            field["type"]["scale"] = 8
        if field["name"] == "ingestion_timestamp":
            field["type"]["logicalType"] = "timestamp-millis"
        if field["name"] == "currency":
            field["type"] = ["null", "string"]
    other["fields"].append({"name": "venue", "type": ["null", "string"]})
    rnd.shuffle(other["fields"])
    for row in rows:
        row["price"] = row["price"].quantize(decimal.Decimal("1e-8"), decimal.ROUND_DOWN)
        row["ingestion_timestamp"] = row["ingestion_timestamp"].replace(microsecond=123000)
        row["currency"] = rnd.choice([None, "USDT"])
        row["venue"] = "dropped"
    expected = [plain(row) for row in rows]
    for row in expected:
        del row["venue"]
    assert decoded(tmp_path, other, rows) == expected


def test_a_record_of_another_schema_or_cut_short_is_refused(schema, tmp_path):
    path = tmp_path / "writer.avsc"
    path.write_text(json.dumps(schema))
    whole = next(written(fastavro.parse_schema(schema), [random_row(random.Random(13))]))
    broken = [whole[:-1], whole + b"\0", b"\1" + whole[1:], whole[:4], b"", b'{"e":"trade"}']
    lines = tool("decode", path, stdin="".join(record.hex() + "\n" for record in broken))
    assert lines == ["reject"] * len(broken)
