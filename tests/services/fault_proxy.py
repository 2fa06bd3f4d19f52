# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy in front of a server (S3, the REST catalog) that does what networks and busy servers do to one request in
`every`, by a seed: 503 SlowDown without asking the server, a reset before anything was sent on, a reset
in the middle of the answer's body, and the loss of the answer to a request that the server has done."""
import collections
import http.client
import random
import select
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("slow_down", "internal", "reset", "cut", "lost")
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Proxy:
    """with Proxy("127.0.0.1", 9000, every=4, seed=1) as proxy: proxy.url, proxy.done[fault]"""

    def __init__(self, host, port, every, seed, faults=FAULTS):
        self.host, self.port, self.every, self.faults = host, port, every, faults
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.done = collections.Counter()
        self.down = False
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that was reset is what is tested
        self.url = "http://127.0.0.1:%d" % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def pick(self):
        with self.lock:
            fault = self.random.choice(self.faults) if self.random.randrange(self.every) == 0 else None
            self.done[fault] += 1
            return "reset" if self.down else fault

    @staticmethod
    def reset(handler):
        """RST instead of FIN."""
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()

    @staticmethod
    def wants_body(sock):
        """A server that refuses at once answers before the body, and closes: its answer must be read then."""
        select.select([sock], [], [], 1)
        try:
            first = sock.recv(12, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        if first != b"HTTP/1.1 100":
            return False
        while not first.endswith(b"\r\n\r\n") or first == b"HTTP/1.1 100":
            first = (b"" if first == b"HTTP/1.1 100" else first) + sock.recv(1)
        return True

    def forward(self, handler, body):
        server = http.client.HTTPConnection(self.host, self.port, timeout=30)
        server.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() != "expect":
                server.putheader(name, value)
        server.putheader("Expect", "100-continue")
        server.endheaders()
        if self.wants_body(server.sock):
            server.send(body)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        return answer, content

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        fault = self.pick()
        if fault == "reset":
            return self.reset(handler)
        if fault in ("slow_down", "internal"):
            return self.answer(handler, 503 if fault == "slow_down" else 500, [], SLOW_DOWN)
        answer, content = self.forward(handler, body)
        if fault == "lost" or (fault == "cut" and len(content) < 2):
            return self.reset(handler)
        headers = [(name, value) for name, value in answer.getheaders()
                   if name.lower() not in ("connection", "transfer-encoding", "content-length")]
        length = answer.getheader("Content-Length")
        size = int(length) if handler.command == "HEAD" and length is not None else len(content)
        return self.answer(handler, answer.status, headers, content, size, fault == "cut")

    def answer(self, handler, status, headers, content, size=None, cut=False):
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(content) if size is None else size))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content[:len(content) // 2] if cut else content)
        if cut:
            handler.wfile.flush()
            self.reset(handler)


class Commits(Proxy):
    """In front of a REST catalog: what becomes of every second commit, in turn.  All but `busy` arrive.

    lost: no answer.  gateway: 504 when it is done.  late: 504 first, and it is done then, or a second later.
    cut: half the answer.  twice: sent on twice, the second answer given.  busy: 503.  hang, once: Gold waits
    until it gives up."""

    KINDS = ("lost", "late", "gateway", "cut", "twice", "busy")

    def __init__(self, host, port):
        super().__init__(host, port, every=1, seed=0, faults=())
        self.count = 0
        self.late = []
        self.arrived = collections.Counter()  # answers of the server to what was late or sent twice

    def __exit__(self, *words):
        for thread in self.late:
            thread.join()
        super().__exit__(*words)

    def pick_kind(self, path):
        with self.lock:
            self.count += 1
            kind = self.KINDS[self.count // 2 % len(self.KINDS)] if self.count % 2 == 0 else None
            if "gold" in path and self.done["hang"] == 0:
                kind = "hang"
            self.done[kind] += 1
            return kind

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        is_commit = handler.command == "POST" and "/tables/" in handler.path
        kind = self.pick_kind(handler.path) if is_commit else None
        if kind in ("busy", "late"):
            self.answer(handler, 503 if kind == "busy" else 504, [], b"<html>a gateway's words</html>")
            return self.begin_late(handler, body) if kind == "late" else None
        answer, content = self.forward(handler, body)
        if kind == "twice":
            answer, content = self.forward(handler, body)
            self.arrived["twice", answer.status] += 1
        if kind == "hang":
            select.select([handler.connection], [], [], 60)
        if kind in ("lost", "hang"):
            return self.reset(handler)
        if kind == "gateway":
            return self.answer(handler, 504, [], b"<html>a gateway's words</html>")
        headers = [(name, value) for name, value in answer.getheaders()
                   if name.lower() not in ("connection", "transfer-encoding", "content-length")]
        return self.answer(handler, answer.status, headers, content, cut=kind == "cut")

    def begin_late(self, handler, body):
        timer = threading.Timer(len(self.late) % 2, self.send_late, (handler, body))
        timer.start()
        self.late.append(timer)

    def send_late(self, handler, body):
        answer, _ = self.forward(handler, body)
        with self.lock:
            self.arrived["late", answer.status] += 1
