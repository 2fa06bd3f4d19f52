# SPDX-License-Identifier: Apache-2.0
"""After a refusal: an operator runs the very command that it names, the pipeline goes on, and the audit
is ok (docs/commit.md, "Positions set by hand")."""
import json
import pathlib
import re
import signal
import sqlite3
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import TOPIC, Exchange  # noqa: E402
from test_pipeline_hands import (BRONZE, DEAD, GOLD, HALF, NAMES, SILVER, TRADES, assert_complete,  # noqa: E402
                                 begun, expire_all_but_one, foreign, world)  # noqa: F401

RESULT = re.compile(r"`k2 (positions set [^`]*)`")


def named(said, event):
    """The words of the command that the last refusal of this kind names."""
    line = [line for line in said.splitlines() if event in line][-1]
    return RESULT.search(line)[1].split()


def refused(world, event):
    """One run that must end in a refusal; the command that it names."""
    said = len(world.said(1 << 20))
    worker = world.start("--for", "1s")
    assert worker.wait(90) == 1, world.said()
    world.workers.remove(worker)
    return named(world.said(1 << 20)[said:], event)


def roll_back(table, snapshot):
    with table.manage_snapshots() as snapshots:
        snapshots.rollback_to_snapshot(snapshot)


def set_positions(world, words, *options):
    done = world.command(*words, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_silver_rolled_back_then_gold_reads_all_of_it_again(world):
    before = world.table(SILVER).current_snapshot().snapshot_id
    world.play(True)
    roll_back(world.table(SILVER), before)
    words = refused(world, "upstream_rolled_back")
    assert words[:3] == ["positions", "set", "gold"] and words[3] == f"{SILVER}=<snapshot>|all"

    words[3] = f"{SILVER}=all"
    snapshot = world.table(GOLD).current_snapshot().snapshot_id
    refusal = world.command(*words)
    assert refusal.returncode == 2 and "--yes" in refusal.stderr
    assert "-> the beginning" in set_positions(world, words, "--dry-run")
    assert world.table(GOLD).current_snapshot().snapshot_id == snapshot
    set_positions(world, words, "--yes", "--reason", "rolled back by hand")
    current = world.table(GOLD).current_snapshot()
    assert current.parent_snapshot_id == snapshot
    assert current.summary["k2.set-by"].endswith(": rolled back by hand")
    world.go_on()
    assert_complete(world)
    world.audit()


def test_silver_rolled_back_then_gold_goes_on_behind_a_snapshot(world):
    before = world.table(SILVER).current_snapshot().snapshot_id
    world.play(True)
    taken = json.loads(world.table(GOLD).properties["k2.inputs"])[SILVER]["snapshot"]
    roll_back(world.table(SILVER), before)
    words = refused(world, "upstream_rolled_back")
    newest = world.table(SILVER).current_snapshot().snapshot_id
    words[3] = f"{SILVER}={newest}"  # what Silver has written since: Gold has not taken it
    refusal = world.command(*words, "--yes")
    assert refusal.returncode == 1 and "rows would be passed over" in refusal.stderr, refusal.stderr
    assert f"or `{SILVER}=all`" in refusal.stderr, refusal.stderr
    words[3] = f"{SILVER}={taken}"  # not on main any more
    refusal = world.command(*words, "--yes")
    assert refusal.returncode == 1 and "not on main" in refusal.stderr
    words[3] = f"{SILVER}={before}"
    assert f"-> snapshot {before} of epoch" in set_positions(world, words, "--yes")
    world.go_on()
    assert_complete(world)
    world.audit()


def mend(world, rounds=12):
    """What an operator does until `k2 run` ends well; the commands that he ran."""
    ran = []
    for _ in range(rounds):
        said = len(world.said(1 << 20))
        worker = world.start("--for", "1s")
        code = worker.wait(90)
        world.workers.remove(worker)
        if code == 0:
            return ran
        commands = {RESULT.search(line)[1] for line in world.said(1 << 20)[said:].splitlines()
                    if "job_refused" in line and RESULT.search(line)}
        assert commands, world.said()
        for command in commands:
            words = command.replace("=<snapshot>|all", "=all").split()
            set_positions(world, words, "--yes")
            ran.append(words)
    raise AssertionError(world.said())


def test_rows_lost_are_read_again(world):
    """Each table set back and its history expired: the property then says more than the rows."""
    columns = {BRONZE: "offset", SILVER: "kafka_offset", DEAD: "kafka_offset"}
    before = {name: world.table(name).current_snapshot().snapshot_id for name in columns}
    world.play(True, "--faults", "junk:100")
    dead = world.count(DEAD)
    for name, column in columns.items():
        roll_back(world.table(name), before[name])
        extra = {"message_id": [f"foreign-{name}"]} if name == SILVER else {}
        world.table(name).append(foreign(world.table(name), 1, **{column: [10**9]}, **extra))
        expire_all_but_one(world.table(name))
    ran = mend(world)
    assert {(BRONZE, "rows"), (SILVER, "rows"), (DEAD, "rows"), ("gold", f"{SILVER}=all")} == {
        tuple(words[2:]) for words in ran}
    assert Counter(world.ids()) == Counter(TRADES)
    assert Counter(world.ids(SILVER)) == Counter([*TRADES, f"foreign-{SILVER}"])
    assert world.count(BRONZE) == len(TRADES) + 1 and world.count(DEAD) == dead + 1
    assert all("k2.skipped" not in world.table(name).properties for name in NAMES)
    world.audit()


def test_what_the_log_has_forgotten_is_skipped_and_listed(world):
    """A log that begins after the position: the pipeline goes on, and the audit says who skipped what."""
    before = world.log_ends()
    with Exchange("--speed", "0", "--stop-when-done", "--shift-time", recordings=list(world.halves(True))) as e:
        world.connect(e)
        worker = world.start("--jobs", "ingest-binance")
        e.wait(120)
        world.end(worker, signal.SIGTERM)
    with sqlite3.connect(world.data / "log.db") as db:
        # All runs of a partition but its last; 44: LOG_SQLITE_OFFSET_BITS.
        db.execute("DELETE FROM runs WHERE run NOT IN (SELECT max(run) FROM runs GROUP BY run >> 44)")
    ran = mend(world)
    assert ran and all(w[2] == BRONZE and w[3].endswith("=earliest") for w in ran)
    listed = json.loads(world.table(BRONZE).properties["k2.skipped"])
    assert {entry["topic"] for entry in listed} == {TOPIC} and all("@" in entry["who"] for entry in listed)
    assert all(entry["from"] == before[entry["partition"]] < entry["to"] for entry in listed)
    skipped = sum(entry["to"] - entry["from"] for entry in listed)
    assert world.count(BRONZE) == len(TRADES) - skipped > 2 * HALF
    assert len(world.ids()) == world.count(SILVER) == world.count(BRONZE)
    report = world.audit()
    assert f"{skipped} offsets were skipped by hand" in report
    assert report.count(f"skipped: {BRONZE}: ") == len(listed)
    again = [word.replace("=earliest", "=latest") for word in ran[0]]
    assert "nothing to set" in set_positions(world, again, "--yes")


def test_a_position_that_would_double_rows_is_refused(world):
    world.play(True)
    partition, end = max(world.log_ends().items(), key=lambda item: item[1])
    metadata = {name: world.table(name).metadata_location for name in NAMES}
    for words, reason in [
        ((BRONZE, f"{TOPIC}/{partition}=0"), "would be written twice"),
        ((BRONZE, f"{TOPIC}/{partition}={end + 1}"), f"the log holds 0 to {end}"),
        ((BRONZE, "earliest"), "would be written twice"),
        (("silver-binance", "earliest"), "would be written twice"),
        (("silver-binance", f"{TOPIC}/{partition}={end + 1}"), "not"),
        (("dead-letters", f"{TOPIC}/{partition}=0"), "sets both"),
        (("gold", f"{SILVER}=1"), "lists no snapshot 1"),
    ]:
        done = world.command("positions", "set", *words, "--yes")
        assert done.returncode == 1 and reason in done.stderr, (words, done.stdout, done.stderr)
    for words, reason in [
        (("bronze-nowhere", "latest"), "is no table"),
        ((BRONZE, "3=latest"), "expected TOPIC/PARTITION"),
        ((BRONZE, f"{TOPIC}/x=latest"), "expected TOPIC/PARTITION"),
        ((BRONZE, f"{TOPIC}/1=-1"), "expected TOPIC/PARTITION"),
        ((BRONZE, f"other/{partition}=0"), "takes topic"),
        (("gold", "rows"), "expected INPUT=SNAPSHOT"),
        (("gold", "bronze_binance_trades=all"), "does not read"),
    ]:
        done = world.command("positions", "set", *words, "--yes")
        assert done.returncode == 2 and reason in done.stderr, (words, done.stdout, done.stderr)
    for words in ((BRONZE, "latest"), ("silver-binance", "latest"), (BRONZE, "rows"), (DEAD, "rows")):
        assert "nothing to set" in set_positions(world, ("positions", "set", *words), "--yes")
    assert metadata == {name: world.table(name).metadata_location for name in NAMES}


def test_silver_skips_what_it_is_told_to_and_the_dead_letters_with_it(world):
    """While Bronze has it: [S, to) is in neither, and both lists say so."""
    with Exchange("--speed", "0", "--stop-when-done", "--shift-time", recordings=list(world.halves(True))) as e:
        world.connect(e)
        worker = world.start("--jobs", "ingest-binance,bronze-binance")
        e.wait(120)
        world.end(worker, signal.SIGTERM)
    world.end(world.start("--for", "2s", "--jobs", "bronze-binance"))
    partition, end = max(world.log_ends().items(), key=lambda item: item[1])
    at = json.loads(world.table(SILVER).properties["k2.offsets"])[TOPIC][str(partition)][0]
    assert at + 10 <= end
    set_positions(world, ("positions", "set", "silver-binance", f"{TOPIC}/{partition}={at + 10}"), "--yes")
    for name in (SILVER, DEAD):
        entry, = json.loads(world.table(name).properties["k2.skipped"])
        assert (entry["partition"], entry["from"], entry["to"]) == (partition, at, at + 10)
        assert json.loads(world.table(name).current_snapshot().summary["k2.skipped"]) == [entry]
    world.go_on()
    assert len(world.ids()) == world.count(SILVER) == len(TRADES) - 10
    assert "10 offsets were skipped by hand" in world.audit()
