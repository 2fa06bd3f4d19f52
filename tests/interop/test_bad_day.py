# SPDX-License-Identifier: Apache-2.0
"""A day of bad records: each rule of validation, each way to be null, missing or false, each way not to
decode, each value that a column cannot hold, of both exchanges, written with fastavro into the log of a
running k2 among good ones; and raw frames of the exchanges that are no trades.  Every one must lie in the
dead letters with the reason and the type that section "silver_dlq_trades" of docs/tables.md gives it, byte
for byte, none anywhere else, and the counts must add up.  K2_BUILD names the build folder that has k2,
k2-exchange-sim and producer_tool."""
import collections
import contextlib
import copy
import datetime
import decimal
import io
import itertools
import json
import pathlib
import random
import signal
import socket
import struct
import sys
import threading
import time

import fastavro
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import SOURCE, Exchange, Pipeline, Producer, wait_until  # noqa: E402

DEAD, GOLD = "silver_dlq_trades", "gold_crypto_trades"
TOPICS = {"binance": ("market.crypto.trades.binance", 40), "kraken": ("market.crypto.trades.kraken", 20)}
SECOND, DAY = 1_000_000, 86_400_000_000
HOUR, YEAR = 3600 * SECOND, 365 * DAY
V2 = json.loads((SOURCE / "tests/vectors/avro/trade_v2.avsc").read_text())
FIELDS = [field["name"] for field in V2["fields"]]
SIDES = ["BUY", "SELL", "SELL_SHORT", "UNKNOWN"]
CLASSES = ["equities", "crypto", "futures", "options"]
GOOD = None

# The rules in the order that decides, each with its type: section 4 of the design.
RULES = {
    "deserialization_failed": "deserialization",
    "schema_not_found": "schema",
    "price_is_null": "price_validation",
    "price_must_be_positive": "price_validation",
    "price_not_representable": "price_validation",
    "quantity_is_null": "quantity_validation",
    "quantity_must_be_positive": "quantity_validation",
    "quantity_not_representable": "quantity_validation",
    "symbol_required": "symbol_validation",
    "trade_id_required": "schema_validation",
    "exchange_required": "schema_validation",
    "currency_required": "schema_validation",
    "trade_conditions_required": "schema_validation",
    "ingestion_timestamp_required": "schema_validation",
    "invalid_side": "side_validation",
    "timestamp_required": "timestamp_validation",
    "timestamp_in_future": "timestamp_validation",
    "timestamp_too_old": "timestamp_validation",
    "message_id_required": "message_id_validation",
    "invalid_asset_class": "asset_class_validation",
}
# What a null in each field breaks; the others may be null.
NULL_BREAKS = {
    "message_id": "message_id_required", "trade_id": "trade_id_required", "symbol": "symbol_required",
    "exchange": "exchange_required", "asset_class": "invalid_asset_class", "timestamp": "timestamp_required",
    "price": "price_is_null", "quantity": "quantity_is_null", "currency": "currency_required",
    "side": "invalid_side", "trade_conditions": "trade_conditions_required",
    "ingestion_timestamp": "ingestion_timestamp_required",
}


def plain(schema):
    """The types that are the same bytes and that fastavro does not judge."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    if isinstance(schema, dict):
        kind = schema["type"]
        if kind == "enum":
            return "int"
        if kind == "fixed":
            return {key: schema[key] for key in ("type", "name", "size")}
        return {"array": {"type": kind, "items": "bytes"}, "map": {"type": kind, "values": "bytes"}}.get(kind, kind)
    return "bytes" if schema == "string" else schema


def with_types(types):
    schema = copy.deepcopy(V2)
    schema["fields"] = [{**f, **({"type": types[f["name"]]} if f["name"] in types else {})}
                        for f in schema["fields"] if types.get(f["name"], f) is not None]
    return schema


def without(name):
    return with_types({name: None})


def nullable(field):
    kind = field["type"]
    return kind if isinstance(kind, list) else ["null", kind]


NULLABLE = with_types({f["name"]: nullable(f) for f in V2["fields"]})
for field in NULLABLE["fields"]:
    field.pop("default", None)


def encode(schema, record):
    """The Avro body, by fastavro."""
    raw = {"type": "record", "name": "Raw", "fields": [{"name": f["name"], "type": plain(f["type"])}
                                                       for f in schema["fields"]]}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, raw, {f["name"]: record[f["name"]] for f in schema["fields"]})
    return out.getvalue()


def unscaled(number, scale=18):
    value = int(decimal.Decimal(number).scaleb(scale))
    assert decimal.Decimal(value).scaleb(-scale) == decimal.Decimal(number)
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def does_not_decode(schema, body):
    """fastavro's opinion."""
    stream = io.BytesIO(body)
    try:
        fastavro.schemaless_reader(stream, schema)
    except Exception:  # noqa: BLE001: whatever it raises
        return True
    return stream.tell() != len(body)


class Day:
    """The records of one exchange: .cases of (label, schema or id or bytes, body or None, then what is
    expected: GOOD or a reason, and the log's own time)."""

    def __init__(self, exchange, now):
        self.exchange, self.now, self.number, self.cases = exchange, now, 0, []

    def trade(self, **changes):
        """A good trade's fields, as the plain types have them."""
        self.number += 1
        record = {
            "message_id": f"{self.exchange}-{self.number}".encode(),
            "trade_id": f"{self.exchange.upper()}-{self.number}".encode(), "symbol": b"BTCUSDT",
            "exchange": self.exchange.upper().encode(), "asset_class": CLASSES.index("crypto"),
            "timestamp": self.now, "price": unscaled("60500.12"), "quantity": unscaled("0.0025"),
            "currency": b"USDT", "side": SIDES.index("SELL"), "trade_conditions": [b"limit"],
            "source_sequence": self.number, "ingestion_timestamp": self.now, "platform_sequence": self.number,
            "vendor_data": {"k": b"v"}}
        return {**record, **changes}

    def put(self, label, expected, schema=V2, at=None, **changes):
        record = self.trade(**changes)
        self.cases.append((f"{label} ({self.exchange})", schema, encode(schema, record), expected, at, record))

    def put_body(self, label, expected, body, schema=V2):
        """schema: one, or an id that nobody has registered."""
        self.cases.append((f"{label} ({self.exchange})", schema, body, expected, None, None))

    def put_value(self, label, expected, value):
        """The log record's whole value."""
        self.cases.append((f"{label} ({self.exchange})", None, value, expected, None, None))


def nulls_and_missing(day):
    for name in FIELDS:
        day.put(f"{name} null", NULL_BREAKS.get(name, GOOD), NULLABLE, **{name: None})
        has_default = name in ("trade_conditions", "source_sequence", "platform_sequence", "vendor_data")
        day.put(f"{name} missing", GOOD if has_default else NULL_BREAKS[name], without(name))
    everything = dict.fromkeys(FIELDS)
    day.put("all null", "price_is_null", NULLABLE, **everything)


def false(day):
    """Rules that get a value and say no, and empty texts: only what is looked up by them must be there."""
    for side in (2, 3):
        day.put(f"side {SIDES[side]}", "invalid_side", side=side)
    day.put("side BUY", GOOD, side=0)
    for kind in (0, 2, 3):
        day.put(f"asset_class {CLASSES[kind]}", "invalid_asset_class", asset_class=kind)
    texts = with_types({"side": "string", "asset_class": "string"})
    for side in (b"", b"buy", b"BUY ", b"BUYS", b"S", b"\0BUY"):
        day.put(f"side {side}", "invalid_side", texts, side=side, asset_class=b"crypto")
    for kind in (b"", b"Crypto", b"crypto "):
        day.put(f"asset_class {kind}", "invalid_asset_class", texts, side=b"BUY", asset_class=kind)
    day.put("texts for enums", GOOD, texts, side=b"BUY", asset_class=b"crypto")
    day.put("symbol empty", "symbol_required", symbol=b"")
    day.put("message_id empty", "message_id_required", message_id=b"")
    for name in ("trade_id", "exchange", "currency"):
        day.put(f"{name} empty", GOOD, **{name: b""})
    day.put("no conditions", GOOD, trade_conditions=[])
    day.put("an empty condition", GOOD, trade_conditions=[b"", b""])
    day.put("no vendor data", GOOD, vendor_data={})
    day.put("texts of all kinds", GOOD, symbol="币安人生USDT".encode(), trade_id=b"a\0b", currency=b"x" * 70000,
            trade_conditions=["\U0010ffff".encode()], vendor_data={"": b"", "é": "\ue000".encode()})


def values(day):
    """decimal(18,8): 10 digits before the point, 8 behind it."""
    wide = {"type": "bytes", "logicalType": "decimal", "precision": 38}
    for name in ("price", "quantity"):
        cannot, positive = f"{name}_not_representable", f"{name}_must_be_positive"
        for number in ("0.00000001", "9999999999.99999999", "1", "61837.63"):
            day.put(f"{name} {number}", GOOD, **{name: unscaled(number)})
        for number in ("0.000000001", "0.000000000000000001", "61837.630000001", "9999999999.999999999",
                       "10000000000", "99999999999999999999.999999999999999999"):
            day.put(f"{name} {number}", cannot, **{name: unscaled(number)})
        for number in ("0", "-1", "-0.00000001", "-0.000000000000000001", "-10000000000",
                       "-99999999999999999999.999999999999999999"):
            day.put(f"{name} {number}", positive, **{name: unscaled(number)})
        day.put(f"{name} of no bytes", positive, **{name: b""})
        day.put(f"{name} of 17 bytes", cannot, **{name: b"\x01" + bytes(16)})
        day.put(f"{name} of 17 bytes, negative", positive, **{name: b"\xfe" + bytes(16)})
        day.put(f"{name} of 1000 bytes", cannot, **{name: b"\x7f" * 1000})
        day.put(f"{name} with its sign drawn out", GOOD, **{name: bytes(30) + unscaled("5")})
        day.put(f"{name} the greatest of 128 bits", cannot, **{name: b"\x7f" + b"\xff" * 15})
        day.put(f"{name} the least of 128 bits", positive, **{name: b"\x80" + bytes(15)})
        for scale, number, expected in ((0, "9999999999", GOOD), (0, "10000000000", cannot), (2, "0.01", GOOD),
                                        (30, "0.00000001", GOOD), (30, "1e-30", cannot), (30, "-1e-30", positive),
                                        (8, "-1", positive), (9, "0.000000001", cannot)):
            other = with_types({name: {**wide, "scale": scale}})
            day.put(f"{name} {number} of scale {scale}", expected, other, **{name: unscaled(number, scale)})
        fixed = with_types({name: {"type": "fixed", "name": "F", "size": 16, "logicalType": "decimal",
                                   "precision": 38, "scale": 18}})
        for number, expected in (("2.5", GOOD), ("1e-18", cannot), ("0", positive), ("-3", positive)):
            body = unscaled(number)
            sign = b"\xff" if body[0] >= 0x80 else b"\0"
            day.put(f"{name} {number}, fixed", expected, fixed, **{name: sign * (16 - len(body)) + body})
        day.put(f"{name} of a negative scale", "deserialization_failed", with_types({name: {**wide, "scale": -2}}))
        day.put(f"{name} as double", "deserialization_failed", with_types({name: "double"}), **{name: 1.5})
        day.put(f"{name} as string", "deserialization_failed", with_types({name: "string"}), **{name: b"1.5"})
    for name in ("source_sequence", "platform_sequence"):
        for number in (-(1 << 63), (1 << 63) - 1, -1, 0):
            day.put(f"{name} {number}", GOOD, **{name: number})


def times(day):
    """Bronze's two times: the log's is set here, ingestion's lies within minutes behind `now`."""
    now, skew, later, earlier = day.now, 5 * SECOND, day.now + HOUR, day.now - HOUR
    for label, expected, timestamp, at in (
            ("+5 s", GOOD, later + skew, later),
            ("+5 s + 1 us", "timestamp_in_future", later + skew + 1, later),
            ("a day ahead of a late log", "timestamp_in_future", now + DAY, earlier),
            ("now, the log far behind", GOOD, now, now - 20 * YEAR),
            ("a quarter ahead of the log, not of Bronze", GOOD, now, now - HOUR // 4),
            ("an hour ahead of Bronze, not of the log", GOOD, later, later),
            ("-365 d", GOOD, earlier - YEAR, earlier),
            ("-365 d - 1 us", "timestamp_too_old", earlier - YEAR - 1, earlier),
            ("-365 d of a log far behind", GOOD, now - 21 * YEAR, now - 20 * YEAR),
            ("a year and a half hour before a late log", GOOD, now - YEAR + HOUR // 2, later),
            ("a year and a half hour before Bronze", "timestamp_too_old", now - YEAR - HOUR // 2, later),
            ("1970", "timestamp_too_old", 0, None),
            ("milliseconds taken for microseconds", "timestamp_too_old", now // 1000, None),
            ("nanoseconds taken for microseconds", "timestamp_in_future", now * 1000, None),
            ("the least", "timestamp_too_old", -(1 << 63), None),
            ("the greatest", "timestamp_in_future", (1 << 63) - 1, None)):
        day.put(f"timestamp {label}", expected, at=at, timestamp=timestamp)
    calendar = (-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1)  # the years 1 to 9999
    for timestamp in calendar:
        day.put(f"ingestion_timestamp {timestamp}", GOOD, ingestion_timestamp=timestamp)
    for timestamp in (calendar[0] - 1, calendar[1] + 1, -(1 << 63), (1 << 63) - 1):
        day.put(f"ingestion_timestamp {timestamp}", "deserialization_failed", ingestion_timestamp=timestamp)
    millis = with_types({"timestamp": {"type": "long", "logicalType": "timestamp-millis"}})
    nanos = with_types({"timestamp": {"type": "long", "logicalType": "timestamp-nanos"}})
    day.put("timestamp in ms", GOOD, millis, timestamp=now // 1000)
    day.put("timestamp in ns", GOOD, nanos, timestamp=now * 1000)
    day.put("timestamp finer than a microsecond", "deserialization_failed", nanos, timestamp=now * 1000 + 1)
    day.put("timestamp in ms, a day ahead", "timestamp_in_future", millis, timestamp=(now + DAY) // 1000)


def undecodable(day):
    failed = "deserialization_failed"
    good = encode(V2, day.trade())
    day.put_value("a tombstone", failed, None)
    day.put_value("nothing", failed, b"")
    for size in range(1, 5):
        day.put_value(f"{size} bytes", failed, bytes(size))
    for magic in (1, 2, 127, 128, 255):
        day.put_value(f"magic {magic}", failed, bytes([magic, 0, 0, 0, 1]) + good)
    day.put_value("JSON", failed, b'{"e":"trade","s":"BTCUSDT","p":"1"}')
    for size in range(len(good)):
        day.put_body(f"cut after {size}", failed, good[:size])
    for more in (b"\0", b"\n", good):
        day.put_body(f"{len(more)} bytes behind", failed, good + more)
    for unknown in (0, 424242, (1 << 31) - 1, -1, -(1 << 31)):
        day.put_body(f"schema {unknown}", "schema_not_found", good, unknown)
        day.put_body(f"schema {unknown} and nothing", "schema_not_found", b"", unknown)
    beat = {"type": "record", "name": "Heartbeat", "fields": [{"name": "beat", "type": "long"}]}
    day.put_body("a heartbeat", failed, b"\x02", beat)
    day.put_body("a trade as heartbeat", failed, good, beat)
    day.put_body("a heartbeat as trade", failed, b"\x02")
    day.put_body("a schema that is no record", failed, b"\x02", {"type": "array", "items": "string"})
    reverse = {**V2, "fields": V2["fields"][::-1]}
    for label, of, by in (("reordered", reverse, V2), ("in order, said to be reordered", V2, reverse),
                          ("one field less", without("trade_id"), V2), ("one field more", V2, without("trade_id")),
                          ("nulls", NULLABLE, V2), ("no nulls", V2, NULLABLE)):
        body = encode(of, day.trade())
        assert does_not_decode(by, body)
        day.put_body(f"another schema's: {label}", failed, body, by)
    wrong_bytes(day)


def wrong_bytes(day):
    failed = "deserialization_failed"
    for index in (-1, 4, 1 << 31):
        day.put(f"side {index}", failed, side=index)
        day.put(f"asset_class {index}", failed, asset_class=index)
    for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"BTC\x80", b"\xe2\x82"):
        for name in ("message_id", "trade_id", "symbol", "exchange", "currency"):
            day.put(f"{name} {text}", failed, **{name: text})
        day.put(f"a condition {text}", failed, trade_conditions=[b"limit", text])
        day.put(f"vendor data {text}", failed, vendor_data={"k": text})
    record = day.trade()
    parts = {f["name"]: encode({"fields": [f]}, record) for f in V2["fields"]}
    endless = b"\xff" * 10 + b"\x01"
    for name, part in (("message_id", b"\x01"), ("message_id", endless), ("message_id", b"\xfe" + b"\xff" * 8 + b"\x01"),
                       ("price", b"\x03"), ("timestamp", endless), ("source_sequence", b"\x04\x02"),
                       ("source_sequence", b"\x01\x02"), ("source_sequence", b"\x02" + endless),
                       ("trade_conditions", b"\x01\x02\x02a\x00"), ("trade_conditions", b"\x01\x10\x02a\x00"),
                       ("trade_conditions", b"\xfe\xff\xff\xff\x0f\x02a\x00"), ("vendor_data", b"\x02\x02\x02k\x02"),
                       ("vendor_data", b"\x02\x02\x02\xff\x02v\x00"), ("vendor_data", b"\x06")):
        body = b"".join({**parts, name: part}.values())
        day.put_body(f"{name} as {part.hex()}", failed, body)
    blocks = {**parts, "trade_conditions": b"\x01\x04\x02a\x01\x04\x02b\x00"}
    day.cases.append((f"blocks with sizes ({day.exchange})", V2, b"".join(blocks.values()), GOOD, None, record))


def breaking(rule, now):
    """Changes that break the rule, in a schema where all may be null."""
    for name, broken in NULL_BREAKS.items():
        if broken == rule:
            return {name: None}
    return {"price_must_be_positive": {"price": unscaled("-1e-18")},
            "price_not_representable": {"price": unscaled("1e-9")},
            "quantity_must_be_positive": {"quantity": unscaled("0")},
            "quantity_not_representable": {"quantity": unscaled("1e-9")},
            "timestamp_in_future": {"timestamp": now + DAY},
            "timestamp_too_old": {"timestamp": now - 2 * YEAR}}[rule]


def order(day):
    """Of two rules that a row breaks the first one names it."""
    rules = list(RULES)[2:]
    for i, first in enumerate(rules):
        for second in rules[i + 1:]:
            changes = breaking(first, day.now)
            if changes.keys() == breaking(second, day.now).keys():
                continue  # of the same field
            day.put(f"{first} and {second}", first, NULLABLE, **{**changes, **breaking(second, day.now)})
    for rule in rules:
        body = encode(NULLABLE, day.trade(**breaking(rule, day.now)))
        day.put_body(f"cut and {rule}", "deserialization_failed", body[:-1], NULLABLE)
        day.put_body(f"unknown and {rule}", "schema_not_found", body, 424242)


def records(exchange, now):
    day = Day(exchange, now)
    for make in (nulls_and_missing, false, values, times, undecodable, order):
        make(day)
    bad = collections.Counter(case[3] for case in day.cases)
    assert set(RULES) <= set(bad), set(RULES) - set(bad)
    for i in range(sum(bad.values()) - bad[GOOD]):
        day.put(f"good {i}", GOOD)
    random.Random(20).shuffle(day.cases)
    return day.cases


def send(producer, exchange, cases, sent):
    """As one group; sent: {(topic, partition, offset): what is expected there}."""
    topic, partitions = TOPICS[exchange]
    ends = collections.Counter(place[:2] for place in sent)
    known = {}
    for number, (label, schema, body, expected, at, record) in enumerate(cases):
        identity = None
        if isinstance(schema, int):
            identity = schema
        elif schema is not None:
            text = json.dumps(schema)
            identity = known.setdefault(text, None) or producer.ask("S " + text)
            known[text] = identity
        value = body if schema is None else struct.pack(">bi", 0, identity) + body
        partition = number % (partitions - 3)
        if value is None:
            producer.ask(f"N {partition}")
        elif at is None:
            producer.ask(f"R {partition} {value.hex()}")
        else:
            producer.ask(f"T {partition} {at} {value.hex()}")
        if schema is None and value is not None and len(value) >= 5 and value[0] == 0:
            identity = struct.unpack(">i", value[1:5])[0]
        sent[topic, partition, ends[topic, partition]] = (label, value, identity, expected, record)
        ends[topic, partition] += 1
    assert producer.ask("F") == len(sent)


def table(pipeline, name):
    """As pyarrow has it, nothing where the table is not there yet."""
    try:
        return pipeline.table(name).scan().to_arrow()
    except Exception:  # noqa: BLE001
        return None


def count(pipeline, *names):
    return sum(rows.num_rows for rows in (table(pipeline, name) for name in names) if rows is not None)


def ids(pipeline, *names):
    return sorted(row["message_id"] for name in names for row in pipeline.rows(name, "message_id"))


def check_dead(pipeline, sent):
    bad = {place: case for place, case in sent.items() if case[3] is not GOOD}
    rows = pipeline.rows(DEAD)
    got = {(row["kafka_topic"], row["kafka_partition"], row["kafka_offset"]): row for row in rows}
    assert len(got) == len(rows)
    wrong = [(case[0], case[3], got[place]["error_reason"] if place in got else "not there")
             for place, case in bad.items() if place not in got or got[place]["error_reason"] != case[3]]
    wrong += [(sent[place][0], "good", row["error_reason"]) for place, row in got.items() if place not in bad]
    assert not wrong, f"{len(wrong)}: {wrong[:40]}"
    for place, row in got.items():
        label, value, identity, reason, _ = bad[place]
        assert row["raw_record"] == value, label
        assert row["error_type"] == RULES[reason], label
        assert row["schema_id"] == identity, label
        assert row["bronze_source"] == f"bronze_{place[0].rpartition('.')[2]}_trades", label
        assert row["dlq_date"] == row["error_timestamp"].date(), label


def check_good(pipeline, sent, exchange):
    good = {place[1:]: case for place, case in sent.items() if case[3] is GOOD}
    rows = pipeline.rows(f"silver_{exchange}_trades", "kafka_partition", "kafka_offset", "message_id", "symbol",
                         "price", "quantity", "source_sequence", "schema_id", "replay_id")
    got = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
    assert len(got) == len(rows) and got.keys() == good.keys()
    for place, row in got.items():
        label, _, identity, _, record = good[place]
        assert row["schema_id"] == identity and row["replay_id"] is None, label
        if record is not None:
            assert row["message_id"] == record["message_id"].decode(), label
            assert row["symbol"] == record["symbol"].decode(), label
            if " of scale " not in label:
                for name in ("price", "quantity"):
                    assert int(row[name].scaleb(18)) == int.from_bytes(record[name], "big", signed=True), label


def test_every_bad_record_is_a_dead_letter(tmp_path):
    decimal.getcontext().prec = 60
    sent = {exchange: {} for exchange in TOPICS}
    silver = [f"silver_{exchange}_trades" for exchange in TOPICS]
    with contextlib.ExitStack() as stack:
        pipeline = stack.enter_context(Pipeline(tmp_path))
        pipeline.config.write_text(
            f"data_dir: {pipeline.data}\nexchanges: {{binance: {{}}, kraken: {{}}}}\nbronze: {{interval: 1s}}\n"
            "silver: {interval: 1s}\ngold: {interval: 1s}\n")
        pipeline.data.mkdir()
        producers = {exchange: stack.enter_context(Producer(pipeline.data, *TOPICS[exchange])) for exchange in TOPICS}
        cases = {exchange: records(exchange, time.time_ns() // 1000 - 10 * SECOND) for exchange in TOPICS}
        for part in range(3):  # the first lies there when k2 starts
            for exchange, producer in producers.items():
                send(producer, exchange, cases[exchange][part::3], sent[exchange])
            if part == 0:
                worker = pipeline.start("--jobs", "bronze-binance,silver-binance,bronze-kraken,silver-kraken,gold")
            total = sum(map(len, sent.values()))
            wait_until(lambda: count(pipeline, DEAD, *silver) >= total, 120, f"{total} rows judged")
        pipeline.end(worker, signal.SIGTERM)
        check_dead(pipeline, {place: case for exchange in TOPICS for place, case in sent[exchange].items()})
        for exchange in TOPICS:
            check_good(pipeline, sent[exchange], exchange)
            assert count(pipeline, f"bronze_{exchange}_trades") == len(sent[exchange])
        assert count(pipeline, DEAD, *silver) == total
        assert ids(pipeline, GOLD) == ids(pipeline, *silver)
        pipeline.audit()


# -- raw frames

class Relay:
    """Between k2 and the simulator: keeps every text of the simulator's, and puts `frames` (of each the
    second is the opcode, the third the payload) between them, one behind every `every` texts."""

    def __init__(self, upstream, frames, every=20):
        self.upstream, self.frames, self.every = upstream, list(frames), every
        self.injected, self.texts, self.connections = [], [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ws = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client = self.listener.accept()[0]
                self.connections.append(threading.Thread(target=self.serve, args=(client,), daemon=True))
                self.connections[-1].start()

    def has_passed_all(self):
        return not any(connection.is_alive() for connection in self.connections)

    def serve(self, client):
        host, port = self.upstream.removeprefix("ws://").rsplit(":", 1)
        with contextlib.suppress(OSError), client, socket.create_connection((host, int(port))) as server:
            threading.Thread(target=self.upwards, args=(client, server), daemon=True).start()
            self.downwards(server.makefile("rb"), client)

    @staticmethod
    def upwards(client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def downwards(self, server, client):
        texts = 0
        while (line := server.readline()) != b"\r\n":
            if not line:
                return
            client.sendall(line)
        client.sendall(line)
        while head := server.read(2):
            more = server.read({126: 2, 127: 8}.get(head[1], 0))
            payload = server.read(int.from_bytes(more, "big") if more else head[1])
            client.sendall(head + more + payload)
            if head[0] & 0x0F != 1:
                continue
            self.texts.append(payload)
            texts += 1
            if texts % self.every == 0 and self.frames:
                frame = self.frames.pop(0)
                self.injected.append(frame)
                client.sendall(self.framed(*frame[1:3]))

    @staticmethod
    def framed(opcode, payload):
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else \
            b"\x7f" + size.to_bytes(8, "big")
        return bytes([0x80 | opcode]) + length + payload

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def wire(value):
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


# What no exchange's frame may be: the word of src/exchange/*.h and the frame.
ALL_EXCHANGES = [
    ("not_json", b""), ("not_json", b" "), ("not_json", b"hello"), ("not_json", b"{"), ("not_json", b"{}x"),
    ("not_json", b"[1,]"), ("not_json", b'{"a":01}'), ("not_json", b'{"a":"\\x"}'), ("not_json", b"{'a':1}"),
    ("not_json", b"[" * 20000), ("not_json", b"\0"), ("not_json", b'"\n"'), ("not_json", b'{"e":"trade"'),
    ("unknown_message", b"null"), ("unknown_message", b"42"), ("unknown_message", b'"trade"'),
    ("unknown_message", b"[]"), ("unknown_message", b"{}"), ("unknown_message", b'{"a":' + b"9" * 40000 + b"}"),
]


def binance_frames():
    """(word, frame), and how many trades it has beside the bad one."""
    number = 1 << 40
    time_ms = int(time.time() * 1000)

    def trade(**changes):
        event = {"e": "trade", "E": time_ms, "s": "BTCUSDT", "t": number, "p": "61837.63", "q": "0.02",
                 "T": time_ms, "m": True, "M": True, **changes}
        return {"stream": "btcusdt@trade", "data": {key: value for key, value in event.items() if value != "none"}}

    for key in "stTpq":
        yield "missing_field", trade(**{key: "none"})
        yield "wrong_type", trade(**{key: None})
        yield "wrong_type", trade(**{key: {}})
    yield "wrong_type", trade(s=1)
    for key in "pq":
        for value in ("", "abc", "1,5", "NaN", "Infinity", "0x10", "1e", " 1", "--1", "1.2.3"):
            yield "bad_number", trade(**{key: value})
        for value in ("1e-19", "0.0000000000000000001", "100000000000000000000", "1e400"):
            yield "number_not_representable", trade(**{key: value})
    for value in ("", "x", 1.5, 1 << 63, "1e400"):
        yield "bad_number", trade(t=value)
    for value in (-1, 1 << 62):
        yield "bad_trade_id", trade(t=value)
    for value in (0, time_ms // 1000, time_ms * 1000):
        yield "wrong_time_unit", trade(T=value)
    for value in ("", "NOPEUSDT", "btcusdt", "BTCUSDT "):
        yield "unknown_symbol", trade(s=value)
    for value in ("aggTrade", "Trade", "", "kline"):
        yield "unknown_event", trade(e=value)
    yield "unknown_event", trade(e="24hrTicker")["data"]


def binance_bad_trades():
    """Frames that are trades, which Silver refuses: (reason, a function of the trade's number)."""
    for reason, changes in (
            ("price_must_be_positive", {"p": "0"}), ("price_must_be_positive", {"p": "-1"}),
            ("price_not_representable", {"p": "0.000000001"}), ("price_not_representable", {"p": "1e10"}),
            ("quantity_must_be_positive", {"q": "0.00000000"}), ("quantity_not_representable", {"q": "1e-18"}),
            ("invalid_side", {"m": "none"}), ("invalid_side", {"m": "true"}), ("invalid_side", {"m": None})):
        time_ms = int(time.time() * 1000)
        event = {"e": "trade", "E": time_ms, "s": "BTCUSDT", "t": 1 << 41, "p": "1", "q": "1", "T": time_ms, "m": True,
                 **changes}
        yield reason, {key: value for key, value in event.items() if value != "none"}


def kraken_v2_frames():
    numbers = itertools.count(1 << 40, 2)
    row = {"symbol": "BTC/USD", "side": "sell", "price": 61837.63, "qty": 0.02, "ord_type": "market", "trade_id": 9,
           "timestamp": utc_now()}

    def frame(*rows, **changes):
        message = {"channel": "trade", "type": "update", "data": [{**row, **changes} for changes in rows], **changes}
        if message["data"] is Ellipsis:
            del message["data"]
        for one in message.get("data") or ():
            for key in [key for key, value in one.items() if value is Ellipsis]:
                del one[key]
        return message

    for key in ("symbol", "price", "qty", "trade_id", "timestamp"):
        yield "missing_field", frame({key: ...})
        yield "wrong_type", frame({key: None})
        yield "wrong_type", frame({key: []})
    for key in ("price", "qty"):
        for value in ("", "abc", "1e"):
            yield "bad_number", frame({key: value})
        for value in (b"1e-19", b"1e20", b"0.0000000000000000001"):
            yield "number_not_representable", wire(frame({key: "here"})).replace(b'"here"', value)
    for value in (1.5, "x", 1 << 63):
        yield "bad_number", frame({"trade_id": value})
    for value in (-1, 1 << 62):
        yield "bad_trade_id", frame({"trade_id": value})
    for value in ("", "now", "2024-13-01T00:00:00Z", "2024-08-08", "1723161255.34"):
        yield "bad_time", frame({"timestamp": value})
    for value in ("", "NOPE/USD", "BTCUSD", "btc/usd"):
        yield "unknown_symbol", frame({"symbol": value})
    for value in ("book", "Trade", ""):
        yield "unknown_event", frame({}, channel=value)
    for bad in ({"price": "x"}, {"trade_id": None}, {"symbol": "NOPE/USD"}):  # the good ones count
        number = next(numbers)
        good = [{"trade_id": number}, {"trade_id": number + 1}]
        word = {"price": "bad_number", "trade_id": "wrong_type", "symbol": "unknown_symbol"}[next(iter(bad))]
        yield word, frame(good[0], bad, good[1]), 2
    yield "missing_field", frame(data=...)
    yield "wrong_type", frame(data={})
    yield "wrong_type", frame(data=None)
    yield "unknown_message", {"method": "dance", "success": True}


def kraken_v2_bad_trades():
    for number, (reason, changes) in enumerate((
            ("price_must_be_positive", {"price": 0}), ("price_must_be_positive", {"price": -1.5}),
            ("price_not_representable", {"price": "0.000000001"}), ("quantity_not_representable", {"qty": 10 ** 10}),
            ("quantity_must_be_positive", {"qty": -0.0}), ("invalid_side", {"side": "short"}),
            ("invalid_side", {"side": None}))):
        yield reason, {"channel": "trade", "type": "update", "data": [
            {"symbol": "BTC/USD", "side": "sell", "price": 1, "qty": 1, "ord_type": "market", "trade_id": number + 1,
             "timestamp": utc_now(), **changes}]}


def kraken_v1_frames():
    numbers = itertools.count(1)
    row = ["61837.63000", "0.02000000", f"{time.time():.6f}", "s", "m", ""]

    def frame(*changes, channel="trade", pair="XBT/USD"):
        rows = [[change.get(i, value) for i, value in enumerate(row)] for change in changes]
        return [337, rows, channel, pair]

    for i in range(3):
        yield "missing_field", [337, [row[:i]], "trade", "XBT/USD"]
        yield "wrong_type", frame({i: None})
        yield "wrong_type", frame({i: {}})
        for value in ("", "abc", "1e"):
            yield "bad_number", frame({i: value})
    for i in range(2):
        for value in ("1e-19", "1e20"):
            yield "number_not_representable", frame({i: value})
    for value in ("0", "-5", "1618678150826.417", "1"):
        yield "bad_time", frame({2: value})
    for value in ("", "NOPE/USD", "XBTUSD"):
        yield "unknown_symbol", frame({}, pair=value)
    for value in ("book-10", "Trade", ""):
        yield "unknown_event", frame({}, channel=value)
    yield "unknown_event", {"event": "dance"}
    for bad, word in (({0: "x"}, "bad_number"), ({1: None}, "wrong_type"), ({2: "0"}, "bad_time")):
        yield word, frame({0: f"1.{next(numbers)}"}, bad, {0: f"1.{next(numbers)}"}), 2  # the good ones count
    yield "missing_field", [337, "trade", "XBT/USD"]
    yield "wrong_type", [337, ["61837.63"], "trade", "XBT/USD"]
    yield "unknown_message", [337, [row]]


def kraken_v1_bad_trades():
    for reason, changes in (
            ("price_must_be_positive", {0: "0.00000"}), ("price_must_be_positive", {0: "-1"}),
            ("price_not_representable", {0: "0.000000001"}), ("quantity_must_be_positive", {1: "0"}),
            ("quantity_not_representable", {1: "10000000000"}), ("invalid_side", {3: "x"}),
            ("invalid_side", {3: None})):
        row = ["1", "1", f"{time.time():.6f}", "s", "m", ""]
        yield reason, [337, [[changes.get(i, value) for i, value in enumerate(row)]], "trade", "XBT/USD"]


KINDS = {"binance": ([], binance_frames, binance_bad_trades),
         "kraken-v1": ([SOURCE / "recordings" / f"kraken-v1-made-{pair}.gz" for pair in ("xbtusd", "ethusd")],
                       kraken_v1_frames, kraken_v1_bad_trades),
         "kraken-v2": ([SOURCE / "recordings" / f"kraken-v2-made-{pair}.gz" for pair in ("btcusd", "ethusd")],
                       kraken_v2_frames, kraken_v2_bad_trades)}


def trades_of(kind, text):
    """How many trades a frame of the simulator's has; None: it is no message of the exchange."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if kind == "kraken-v1":
        if isinstance(message, list):
            return len(message[1]) if message[2] == "trade" else None
        return 0 if message["event"] in ("heartbeat", "systemStatus", "subscriptionStatus", "error", "pong") else None
    if kind == "kraken-v2":
        if "channel" in message:
            return len(message["data"]) if message["channel"] == "trade" else \
                0 if message["channel"] in ("heartbeat", "status") else None
        return 0 if message.get("method") or "Error" in message else None
    event = message.get("data", message)
    return 1 if event.get("e") == "trade" else None if "e" in event else 0


@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_are_no_trades_are_dead_letters(tmp_path, kind):
    recordings, bad_frames, bad_trades = KINDS[kind]
    name = kind.partition("-")[0]
    frames = [("ingest", 1, wire(frame), word, sum(more)) for word, frame, *more in [*ALL_EXCHANGES, *bad_frames()]]
    frames += [("record", 1, wire(frame), reason, 1) for reason, frame in bad_trades()]
    random.Random(20).shuffle(frames)
    options = {"kind": kind, **({"recordings": recordings} if recordings else {})}
    with Exchange("--speed", "0", "--shift-time", "--stop-when-done", "--faults", "junk:100", **options) as exchange, \
            Relay(exchange.ws, frames) as relay, Pipeline(tmp_path) as pipeline:
        exchange.ws = relay.ws
        pipeline.connect(exchange)
        worker = pipeline.start()
        exchange.wait(120)
        wait_until(relay.has_passed_all, 60, "the last text passed on")
        assert not relay.frames and len(relay.injected) == len(frames)
        seen = [trades_of(kind, text) for text in relay.texts]
        records_sent = sum(number or 0 for number in seen) + sum(frame[4] for frame in frames)
        junk = [text for text, number in zip(relay.texts, seen) if number is None]
        assert len(junk) > 5
        raw_sent = len(junk) + sum(frame[0] == "ingest" for frame in frames)
        topic = TOPICS[name][0]
        wait_until(lambda: (sum(pipeline.log_ends(topic).values()), sum(pipeline.log_ends(topic + ".dlq").values()))
                   == (records_sent, raw_sent), 60, f"{records_sent} records and {raw_sent} frames in the log")
        pipeline.end(worker, signal.SIGTERM)
        letters = pipeline.rows(DEAD)
        raw = [row for row in letters if row["error_type"] == "ingest"]
        assert {row["bronze_source"] for row in raw} == {f"ingest_{name}"}
        assert {row["kafka_topic"] for row in raw} == {f"market.crypto.trades.{name}.dlq"}
        assert sorted(row["kafka_offset"] for row in raw) == list(range(len(raw)))
        assert {(row["kafka_partition"], row["schema_id"]) for row in raw} == {(0, None)}
        want = collections.Counter((frame, word) for what, _, frame, word, _ in frames if what == "ingest")
        got = collections.Counter((row["raw_record"], row["error_reason"]) for row in raw)
        junk = collections.Counter(junk)
        for (frame, word), number in (got - want).items():
            junk[frame] -= number
            assert word in ("not_json", "unknown_event", "unknown_message"), (frame, word)
        assert not want - got, (want - got, got - want)
        assert not +junk and not -junk, (+junk, -junk)
        others = [(row["error_reason"], row["error_type"], row["bronze_source"], row["kafka_topic"])
                  for row in letters if row["error_type"] != "ingest"]
        assert sorted(others) == sorted((word, RULES[word], f"bronze_{name}_trades", f"market.crypto.trades.{name}")
                                        for what, _, _, word, _ in frames if what == "record")
        bronze = {(row["partition"], row["offset"]): row["raw_bytes"] for row in pipeline.rows(f"bronze_{name}_trades")}
        for row in letters:
            if row["error_type"] != "ingest":
                assert row["raw_record"] == bronze[row["kafka_partition"], row["kafka_offset"]]
        assert len(bronze) == records_sent == count(pipeline, f"silver_{name}_trades") + len(others)
        assert ids(pipeline, GOLD) == sorted(set(ids(pipeline, f"silver_{name}_trades")))
        pipeline.audit()
