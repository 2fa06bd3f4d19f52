# SPDX-License-Identifier: Apache-2.0
"""k2 and k2-exchange-sim as processes over one data folder, and the recordings as Python reads them.

Standard library only; `Tables` alone needs pyiceberg.  K2_BUILD names the build folder."""
import decimal
import gzip
import hashlib
import json
import os
import pathlib
import re
import select
import signal
import sqlite3
import subprocess
import time
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("K2_BUILD", SOURCE / "build" / "dev")).absolute()
BTC = SOURCE / "recordings" / "binance-btcusdt-20240808.gz"
ETH = SOURCE / "recordings" / "binance-ethusdt-20240809.gz"
LENGTH_S = 346.2  # of the longer recording, BTC
TOPIC = "market.crypto.trades.binance"
DEAD_TOPIC = TOPIC + ".dlq"


class Exchange:
    """k2-exchange-sim; listens when the constructor returns, and stops with the block."""

    def __init__(self, *options, recordings=(BTC, ETH), kind="binance", log=None):
        self.kind = kind
        command = [BUILD / "k2-exchange-sim", "--exchange", kind, "--port", "0"]
        for recording in recordings:
            command += ["--recording", recording]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=log, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline() if ready else ""
        match = re.fullmatch(r"listening ws=(\S+) rest=(\S+)\n", line)
        if match is None:
            self.stop()
            raise AssertionError(f"k2-exchange-sim said {line!r}")
        self.ws, self.rest = f"ws://{match[1]}", f"http://{match[2]}"

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait(self, timeout):
        """Until it has served all (--stop-when-done)."""
        assert self.process.wait(timeout) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Pipeline:
    """A data folder, its configuration, and the k2 processes that work on it."""

    def __init__(self, folder, interval="1s"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.config = self.folder / "k2.yaml"
        self.interval = interval
        self.log = open(self.folder / "k2.log", "ab")
        self.workers = []

    def connect(self, *exchanges, symbols=None):
        """Of each kind at most one; symbols: of Kraken."""
        sections = ""
        for exchange in exchanges:
            name, _, api = exchange.kind.partition("-")
            more = f"api: {api}, " if api else ""
            more += f"symbols: [{', '.join(symbols)}], " if symbols and api else ""
            sections += f'  {name}: {{{more}urls: ["{exchange.ws}"], rest_url: "{exchange.rest}"}}\n'
        self.config.write_text(
            f"data_dir: {self.data}\n"
            f"exchanges:\n{sections}"
            f"bronze: {{interval: {self.interval}}}\n"
            f"silver: {{interval: {self.interval}}}\n"
            f"gold: {{interval: {self.interval}}}\n")

    def start(self, *options):
        worker = subprocess.Popen([BUILD / "k2", "run", "--config", self.config, *options],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        self.workers.append(worker)
        return worker

    def kill(self, worker):
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.workers.remove(worker)

    def end(self, worker, number=None, timeout=60):
        """Waits for an orderly end, asked for by a signal or by --for."""
        if number is not None:
            worker.send_signal(number)
        code = worker.wait(timeout)
        self.workers.remove(worker)
        assert code == 0, f"k2 run ended with {code}\n{self.said()}"

    def command(self, *arguments, timeout=300):
        return subprocess.run([BUILD / "k2", *arguments, "--config", self.config],
                              capture_output=True, text=True, timeout=timeout)

    def audit(self):
        """The report of `k2 audit`, which must end well."""
        done = self.command("audit")
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and lines and lines[-1] == "audit: ok", \
            f"k2 audit: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def said(self, lines=30):
        return "".join((self.folder / "k2.log").read_text(errors="replace").splitlines(True)[-lines:])

    def close(self):
        for worker in list(self.workers):
            self.kill(worker)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def log_ends(self, topic=TOPIC):
        """What the log has acknowledged, from its own file: {partition: next offset}."""
        with sqlite3.connect(f"file:{self.data}/log.db?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT partition, next_offset FROM partitions p JOIN topics t"
                                   " ON t.id = p.topic_id WHERE t.name = ? AND next_offset > 0", (topic,)))

    def schemas(self):
        with sqlite3.connect(f"file:{self.data}/k2.db?mode=ro", uri=True) as db:
            return {key: json.loads(text) for key, text in db.execute("SELECT id, schema FROM k2_schemas")}

    def table(self, name):
        """Rows and columns as pyiceberg reads them."""
        from pyiceberg.catalog.sql import SqlCatalog
        catalog = SqlCatalog("iceberg", uri=f"sqlite:///{self.data}/k2.db",
                             warehouse=f"file://{self.data}/warehouse")
        return catalog.load_table(f"market_data.{name}")

    def rows(self, name, *columns):
        return self.table(name).scan(selected_fields=columns or ("*",)).to_arrow().to_pylist()


class Producer:
    """producer_tool: somebody else's records, in the log and registry of a data folder."""

    def __init__(self, data, topic, partitions):
        self.process = subprocess.Popen([BUILD / "tests/interop/producer_tool", data, topic, str(partitions)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "producer_tool ended"
        return int(answer) if answer != "ok\n" else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)


def message_id(symbol, trade_id, exchange="BINANCE"):
    """docs/tables.md, once more: a UUID of version 8 whose custom_a and custom_b (60 bits) are the
    first of SHA-256 of EXCHANGE:SYMBOL, and whose custom_c (62 bits) is the trade id."""
    head = int.from_bytes(hashlib.sha256(f"{exchange}:{symbol}".encode()).digest()[:8], "big") >> 4
    return str(uuid.UUID(int=(head >> 12) << 80 | 8 << 76 | (head & 0xFFF) << 64 | 2 << 62 | trade_id))


def recorded(path):
    """The trades of a recording as the exchange's JSON says them, in order."""
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line.split(" ", 1)[1], parse_float=decimal.Decimal)["data"]


def wait_until(condition, timeout, what):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.05)
