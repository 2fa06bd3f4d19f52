# SPDX-License-Identifier: Apache-2.0
"""A producer's schema evolves while one `k2 run` goes on: each change of docs/tables.md, "Schemas that
change", written with fastavro, all versions mixed in one batch, and unreadable ones among them.
K2_BUILD names the build folder that has k2 and producer_tool."""
import copy
import datetime
import decimal
import io
import json
import pathlib
import signal
import struct
import sys

import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import SOURCE, TOPIC, Pipeline, Producer, wait_until  # noqa: E402

SILVER, DEAD, GOLD = "silver_binance_trades", "silver_dlq_trades", "gold_crypto_trades"
V2 = json.loads((SOURCE / "tests/vectors/avro/trade_v2.avsc").read_text())
PARTITIONS = 40
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
ROUNDS = 3


def change(**fields):
    """V2 with fields replaced, or (None) dropped."""
    schema = copy.deepcopy(V2)
    schema["fields"] = [{**f, **fields.get(f["name"], {})} for f in schema["fields"]
                        if fields.get(f["name"], {}) is not None]
    return schema


def add(*fields, schema=V2):
    return {**schema, "fields": [*schema["fields"], *fields]}


def renamed():
    schema = change(price={"name": "px", "aliases": ["price"]}, side={"name": "taker", "aliases": ["side"]})
    return schema


def dec(scale, kind="bytes", **more):
    return {"type": {"type": kind, "logicalType": "decimal", "precision": 30, "scale": scale, **more}}


def enum(name, *symbols):
    return {"type": {"type": "enum", "name": name, "symbols": list(symbols)}}


# name, schema, what the record has beside a plain trade, what Silver's row has beside it
GOOD = [
    ("v2", V2, {}, {}),
    ("a field with a default", add({"name": "venue", "type": "string", "default": "x"}), {"venue": "nyc"}, {}),
    ("a field between others", {**V2, "fields": [V2["fields"][0], {"name": "blob", "type": {
        "type": "array", "items": ["null", "double", "string"]}}, *V2["fields"][1:]]},
     {"blob": [None, 1.5, "x"]}, {}),
    ("dropped", change(trade_conditions=None, vendor_data=None, platform_sequence=None), {},
     {"trade_conditions": [], "vendor_data": None, "platform_sequence": None}),
    ("reordered", {**V2, "fields": V2["fields"][::-1]}, {}, {}),
    ("an int", change(source_sequence={"type": "int", "default": 0}), {}, {}),
    ("an int widened to long", change(source_sequence={"type": "long", "default": 0}),
     {"source_sequence": 1 << 40},
     {"source_sequence": 1 << 40}),
    ("a float of its own", add({"name": "fee", "type": "float"}), {"fee": 0.5}, {}),
    ("a float widened to double", add({"name": "fee", "type": "double"}), {"fee": 0.1}, {}),
    ("renamed through an alias", renamed(), {"px": decimal.Decimal("60500.12"), "taker": "SELL"},
     {"side": "SELL"}),
    ("another record's name", {**V2, "name": "Fill", "namespace": "org.example"}, {}, {}),
    ("milliseconds", change(timestamp={"type": MILLIS}), {}, {}),
    ("another scale", change(price=dec(2), quantity=dec(6, "fixed", name="Q", size=13)), {}, {}),
    ("texts", change(side={"type": "string"}, asset_class={"type": "string"}, symbol={"type": "bytes"}),
     {"symbol": b"BTCUSDT"}, {}),
    ("an enum of another name", change(side=enum("Taker", "SELL", "BUY", "NONE")), {}, {}),
    ("unions", change(price={"type": ["null", "string", dec(3)["type"]]},
                      trade_conditions={"type": {"type": "array", "items": ["null", "string"]}}),
     {"trade_conditions": ["a"]}, {"trade_conditions": ["a"]}),
]
# name, schema, record, error_reason, error_type
BAD = [
    ("no price", change(price=None), {}, "price_is_null", "price_validation"),
    ("no currency", change(currency=None), {}, "currency_required", "schema_validation"),
    ("a null", change(symbol={"type": ["null", "string"]}), {"symbol": None}, "symbol_required",
     "symbol_validation"),
    ("renamed without an alias", change(quantity={"name": "qty"}), {"qty": decimal.Decimal(1)},
     "quantity_is_null", "quantity_validation"),
    ("another symbol", change(side=enum("Taker", "SHORT", "BUY")), {"side": "SHORT"}, "invalid_side",
     "side_validation"),
    ("a price as double", change(price={"type": "double"}), {"price": 60500.12}, "deserialization_failed",
     "deserialization"),
    ("the wrong branch", change(price={"type": ["null", "string", dec(3)["type"]]}), {"price": "60500.12"},
     "deserialization_failed", "deserialization"),
    ("a time of day", change(timestamp={"type": {"type": "long", "logicalType": "time-micros"}}),
     {"timestamp": datetime.time(1)}, "deserialization_failed", "deserialization"),
    ("no trade at all", {"type": "record", "name": "Heartbeat", "fields": [{"name": "beat", "type": "long"}]},
     {"beat": 1}, "deserialization_failed", "deserialization"),
]


def trade(number, when):
    return {"message_id": f"id-{number}", "trade_id": f"BINANCE-{number}", "symbol": "BTCUSDT",
            "exchange": "BINANCE", "asset_class": "crypto", "timestamp": when,
            "price": decimal.Decimal("60500.12"), "quantity": decimal.Decimal("0.002500"),
            "currency": "USDT", "side": "BUY", "trade_conditions": ["market"], "source_sequence": number,
            "ingestion_timestamp": when, "platform_sequence": number, "vendor_data": {"k": "v"}}


def encoded(schema_id, schema, record):
    out = io.BytesIO()
    names = {f["name"] for f in schema["fields"]}
    fastavro.schemaless_writer(out, schema, {k: v for k, v in record.items() if k in names})
    return (struct.pack(">bI", 0, schema_id) + out.getvalue()).hex()


def put(producer, cases, expected, first):
    """A record of each case in turn, a few rounds, into a few partitions; as one group."""
    ids = {name: producer.ask("S " + json.dumps(schema)) for name, schema, *_ in cases}
    now = datetime.datetime.now(datetime.timezone.utc)
    when = now.replace(microsecond=now.microsecond // 1000 * 1000) - datetime.timedelta(seconds=5)
    number = first
    for round_ in range(ROUNDS):
        for name, schema, own, *then in cases:
            record = {**trade(number, when), **own}
            producer.ask(f"R {(number + round_) % 5} {encoded(ids[name], schema, record)}")
            row = {**trade(number, when), **then[0]} if len(then) == 1 else tuple(then)
            expected[number] = (name, ids[name], row)
            number += 1
    return number


def check(pipeline, expected):
    silver = {row["message_id"]: row for row in pipeline.rows(SILVER)}
    good = {f"id-{n}": e for n, e in expected.items() if isinstance(e[2], dict)}
    bad = [(e[1], *e[2]) for e in expected.values() if isinstance(e[2], tuple)]
    assert silver.keys() == good.keys()
    for key, (name, schema_id, row) in good.items():
        got = dict(silver[key])
        got["vendor_data"] = None if got["vendor_data"] is None else dict(got["vendor_data"])
        assert {k: got[k] for k in row} == row, name
        assert got["schema_id"] == schema_id, name
    dead = sorted((r["schema_id"], r["error_reason"], r["error_type"]) for r in pipeline.rows(DEAD))
    assert dead == sorted(bad)


def test_a_producer_evolves_while_the_pipeline_runs(tmp_path):
    expected = {}
    with Pipeline(tmp_path) as pipeline:
        pipeline.config.write_text(f"data_dir: {pipeline.data}\nbronze: {{interval: 1s}}\n"
                                   "silver: {interval: 1s}\ngold: {interval: 1s}\n")
        pipeline.data.mkdir()
        with Producer(pipeline.data, TOPIC, PARTITIONS) as producer:
            first = put(producer, GOOD[:1], expected, 1)
            producer.ask("F")
            worker = pipeline.start("--jobs", "bronze-binance,silver-binance,gold")
            wait_until(lambda: len(tables_rows(pipeline, SILVER)) == len(expected), 30, "the first trades")
            first = put(producer, GOOD + BAD, expected, first)  # new ids, mixed in one batch
            producer.ask("F")
            wait_until(lambda: len(tables_rows(pipeline, SILVER)) + len(tables_rows(pipeline, DEAD))
                       == len(expected), 60, "all versions")
            check(pipeline, expected)
            put(producer, BAD[::-1] + GOOD[::-1], expected, first)  # ids that are known
            producer.ask("F")
            wait_until(lambda: len(tables_rows(pipeline, SILVER)) + len(tables_rows(pipeline, DEAD))
                       == len(expected), 60, "all versions again")
        pipeline.end(worker, signal.SIGTERM)
        check(pipeline, expected)
        assert len(pipeline.rows(GOLD)) == len(pipeline.rows(SILVER))
        batches = {}
        for row in pipeline.rows(SILVER):
            batches.setdefault(row["validation_timestamp"], set()).add(row["schema_id"])
        assert max(map(len, batches.values())) > len(GOOD) // 2, batches  # versions share a batch
        pipeline.audit()
        said = pipeline.said(1 << 20)
    unreadable = [line for line in said.splitlines() if "event=schema_unreadable" in line]
    assert len(unreadable) == 3 and any("field price" in line for line in unreadable), said
    assert said.count("event=schema_incomplete") == 3  # each id once
    assert "missing=currency" in said and "missing=quantity" in said


def tables_rows(pipeline, name):
    try:
        return pipeline.rows(name, "schema_id")
    except Exception:  # noqa: BLE001: the table is not there yet
        return []
