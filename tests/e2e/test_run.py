# SPDX-License-Identifier: Apache-2.0
"""k2 as its users meet it: k2 run against the simulated exchange, its signals, its exit codes, a log
that is locked, a disk that is full.  Python's own library is all it needs."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("K2_BUILD", SOURCE / "build/dev"))
RECORDINGS = [SOURCE / "recordings" / name
              for name in ("binance-btcusdt-20240808.gz", "binance-ethusdt-20240809.gz")]
TRADES = 9757 + 8409
KRAKEN = {"kraken-v1": [SOURCE / "recordings" / f"kraken-v1-made-{pair}.gz" for pair in ("xbtusd", "ethusd")],
          "kraken-v2": [SOURCE / "recordings" / f"kraken-v2-made-{pair}.gz" for pair in ("btcusd", "ethusd")]}
KRAKEN_TRADES = 3253 + 2803
TIMEOUT_S = 60
TABLES = ("bronze_binance_trades", "silver_binance_trades", "silver_dlq_trades", "gold_crypto_trades")


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="k2-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.config = self.folder / "k2.yaml"
        self.data = self.folder / "data"

    # -- what a test is made of

    def start(self, command, **options):
        process = subprocess.Popen([str(word) for word in command], text=True, **options)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def exchange(self, *options, kind="binance"):
        """Starts the simulator; its WebSocket and REST addresses."""
        command = [BUILD / "k2-exchange-sim", "--exchange", kind, "--port", 0]
        for recording in KRAKEN.get(kind, RECORDINGS):
            command += ["--recording", recording]
        process = self.start([*command, *options], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
        found = re.match(r"listening ws=(\S+) rest=(\S+)", process.stdout.readline())
        self.assertTrue(found, "the simulator did not start")
        return found.group(1), found.group(2)

    def configure(self, addresses, **more):
        keys = {"data_dir": str(self.data), "bronze": {"interval": "1s"},
                "silver": {"interval": "1s"}, "gold": {"interval": "1s"}}
        if addresses is not None:
            keys["exchanges"] = {"binance": {"urls": [f"ws://{addresses[0]}"],
                                             "rest_url": f"http://{addresses[1]}"}}
        self.config.write_text(json.dumps({**keys, **more}))  # JSON is YAML

    def k2(self, *arguments, **options):
        return self.start([BUILD / "k2", *arguments, "--config", self.config],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def finish(self, process, code, timeout=TIMEOUT_S):
        out, err = process.communicate(timeout=timeout)
        self.assertEqual(process.returncode, code, f"{out}{err}")
        return out, err

    def call(self, *arguments, code=0):
        return self.finish(self.k2(*arguments), code)

    def rows(self):
        """Rows of each table, nothing where there is none yet."""
        if not (self.data / "k2.db").exists():
            return {}
        out, _ = self.call("tables", "--json")
        return {table["name"]: table["rows"] for table in json.loads(out)["tables"]}

    def wait_for(self, what, condition, said=lambda: ""):
        until = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), until, f"waited in vain for {what}\n{said()}")
            time.sleep(0.1)

    def assert_rows(self, bronze, silver, dead, gold):
        self.assertEqual(self.rows(), dict(zip(TABLES, (bronze, silver, dead, gold))))

    # -- tests

    def test_runs_for_a_time_and_finishes_through_gold(self):
        self.configure(self.exchange("--speed", 0, "--shift-time"))
        out, err = self.call("run", "--for", "10s", "--progress")
        self.assert_rows(TRADES, TRADES, 0, TRADES)
        self.assertRegex(out, rf"trades {TRADES}  acknowledged {TRADES} .*bronze {TRADES}  "
                              rf"silver {TRADES}  dlq 0  gold {TRADES}")
        self.assertNotIn("\x1b", out)
        self.assertIn("event=stopping reason=time_is_over", err)
        out, _ = self.call("tables")
        self.assertRegex(out, r"gold_crypto_trades\s+18,166")
        out, _ = self.call("positions", "show")
        self.assertIn("topic market.crypto.trades.binance of log", out)
        self.assertEqual(len(json.loads(self.call("positions", "show", "--json")[0])), 4)
        self.call("maintain")
        out, _ = self.call("audit")
        self.assertEqual(out.splitlines()[-1], "audit: ok")
        out, _ = self.call("check")
        self.assertIn("check: ok", out)

    def test_a_stopped_run_is_continued_by_the_next(self):
        start = time.strftime("--shift-time=%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 400))
        for stop in (signal.SIGTERM, signal.SIGINT):
            self.configure(self.exchange("--speed", 0, start))
            process = self.k2("run")
            before = self.rows().get(TABLES[0], 0)
            self.wait_for("rows", lambda: self.rows().get(TABLES[0], 0) > before)
            process.send_signal(stop)
            _, err = self.finish(process, 0)
            self.assertIn(f"event=stopping reason={signal.Signals(stop).name}", err)
            rows = self.rows()
            self.assertEqual(rows[TABLES[0]], rows[TABLES[1]])
            self.assertGreater(rows[TABLES[3]], 0)
            self.assertLessEqual(rows[TABLES[3]], TRADES)
        self.configure(self.exchange("--speed", 0, start))
        self.call("run", "--for", "8s")
        self.assertEqual(self.rows()[TABLES[3]], TRADES)  # each once, whoever brought it
        self.assertGreaterEqual(self.rows()[TABLES[0]], TRADES)
        self.assertIn("audit: ok", self.call("audit")[0])

    def test_jobs_run_in_processes_of_their_own(self):
        self.configure(self.exchange("--speed", 0, "--shift-time"))
        self.call("run", "--jobs", "ingest-binance", "--for", "6s")
        self.assertEqual(self.rows(), {})
        self.call("run", "--jobs", "bronze-binance", "--for", "1s")
        self.assertEqual(self.rows(), {TABLES[0]: TRADES})
        self.call("run", "--jobs", "silver-binance,gold", "--for", "1s")
        self.assert_rows(TRADES, TRADES, 0, TRADES)

    def lock_log(self):
        """Nobody can write to the log until the connection is closed."""
        connection = sqlite3.connect(self.data / "log.db", isolation_level=None, timeout=30)
        self.addCleanup(connection.close)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def run_with_locked_log(self, **more):
        self.configure(self.exchange("--speed", 3, "--shift-time"), **more)
        process = self.k2("run")
        self.wait_for("the log", lambda: self.rows().get(TABLES[0], 0) > 0)
        return process, self.lock_log()

    def test_a_stop_is_bounded_and_says_what_is_not_finished(self):
        process, _ = self.run_with_locked_log(shutdown_timeout="2s")
        time.sleep(1)  # trades wait by now
        began = time.monotonic()
        process.terminate()
        _, err = self.finish(process, 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertRegex(err, r"k2: not finished")

    def test_a_second_signal_ends_at_once(self):
        process, _ = self.run_with_locked_log(shutdown_timeout="1h")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGINT)
        _, err = self.finish(process, 1, timeout=5)
        self.assertIn("SIGINT again: stopped at once", err)

    def full_disk(self, exchanges, trades):
        """A disk of a mebibyte, until every exchange's ingest has said that the log takes nothing.  Whether
        more than may wait in memory is left then, so that it stops reading, is the moment's to decide."""
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small tmpfs")
        self.data.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "k2-e2e", str(self.data)]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            self.skipTest("a tmpfs cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.data)], check=True)
        self.configure(None, exchanges=exchanges)
        errors = open(self.folder / "stderr", "w+")
        self.addCleanup(errors.close)
        process = self.start([BUILD / "k2", "run", "--config", self.config], stderr=errors)
        said = (self.folder / "stderr").read_text
        for name in exchanges:
            word = f"event=ingest_(log_refuses|log_failing) exchange={name}"
            self.wait_for("a word about it", lambda: re.search(word, said()), said)
        out, _ = self.call("check", code=1)
        self.assertRegex(out, "FAIL  disk .*make room")
        time.sleep(1)
        self.assertIsNone(process.poll())
        subprocess.run(["mount", "-o", "remount,size=256m", str(self.data)], check=True)
        self.wait_for("all trades", lambda: self.rows().get(TABLES[3], 0) == trades, said)
        process.terminate()
        self.finish(process, 0)
        for name in exchanges:
            self.assertIn(f"event=ingest_log_well exchange={name}", said())
            self.assertEqual(said().count(f"event=ingest_paused exchange={name}"),
                             said().count(f"event=ingest_resumed exchange={name}"))
        rows = self.rows()
        self.assertEqual((rows[TABLES[2]], rows[TABLES[3]]), (0, trades))
        self.assertIn("audit: ok", self.call("audit")[0])

    def at_full_speed(self, kind):
        ws, rest = self.exchange("--speed", 0, "--shift-time", kind=kind)
        return {"urls": [f"ws://{ws}"], "rest_url": f"http://{rest}"}

    def test_a_full_disk_is_waited_out(self):
        self.full_disk({"binance": self.at_full_speed("binance")}, TRADES)
        self.assert_rows(TRADES, TRADES, 0, TRADES)

    def test_a_full_disk_is_waited_out_by_kraken_v1(self):
        self.full_disk({"kraken": {"api": "v1", **self.at_full_speed("kraken-v1")}}, KRAKEN_TRADES)

    def test_a_full_disk_is_waited_out_by_both(self):
        self.full_disk({"binance": self.at_full_speed("binance"),
                        "kraken": {"api": "v2", **self.at_full_speed("kraken-v2")}}, TRADES + KRAKEN_TRADES)

    def test_progress_on_a_terminal_is_redrawn_in_place(self):
        self.configure(self.exchange("--speed", 0, "--shift-time"))
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start([BUILD / "k2", "run", "--config", self.config, "--progress", "--for",
                              "4s"], stdout=theirs, stderr=subprocess.DEVNULL)
        os.close(theirs)
        out = b""
        try:
            while chunk := os.read(ours, 4096):
                out += chunk
        except OSError:
            pass  # a terminal whose other end is gone
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)
        self.assertGreaterEqual(out.count(b"\r\x1b[K"), 3)

    def test_check_says_all_that_is_wrong_at_once(self):
        file = self.folder / "file"
        file.write_text("")
        self.configure(("127.0.0.1:1", "127.0.0.1:1"), data_dir=str(file / "data"))
        out, _ = self.call("check", code=1)
        self.assertRegex(out, r"FAIL  data_dir ")
        self.assertRegex(out, r"FAIL  binance .*127.0.0.1:1/api.*rest_url")
        self.assertRegex(out, r"FAIL  binance .*127.0.0.1:1/stream.*urls")
        self.assertRegex(out, r"check: FAILED, 3 problems")

    def test_mistakes_in_use_and_configuration_end_with_2(self):
        self.configure(("127.0.0.1:1", "127.0.0.1:1"))
        cases = [
            (("run", "--jobs", "gold,silver"), "there is no job \"silver\", expected of: ingest-"),
            (("run", "--for", "60"), "--for: \"60\": expected a duration"),
            (("run", "--for", "0s"), "--for: \"0s\": expected a duration"),
            (("run", "--fro", "60s"), "unknown option --fro"),
            (("run", "now"), "unexpected argument \"now\""),
            (("tables", "gold"), "unexpected argument \"gold\""),
            (("positions",), "expected `show`"),
            (("positions", "set", "gold"), "expected `set TABLE WHAT...`"),
            (("positions", "show", "--yes"), "expected `show [TABLE] [--json]`"),
            (("positions", "show", "--since", "6h"), "unknown option --since"),
            (("maintain", "--json"), "unknown option --json"),
            (("tables",), "k2.db is not there"),
            (("dance",), "there is no command \"dance\""),
        ]
        for arguments, expected in cases:
            with self.subTest(arguments):
                self.assertIn(expected, self.call(*arguments, code=2)[1])
        self.assertFalse(self.data.exists())
        self.config.write_text("memory: 1\nlog: {type: nats}\n")
        for command in ("run", "check", "tables"):
            with self.subTest(command):
                self.assertEqual(self.call(command, code=2)[1].count(str(self.config)), 2)

    def test_help_and_version(self):
        for words in (["--help"], ["help"], ["run", "--help"], ["help", "tables"], ["--version"]):
            done = subprocess.run([BUILD / "k2", *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertIn("k2", done.stdout)
        self.assertEqual(subprocess.run([BUILD / "k2"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
