# SPDX-License-Identifier: Apache-2.0
"""http_curl.c against a server of Python's: status, bounds, and what each failure is called."""
import http.server
import os
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("K2_BUILD", Path(__file__).parents[2] / "build" / "dev"))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(2)
        status = {"/teapot": 418, "/moved": 302}.get(self.path, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/")
        if self.path == "/short":
            self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * 1000 if self.path == "/big" else b"body of " + self.path.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that goes away is what is tested
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()


def get(url, timeout_ms=5000, size=1 << 20, **env):
    done = subprocess.run([BUILD / "tests/interop/http_tool", url, str(timeout_ms), str(size)],
                          capture_output=True, text=True, timeout=30, env={**os.environ, **env})
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.strip()


def test_any_status_comes_with_its_body_and_no_redirect_is_followed(server):
    assert get(server + "/a?b=%5B%22C%22%5D") == "200 body of /a?b=%5B%22C%22%5D"
    assert get(server + "/teapot") == "418 body of /teapot"
    assert get(server + "/moved") == "302 body of /moved"


def test_a_body_beyond_its_bound_is_rejected(server):
    assert get(server + "/big", size=1000) == "200 " + "x" * 1000
    assert get(server + "/big", size=999) == "reject GET %s/big: more than 999 bytes" % server


def test_a_slow_or_broken_answer_is_an_outage_that_names_the_url(server):
    assert get(server + "/slow", timeout_ms=300).startswith("retry GET %s/slow: " % server)
    assert get(server + "/short").startswith("retry GET %s/short: " % server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = "http://127.0.0.1:%d/" % listener.getsockname()[1]
    assert get(gone).startswith("retry GET %s: " % gone)
    assert get("http://no.such.host.invalid/").startswith("retry GET http://no.such.host.invalid/: ")


def test_what_is_no_http_url_is_a_matter_of_configuration(server):
    assert get("file:///etc/passwd").startswith("config GET file:///etc/passwd: ")
    assert get("ftp://a/").startswith("config GET ftp://a/: ")


def test_tls_is_verified(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours = {"SSL_CERT_FILE": str(tmp_path / "cert.pem")}
    assert get("https://localhost:%d/a" % server.server_port, **ours) == "200 body of /a"
    assert get("https://127.0.0.1:%d/a" % server.server_port, **ours).startswith("config GET https://127.0.0.1")
    assert get("https://localhost:%d/a" % server.server_port).startswith("config GET https://localhost")
    server.shutdown()
