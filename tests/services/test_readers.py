# SPDX-License-Identifier: Apache-2.0
"""Every reader after every kind of commit: pyiceberg, DuckDB, Spark, Trino and Iceberg's Java library
read all tables, of both encodings, after appends of ours and of others, an added column, compactions,
merged manifests, expiries, rollbacks; ours goes on after each.  Then Spark's upkeep beside a running
pipeline, and what people ask of the tables.

One log and two sets of tables: namespace `market_data` is `compatible`, namespace `tight` is `compact`."""
import collections
import datetime
import decimal
import gzip
import json
import os
import pathlib
import re
import signal
import sys
from multiprocessing.pool import ThreadPool

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from pipeline import BTC, ETH, SOURCE, Exchange, Pipeline, message_id  # noqa: E402
from readers import EXTENSIONS, JARS, Duckdb, Java, Pyiceberg, Spark, Trino, micros  # noqa: E402

pytestmark = pytest.mark.skipif(JARS is None or EXTENSIONS is None,
                                reason="K2_SPARK_JARS or K2_DUCKDB_EXTENSIONS is not set")
KRAKEN = [SOURCE / "recordings" / f"kraken-v2-made-{name}.gz" for name in ("btcusd", "ethusd")]
DATA, TIGHT = SPACES = ["market_data", "tight"]
BRONZES = ["bronze_binance_trades", "bronze_kraken_trades"]
SILVERS = ["silver_binance_trades", "silver_kraken_trades"]
DEAD, GOLD = "silver_dlq_trades", "gold_crypto_trades"
NAMES = [*BRONZES, *SILVERS, DEAD, GOLD]
DOWN = "silver-binance,silver-kraken,gold"
JOBS = "bronze-binance,bronze-kraken," + DOWN
FRAMES = 60  # of each recording, a play
FAR = 1 << 40  # offsets of foreign rows
UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)


def frames(path, first, count):
    with gzip.open(path, "rt") as file:
        return file.read().splitlines(True)[first : first + count]


def trades_of(lines):
    """(message_id, price, quantity, side) of each recorded trade."""
    for line in lines:
        frame = json.loads(line.split(" ", 1)[1], parse_float=decimal.Decimal)
        if "stream" in frame:
            trade = frame["data"]
            yield (message_id(trade["s"], trade["t"]), decimal.Decimal(trade["p"]), decimal.Decimal(trade["q"]),
                   "SELL" if trade["m"] else "BUY")
        elif frame.get("channel") == "trade":
            for row in frame["data"]:
                key = message_id(row["symbol"].replace("/", ""), row["trade_id"], "KRAKEN")
                yield key, decimal.Decimal(row["price"]), decimal.Decimal(row["qty"]), row["side"].upper()


class World(Pipeline):
    """The pipeline twice over one log, and what it has been fed."""

    def __init__(self, folder):
        super().__init__(folder)
        self.second = folder / "tight.yaml"
        self.played = 0
        self.trades = {"binance": [], "kraken": []}  # of each play
        self.foreign = 0
        self.done = []
        self.pyiceberg = Pyiceberg(self)

    def connect(self, *exchanges):
        super().connect(*exchanges)
        self.second.write_text(self.config.read_text() + f"namespace: {TIGHT}\nencoding: compact\n")

    def run(self, *options, tight=()):
        """Both pipelines, until told to stop by the caller."""
        first, second = self.start(*options), None
        config, self.config = self.config, self.second
        second = self.start("--jobs", *(tight or (JOBS,)))
        self.config = config
        return first, second

    def stop(self, workers):
        for worker in workers:  # ingest ends with the first, and the second finishes what is in the log
            self.end(worker, signal.SIGTERM)

    def cut(self, exchange, recordings, count=FRAMES):
        """The next frames of each recording, as recordings."""
        parts, trades = [], []
        for path in recordings:
            lines = frames(path, self.played * FRAMES, count)
            assert len(lines) == count
            trades += trades_of(lines)
            part = self.folder / f"{path.stem}-{self.played}"
            part.write_text("".join(lines))
            parts.append(part)
        self.trades[exchange].append(trades)
        return parts

    def play(self, *options, tight=()):
        """Each play lies in an hour of its own."""
        parts = self.cut("binance", (BTC, ETH)), self.cut("kraken", KRAKEN)
        self.played += 1
        start = (HOUR - datetime.timedelta(hours=self.played)).strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ")
        serve = ["--speed", "0", "--stop-when-done", "--faults", "junk:50", start]
        with Exchange(*serve, recordings=parts[0]) as binance, \
             Exchange(*serve, recordings=parts[1], kind="kraken-v2") as kraken:
            self.connect(binance, kraken)
            workers = self.run(*options, tight=tight)
            for exchange in (binance, kraken):
                exchange.wait(120)
            self.stop(workers)

    def go_on(self, jobs=DOWN):
        """Without exchanges: what was not finished."""
        for worker in self.run("--jobs", jobs, "--for", "1s", tight=(jobs, "--for", "1s")):
            self.end(worker)

    def audit_all(self):
        reports = [self.audit()]
        config, self.config = self.config, self.second
        reports.append(self.audit())
        self.config = config
        return reports


class Readers:
    def __init__(self, world, folder):
        self.pyiceberg = world.pyiceberg
        self.duckdb = Duckdb(self.pyiceberg)
        self.trino = Trino(world.data, folder, self.pyiceberg) if Trino.is_possible() else None
        if self.trino is not None:
            self.trino.begin()
        self.java = Java(world.data, self.pyiceberg)
        self.spark = Spark(world.data, folder)
        self.others = {"duckdb": self.duckdb, "spark": self.spark, "java": self.java, "trino": self.trino}

    def stop(self):
        for reader in self.others.values():
            if reader is not None:
                reader.stop()

    def check(self):
        """The rows of each (space, table), which every reader must see alike."""
        tables = [(space, name) for space in SPACES for name in NAMES]
        with ThreadPool(4) as pool:
            others = pool.map_async(lambda reader: [reader.rows(*table) for table in tables],
                                    [reader for reader in self.others.values() if reader is not None])
            read = {table: self.pyiceberg.rows(*table) for table in tables}
            for who, each in zip((w for w, r in self.others.items() if r is not None), others.get()):
                for table, got in zip(tables, each):
                    more, less = (list(c.items())[:2] for c in (got - read[table], read[table] - got))
                    assert not more and not less, f"{who} of {table}: {got.total()} rows, not" \
                        f" {read[table].total()}; has {more}, lacks {less}"
        return read


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("world")) as world:
        world.play()
        world.play()
        yield world


@pytest.fixture(scope="session")
def readers(world, tmp_path_factory):
    readers = Readers(world, tmp_path_factory.mktemp("readers"))
    yield readers
    readers.stop()


# -- what others do


def call(readers, space, procedure, name, **arguments):
    text = "".join(f", {key} => {value}" for key, value in arguments.items())
    return readers.spark.query(f"CALL iceberg.system.{procedure}(table => '{space}.{name}'{text})")


def everywhere(act):
    def run(world, readers):
        with ThreadPool(3) as pool:
            pool.starmap(act, [(world, readers, space, name) for space in SPACES for name in NAMES])
    return run


def add_column(world, readers, space, name):
    readers.spark.sql(f"ALTER TABLE iceberg.{space}.{name} ADD COLUMN note STRING")


def append_foreign(world, readers, space, name):
    """Three rows of the table with other keys, and the new column set."""
    columns = readers.spark.sql(f"SELECT * FROM iceberg.{space}.{name} LIMIT 0").columns
    new = {"message_id": "concat('foreign-', message_id)", "note": "'theirs'"}
    for key in ("offset", "kafka_offset"):
        new[key] = f"{FAR} + `{key}`"
    picked = ", ".join(new.get(c, f"`{c}`") for c in columns)
    readers.spark.sql(f"INSERT INTO iceberg.{space}.{name} SELECT {picked} FROM"
                      f" (SELECT * FROM iceberg.{space}.{name} LIMIT 3)")
    world.foreign = 3


def pack(world, readers, space, name):
    call(readers, space, "rewrite_data_files", name, options="map('rewrite-all', 'true')")


def mix(world, readers, space, name):
    """Sorted by what scatters offsets, and cut into files: their ranges of offsets overlap."""
    order = "price, message_id" if name in (*SILVERS, GOLD) else "raw_bytes" if name in BRONZES else "raw_record"
    size = sum(task.file.file_size_in_bytes for task in readers.pyiceberg.table(space, name).scan().plan_files())
    options = {"rewrite-all": "true", "min-file-size-bytes": "0", "target-file-size-bytes": size // 3,
               "max-file-size-bytes": size, "shuffle-partitions-per-file": 1}
    call(readers, space, "rewrite_data_files", name, strategy="'sort'", sort_order=f"'{order}'",
         options="map(" + ", ".join(f"'{key}', '{value}'" for key, value in options.items()) + ")")


def merge_manifests(world, readers, space, name):
    call(readers, space, "rewrite_manifests", name)


def expire(world, readers, space, name):
    now = datetime.datetime.now(UTC).strftime("TIMESTAMP '%Y-%m-%d %H:%M:%S.%f'")
    call(readers, space, "expire_snapshots", name, older_than=now, retain_last=1)
    assert len(readers.pyiceberg.table(space, name).metadata.snapshots) == 1


def cut_ahead(world, readers):
    """Each reader's input is scattered and its chain cut before the reader has seen the rows."""
    world.play("--jobs", "ingest-binance,ingest-kraken,bronze-binance,bronze-kraken",
               tight=("bronze-binance,bronze-kraken",))
    for names, jobs in ((BRONZES, "silver-binance,silver-kraken"), (SILVERS, "gold")):
        for act in (mix, expire):
            for space in SPACES:
                for name in names:
                    act(world, readers, space, name)
        world.go_on(jobs)


def roll_back(names):
    def run(world, readers):
        """To where it stood before the last play, and no further: what follows is played again."""
        for space in SPACES:
            for name in names:
                readers.spark.sql(f"CALL iceberg.system.rollback_to_snapshot('{space}.{name}',"
                                  f" {world.before[space, name]})")
    return run


def remember(world, readers):
    world.before = {(space, name): readers.pyiceberg.table(space, name).current_snapshot().snapshot_id
                    for space in SPACES for name in NAMES}


def let_gold_read_all(world, readers):
    """What its refusal names: Silver was rolled back below what Gold has taken."""
    words = [f"{name}=all" for name in SILVERS]
    for config in (world.config, world.second):
        world.config, first = config, world.config
        done = world.command("positions", "set", "gold", *words, "--yes", "--reason", "Silver rolled back")
        world.config = first
        assert done.returncode == 0, done


def playing(world, readers):
    world.play()


def going_on(world, readers):
    world.go_on(JOBS)


STEPS = {
    "append": [playing],
    "a column added": [everywhere(add_column), playing],
    "a foreign append": [everywhere(append_foreign), playing],
    "a foreign compaction": [everywhere(pack), playing],
    "a compaction that mixes offsets": [everywhere(mix), playing],
    "manifests rewritten": [everywhere(merge_manifests), playing],
    "an expiry": [everywhere(expire), playing],
    "inputs mixed and cut before they were read": [cut_ahead],
    "Gold rolled back": [remember, playing, roll_back([GOLD])],
    "Gold filled again": [going_on],
    "Bronze rolled back and filled again": [remember, playing, roll_back(BRONZES), going_on],
    "Silver and the dead letters rolled back and filled again": [
        remember, playing, roll_back([*SILVERS, DEAD]), let_gold_read_all, going_on],
}


def reach(world, readers, step):
    """All steps up to this one."""
    for name in list(STEPS)[len(world.done) : list(STEPS).index(step) + 1]:
        for act in STEPS[name]:
            act(world, readers)
        world.done.append(name)


# -- after each


def place(readers, name, *columns):
    fields = [f.name for f in readers.pyiceberg.table(DATA, name).schema().fields]
    return [fields.index(c) for c in columns]


def own(rows, at, is_foreign):
    return collections.Counter({row: n for row, n in rows.items() if not is_foreign(row[at])})


def keys(rows, places):
    counted = collections.Counter()
    for row, n in rows.items():
        counted[tuple(row[p] for p in places)] += n
    return counted


def assert_trades(world, readers, name, rows, trades):
    """Of our own rows; as many others as were put in."""
    at = place(readers, name, "message_id", "price", "quantity", "side")
    ours = own(rows, at[0], lambda key: key.startswith("foreign-"))
    assert keys(ours, at) == collections.Counter(trades)
    assert rows.total() - ours.total() == world.foreign


def assert_offsets(world, readers, name, rows, ends):
    partition, offset = (("partition", "offset") if name in BRONZES else ("kafka_partition", "kafka_offset"))
    at = place(readers, name, partition, offset)
    ours = keys(own(rows, at[1], lambda o: o >= FAR), at)
    assert ours == collections.Counter((p, o) for p, end in ends.items() for o in range(end))


def assert_whole(world, readers, hidden=0):
    """Every table through every reader, against the recordings and the log; Gold without the last
    `hidden` plays."""
    read = readers.check()
    for space in SPACES:
        rows = {name: read[space, name] for name in NAMES}
        gold, dead = [], 0
        for bronze, silver, (exchange, plays) in zip(BRONZES, SILVERS, world.trades.items()):
            ends = world.log_ends(f"market.crypto.trades.{exchange}")
            assert_offsets(world, readers, bronze, rows[bronze], ends)
            assert_offsets(world, readers, silver, rows[silver], ends)
            assert_trades(world, readers, silver, rows[silver], sum(plays, []))
            gold += sum(plays[: len(plays) - hidden], [])
            dead += sum(world.log_ends(f"market.crypto.trades.{exchange}.dlq").values())
        assert_trades(world, readers, GOLD, rows[GOLD], gold)
        assert rows[DEAD].total() == dead + world.foreign and dead > 0


# -- what people ask

SQL = re.findall(r"```sql\n(.*?)```", (SOURCE / "docs" / "tables.md").read_text(), re.DOTALL)


def documented(*words):
    """The only block of docs/tables.md that has all the words: its statements."""
    (block,) = [b for b in SQL if all(word in b for word in words)]
    return [statement.strip() for statement in re.sub(r"--.*", "", block).split(";") if statement.strip()]


def engines(readers):
    """How each runs the documentation's statements over Gold."""
    def spark(sql):
        readers.spark.sql("USE iceberg.market_data")
        return readers.spark.query(sql)

    def duckdb(sql):
        return readers.duckdb.query(sql.replace("FROM gold_crypto_trades", f"FROM {readers.duckdb.scan(DATA, GOLD)}"))

    yield spark
    yield duckdb
    if readers.trino is not None:
        yield readers.trino.query


def test_vwap_by_symbol_and_minute_is_the_same_everywhere(world, readers):
    reach(world, readers, "append")
    (common,), (widened,) = documented("date_trunc", "round(sum(price * quantity)"), \
        documented("date_trunc", "price::DECIMAL(38, 8)")
    spark, duckdb, *trino = engines(readers)

    def answer(run, sql):
        """Time and numbers alike: a time as Trino says it, decimals by value."""
        rows = run(sql)
        return {(row[0], str(row[1])[:16]): [round(decimal.Decimal(str(v)), 8) for v in row[2:]] for row in rows}

    wanted = collections.defaultdict(lambda: [0, 0])
    for row in readers.pyiceberg.table(DATA, GOLD).scan().to_arrow().to_pylist():
        sums = wanted[row["symbol"], str(row["timestamp"])[:16]]
        sums[0] += row["price"] * row["quantity"]
        sums[1] += row["quantity"]
    wanted = {key: [n, q, round(n / q, 4)] for key, (n, q) in wanted.items()}
    rounded = {key: [round(n, 8), q, vwap] for key, (n, q, vwap) in wanted.items()}
    assert len(rounded) >= 4 * 3  # symbols, hours
    assert answer(spark, common) == rounded
    assert answer(duckdb, widened) == rounded
    for run in trino:
        assert answer(run, common) == rounded


def test_spark_and_trino_say_through_when_gold_is_complete(world, readers):
    reach(world, readers, "append")
    through = readers.pyiceberg.table(DATA, GOLD).properties["k2.complete-through"]
    example = "2026-11-22T10:01:00.000000Z"
    show, newest = documented("SHOW TBLPROPERTIES")
    assert readers.spark.query(show)[0][-1] == through
    (property_,) = documented("$properties")
    property_ = property_.replace("iceberg.", "rest.")
    for asked, is_complete in ((through, True), ("2999-01-01T00:00:00.000000Z", False)):
        assert readers.spark.query(newest.replace(example, asked)) == [(is_complete,)]
        if readers.trino is not None:
            assert readers.trino.query(property_.replace(example, asked)) == [[is_complete]]


def test_the_last_three_hours_are_the_same_everywhere(world, readers):
    reach(world, readers, "append")
    hours = [HOUR - datetime.timedelta(hours=h) for h in (3, 2, 1)]
    (one,), (two,) = documented("BETWEEN 8 AND 10"), documented("exchange_hour IN (0, 1)")
    if hours[0].date() == hours[2].date():
        asked = one.replace("2026-11-22", str(hours[2].date()))
        asked = asked.replace("8 AND 10", f"{hours[0].hour} AND {hours[2].hour}")
    else:
        first, last = (", ".join(str(h.hour) for h in hours if h.date() == hours[n].date()) for n in (0, 2))
        instead = {"2026-11-21": str(hours[0].date()), "2026-11-22": str(hours[2].date()),
                   "= 23": f"IN ({first})", "(0, 1)": f"({last})"}
        asked = re.sub("|".join(map(re.escape, instead)), lambda found: instead[found[0]], two)
    at, hour = place(readers, GOLD, "timestamp", "exchange_hour")
    wanted = collections.Counter(row[hour] for row in readers.pyiceberg.rows(DATA, GOLD).elements()
                                 if row[at] >= micros(hours[0]))
    assert all(wanted[h.hour] > 0 for h in hours)
    for run in engines(readers):
        run(one), run(two)
        assert collections.Counter(row[hour] for row in run(asked)) == wanted


def test_spark_finds_every_message_id_right(world, readers):
    reach(world, readers, "append")
    (statement,) = documented("sha2(concat(")
    assert readers.spark.query(statement) == [(0,)] or world.foreign


# -- after each kind of commit


@pytest.mark.parametrize("step", STEPS)
def test_every_reader_after(world, readers, step):
    reach(world, readers, step)
    is_rolled_back = step == "Gold rolled back"
    assert_whole(world, readers, hidden=int(is_rolled_back))
    if not is_rolled_back:
        world.audit_all()


def test_the_encodings_are_those_asked_for(world, readers):
    reach(world, readers, "append")
    for space in SPACES:
        task = next(iter(readers.pyiceberg.table(space, GOLD).scan().plan_files()))
        group = pq.ParquetFile(task.file.file_path.removeprefix("file://")).metadata.row_group(0)
        delta = {group.column(c).path_in_schema for c in range(group.num_columns)
                 if "DELTA_BINARY_PACKED" in group.column(c).encodings}
        wanted = {"timestamp", "ingestion_timestamp", "source_sequence", "platform_sequence"}
        assert delta == (wanted if space == TIGHT else set())


# -- Spark's upkeep beside a running pipeline

LIVE = {"binance": (BTC, ETH, 1300, "1"), "kraken": (*KRAKEN, 370, "2.1")}  # about 45 s each


def plant(world, name):
    """A file of a writer that died four days ago, and one of now."""
    folder = world.data / "warehouse" / DATA / name / "data"
    planted = [folder / f"{word}.parquet" for word in ("old", "new")]
    for path in planted:
        path.write_bytes(b"PAR1")
    four_days_ago = (NOW - datetime.timedelta(days=4)).timestamp()
    os.utime(planted[0], (four_days_ago, four_days_ago))
    return planted


def upkeep(world, readers):
    """Each procedure on each table, once; what lost against our commits is counted and left."""
    for name in NAMES:
        for what, act in (("merge manifests", merge_manifests), ("pack", pack), ("mix", mix), ("expire", expire_all)):
            yield what, name, lambda: act(world, readers, DATA, name)
        yield "orphans", name, lambda: call(readers, DATA, "remove_orphan_files", name)


def expire_all(world, readers, space, name):
    now = datetime.datetime.now(UTC).strftime("TIMESTAMP '%Y-%m-%d %H:%M:%S.%f'")
    call(readers, space, "expire_snapshots", name, older_than=now, retain_last=1)


def test_spark_keeps_house_while_the_pipeline_writes(world, readers):
    parts = {kind: world.cut(kind, of[:2], of[2]) for kind, of in LIVE.items()}
    world.played += 100
    planted = {name: plant(world, name) for name in NAMES}
    done, lost = collections.Counter(), []
    before = {name: readers.pyiceberg.table(DATA, name).metadata.last_sequence_number for name in NAMES}
    serve = ["--stop-when-done", "--shift-time", "--speed"]
    with Exchange(*serve, LIVE["binance"][3], recordings=parts["binance"]) as binance, \
         Exchange(*serve, LIVE["kraken"][3], recordings=parts["kraken"], kind="kraken-v2") as kraken:
        world.connect(binance, kraken)
        workers = world.run()
        while binance.process.poll() is None or kraken.process.poll() is None or not done:
            for what, name, act in upkeep(world, readers):
                try:
                    act()
                    done[what] += 1
                except Exception as error:
                    if not re.search("CommitFailed|could not be found in the latest snapshot", str(error)):
                        raise
                    lost.append((what, name, str(error)[:200]))
                if binance.process.poll() is not None and kraken.process.poll() is not None and len(done) == 5:
                    break
        for exchange in (binance, kraken):
            exchange.wait(120)
        world.stop(workers)
    print("done", dict(done), "lost", len(lost), lost[:3])
    assert set(done) == {"pack", "merge manifests", "mix", "expire", "orphans"}
    assert done.total() > len(lost)
    for name in (*BRONZES, *SILVERS, GOLD):
        assert readers.pyiceberg.table(DATA, name).metadata.last_sequence_number - before[name] > 10
    assert_whole(world, readers)
    world.audit_all()
    for name, (old, new) in planted.items():
        call(readers, DATA, "remove_orphan_files", name)
        assert not old.exists() and new.exists()
