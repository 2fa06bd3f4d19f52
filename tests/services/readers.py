# SPDX-License-Identifier: Apache-2.0
"""Five readers of the tables of one data folder: pyiceberg, DuckDB, Spark, Trino and Iceberg's own Java
library.  Each has rows(space, name): a Counter of rows, each a tuple of plain values in the order of the
columns, the same from every reader; Spark and Trino also query(sql).

K2_SPARK_JARS: Spark's jars; K2_DUCKDB_EXTENSIONS: where DuckDB's extensions lie.  Trino and the REST
catalog listen on every interface: only in a network namespace (in_namespace.sh)."""
import base64
import collections
import datetime
import decimal
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request
import warnings

HERE = pathlib.Path(__file__).parent
JARS = os.environ.get("K2_SPARK_JARS")
EXTENSIONS = os.environ.get("K2_DUCKDB_EXTENSIONS")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


def plain(value):
    """A Python value of Arrow's without what readers differ in: times as microseconds, maps as dicts."""
    if isinstance(value, datetime.datetime):
        return micros(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    if isinstance(value, list):
        return tuple(sorted(value)) if value and isinstance(value[0], tuple) else tuple(value)
    return value


def of_arrow(table):
    columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    return collections.Counter(zip(*columns))


def of_text(kind, value):
    """A value that came as JSON, by the column's type in Iceberg's words."""
    if value is None:
        return None
    if kind in ("int", "long"):
        return int(value)
    if kind == "timestamptz":
        text = value.replace(" UTC", "").replace("Z", "").replace("+00:00", "")
        return micros(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc))
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind.startswith("decimal"):
        return decimal.Decimal(value)
    return plain(value)


class Pyiceberg:
    def __init__(self, pipeline):
        self.pipeline = pipeline

    def table(self, space, name):
        from pyiceberg.catalog.sql import SqlCatalog
        data = self.pipeline.data
        catalog = SqlCatalog("iceberg", uri=f"sqlite:///{data}/k2.db", warehouse=f"file://{data}/warehouse")
        return catalog.load_table(f"{space}.{name}")

    def kinds(self, space, name):
        return [str(field.field_type) for field in self.table(space, name).schema().fields]

    def rows(self, space, name):
        return of_arrow(self.table(space, name).scan().to_arrow())


class Duckdb:
    """In a process of its own, as its extensions and pyarrow do not share one well: a query a line on
    standard input, an Arrow stream for each, its length before it."""

    CODE = """
import duckdb, sys, pyarrow as pa
con = duckdb.connect(config={'extension_directory': sys.argv[1], 'allow_unsigned_extensions': 'true'})
con.execute("LOAD avro; LOAD iceberg; SET TimeZone='UTC'")
for line in sys.stdin:
    table = con.execute(line).to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    sys.stdout.buffer.write(len(sink.getvalue()).to_bytes(8, 'big') + sink.getvalue().to_pybytes())
    sys.stdout.buffer.flush()
"""

    def __init__(self, pyiceberg):
        self.pyiceberg = pyiceberg
        self.process = subprocess.Popen([sys.executable, "-c", self.CODE, EXTENSIONS],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def scan(self, space, name):
        location = self.pyiceberg.table(space, name).metadata_location
        return f"iceberg_scan('{location.removeprefix('file://')}')"

    def arrow(self, sql):
        import pyarrow as pa
        self.process.stdin.write(sql.replace("\n", " ").encode() + b"\n")
        self.process.stdin.flush()
        size = self.process.stdout.read(8)
        assert len(size) == 8, f"DuckDB ended at {sql}"
        return pa.ipc.open_stream(self.process.stdout.read(int.from_bytes(size, "big"))).read_all()

    def query(self, sql):
        return [tuple(row.values()) for row in self.arrow(sql).to_pylist()]

    def rows(self, space, name):
        return of_arrow(self.arrow(f"SELECT * FROM {self.scan(space, name)}"))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Spark:
    """README's settings, without the catalog's cache; `iceberg` is the catalog."""

    def __init__(self, data, folder):
        from pyspark.sql import SparkSession
        os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC"}  # rows come in local time
        time.tzset()
        catalog = "spark.sql.catalog.iceberg"
        settings = {
            "spark.jars": ",".join(str(jar) for jar in sorted(pathlib.Path(JARS).glob("*.jar"))),
            catalog: "org.apache.iceberg.spark.SparkCatalog",
            f"{catalog}.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
            f"{catalog}.uri": f"jdbc:sqlite:{data}/k2.db",
            f"{catalog}.warehouse": f"file://{data}/warehouse",
            f"{catalog}.cache-enabled": "false",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "2",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.memory": "2g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.warehouse.dir": f"{folder}/spark",
            "spark.local.dir": f"{folder}/spark-local",
        }
        builder = SparkSession.builder.master("local[2]").appName("k2")
        for key, value in settings.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    def sql(self, text):
        """Java's stack is cut from what goes wrong."""
        try:
            return self.session.sql(text)
        except Exception as error:
            raise RuntimeError(f"{text}: {str(error)[:600]}") from None

    def query(self, text):
        return [tuple(row) for row in self.sql(text).collect()]

    def rows(self, space, name):
        return of_arrow(self.sql(f"SELECT * FROM iceberg.{space}.{name}").toArrow())

    def stop(self):
        self.session.stop()


class Trino:
    """Over the REST catalog on K2's own SQLite file; query() gives what Trino's JSON has."""

    def __init__(self, data, folder, pyiceberg):
        self.pyiceberg = pyiceberg
        self.environment = os.environ | {
            "K2_SERVICES_DIR": str(folder / "services"),
            "ICEBERG_CATALOG_DB": f"{data}/k2.db",
            "ICEBERG_WAREHOUSE": f"file://{data}/warehouse",
            "CATALOG_CATALOG_NAME": "iceberg",
            "TRINO_FILES": "local",
            "TRINO_HEAP": "1500M",
            "K2_WAIT": "240",
        }
        (folder / "services").mkdir(exist_ok=True)
        self.starting = None

    def service(self, name, verb):
        done = subprocess.run([HERE / f"{name}.sh", verb], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    @staticmethod
    def is_possible():
        """False where there is no Java for it, or no program and no network: said as a warning."""
        done = subprocess.run([HERE / "trino.sh", "install"], capture_output=True, text=True)
        if done.returncode != 0:
            warnings.warn(f"Trino is left out: {done.stderr.strip()[-200:]}")
        return done.returncode == 0

    def begin(self):
        """Starts it, which takes long; the first query waits for it."""
        self.starting = subprocess.Popen([HERE / "trino.sh", "start"], env=self.environment,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def ready(self):
        if self.starting is not None:
            starting, self.starting = self.starting, None
            _, said = starting.communicate()
            assert starting.returncode == 0, said
            self.service("iceberg-rest", "start")

    def query(self, sql, space="market_data"):
        self.ready()
        headers = {"X-Trino-User": "k2", "X-Trino-Catalog": "rest", "X-Trino-Schema": space,
                   "X-Trino-Time-Zone": "UTC", "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"}
        request = urllib.request.Request("http://127.0.0.1:8282/v1/statement", sql.encode(), headers)
        rows = []
        while True:
            with urllib.request.urlopen(request) as answer:
                page = json.load(answer)
            assert "error" not in page, f"{sql}: {page['error']['message']}"
            rows += page.get("data", [])
            if "nextUri" not in page:
                return rows
            request = urllib.request.Request(page["nextUri"])

    def rows(self, space, name):
        kinds = self.pyiceberg.kinds(space, name)
        counted = collections.Counter()
        for row in self.query(f"SELECT * FROM {name}", space):
            values = (base64.b64decode(v).hex() if v is not None and kind == "binary" else of_text(kind, v)
                      for kind, v in zip(kinds, row))
            counted[tuple(values)] += 1
        return counted

    def stop(self):
        if self.starting is not None:
            self.starting.communicate()
        for name in ("trino", "iceberg-rest"):
            self.service(name, "stop")


class Java:
    def __init__(self, data, pyiceberg):
        import pyspark
        self.pyiceberg = pyiceberg
        jars = pathlib.Path(pyspark.__file__).parent / "jars"
        self.process = subprocess.Popen(
            ["java", "-Xmx1g", "-cp", f"{JARS}/*:{jars}/*", HERE / "ReadTable.java", data, f"file://{data}/warehouse"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def rows(self, space, name):
        kinds = self.pyiceberg.kinds(space, name)
        self.process.stdin.write(f"{space}.{name}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"ReadTable ended at {space}.{name}"
        return collections.Counter(tuple(of_text(k, v) for k, v in zip(kinds, row)) for row in json.loads(line))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
