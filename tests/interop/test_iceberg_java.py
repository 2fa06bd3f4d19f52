# SPDX-License-Identifier: Apache-2.0
"""Tables of ours under Iceberg's own library, which is strict, and ours under its changes.

java/LoadTable.java does it; K2_JARS names the folder of its jars, which java/run.sh fills.
"""

import datetime
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))
NAMES = [
    "bronze_binance_trades",
    "silver_binance_trades",
    "silver_dlq_trades",
    "gold_crypto_trades",
]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

pytestmark = pytest.mark.skipif("K2_JARS" not in os.environ, reason="K2_JARS is not set")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(folder, *args):
    return run(BUILD / "tests" / "interop" / "table_tool", folder, *args)


def java(folder, *args):
    return json.loads(run(Path(__file__).parent / "java" / "run.sh", folder, *args))


def show(folder):
    return {t["name"]: t for t in json.loads(tool(folder, "show"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    tool(folder, "make", "11")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_java_loads_strictly_and_plans_every_file(folder, name):
    shown = show(folder)[name]
    planned = java(folder, "plan", name)
    assert Counter(planned["files"]) == Counter(f["path"] for f in shown["files"])
    assert planned["records"] == sum(f["rows"] for f in shown["files"])
    assert planned["snapshots"] == len(shown["snapshots"])


@pytest.mark.parametrize(
    "name,column",
    [
        ("bronze_binance_trades", "offset"),
        ("silver_binance_trades", "validation_timestamp"),
        ("gold_crypto_trades", "exchange_hour"),
        ("gold_crypto_trades", "timestamp"),
    ],
)
def test_java_prunes_by_partitions_and_bounds(folder, name, column):
    shown = show(folder)[name]
    place = shown["columns"].index(column)
    is_time = "timestamp" in column
    every = sorted(r[place] for f in shown["files"] for r in f["data"])
    low = every[len(every) // 2]
    high = low + (3600_000_000 if is_time else 1)
    texts = [(EPOCH + datetime.timedelta(microseconds=v)).isoformat() if is_time else v for v in (low, high)]
    planned = java(folder, "plan", name, column, *texts)
    wanted = {
        f["path"]
        for f in shown["files"]
        if min(r[place] for r in f["data"]) < high and max(r[place] for r in f["data"]) >= low
    }
    assert set(planned["files"]) == wanted


def test_we_go_on_after_java_rewrites_manifests_tags_and_expires(folder):
    name = "gold_crypto_trades"
    before = show(folder)[name]
    changed = java(folder, "change", name)
    after = show(folder)[name]
    assert changed["operation"] == "replace" and after["main"] == changed["main"]
    assert len(after["snapshots"]) == 1
    same = [{(f["path"], f["snapshot"], f["sequence"]) for f in t["files"]} for t in (before, after)]
    assert same[0] == same[1]
    tool(folder, "append", "12")
    rows = Counter(json.dumps(r) for f in show(folder)[name]["files"] for r in f["data"])
    lines = (folder / f"{name}.jsonl").read_text().splitlines()
    assert rows == Counter(json.dumps(json.loads(line)) for line in lines)
    planned = java(folder, "plan", name)
    assert planned["records"] == len(lines)
