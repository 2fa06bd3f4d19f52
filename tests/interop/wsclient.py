# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client (RFC 6455) over a plain socket, and the simulator as a process: for tests that
must see every byte.  Standard library only."""
import base64
import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("K2_BUILD", SOURCE / "build" / "dev"))
BTC = SOURCE / "recordings" / "binance-btcusdt-20240808.gz"
ETH = SOURCE / "recordings" / "binance-ethusdt-20240809.gz"
KRAKEN_V1 = [SOURCE / "recordings" / f"kraken-v1-made-{pair}.gz" for pair in ("xbtusd", "ethusd")]
KRAKEN_V2 = [SOURCE / "recordings" / f"kraken-v2-made-{pair}.gz" for pair in ("btcusd", "ethusd")]
KRAKEN_V1_REAL = SOURCE / "recordings" / "kraken-v1-20210417.txt"

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The upgrade was answered with something other than 101."""

    def __init__(self, status, headers):
        super().__init__(f"HTTP {status}")
        self.status, self.headers = status, headers


class Client:
    """One connection.  recv() gives (opcode, payload) of whole messages; pings are answered, and
    counted in .pings, unless answer_pings is False."""

    def __init__(self, port, path="/stream", answer_pings=True, timeout=20, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.timeout, self.deadline = timeout, None
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.answer_pings, self.pings, self.fragments = answer_pings, [], 0
        self.close_code = None
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.glued = len(self.buffer)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        if self.status != 101:
            self.socket.close()
            raise Refused(self.status, self.headers)
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert self.headers["sec-websocket-accept"] == base64.b64encode(digest).decode()

    def _more(self):
        if self.deadline is not None:
            self.socket.settimeout(max(self.deadline - time.monotonic(), 0.001))
        got = self.socket.recv(1 << 20)
        if not got:
            raise ConnectionAbortedError("end of stream")
        self.buffer += got

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def recv_frame(self):
        first, second = self._take(2)
        assert first & 0x70 == 0 and second & 0x80 == 0, "reserved bits or a masked frame"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        return first & 0x0F, bool(first & 0x80), self._take(size)

    def recv(self):
        """The next message: (TEXT, bytes) or (CLOSE, bytes)."""
        message, parts = None, b""
        while True:
            opcode, last, payload = self.recv_frame()
            if opcode == PING:
                self.pings.append(payload)
                if self.answer_pings:
                    self.send(payload, PONG)
            elif opcode == CLOSE:
                self.close_code = struct.unpack(">H", payload[:2])[0] if payload else None
                return CLOSE, payload
            elif opcode != PONG:
                assert (opcode == 0) == (message is not None), "fragments out of order"
                message = message or opcode
                parts += payload
                self.fragments += not last
                if last:
                    return message, parts

    def send(self, payload, opcode=TEXT, last=True, masked=True):
        if isinstance(payload, str):
            payload = payload.encode()
        head = bytes([opcode | (0x80 if last else 0)])
        flag = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([flag | len(payload)])
        elif len(payload) < 65536:
            head += bytes([flag | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", len(payload))
        if masked:
            mask = os.urandom(4)
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            head += mask
        self.socket.sendall(head + payload)

    def ask(self, message):
        """Sends a request and gives the next text."""
        self.send(message)
        return self.recv()[1].decode()

    def texts(self, count=None, quiet=None):
        """Texts until the connection closes, `count` have come, or `quiet` seconds pass without
        one (pings do not count).  What ended it, if it was no close frame, is in .error."""
        found, self.error = [], None
        try:
            while count is None or len(found) < count:
                if quiet is not None:
                    self.deadline = time.monotonic() + quiet
                opcode, payload = self.recv()
                if opcode == CLOSE:
                    break
                found.append(payload)
        except (ConnectionError, TimeoutError) as error:
            self.error = error
            if count is not None:
                raise
        finally:
            self.deadline = None
            self.socket.settimeout(self.timeout)
        return found

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Simulator:
    """k2-exchange-sim as a process; .port, .rest, .get(path)."""

    def __init__(self, *options, recordings=(BTC, ETH), exchange="binance"):
        command = [str(BUILD / "k2-exchange-sim"), "--exchange", exchange, "--port", "0"]
        for recording in recordings:
            command += ["--recording", str(recording)]
        self.process = subprocess.Popen(command + [str(o) for o in options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening ws=127\.0\.0\.1:(\d+) rest=127\.0\.0\.1:(\d+)\n", line)
        if not found:
            raise AssertionError(f"no address: {line!r} {self.process.stderr.read()}")
        self.port, self.rest = int(found[1]), int(found[2])

    def connect(self, path="/stream", **options):
        return Client(self.port, path, **options)

    def get(self, path, headers=None):
        """(status, headers, body)"""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.rest, timeout=20)) as c:
            c.request("GET", path, headers=headers or {})
            response = c.getresponse()
            return response.status, response.headers, response.read()

    def wait(self, seconds=20):
        return self.process.wait(seconds)

    def stop(self):
        """SIGTERM; gives the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        self.errors = self.process.communicate(timeout=20)[1]
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.stop() == 0, self.errors


def now_ms():
    return time.time_ns() // 1_000_000
