# SPDX-License-Identifier: Apache-2.0
"""Foreign hands on the tables of a real pipeline, which goes on: pyiceberg appends, expires, rolls
back, changes schemas and specs between two runs of `k2 run` (rules 4 and 10 of docs/commit.md)."""
import datetime
import gzip
import json
import pathlib
import shutil
import signal
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, LongType, StringType

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, Exchange, Pipeline, message_id, recorded  # noqa: E402

BRONZE, SILVER, DEAD, GOLD = NAMES = [
    "bronze_binance_trades",
    "silver_binance_trades",
    "silver_dlq_trades",
    "gold_crypto_trades",
]
TRADES = {message_id(t["s"], t["t"]) for path in (BTC, ETH) for t in recorded(path)}
HALF = 4500  # frames of each recording in the first run


class World(Pipeline):
    """Runs of the pipeline over the halves of both recordings."""

    def halves(self, second):
        for path in (BTC, ETH):
            lines = gzip.open(path, "rt").read().splitlines(True)
            place = self.folder / path.stem
            place.write_text("".join(lines[HALF:] if second else lines[:HALF]))
            yield place

    def play(self, second, *options, code=0):
        """k2 run until it has all of a half; what it logged of warnings and errors."""
        said = len(self.said(1 << 20))
        options = ["--speed", "0", "--stop-when-done", "--shift-time", *options]
        with Exchange(*options, recordings=list(self.halves(second))) as exchange:
            self.connect(exchange)
            worker = self.start()
            exchange.wait(120)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(90) == code, self.said()
            self.workers.remove(worker)
        return "\n".join(l for l in self.said(1 << 20)[said:].splitlines() if " level=info " not in l)

    def go_on(self):
        """k2 run without an exchange: what was not finished."""
        self.end(self.start("--for", "1s"))

    def ids(self, name=GOLD):
        return self.table(name).scan(selected_fields=("message_id",)).to_arrow().column(0).to_pylist()

    def count(self, name):
        return self.table(name).scan().count()


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The first half, with dead letters."""
    with World(tmp_path_factory.mktemp("begun")) as world:
        world.play(False, "--faults", "junk:100")
        yield world


@pytest.fixture
def world(begun):
    """Always the same folder, because tables hold absolute names."""
    kept = begun.folder / "kept"
    if kept.exists():
        shutil.rmtree(begun.data)
        shutil.copytree(kept, begun.data)
    else:
        shutil.copytree(begun.data, kept)
    return begun


def foreign(table, count, **values):
    """The table's newest `count` rows with other values; each value a list."""
    rows = table.scan().to_arrow().slice(0, count).to_pylist()
    for place, row in enumerate(rows):
        row |= {name: column[place] for name, column in values.items()}
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


def expire_all_but_one(table):
    old = [s.snapshot_id for s in table.metadata.snapshots if s != table.current_snapshot()]
    if old:
        table.maintenance.expire_snapshots().by_ids(old).commit()
    return len(old)


def assert_complete(world, extra=()):
    """No row lost or doubled: ours are the recordings', the others the foreign ones."""
    assert Counter(world.ids()) == Counter([*TRADES, *extra])
    assert Counter(world.ids(SILVER)) == Counter(TRADES)


def test_foreign_rows_and_an_expiry_of_all_but_one_snapshot(world):
    dead = world.count(DEAD)
    end = max(world.table(BRONZE).scan().to_arrow().column("offset").to_pylist())
    far = [end + 1000 + n for n in range(3)]
    world.table(BRONZE).append(foreign(world.table(BRONZE), 3, offset=far, raw_bytes=[b"x"] * 3))
    ids = [f"foreign-{n}" for n in range(3)]
    world.table(GOLD).append(foreign(world.table(GOLD), 3, message_id=ids))
    assert [expire_all_but_one(world.table(name)) for name in NAMES][0] > 0
    assert all(len(world.table(name).metadata.snapshots) == 1 for name in NAMES)

    world.play(True)

    assert_complete(world, ids)
    bronze = world.table(BRONZE).scan().to_arrow().to_pylist()
    assert len(bronze) == len(TRADES) + 3
    assert sorted(r["offset"] for r in bronze if r["raw_bytes"] == b"x") == far
    assert world.count(DEAD) == dead > 0
    report = world.audit()
    assert "foreign" in report


def audit(world, code, *options):
    """What it says as text, and as JSON."""
    text, data = (world.command("audit", *options, *more) for more in ((), ("--json",)))
    assert text.returncode == data.returncode == code, text.stdout + text.stderr
    report = json.loads(data.stdout)
    assert report["ok"] == (code == 0) == text.stdout.endswith("audit: ok\n")
    lines = text.stdout.splitlines()
    assert all(line in lines for case in report["cases"].values() for line in case["lines"])
    return lines, report


@pytest.mark.parametrize("since", [(), ("--since", "1h"), ("--since", "2026-01-01T00:00:00+02:00")])
def test_the_audit_lists_what_others_append_and_delete(world, since):
    began = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0).isoformat()
    report = audit(world, 0, *since)[1]
    assert report["foreign"] == report["skipped"] == [] and report["violations"] == 0
    assert (report["since"] is None) == (not since)

    world.table(GOLD).append(foreign(world.table(GOLD), 3, message_id=[f"foreign-{n}" for n in range(3)]))
    lines, report = audit(world, 0, *since)
    assert [(f["table"], f["operation"], f["added-records"]) for f in report["foreign"]] == [(GOLD, "append", 3)]
    assert began <= report["foreign"][0]["time"] and report["foreign"][0]["snapshot"] == \
        world.table(GOLD).current_snapshot().snapshot_id
    assert f"foreign: {GOLD}: 1 files with 3 rows of others" in lines

    row = world.table(BRONZE).scan(selected_fields=("partition", "offset")).to_arrow().to_pylist()[-1]
    world.table(BRONZE).delete(f"partition = {row['partition']} and offset = {row['offset']}")
    lines, report = audit(world, 1, *since)
    assert report["violations"] == report["cases"]["bronze_absent"]["count"] == 1
    assert lines[-1] == "audit: FAILED 1 violation"
    assert any(l.startswith(f"bronze_absent: {BRONZE}: topic market.crypto.trades.binance partition "
                            f"{row['partition']} offset {row['offset']}: absent") for l in lines)
    assert {(f["table"], f["operation"]) for f in report["foreign"]} == {(GOLD, "append"), (BRONZE, "overwrite")}
    deleted = [f for f in report["foreign"] if f["table"] == BRONZE]
    assert sum(f["deleted-records"] - f["added-records"] for f in deleted) == 1


@pytest.mark.parametrize("since", ["", "6", "yesterday", "-1h", "2026-13-01T00:00:00Z", "2026-01-01", "2999-01-01T00:00:00Z"])
def test_a_since_that_is_no_time_is_refused(world, since):
    done = world.command("audit", "--since", since)
    assert done.returncode == 2 and not done.stdout
    assert f'--since "{since}": expected a time' in done.stderr


def test_an_expiry_alone_leaves_no_trace(world):
    """Gold then reads the live files of Silver again and drops what it has."""
    for name in NAMES:
        expire_all_but_one(world.table(name))
    world.play(True)
    assert_complete(world)
    assert world.count(BRONZE) == len(TRADES)
    world.audit()


def test_foreign_compaction_by_overwriting(world):
    """Silver rewritten as one file of pyiceberg's: no row is taken again."""
    rows = world.table(SILVER).scan().to_arrow()
    world.table(SILVER).overwrite(rows)
    world.play(True)
    assert_complete(world)


def test_gold_rolled_back_is_filled_again(world):
    before = world.table(GOLD).current_snapshot().snapshot_id
    world.play(True)
    after = world.table(GOLD).current_snapshot().snapshot_id
    assert_complete(world)
    with world.table(GOLD).manage_snapshots() as snapshots:
        snapshots.rollback_to_snapshot(before)
    assert world.count(GOLD) == 2 * HALF
    epoch = int(world.table(GOLD).properties["k2.epoch"])
    world.go_on()
    assert world.table(GOLD).current_snapshot().snapshot_id != after
    assert int(world.table(GOLD).properties["k2.epoch"]) == epoch + 1
    assert_complete(world)
    world.audit()


def test_gold_does_not_guess_when_silver_is_rolled_back(world):
    before = world.table(SILVER).current_snapshot().snapshot_id
    world.play(True)
    with world.table(SILVER).manage_snapshots() as snapshots:
        snapshots.rollback_to_snapshot(before)
    said = world.play(False, code=1)
    assert "upstream_rolled_back" in said and "k2 positions set gold" in said
    assert Counter(world.ids(SILVER)) >= Counter(TRADES)
    assert Counter(world.ids()) == Counter(TRADES)


@pytest.mark.parametrize("name", [BRONZE, SILVER, GOLD])
def test_an_optional_column_is_left_out(world, name):
    with world.table(name).update_schema() as update:
        update.add_column("extra", DoubleType())
    world.play(True)
    assert_complete(world)
    table = world.table(name)
    rows = table.scan().to_arrow()
    assert rows.column("extra").null_count == rows.num_rows == len(TRADES)
    assert table.current_snapshot().schema_id == table.metadata.current_schema_id == 1
    for task in table.scan().plan_files():
        schema = pq.read_schema(task.file.file_path.removeprefix("file://"))
        assert "extra" not in schema.names
    world.audit()


def change_required(world):
    with world.table(SILVER).update_schema(allow_incompatible_changes=True) as update:
        update.add_column("must", StringType(), required=True)


def mend_required(world):
    with world.table(SILVER).update_schema(allow_incompatible_changes=True) as update:
        update.make_column_optional("must")


def change_renamed(world):
    with world.table(SILVER).update_schema() as update:
        update.rename_column("replay_id", "replay")


def mend_renamed(world):
    with world.table(SILVER).update_schema() as update:
        update.add_column("replay_id", StringType())


def change_type(world):
    with world.table(DEAD).update_schema() as update:
        update.update_column("schema_id", LongType())


def mend_type(world):
    from pyiceberg.types import IntegerType

    with world.table(DEAD).update_schema() as update:
        update.rename_column("schema_id", "schema_id_old")
    with world.table(DEAD).update_schema() as update:
        update.add_column("schema_id", IntegerType())


def change_spec(world):
    with world.table(GOLD).update_spec() as update:
        update.add_field("symbol", IdentityTransform(), "pair")


def mend_spec(world):
    with world.table(GOLD).update_spec() as update:
        update.remove_field("pair")


CHANGES = [
    (change_required, mend_required, SILVER, "ALTER COLUMN must DROP NOT NULL"),
    (change_renamed, mend_renamed, SILVER, "ADD COLUMN replay_id STRING"),
    (change_type, mend_type, DEAD, "RENAME COLUMN schema_id TO schema_id_old"),
    (change_spec, mend_spec, GOLD, "DROP PARTITION FIELD pair"),
]


@pytest.mark.parametrize("change,mend,name,statement", CHANGES)
def test_a_change_that_we_cannot_write_is_refused_until_mended(world, change, mend, name, statement):
    """Said with the statement that mends it; the tables before it go on, and nothing is lost."""
    change(world)
    counts = {n: world.count(n) for n in (SILVER, GOLD)}
    said = world.play(True, code=1)
    assert "job_refused" in said and f"ALTER TABLE {name}" in said and statement in said
    assert world.count(BRONZE) == len(TRADES)
    assert world.count(GOLD) == counts[GOLD]
    assert "job=bronze-binance kind=refused" not in said
    mend(world)
    world.go_on()
    assert_complete(world)
    world.audit()
