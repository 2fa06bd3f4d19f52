# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments while the exchange goes on; afterwards `k2 audit` is ok and Gold has every
trade that reached the log, once.

    kills.py [--kills N] [--seed N] [--keep]

Three layouts over one data folder take turns: one process with all jobs; ingest and Bronze in one,
Silver and Gold in another; two processes with all jobs each.  After a random while a random part of the
processes is killed, and whatever the next layout lacks is started.  The simulator gives every new
connection 50 frames that came before it as well, so that copies abound, and every 60 trades a frame
that is none, which must become a dead letter.  What ingest missed while it was dead is in no log, and
that is fine.

With the standard library alone: the audit's verdict, and the number of records that log.db says it has
acknowledged against `k2 tables`.  With pyiceberg and fastavro (K2_PYTHON): Bronze holds each offset of
the log once, and Gold's rows are the distinct trades of Bronze's raw bytes, and all of them are the
recordings' own."""
import argparse
import datetime
import io
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, DEAD_TOPIC, ETH, LENGTH_S, Exchange, Pipeline, message_id, recorded  # noqa: E402

LAYOUTS = [
    [None],
    ["ingest-binance,bronze-binance", "silver-binance,gold,maintain"],
    [None, None],
]
WEIGHTS = [2, 1, 1]
LIFE_S = (0.02, 1.9)  # from before the first look at a table to after the second commit of each
TABLES = ("bronze_binance_trades", "silver_binance_trades", "silver_dlq_trades", "gold_crypto_trades")


class Killer:
    def __init__(self, pipeline, kills, chance):
        self.pipeline, self.kills, self.chance = pipeline, kills, chance
        self.alive = []  # (jobs, process)
        self.starts = self.done = 0
        self.layouts = Counter()

    def take_layout(self):
        """Kills what does not belong to the next layout and starts what it lacks."""
        [wanted] = self.chance.choices(LAYOUTS, WEIGHTS)
        self.layouts[" + ".join(jobs or "all" for jobs in wanted)] += 1
        missing = list(wanted)
        for jobs, process in list(self.alive):
            if jobs in missing:
                missing.remove(jobs)
            else:
                self.kill(jobs, process)
        for jobs in missing:
            self.alive.append((jobs, self.pipeline.start(*(["--jobs", jobs] if jobs else []))))
            self.starts += 1

    def kill(self, jobs, process):
        code = process.poll()
        assert code is None, f"k2 run ended by itself with {code}\n{self.pipeline.said()}"
        self.pipeline.kill(process)
        self.alive.remove((jobs, process))
        self.done += 1

    def run(self):
        while self.done < self.kills:
            self.take_layout()
            time.sleep(self.chance.uniform(*LIFE_S))
            for jobs, process in self.chance.sample(self.alive, self.chance.randint(1, len(self.alive))):
                self.kill(jobs, process)
        for jobs, process in list(self.alive):
            self.kill(jobs, process)


def table_rows(pipeline):
    """Rows of each table as `k2 tables` says."""
    done = pipeline.command("tables", "--json")
    assert done.returncode == 0, done.stderr
    return {table["name"]: table["rows"] for table in json.loads(done.stdout)["tables"]}


def decoded(pipeline, bronze):
    """The trades of Bronze's raw bytes, by their key."""
    import fastavro
    schemas = {key: fastavro.parse_schema(schema) for key, schema in pipeline.schemas().items()}
    for row in bronze:
        raw = row["raw_bytes"]
        assert raw[0] == 0
        yield fastavro.schemaless_reader(io.BytesIO(raw[5:]), schemas[int.from_bytes(raw[1:5], "big")])


def key_of(trade):
    return trade["message_id"], Decimal(trade["price"]), Decimal(trade["quantity"]), trade["side"]


def check_gold(pipeline):
    """The foreign reader's verdict."""
    bronze = pipeline.rows("bronze_binance_trades", "raw_bytes", "partition", "offset")
    offsets = Counter((row["partition"], row["offset"]) for row in bronze)
    ends = pipeline.log_ends()
    assert max(offsets.values()) == 1, "an offset is twice in Bronze"
    assert set(offsets) == {(p, offset) for p, end in ends.items() for offset in range(end)}, \
        "Bronze is not the log"
    in_log = Counter(map(key_of, decoded(pipeline, bronze)))
    in_gold = Counter(map(key_of, pipeline.rows("gold_crypto_trades", "message_id", "price", "quantity", "side")))
    assert max(in_gold.values()) == 1, "a trade is twice in Gold"
    assert not in_log.keys() - in_gold.keys(), "trades of the log that Gold lacks"
    assert not in_gold.keys() - in_log.keys(), "trades of Gold that the log never had"
    real = {(message_id(t["s"], t["t"]), Decimal(t["p"]), Decimal(t["q"]), "SELL" if t["m"] else "BUY")
            for path in (BTC, ETH) for t in recorded(path)}
    assert in_gold.keys() <= real, "trades that no recording has"
    return len(in_gold)


def count_left_files(pipeline):
    """Data files that no snapshot names: of batches that were dropped, or died before their commit."""
    left = 0
    for name in TABLES:
        table = pipeline.table(name)
        named = {task.file.file_path.rsplit("/", 1)[-1] for task in table.scan().plan_files()}
        folder = pathlib.Path(table.location().removeprefix("file://")) / "data"
        left += len({path.name for path in folder.rglob("*.parquet")} - named)
    return left


def check(pipeline):
    report = pipeline.audit()
    rows = table_rows(pipeline)
    print("rows:", ", ".join(f"{name} {rows[name]}" for name in TABLES))
    print(report.splitlines()[-1])
    assert rows["bronze_binance_trades"] == sum(pipeline.log_ends().values()), "Bronze is not the log"
    assert rows["silver_binance_trades"] == rows["bronze_binance_trades"], "a good trade was refused"
    assert rows["silver_dlq_trades"] == sum(pipeline.log_ends(DEAD_TOPIC).values()) > 0, "dead letters"
    assert 0 < rows["gold_crypto_trades"] < rows["silver_binance_trades"], "no copies were dropped"
    try:
        import fastavro  # noqa: F401
        import pyiceberg  # noqa: F401
    except ImportError:
        print("not compared by pyiceberg: it is not there (K2_PYTHON)")
        return
    assert check_gold(pipeline) == rows["gold_crypto_trades"]
    print("pyiceberg: Gold has each of them once;", count_left_files(pipeline), "data files are left of"
          " batches that were not committed")


def run(folder, kills, seed):
    # Twice as many seconds as the kills should need; the world ends later than they do.
    speed = LENGTH_S / (kills * 2 + 30)
    started = time.monotonic()
    start = datetime.datetime.now(datetime.timezone.utc).strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ")
    with Exchange("--speed", f"{speed:.3f}", start, "--faults", "replay:50,junk:60",
                  log=open(folder / "exchange.log", "wb")) as exchange, Pipeline(folder) as pipeline:
        pipeline.connect(exchange)
        killer = Killer(pipeline, kills, random.Random(seed))
        killer.run()
        print(f"kills: {killer.done} in {time.monotonic() - started:.0f} s, {killer.starts} starts, layouts:",
              ", ".join(f"{name}: {count}" for name, count in sorted(killer.layouts.items())), flush=True)
        pipeline.end(pipeline.start("--for", "3s"))
        check(pipeline)
    print(f"seed {seed}: done in {time.monotonic() - started:.0f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("K2_SEED") or random.randrange(2**31)))
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="k2-kills-"))
    print(f"seed {options.seed}: {options.kills} kills in {folder}", flush=True)
    run(folder, options.kills, options.seed)
    if not options.keep:
        shutil.rmtree(folder)  # after a failure it stays


main()
