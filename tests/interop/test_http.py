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

    def echo(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/silent":
            self.close_connection = True
            return
        text = "%s %s %s %s" % (self.command, self.headers.get("Content-Length"), self.headers.get("X-Asked"),
                                body.decode())
        self.send_response(201)
        self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_PUT = do_POST = do_DELETE = do_HEAD = echo

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


def send(url, method, body="", *headers):
    done = subprocess.run([BUILD / "tests/interop/http_tool", url, "5000", "100000", method, body, *headers],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.strip()


def test_each_method_carries_its_body_and_headers(server):
    body = "a body that is cut into parts"
    for method in ("PUT", "POST", "PUT!", "POST!"):
        answer = send(server + "/a", method, body, "X-Asked: yes")
        assert answer.startswith("201 %s %d yes %s\n" % (method.strip("!"), len(body), body)), answer
        assert 'ETag: "abc"' in answer
        assert send(server + "/a", method).startswith("201 %s 0 None" % method.strip("!"))
    assert send(server + "/a", "DELETE", "", "X-Asked: yes").startswith("201 DELETE None yes")
    assert send(server + "/a", "DELETE", body).startswith("201 DELETE %d None %s" % (len(body), body))
    head = send(server + "/a", "HEAD")
    assert head.startswith("201 \n") and "Content-Length: 15" in head, head


def test_a_request_that_never_left_is_told_from_one_without_answer(server):
    assert send(server + "/silent", "POST!", "x").endswith("(sent)")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = "http://127.0.0.1:%d/?secret=1" % listener.getsockname()[1]
    answer = send(gone, "POST", "x")
    assert answer.endswith("(not sent)") and "secret" not in answer
    assert send("http://no.such.host.invalid/", "PUT", "x").endswith("(not sent)")


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
