# SPDX-License-Identifier: Apache-2.0
"""catalog_rest.c against real servers: the catalog's contract, OAuth2 tokens that end, storage keys that the catalog
hands out, commits that arrive twice; Iceberg's own server, and Nessie, which demands tokens by itself."""
import base64
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

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
                         f"store: {{type: s3, endpoint: '{servers.S3}', bucket: {servers.BUCKET}, path_style: true"
                         f"{store}}}\n")

    def connect(self, *exchanges, symbols=None):
        super().connect(*exchanges, symbols=symbols)
        with open(self.config, "a") as file:
            file.write(self.sections)

    properties = PROPERTIES

    def table(self, name):
        from pyiceberg.catalog.rest import RestCatalog
        return RestCatalog("k2", **self.properties).load_table(f"market_data.{name}")


def serve(pipeline, seconds):
    """Both recordings within so many seconds, and then the pipeline's end."""
    with Exchange("--speed", str(LENGTH_S / seconds), "--stop-when-done", "--shift-time") as exchange:
        pipeline.connect(exchange)
        done = pipeline.command("check")
        assert done.returncode == 0, done.stdout
        worker = pipeline.start()
        exchange.wait(60)
        pipeline.end(worker, signal.SIGTERM, timeout=60)
    for command in ("maintain", "tables"):
        done = pipeline.command(command)
        assert done.returncode == 0, done.stdout + done.stderr
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


class Issuer(http.server.ThreadingHTTPServer):
    """A token endpoint that signs JWTs: good for `life` seconds, every other one said to be good for longer."""

    def __init__(self, folder, life):
        self.key, self.life, self.given = folder / "issuer.pem", life, 0
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/token"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.server.given += 1
            said = self.server.life * (3 if self.server.given % 2 == 0 else 1)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": self.server.token(self.server.life), "token_type": "Bearer",
                                         "expires_in": said}).encode())

        def log_message(self, *_):
            pass

    def public_key(self):
        return base64.b64encode(subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout", "-outform", "DER"],
                                               check=True, capture_output=True).stdout).decode()

    def token(self, life):
        def text(part):
            return base64.urlsafe_b64encode(part).rstrip(b"=")
        now = int(time.time())
        claims = {"sub": "k2", "iss": "issuer", "iat": now, "exp": now + life}
        words = text(b'{"alg":"RS256","typ":"JWT"}') + b"." + text(json.dumps(claims).encode())
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=words, check=True,
                                capture_output=True).stdout
        return (words + b"." + text(signed)).decode()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


@pytest.mark.skipif(not servers.is_installed("nessie"), reason="Nessie is not installed")
def test_nessie_demands_tokens_and_chooses_where_tables_lie(tmp_path, monkeypatch):
    """Over MinIO each table has keys of its own for an hour; versitygw has no AssumeRole, K2 its own keys then."""
    vends = os.environ.get("S3_SERVER") == "minio"
    for name in servers.S3_KEYS:
        monkeypatch.delenv(name, raising=False)
    login = f"client_id: k2, client_secret: s3cret, warehouse: k2, vended_credentials: {str(vends).lower()}"
    store = ", prefix: nessie" + ("" if vends else ", access_key: k2access, secret_key: k2secret123")
    with Issuer(tmp_path, life=2) as issuer, \
            servers.Servers("nessie", NESSIE_PUBLIC_KEY=issuer.public_key(),
                            NESSIE_VENDS=str(vends).lower()) as nessie, \
            OnCatalog(tmp_path, f"{servers.NESSIE}/iceberg", f"{login}, oauth2_uri: '{issuer.url}'", store) as pipeline:
        pipeline.properties = {**PROPERTIES, "uri": f"{servers.NESSIE}/iceberg", "token": issuer.token(300),
                               "header.X-Iceberg-Access-Delegation": ""}
        serve(pipeline, 8)
        log = (nessie.folder / "nessie" / "log").read_text()
        assert issuer.given > 3 and re.search(r'POST /iceberg/v1/\S+/tables/\S+ HTTP/1.1" 200', log)
        assert '" 401 ' in log and pipeline.table("gold_crypto_trades").location().startswith("s3://lakehouse/nessie/")
