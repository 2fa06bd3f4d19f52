# SPDX-License-Identifier: Apache-2.0
"""feed_websocket.c against a server that owns every byte: RFC 6455 and exchanges.md, section 6."""
import base64
import hashlib
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

BUILD = pathlib.Path(os.environ.get("K2_BUILD", pathlib.Path(__file__).parents[2] / "build/dev"))
TOOL = BUILD / "tests/interop/feed_tool"


def frame(payload, opcode=1, fin=True, rsv=0):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(payload)) + payload
    return head + b"\x7f" + struct.pack(">Q", len(payload)) + payload


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.request = self.until(b"\r\n\r\n").decode()

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def fill(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError
        self.buffer += more

    def take(self, size):
        while len(self.buffer) < size:
            self.fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def header(self, name):
        for line in self.request.split("\r\n"):
            if line.lower().startswith(name.lower() + ":"):
                return line.split(":", 1)[1].strip()
        return None

    def accept(self, more=b""):
        key = self.header("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
        self.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n" + more)

    def receive(self):
        first, second = self.take(2)
        size = second & 0x7F
        assert second & 0x80, "a client masks its frames"
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
        mask = self.take(4)
        return first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(self.take(size)))

    def close(self, code=1000, words=b""):
        self.sock.sendall(frame(struct.pack(">H", code) + words, 8))


def run(serve, *options, tls=None, url="{scheme}://localhost:{port}/stream", env=None, timeout=30):
    """Runs the tool against serve(peer); what it printed, and what serve returned."""
    listener = socket.create_server(("127.0.0.1", 0))
    result = {}

    def work():
        try:
            sock, _ = listener.accept()
            sock.settimeout(timeout)
            if tls:
                sock = tls.wrap_socket(sock, server_side=True)
            peer = Peer(sock)
            result["value"] = serve(peer)
            sock.close()
        except Exception as problem:  # the test looks at it
            result["problem"] = problem

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    url = url.format(scheme="wss" if tls else "ws", port=listener.getsockname()[1])
    done = subprocess.run([TOOL, url, *options], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    thread.join(timeout)
    listener.close()
    assert done.returncode in (0, 1) and not done.stderr, done
    return done.stdout.splitlines(), result


def texts(lines):
    return [line[5:] for line in lines if line.startswith("text ")]


def test_the_upgrade_offers_no_compression_and_no_origin_and_names_the_host():
    def serve(peer):
        peer.accept()
        peer.close()
        return peer

    lines, result = run(serve)
    peer = result["value"]
    assert peer.request.startswith("GET /stream HTTP/1.1\r\n")
    assert peer.header("Host").startswith("localhost:")
    assert peer.header("Sec-WebSocket-Extensions") is None
    assert peer.header("Sec-WebSocket-Protocol") is None
    assert peer.header("Origin") is None
    assert lines[0] == "connected"
    assert lines[-1].startswith("closed retry_after_ms=0 closed by the server: 1000")


def test_frames_glued_to_the_upgrade_come_after_connected():
    def serve(peer):
        peer.accept(frame(b"one") + frame(b"two"))
        peer.close()
        time.sleep(0.2)

    lines, _ = run(serve)
    assert lines[0] == "connected" and texts(lines) == ["one", "two"]


def test_bytes_one_by_one_make_the_same_frames():
    data = frame(b"a" * 126) + frame(b"") + frame(b"b")

    def serve(peer):
        peer.accept()
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            peer.sock.sendall(bytes([byte]))
        peer.close()

    lines, _ = run(serve)
    assert "size 126" in lines and texts(lines) == ["b"] or texts(lines) == ["", "b"]


def test_fragments_with_a_ping_between_are_one_frame_and_the_ping_is_answered_first():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"he", fin=False) + frame(b"1723161255343", 9))
        pong = peer.receive()
        peer.sock.sendall(frame(b"ll", 0, fin=False) + frame(b"o", 0))
        peer.close()
        return pong

    lines, result = run(serve)
    assert result["value"] == (10, b"1723161255343")
    assert texts(lines) == ["hello"]


def test_two_thousand_frames_in_one_write_come_in_few_events():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(b"".join(frame(b"frame %d" % i) for i in range(2000)))
        peer.close()

    lines, _ = run(serve, timeout=10)
    assert texts(lines) == ["frame %d" % i for i in range(2000)]
    assert len([line for line in lines if line.startswith("frames ")]) < 1000


def test_pings_are_answered_while_nothing_is_fetched():
    def serve(peer):
        peer.accept()
        started = time.monotonic()
        for i in range(10):
            peer.sock.sendall(frame(b"data %d" % i) + frame(b"%d" % i, 9))
            assert peer.receive() == (10, b"%d" % i)
        took = time.monotonic() - started
        peer.close()
        return took

    lines, result = run(serve, "pause_ms=1500")
    assert result.get("value", 9) < 1.0, result
    assert len(texts(lines)) == 10


def test_a_full_queue_stops_reading_and_loses_nothing():
    payload = b"x" * 50000
    count = 400

    def serve(peer):
        peer.accept()
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        started = time.monotonic()
        for _ in range(count):
            peer.sock.sendall(frame(payload))
        took = time.monotonic() - started
        peer.close()
        return took

    lines, result = run(serve, "pause_ms=1500", "queue_bytes=100000", "idle_ms=1000")
    assert result["value"] > 1.0, "20 MB do not fit into socket buffers"
    assert lines.count("size 50000") == count
    assert "closed by the server" in lines[-1]


def test_a_frame_beyond_the_cap_closes():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"x" * 1000) + frame(b"y" * 1001))
        time.sleep(0.5)

    lines, _ = run(serve, "frame_bytes=1000")
    assert "size 1000" in lines and "size 1001" not in lines
    assert "a message of more than 1000 bytes" in lines[-1]


def test_a_length_of_two_to_the_63_closes_without_memory():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffxxxx")
        time.sleep(0.5)

    lines, _ = run(serve)
    assert lines[-1].startswith("closed")


@pytest.mark.parametrize("data", [frame(b"x", rsv=4), frame(b"x", opcode=3), frame(b"x", opcode=0)],
                         ids=["rsv1", "unknown_opcode", "continuation_of_nothing"])
def test_what_the_protocol_forbids_closes(data):
    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"good") + data)
        time.sleep(1)

    lines, _ = run(serve, "idle_ms=3000")
    assert lines[-1].startswith("closed") and texts(lines) == ["good"]


def test_bytes_that_are_not_utf8_come_as_they_are():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"\xff" * 200) + frame(b"good"))
        peer.close()

    lines, _ = run(serve)
    assert "size 200" in lines and texts(lines) == ["good"]


def test_a_silent_server_is_given_up_and_pings_count_as_life():
    def serve(peer):
        peer.accept()
        for _ in range(8):
            peer.sock.sendall(frame(b"1", 9))
            time.sleep(0.2)
        started = time.monotonic()
        try:
            while True:
                peer.receive()
        except (EOFError, OSError):
            return time.monotonic() - started

    lines, result = run(serve, "idle_ms=800")
    assert "not a byte for 800 ms" in lines[-1]
    assert 0.3 < result["value"] < 2


def test_a_server_that_never_answers_the_upgrade_is_given_up():
    def serve(peer):
        time.sleep(1.5)

    lines, _ = run(serve, "connect_ms=500")
    assert lines[-1].startswith("closed") and "no WebSocket after 500 ms" in lines[-1]
    assert "connected" not in lines


def test_a_server_that_resets_before_the_upgrade_is_sent_is_told_at_once():
    """Which of the two words is used hangs on who is faster; before, it was none, and freed memory was used."""
    for _ in range(10):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
            done = subprocess.run([TOOL, "ws://127.0.0.1:%d/" % listener.getsockname()[1]],
                                  capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and not done.stderr, done
        assert re.fullmatch(r"closed retry_after_ms=0 .*(the connection broke|read failed)\n", done.stdout), done


def test_a_connection_that_is_called_off_before_it_began_is_closed():
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        for _ in range(20):
            done = subprocess.run([TOOL, "ws://127.0.0.1:%d/" % listener.getsockname()[1], "disconnect=1"],
                                  capture_output=True, text=True, timeout=5)
            assert done.stdout == "closed retry_after_ms=0 closed by us\n" and not done.stderr, done


@pytest.mark.parametrize("status", [403, 418, 429, 503])
def test_a_refused_upgrade_names_status_and_retry_after(status):
    def serve(peer):
        peer.sock.sendall(b"HTTP/1.1 %d Nope\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status)
        time.sleep(0.2)

    lines, _ = run(serve)
    assert lines[-1].startswith("closed retry_after_ms=7000 ") and lines[-1].endswith("HTTP %d" % status)


def test_a_wrong_accept_key_is_no_websocket():
    def serve(peer):
        peer.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n")
        time.sleep(0.2)

    lines, _ = run(serve)
    assert "connected" not in lines and lines[-1].startswith("closed")


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = subprocess.run([TOOL, "ws://127.0.0.1:%d/" % port], capture_output=True, text=True, timeout=20)
    assert done.stdout.startswith("closed") and str(port) in done.stdout


def test_a_name_that_does_not_exist():
    done = subprocess.run([TOOL, "wss://no.such.host.invalid/"], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("closed") and "no.such.host.invalid/: " in done.stdout
    assert "Name or service not known" in done.stdout or "name resolution" in done.stdout


def test_texts_go_out_one_by_one_in_order():
    big = "B" * 5000

    def serve(peer):
        peer.accept()
        got = [peer.receive() for _ in range(3)]
        peer.close()
        return got

    lines, result = run(serve, "send=first", "send=" + big, "send=third")
    assert result["value"] == [(1, b"first"), (1, big.encode()), (1, b"third")]


def test_a_reset_in_the_middle_of_a_frame_keeps_what_was_whole():
    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"whole") + frame(b"half of it")[:5])
        time.sleep(0.3)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    lines, _ = run(serve)
    assert texts(lines) == ["whole"] and lines[-1].startswith("closed")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    names = []
    context.sni_callback = lambda sock, name, _: names.append(name)
    return context, {"SSL_CERT_FILE": str(folder / "cert.pem")}, names


def test_tls_sends_the_name_and_verifies_it(certificate):
    context, env, names = certificate

    def serve(peer):
        peer.accept()
        peer.sock.sendall(frame(b"secret") + frame(b"x" * 300000))
        peer.close()
        time.sleep(0.2)

    names.clear()
    lines, _ = run(serve, tls=context, env=env)
    assert texts(lines) == ["secret"] and "size 300000" in lines and names == ["localhost"]
    lines, _ = run(serve, tls=context, env=env, url="wss://127.0.0.1:{port}/")
    assert "connected" not in lines and lines[-1].startswith("closed"), "another name than the certificate's"
    lines, _ = run(serve, tls=context, env={"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"})
    assert "connected" not in lines and lines[-1].startswith("closed"), "a certificate nobody signed"
