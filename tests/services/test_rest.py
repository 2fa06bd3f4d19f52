# SPDX-License-Identifier: Apache-2.0
"""catalog_rest.c against real servers: the catalog's contract, OAuth2 tokens that end, storage keys that the catalog
hands out, commits that arrive twice."""
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import catalog_gate
import servers
from pipeline import BTC, BUILD, ETH, LENGTH_S, Exchange, Pipeline, message_id, recorded
from production import PROPERTIES

TRADES = 9757 + 8409
CONTRACT = BUILD / "tests" / "contract" / "contract_catalog"
VENDING = {"CATALOG_INCLUDE__CREDENTIALS": "true", "CATALOG_S3_ACCESS__KEY__ID": "k2access",
           "CATALOG_S3_SECRET__ACCESS__KEY": "k2secret123"}


@pytest.fixture(scope="module", autouse=True)
def running():
    with servers.Servers("s3", "iceberg-rest", ICEBERG_WAREHOUSE=f"s3://{servers.BUCKET}/warehouse", **VENDING):
        yield


class OnCatalog(Pipeline):
    """Tables in a REST catalog and on S3; log and registry are embedded.  catalog: further keys of the section.
    store: keys, if not the catalog's."""

    def __init__(self, folder, uri, catalog, store=""):
        super().__init__(folder)
        self.sections = (f"catalog: {{type: rest, uri: '{uri}', {catalog}}}\n"
                         f"store: {{type: s3, endpoint: '{servers.S3}', bucket: {servers.BUCKET}, path_style: true{store}}}\n")

    def connect(self, *exchanges, symbols=None):
        super().connect(*exchanges, symbols=symbols)
        with open(self.config, "a") as file:
            file.write(self.sections)

    def table(self, name):
        from pyiceberg.catalog.rest import RestCatalog
        return RestCatalog("k2", **PROPERTIES).load_table(f"market_data.{name}")


def serve(pipeline, seconds):
    """Both recordings within so many seconds, and then the pipeline's end."""
    with Exchange("--speed", str(LENGTH_S / seconds), "--stop-when-done", "--shift-time") as exchange:
        pipeline.connect(exchange)
        done = pipeline.command("check")
        assert done.returncode == 0, done.stdout
        worker = pipeline.start()
        exchange.wait(60)
        pipeline.end(worker, signal.SIGTERM, timeout=60)
    pipeline.audit()
    rows = pipeline.rows("gold_crypto_trades", "message_id")
    assert len(rows) == TRADES
    assert {row["message_id"] for row in rows} == {message_id(trade["s"], trade["t"])
                                                   for path in (BTC, ETH) for trade in recorded(path)}


def test_the_contract_holds_over_the_server():
    done = subprocess.run([CONTRACT], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **servers.S3_KEYS, "K2_REST_URL": servers.CATALOG,
                               "K2_S3_ENDPOINT": servers.S3})
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert said.count("OK ] a_commit_on_an_old_base_conflicts_and_leaves_no_object") == 5


LOGIN = (f"client_id: '{catalog_gate.CLIENT}', client_secret: '{catalog_gate.SECRET}', scope: 'k2:write', "
         "vended_credentials: true")


def test_tokens_end_vended_keys_die_and_commits_arrive_twice(tmp_path, monkeypatch):
    """K2 has no key to the store of its own."""
    for name in servers.S3_KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with catalog_gate.Gate(life=2) as gate:
        gate.vends = True
        with OnCatalog(tmp_path, gate.url, LOGIN) as pipeline:
            serve(pipeline, 12)
            said = (pipeline.folder / "k2.log").read_text()
        assert not gate.broken, gate.broken
        assert len(gate.ends) > 3 and gate.loads > 14, (gate.ends, gate.loads)
        assert any(method == "POST" for method, _ in gate.refused) and not gate.strangers, gate.strangers
        keys = [key for key, *_ in gate.keys]
        assert len(set(keys)) == len(keys) > 10
        assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", key)
                   for key in keys), keys
        assert all(first == second and is_same for _, first, second, is_same in gate.keys), gate.keys
        assert catalog_gate.SECRET not in said and "k2secret123" not in said


def test_check_says_who_is_not_let_in(tmp_path):
    with catalog_gate.Gate(life=60) as gate, Exchange() as exchange:
        for number, (login, words) in enumerate((
                (LOGIN.replace("s3cr", "wrong-s3cr"), "token: status 401: invalid_client: no such client"),
                ("token: wrong-t0ken", "status 401: NotAuthorizedException"),
                ("scope: x", "status 401: NotAuthorizedException"))):
            with OnCatalog(tmp_path / str(number), gate.url, login) as pipeline:
                pipeline.connect(exchange)
                done = pipeline.command("check")
            (line,) = re.findall(r"^\w+ +catalog .*$", done.stdout, re.M)
            assert done.returncode == 1 and line.startswith("FAIL") and words in line, line
            assert "catalog.client_id" in line and "s3cr" not in done.stdout and "t0ken" not in done.stdout
