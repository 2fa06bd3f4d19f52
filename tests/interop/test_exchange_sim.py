# SPDX-License-Identifier: Apache-2.0
"""k2-exchange-sim against Binance's documents: handshake, control messages, order and number of
frames, clock, limits, REST, and each fault."""
import datetime
import decimal
import gzip
import json
import signal
import socket
import struct
import subprocess
import time

import pytest

from wsclient import BTC, BUILD, CLOSE, ETH, PING, PONG, TEXT, BINARY, Refused, Simulator, now_ms

BTC_TRADES, ETH_TRADES = 9757, 8409
SUBSCRIBE = '{"method":"SUBSCRIBE","params":["btcusdt@trade","ethusdt@trade"],"id":1}'
BOTH = "/stream?streams=btcusdt@trade/ethusdt@trade"


def lines(path):
    with gzip.open(path) as file:
        return [(int(stamp), frame) for stamp, frame in (line.rstrip(b"\n").split(b" ", 1) for line in file)]


@pytest.fixture(scope="module")
def recorded():
    """All frames in order of receive time."""
    return [frame for _, frame in sorted(lines(BTC) + lines(ETH))]


@pytest.fixture
def small(tmp_path):
    """The first 300 trades of BTC as a plain recording."""
    path = tmp_path / "small"
    path.write_bytes(b"".join(b"%d %s\n" % line for line in lines(BTC)[:300]))
    return path


def trade(text):
    event = json.loads(text)
    return event.get("data", event)


def ids(texts, symbol=None):
    return [t["t"] for t in map(trade, texts) if symbol in (None, t["s"])]


def without_times(text):
    event = trade(text)
    return {k: v for k, v in event.items() if k not in "ET"}


# Usage

@pytest.mark.parametrize("options, sentence", [
    ([], "--exchange is missing, expected --exchange binance, kraken-v1 or kraken-v2"),
    (["--exchange", "nyse"], '--exchange: "nyse" is not known, expected binance, kraken-v1 or kraken-v2'),
    (["--exchange", "binance"], "--recording is missing, expected --recording FILE"),
    (["--exchange", "binance", "--recording", str(BTC)],
     "--port is missing, expected --port N (0: a free one)"),
    (["--port"], "--port expects a value"),
    (["--port", "65536"], '--port: "65536" is no port, expected 0 (a free one) to 65535'),
    (["--port", "-1"], '--port: "-1" is no port, expected 0 (a free one) to 65535'),
    (["--speed", "fast"], '--speed: "fast" is not a number from 0 to 1e+06'),
    (["--speed", "-1"], '--speed: "-1" is not a number from 0 to 1e+06'),
    (["--speed", "nan"], '--speed: "nan" is not a number from 0 to 1e+06'),
    (["--faults", "earthquake"], '--faults: unknown fault "earthquake" (see --help)'),
    (["--faults", "reset"], "--faults: expected reset:N with a number from 1 to 10^9"),
    (["--faults", "reset:0"], "--faults: expected reset:N with a number from 1 to 10^9"),
    (["--faults", "reset:x"], "--faults: expected reset:N with a number from 1 to 10^9"),
    (["--faults", "glued,"], '--faults: unknown fault "" (see --help)'),
    (["--faults", "glued:1"], "--faults: glued takes no value"),
    (["--shift-time=yesterday"], '--shift-time: "yesterday" is no instant, expected one like 2026-11-22T15:25:00Z'),
    (["--loud"], "unknown option --loud (see --help)"),
    (["extra"], 'unexpected argument "extra" (see --help)'),
])
def test_bad_usage_exits_2_with_a_sentence(options, sentence):
    done = subprocess.run([BUILD / "k2-exchange-sim", *options], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"k2-exchange-sim: {sentence}\n")


@pytest.mark.parametrize("content, complaint", [
    (b"", ": no event of a stream in it"),
    (b"1 {}\n", ": no event of a stream in it"),
    (b"hello\n", ", line 1: expected `<receive time, ns> <frame>`"),
    (b"1\n", ", line 1: expected `<receive time, ns> <frame>`"),
    (b"99999999999999999999 {}\n", ", line 1: expected `<receive time, ns> <frame>`"),
    (b'1 {"e":"trade"\n', ", line 1: JSON, byte 12: expected ',' or '}'"),
    (b'2 {"stream":"a","data":{}}\n1 {"stream":"a","data":{}}\n', ": receive times go back at frame 2"),
    (BTC.read_bytes()[:5000], ": cannot be read, or cut short"),
])
def test_a_bad_recording_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "recording"
    path.write_bytes(content)
    done = subprocess.run([BUILD / "k2-exchange-sim", "--exchange", "binance", "--port", "0", "--recording", path],
                          capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"k2-exchange-sim: {path}{complaint}"), done.stderr


def test_help_names_every_fault():
    text = subprocess.run([BUILD / "k2-exchange-sim", "--help"], capture_output=True, text=True, check=True).stdout
    for fault in ("reset:N replay:K glued trickle fragmented reordered junk:N stop-data:N freeze:N skip:N "
                  "shutdown:N http-503:K http-429:K http-403:K ack-lost:K ack-late:N refuse:N wrong-time:N utf8:N "
                  "rsv1:N huge:N rest-lag:K swap").split():
        assert f"\n  {fault} " in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(number):
    sim = Simulator()
    with sim.connect(BOTH):
        sim.process.send_signal(number)
        assert sim.wait() == 0
    sim.stop()


# Handshake

def test_upgrades_that_are_none_are_refused():
    with Simulator() as sim:
        for path in ("/", "/wss", "/api/v3/ping", "/streams"):
            with pytest.raises(Refused) as refused:
                sim.connect(path)
            assert refused.value.status == 404
        for request, status in (
                (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                (b"nonsense\r\n\r\n", 400),
                (b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\n\r\n", 400),
                (b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 8\r\n\r\n", 426),
                (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 400)):
            with socket.create_connection(("127.0.0.1", sim.port), timeout=20) as s:
                s.sendall(request)
                got = b""
                while more := s.recv(65536):
                    got += more
                assert got.startswith(b"HTTP/1.1 %d " % status), got


def test_one_address_may_try_three_hundred_times():
    with Simulator() as sim:
        for _ in range(300):
            sim.connect("/ws").close()
        with pytest.raises(Refused) as refused:
            sim.connect("/ws")
        assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "300")


# Control messages

@pytest.mark.parametrize("request_text, reply", [
    ("{", '{"code":3,"msg":"Invalid JSON: expected value at line 1 column 2"}'),
    ('{"method":"SUBSCRIBE",}', '{"code":3,"msg":"Invalid JSON: expected value at line 1 column 23"}'),
    ("[]", '{"code":2,"msg":"Invalid request: missing field `method` at line 1 column 2"}'),
    ('{"id":7}', '{"code":2,"msg":"Invalid request: missing field `method` at line 1 column 8","id":7}'),
    ('{"method":"LIST_SUBSCRIPTIONS"}', '{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}'),
    ('{"method":"LIST_SUBSCRIPTIONS","id":1.5}',
     '{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}'),
    ('{"method":"LIST_SUBSCRIPTIONS","id":9223372036854775808}',
     '{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}'),
    ('{"method":"HELLO","id":"a1"}',
     '{"code":2,"msg":"Invalid request: unknown variant `HELLO`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, '
     '`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 17","id":"a1"}'),
    ('{"method":"SUBSCRIBE","id":1}', '{"code":2,"msg":"Invalid request: missing field `params`","id":1}'),
    ('{"method":"SUBSCRIBE","params":["a",1],"id":1}',
     '{"code":2,"msg":"Invalid request: stream names must be strings","id":1}'),
    ('{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}',
     '{"code":2,"msg":"Invalid request: too many parameters","id":1}'),
    ('{"method":"GET_PROPERTY","params":[true],"id":1}',
     '{"code":2,"msg":"Invalid request: property name must be a string","id":1}'),
    ('{"method":"GET_PROPERTY","params":["combined","x"],"id":1}',
     '{"code":2,"msg":"Invalid request: too many parameters","id":1}'),
    ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', '{"code":0,"msg":"Unknown property","id":1}'),
    ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', '{"code":0,"msg":"Unknown property","id":1}'),
    ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":null}',
     '{"code":1,"msg":"Invalid value type: expected Boolean","id":null}'),
])
def test_a_bad_request_gets_its_error_and_the_socket_stays(request_text, reply):
    with Simulator() as sim, sim.connect("/ws") as client:
        assert client.ask(request_text) == reply
        assert client.ask('{"method":"LIST_SUBSCRIPTIONS","id":-9223372036854775808}') == \
            '{"result":[],"id":-9223372036854775808}'


def test_subscriptions_are_kept_in_order_and_properties_change():
    with Simulator("--shift-time=2100-01-01T00:00:00Z") as sim:
        with sim.connect("/ws/btcusdt%40trade/a@trade") as client:
            ask = client.ask
            assert ask('{"method":"LIST_SUBSCRIPTIONS","id":1}') == '{"result":["btcusdt@trade","a@trade"],"id":1}'
            assert ask('{"id":2,"params":["b\\"@trade","a@trade"],"method":"SUBSCRIBE"}') == '{"result":null,"id":2}'
            assert ask('{"method":"UNSUBSCRIBE","params":["btcusdt@trade","no"],"id":3}') == '{"result":null,"id":3}'
            assert ask('{"method":"LIST_SUBSCRIPTIONS","params":[],"id":4}') == \
                '{"result":["a@trade","b\\"@trade"],"id":4}'
        with sim.connect("/stream") as client:
            assert client.ask('{"method":"GET_PROPERTY","params":["combined"],"id":5}') == '{"result":true,"id":5}'
        with sim.connect("/ws") as client:
            ask = client.ask
            assert ask('{"method":"GET_PROPERTY","params":["combined"],"id":6}') == '{"result":false,"id":6}'
            assert ask('{"method":"SET_PROPERTY","params":["combined",true],"id":7}') == '{"result":null,"id":7}'
            assert ask('{"method":"GET_PROPERTY","params":["combined"],"id":8}') == '{"result":true,"id":8}'


def test_a_client_that_talks_too_much_is_dropped():
    with Simulator() as sim, sim.connect("/ws") as client:
        for i in range(3):
            client.send('{"method":"LIST_SUBSCRIPTIONS","id":%d}' % i)
        client.send("x", PING)
        client.send("", PONG)
        client.send('{"method":"LIST_SUBSCRIPTIONS","id":9}')
        assert len(client.texts()) == 3 and client.close_code == 1008


def test_five_messages_a_second_are_allowed():
    with Simulator() as sim, sim.connect("/ws") as client:
        for i in range(10):
            if i == 5:
                time.sleep(1.1)
            assert client.ask('{"method":"LIST_SUBSCRIPTIONS","id":%d}' % i) == '{"result":[],"id":%d}' % i


def test_more_than_1024_streams_are_refused():
    names = [f"s{i}@trade" for i in range(1025)]
    with Simulator() as sim:
        with sim.connect("/ws") as client:
            assert client.ask(json.dumps({"method": "SUBSCRIBE", "params": names[:1024], "id": 1})) == \
                '{"result":null,"id":1}'
            client.send(json.dumps({"method": "SUBSCRIBE", "params": names[1024:], "id": 2}))
            assert client.recv() == (CLOSE, b"\x03\xf0policy violation")
        with pytest.raises(Refused) as refused:
            sim.connect("/stream?streams=" + "/".join(names))
        assert refused.value.status == 400


# Frames of the client

@pytest.mark.parametrize("code, payload, options", [
    (1002, b"x", {"masked": False}),
    (1002, b"x", {"opcode": 3}),
    (1002, b"x", {"opcode": 0}),
    (1002, b"x" * 126, {"opcode": PING}),
    (1002, b"x", {"opcode": PING, "last": False}),
    (1002, b"x", {"opcode": TEXT | 0x40}),
    (1003, b"x", {"opcode": BINARY}),
    pytest.param(1009, b"x" * (1 << 20 | 1), {}, id="larger than a mebibyte"),
])
def test_a_forbidden_frame_closes(code, payload, options):
    with Simulator() as sim, sim.connect("/ws") as client:
        try:
            client.send(payload, **options)
        except ConnectionError:
            pass
        assert client.recv()[0] == CLOSE and client.close_code == code


def test_fragments_of_a_request_are_joined():
    with Simulator() as sim, sim.connect("/ws") as client:
        client.send('{"method":"LIST_', last=False)
        client.send("between", PING)
        client.send("SUBSCRIPTIONS", 0, last=False)
        client.send('","id":1}', 0)
        assert client.recv_frame() == (PONG, True, b"between")
        assert client.recv() == (TEXT, b'{"result":[],"id":1}')
        client.send('{"method"', last=False)
        client.send("{}")
        assert client.recv()[0] == CLOSE and client.close_code == 1002


def test_a_request_byte_by_byte_is_understood():
    with Simulator() as sim, sim.connect("/ws") as client:
        whole = []
        client.socket, real = type("Tap", (), {"sendall": lambda _, data: whole.append(data)})(), client.socket
        client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}' + " " * 200)
        client.socket = real
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in whole[0]:
            client.socket.sendall(bytes([byte]))
        assert client.recv() == (TEXT, b'{"result":[],"id":1}')


@pytest.mark.parametrize("payload, echo", [(b"\x03\xe8bye", b"\x03\xe8"), (b"", b""), (b"x", b"\x03\xea")])
def test_a_close_is_answered(payload, echo):
    with Simulator() as sim, sim.connect("/ws") as client:
        client.send(payload, CLOSE)
        assert client.recv() == (CLOSE, echo)
        assert client.socket.recv(1) == b""


# Liveness

def test_pings_carry_the_time_and_are_wanted_back():
    with Simulator("--ping-every", "0.3") as sim:
        with sim.connect("/ws") as client:
            assert client.texts(quiet=1.5) == []
            assert 3 <= len(client.pings) <= 5
            assert all(len(p) == 13 and abs(int(p) - now_ms()) < 3000 for p in client.pings)
            assert client.close_code is None
        for pong in (None, b"1234567890123"):
            with sim.connect("/ws", answer_pings=False) as client:
                if pong:
                    client.send(pong, PONG)
                started = time.monotonic()
                client.texts()
                assert client.close_code == 1008 and 1.1 < time.monotonic() - started < 2.5


# Frames of the server

def test_speed_0_gives_every_frame_once_byte_for_byte(recorded):
    assert len(recorded) == BTC_TRADES + ETH_TRADES
    with Simulator("--speed", "0") as sim:
        with sim.connect() as client:
            assert client.ask(SUBSCRIBE) == '{"result":null,"id":1}'
            assert client.texts(len(recorded)) == recorded
            assert client.texts(quiet=0.3) == []


def test_stop_when_done_closes_with_1000_and_exits_0(recorded):
    with Simulator("--speed", "0", "--stop-when-done") as sim, sim.connect(BOTH) as client:
        assert client.texts() == recorded and client.close_code == 1000
        client.send(b"\x03\xe8", CLOSE)
        assert sim.wait() == 0


def test_a_slow_client_at_speed_0_gets_everything(recorded):
    with Simulator("--speed", "0") as sim, sim.connect(BOTH, receive_buffer=4096) as client:
        time.sleep(0.5)
        assert client.texts(len(recorded)) == recorded


def test_raw_and_combined_streams():
    first = lines(ETH)[0][1]
    data = first[first.index(b'"data":') + 7:-1]
    for path, expected in (("/ws/ethusdt@trade", data), ("/stream?streams=ethusdt@trade", first),
                           ("/ws/ethusdt%40trade", data)):
        with Simulator("--speed", "0") as sim, sim.connect(path) as client:
            texts = client.texts(ETH_TRADES)
            assert texts[0] == expected
            assert ids(texts) == list(range(1520545031, 1520553440))
            assert client.texts(quiet=0.2) == []


def test_a_raw_recording_can_be_served_combined(tmp_path):
    path, first = tmp_path / "raw", lines(ETH)[0][1]
    path.write_bytes(b"1 " + first[first.index(b'"data":') + 7:-1] + b"\n")
    with Simulator("--speed", "0", recordings=[path]) as sim, sim.connect("/stream?streams=ethusdt@trade") as client:
        assert client.texts(1) == [first]


def test_time_unit_microsecond_lengthens_times_only():
    for unit in ("MICROSECOND", "microsecond"):
        with Simulator("--speed", "0") as sim, sim.connect(f"{BOTH}&timeUnit={unit}") as client:
            for text, (_, frame) in zip(client.texts(100), lines(BTC)):
                was, event = trade(frame), trade(text)
                assert (event["E"], event["T"]) == (was["E"] * 1000, was["T"] * 1000)
                assert without_times(text) == without_times(frame)


def test_only_what_is_subscribed_comes_and_a_late_stream_at_speed_0_misses_nothing():
    with Simulator("--speed", "0") as sim, sim.connect("/ws") as client:
        client.ask('{"method":"SUBSCRIBE","params":["nosuch@trade"],"id":1}')
        assert client.texts(quiet=0.2) == []
        client.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":2}')
        assert len(client.texts(BTC_TRADES + 1)) == BTC_TRADES + 1
        client.send('{"method":"SUBSCRIBE","params":["ethusdt@trade"],"id":3}')
        texts = [t for t in client.texts(ETH_TRADES + 1) if b'"result"' not in t]
        assert ids(texts, "ETHUSDT") == ids(texts) == list(range(1520545031, 1520553440))


def test_a_client_that_comes_again_at_speed_0_goes_on_after_what_was_sent(small):
    with Simulator("--speed", "0", "--faults", "stop-data:100", recordings=[small]) as sim:
        seen = []
        for _ in range(3):
            with sim.connect("/ws/btcusdt@trade") as client:
                seen += ids(client.texts(100))
                assert client.texts(quiet=0.1) == []
        assert seen == list(range(3735683259, 3735683259 + 300))


def test_the_world_waits_for_as_many_clients_as_it_is_told():
    with Simulator("--speed", "0", "--clients", "2") as sim, sim.connect(BOTH) as one:
        assert one.texts(quiet=0.2) == []
        with sim.connect(BOTH) as two:
            assert one.texts(1000) == two.texts(1000)


def test_pacing_follows_the_receive_stamps():
    stamps = [stamp for stamp, _ in lines(BTC)]
    with Simulator("--speed", "100", recordings=[BTC]) as sim, sim.connect("/ws/btcusdt@trade") as client:
        started = time.monotonic_ns()
        count = 0
        while time.monotonic_ns() - started < 1_000_000_000:
            client.recv()
            count += 1
            ahead = (stamps[count - 1] - stamps[0]) / 100 - (time.monotonic_ns() - started)
            assert ahead < 30_000_000, "a frame before its time"
        due = sum(stamp - stamps[0] <= 100_000_000_000 for stamp in stamps)
        assert 0.8 * due < count <= due + 100


def test_late_clients_have_missed_what_came_before_and_rest_has_it():
    with Simulator("--speed", "200", recordings=[BTC]) as sim:
        with sim.connect("/ws/btcusdt@trade") as one, sim.connect("/ws") as two:
            early = ids(one.texts(500))
            two.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')
            texts = [t for t in two.texts(100) if b'"result"' not in t]
            late = ids(texts)
            assert late[0] > early[-1] - 200 and late[0] > early[0]
            assert late == list(range(late[0], late[0] + len(late)))
            rows = json.loads(sim.get(f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={early[0]}&limit=100")[2])
            assert [row["id"] for row in rows] == early[:100]
            assert json.loads(sim.get("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=3735693015")[2]) == []


def test_shifted_times_end_at_the_clock_and_all_else_is_as_recorded():
    with Simulator("--speed", "0", "--shift-time") as sim:
        before = now_ms()
        with sim.connect(BOTH) as client:
            texts = client.texts(BTC_TRADES + ETH_TRADES)
        after = now_ms()
    length = max(frames[-1][0] - frames[0][0] for frames in (lines(BTC), lines(ETH))) // 1_000_000
    for path, symbol in ((BTC, "BTCUSDT"), (ETH, "ETHUSDT")):
        frames = [frame for _, frame in lines(path)]
        shifted = [text for text in texts if trade(text)["s"] == symbol]
        move = trade(shifted[0])["E"] - trade(frames[0])["E"]
        assert before - length - 2 <= trade(shifted[0])["E"] <= after - length + 2, "start - L"
        for text, frame in zip(shifted, frames, strict=True):
            was = trade(frame)
            assert text == frame.replace(b'"E":%d' % was["E"], b'"E":%d' % (was["E"] + move)) \
                .replace(b'"T":%d' % was["T"], b'"T":%d' % (was["T"] + move))
            assert was["T"] + move <= after + 50, "ahead of the clock"
    symbols = [trade(text)["s"] for text in texts[:200]]
    assert len(set(symbols)) == 2, "both recordings begin at the start"


def test_shifted_times_at_ten_times_begin_nine_tenths_before_the_start(small):
    stamps = [stamp for stamp, _ in lines(BTC)[:300]]
    length = (stamps[-1] - stamps[0]) // 1_000_000
    with Simulator("--speed", "10", "--shift-time", recordings=[small]) as sim:
        before = now_ms()
        with sim.connect("/ws/btcusdt@trade") as client:
            first, after = trade(client.texts(1)[0])["E"], now_ms()
            assert before - length * 0.9 - 5 <= first <= after - length * 0.9 + 5
            last = trade(client.texts(299)[-1])["E"]
            assert abs(last - now_ms()) < 200, "at the end the recording has reached the clock"


def test_a_given_start_makes_several_runs_one_world(small):
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    option = f"--shift-time={start.isoformat().replace('+00:00', 'Z')}"
    seen = {}
    with Simulator("--speed", "4", option, recordings=[small]) as sim, sim.connect("/ws/btcusdt@trade") as client:
        text = client.texts(1)[0]
        assert 0 <= now_ms() - start.timestamp() * 1000 < 200
        for text in [text] + client.texts(60):
            seen[trade(text)["t"]] = text
    with Simulator("--speed", "4", option, recordings=[small]) as sim, sim.connect("/ws/btcusdt@trade") as client:
        later = client.texts(20)
        assert ids(later)[0] > 3735683259 + 50, "what is due has gone by"
        rows = json.loads(sim.get("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=0&limit=60")[2])
        for row in rows:
            if row["id"] in seen:
                assert trade(seen[row["id"]])["T"] == row["time"], "the same times in both runs"


# REST

def test_exchange_info_names_the_symbols():
    with Simulator() as sim:
        def info(query=""):
            status, headers, body = sim.get("/api/v3/exchangeInfo" + query)
            return status, json.loads(body)

        status, body = info()
        assert status == 200 and body["timezone"] == "UTC" and abs(body["serverTime"] - now_ms()) < 5000
        found = {s["symbol"]: s for s in body["symbols"]}
        assert sorted(found) == ["BTCUSDT", "ETHUSDT"]
        for symbol, base, step in (("BTCUSDT", "BTC", "0.00001000"), ("ETHUSDT", "ETH", "0.00010000")):
            entry = found[symbol]
            assert (entry["baseAsset"], entry["quoteAsset"], entry["status"]) == (base, "USDT", "TRADING")
            filters = {f["filterType"]: f for f in entry["filters"]}
            assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
            assert filters["LOT_SIZE"]["stepSize"] == filters["LOT_SIZE"]["minQty"] == step
            assert filters["LOT_SIZE"]["maxQty"] == "9000.00000000"
        assert [s["symbol"] for s in info("?symbol=ETHUSDT")[1]["symbols"]] == ["ETHUSDT"]
        assert [s["symbol"] for s in info("?symbols=%5B%22ETHUSDT%22,%22BTCUSDT%22%5D")[1]["symbols"]] == \
            ["ETHUSDT", "BTCUSDT"]
        for query in ("?symbol=NOPE", "?symbol=btcusdt", "?symbols=%5B%22BTCUSDT%22,%22NOPE%22%5D"):
            assert info(query) == (400, {"code": -1121, "msg": "Invalid symbol."})
        assert info("?symbols=BTCUSDT")[1]["code"] == -1100
        assert info("?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D")[1]["code"] == -1128


def test_historical_trades_pages_through_what_was_sent(small):
    with Simulator("--speed", "0", recordings=[small]) as sim:
        def trades(query):
            status, headers, body = sim.get("/api/v3/historicalTrades?" + query)
            return status, json.loads(body)

        assert trades("symbol=BTCUSDT&fromId=0") == (200, []), "nothing is due before the start"
        with sim.connect("/ws/btcusdt@trade") as client:
            texts = client.texts(300)
        assert [row["id"] for row in trades("symbol=BTCUSDT&limit=5")[1]] == ids(texts)[-5:]
        paged, next_id = [], 3735683259
        while rows := trades(f"symbol=BTCUSDT&fromId={next_id}&limit=70")[1]:
            paged += rows
            next_id = rows[-1]["id"] + 1
        for row, event in zip(paged, map(trade, texts), strict=True):
            assert (row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"], row["isBestMatch"]) == \
                tuple(event[k] for k in "tpqTmM")
        assert paged[0]["quoteQty"] == "1236.75260000"
        status, headers, body = sim.get("/api/v3/historicalTrades?symbol=BTCUSDT&limit=1",
                                        {"X-MBX-TIME-UNIT": "MICROSECOND"})
        assert json.loads(body)[0]["time"] == trade(texts[-1])["T"] * 1000
        assert trades("fromId=1")[1]["code"] == -1102
        assert trades("symbol=NOPE") == (400, {"code": -1121, "msg": "Invalid symbol."})
        assert trades("symbol=BTCUSDT&fromId=x")[1]["code"] == -1100
        assert trades("symbol=BTCUSDT&limit=0")[1]["code"] == -1100


def test_aggregates_join_neighbours_of_one_order(small):
    with Simulator("--speed", "0", recordings=[small]) as sim:
        def rows(query):
            status, headers, body = sim.get("/api/v3/aggTrades?symbol=BTCUSDT" + query)
            return json.loads(body)

        assert rows("&fromId=0") == []
        with sim.connect("/ws/btcusdt@trade") as client:
            trades = [trade(text) for text in client.texts(300)]
        found, next_id = [], 0
        while page := rows(f"&fromId={next_id}&limit=40"):
            found += page
            next_id = page[-1]["a"] + 1
        assert [row["a"] for row in found] == list(range(1, len(found) + 1)) and len(found) < 250
        assert found[0]["f"] == trades[0]["t"] and found[-1]["l"] == trades[-1]["t"]
        for row, after in zip(found, found[1:] + [None]):
            parts = [t for t in trades if row["f"] <= t["t"] <= row["l"]]
            assert {(t["p"], t["m"], t["T"]) for t in parts} == {(row["p"], row["m"], row["T"])}
            assert sum(decimal.Decimal(t["q"]) for t in parts) == decimal.Decimal(row["q"])
            if after:
                assert after["f"] == row["l"] + 1
                assert (after["p"], after["m"], after["T"]) != (row["p"], row["m"], row["T"])
        assert rows("&limit=3") == found[-3:]
        middle = found[60]["T"]
        assert rows(f"&startTime={middle}") == [row for row in found if row["T"] >= middle]
        assert rows(f"&endTime={middle}") == [row for row in found if row["T"] <= middle]
        assert rows("&fromId=1&startTime=5")["code"] == rows("&startTime=x")["code"] == -1128


def test_the_ticker_has_the_last_id():
    with Simulator("--speed", "0") as sim:
        assert json.loads(sim.get("/api/v3/ticker/24hr")[2]) == []
        with sim.connect("/ws/btcusdt@trade") as client:
            trades = [trade(text) for text in client.texts(BTC_TRADES)]
        status, headers, body = sim.get("/api/v3/ticker/24hr")
        ticker, = json.loads(body)
        assert (ticker["symbol"], ticker["firstId"], ticker["lastId"], ticker["count"]) == \
            ("BTCUSDT", trades[0]["t"], trades[-1]["t"], BTC_TRADES)
        assert (ticker["openPrice"], ticker["lastPrice"]) == (trades[0]["p"], trades[-1]["p"])
        assert (ticker["openTime"], ticker["closeTime"]) == (trades[0]["T"], trades[-1]["T"])
        assert decimal.Decimal(ticker["volume"]) == sum(decimal.Decimal(t["q"]) for t in trades)
        assert json.loads(sim.get("/api/v3/ticker/24hr?symbol=BTCUSDT")[2]) == ticker
        assert json.loads(sim.get("/api/v3/ticker/24hr?symbol=NOPE")[2])["code"] == -1121


def test_ping_time_and_the_weight_limit():
    with Simulator() as sim:
        if time.time() % 60 > 50:
            time.sleep(61 - time.time() % 60)  # the weight belongs to a minute of the clock
        assert sim.get("/api/v3/ping")[2] == b"{}"
        assert abs(json.loads(sim.get("/api/v3/time")[2])["serverTime"] - now_ms()) < 5000
        status, headers, body = sim.get("/api/v3/exchangeInfo")
        assert headers["X-MBX-USED-WEIGHT-1M"] == "22"
        assert sim.get("/api/v3/nothing")[0] == 404
        for _ in range(239):
            assert sim.get("/api/v3/historicalTrades?symbol=BTCUSDT")[0] == 200
        status, headers, body = sim.get("/api/v3/historicalTrades?symbol=BTCUSDT")
        assert status == 429 and 1 <= int(headers["Retry-After"]) <= 60 and json.loads(body)["code"] == -1003


def test_rest_keeps_a_connection():
    with Simulator() as sim, socket.create_connection(("127.0.0.1", sim.rest), timeout=20) as s:
        s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        got = b""
        while got.count(b"{}") < 3:
            got += s.recv(65536)
        s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while more := s.recv(65536):
            got += more
        assert got.count(b"HTTP/1.1 200 OK") == 4


# Faults

def test_reset_ends_in_mid_frame_and_at_speed_0_nothing_is_lost(small):
    with Simulator("--speed", "0", "--faults", "reset:120", recordings=[small]) as sim:
        seen, errors = [], []
        for expected in (120, 120, 60):
            with sim.connect("/ws/btcusdt@trade") as client:
                seen += ids(client.texts(expected))
                if expected == 120:
                    assert client.texts() == []
                    errors.append(type(client.error))
                    assert len(client.buffer) > 50, "half a frame is left"
        assert seen == list(range(3735683259, 3735683259 + 300))
        assert errors == [ConnectionResetError] * 2


def test_replay_sends_the_last_frames_again(small):
    with Simulator("--speed", "0", "--faults", "replay:30,stop-data:200", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            first = ids(client.texts(200))
        with sim.connect("/ws/btcusdt@trade") as client:
            second = ids(client.texts(130))
            assert client.texts(quiet=0.1) == []
    assert second[:30] == first[-30:] and second == list(range(second[0], second[0] + 130))


def test_glued_puts_the_first_frame_behind_the_101(small):
    with Simulator("--speed", "0", "--faults", "glued", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            assert client.glued >= 130
            assert ids(client.texts(300)) == list(range(3735683259, 3735683259 + 300))
    with Simulator("--speed", "0", "--faults", "glued", recordings=[small]) as sim:
        with sim.connect("/ws") as client:
            assert client.glued == 15, "a ping"
            client.send(SUBSCRIBE)
            texts = client.texts(301)
            assert len(client.pings) == 1
            assert texts[1] == b'{"result":null,"id":1}' and trade(texts[0])["t"] == 3735683259


def test_trickle_writes_single_bytes(small):
    segments = []
    for options in ([], ["--faults", "trickle"]):
        with Simulator("--speed", "0", *options, recordings=[small]) as sim:
            with sim.connect("/ws/btcusdt@trade") as client:
                assert ids(client.texts(300)) == list(range(3735683259, 3735683259 + 300))
                info = client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
                segments.append(struct.unpack_from("I", info, 152)[0])  # tcpi_data_segs_in
    assert segments[1] > segments[0] + 50, "the kernel may join some of the 6,800 writes, not most"


def test_fragmented_frames_hold_a_ping(small):
    with Simulator("--speed", "0", "--faults", "fragmented", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            kinds = [client.recv_frame() for _ in range(4)]
            assert [(opcode, last) for opcode, last, _ in kinds] == \
                [(TEXT, False), (PING, True), (0, False), (0, True)]
            client.send(kinds[1][2], PONG)
            assert trade(b"".join(kinds[i][2] for i in (0, 2, 3)))["t"] == 3735683259
            assert ids(client.texts(299)) == list(range(3735683260, 3735683259 + 300))
            assert client.fragments == 598


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", "/stream?streams=btcusdt@trade"])
def test_reordered_frames_mean_the_same(small, path):
    with Simulator("--speed", "0", "--faults", "reordered", recordings=[small]) as sim, sim.connect(path) as client:
        texts = client.texts(300)
    orders = set()
    for text, (_, frame) in zip(texts, lines(BTC)):
        event, was = json.loads(text), json.loads(frame)
        if "stream" in was and path.startswith("/stream"):
            assert event["stream"] == was["stream"]
            event = event["data"]
        orders.add(tuple(event))
        assert {k: event[k] for k in was["data"]} == was["data"]
        assert event["b"] == 88 and event["new"]["p"][0] == "1"
    assert len(orders) > 10
    assert any(b"\\u0070" in t for t in texts) and any(b"\r\n\t" in t for t in texts)
    assert any(b"\\u0040" in t for t in texts) == path.startswith("/stream")
    assert any(t.startswith(b'{"more":null,"data"') for t in texts) == path.startswith("/stream")


def test_junk_comes_beside_all_trades(small):
    with Simulator("--speed", "0", "--faults", "junk:10", recordings=[small]) as sim:
        with sim.connect("/stream?streams=btcusdt@trade") as client:
            texts = client.texts(329)
    junk = [t for i, t in enumerate(texts) if i % 11 == 10]
    trades = [t for i, t in enumerate(texts) if i % 11 != 10]
    assert trades == [frame for _, frame in lines(BTC)[:300]]
    assert json.loads(junk[0])["code"] == 3
    assert not junk[1].startswith(b"{")
    assert json.loads(junk[2])["data"]["e"] == "unheardOf"
    with pytest.raises(ValueError):
        json.loads(junk[3])
    assert junk[3] in trades[40] and len(junk) == 29


def test_stop_data_leaves_pings(small):
    with Simulator("--speed", "0", "--ping-every", "0.3", "--faults", "stop-data:7", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            client.texts(7)
            assert client.texts(quiet=1.2) == []
            assert len(client.pings) >= 3 and client.close_code is None
            assert client.ask('{"method":"LIST_SUBSCRIPTIONS","id":1}') == '{"result":["btcusdt@trade"],"id":1}'


def test_freeze_is_silent_and_open(small):
    with Simulator("--speed", "0", "--ping-every", "0.3", "--faults", "freeze:7", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            client.texts(7)
            client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            assert client.texts(quiet=1) == [] and isinstance(client.error, TimeoutError)
            assert client.pings == []
        with sim.connect("/ws/btcusdt@trade") as client:
            assert ids(client.texts(7))[0] == 3735683259 + 7


def test_skipped_trades_are_in_rest(small):
    with Simulator("--speed", "0", "--faults", "skip:50", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            seen = ids(client.texts(294))
        missing = sorted(set(range(3735683259, 3735683559)) - set(seen))
        assert missing == [3735683259 + 50 * i - 1 for i in range(1, 7)]
        rows = json.loads(sim.get(f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={missing[0]}&limit=1")[2])
        assert rows[0]["id"] == missing[0]


def test_rest_may_lag(small):
    with Simulator("--speed", "0", "--faults", "skip:50,rest-lag:2", recordings=[small]) as sim:
        with sim.connect("/ws/btcusdt@trade") as client:
            client.texts(294)
        def ask(first, limit):
            query = f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit={limit}"
            return [row["id"] for row in json.loads(sim.get(query)[2])]

        first = 3735683259
        assert [ask(first, 10), ask(first + 49, 1), ask(first + 49, 1)] == \
            [list(range(first, first + 5)), [], [first + 49]]


def test_replies_may_be_lost_or_late(small):
    first = [frame for _, frame in lines(BTC)[:300]]
    with Simulator("--speed", "0", "--faults", "ack-lost:1", recordings=[small]) as sim, sim.connect() as client:
        client.send(SUBSCRIBE)
        assert client.texts(300) == first
        assert client.ask('{"method":"GET_PROPERTY","params":["combined"],"id":2}') == '{"result":true,"id":2}'
    with Simulator("--speed", "0", "--faults", "ack-late:5", recordings=[small]) as sim, sim.connect() as client:
        client.send(SUBSCRIBE)
        assert client.texts(301) == first[:5] + [b'{"result":null,"id":1}'] + first[5:]


def test_wrong_times(small):
    with Simulator("--speed", "0", "--faults", "wrong-time:10", recordings=[small]) as sim:
        with sim.connect("/stream?streams=btcusdt@trade") as client:
            texts = client.texts(300)
    for i, (text, (_, frame)) in enumerate(zip(texts, lines(BTC))):
        got, was = trade(text), trade(frame)
        wanted = {0: was["T"] * 1000, 1: was["T"] + 86400000, 2: 0}[i // 10 % 3] if i % 10 == 9 else was["T"]
        assert got["T"] == wanted and (i % 10 == 9 or text == frame)


def test_a_connection_has_a_life(small):
    with Simulator("--speed", "0", "--life", "0.7", recordings=[small]) as sim:
        for count in (300, 0):
            started = time.monotonic()
            with sim.connect("/ws/btcusdt@trade") as client:
                assert len(client.texts()) == count and client.close_code == 1001
            assert 0.6 < time.monotonic() - started < 2


def test_shutdown_is_announced_and_then_done(small):
    for path in ("/ws/btcusdt@trade", "/stream?streams=btcusdt@trade"):
        with Simulator("--speed", "0", "--faults", "shutdown:20", recordings=[small]) as sim:
            with sim.connect(path) as client:
                texts = client.texts()
                assert len(texts) == 41 and client.close_code == 1001
                event = json.loads(texts[20])
                assert event.get("stream", "!serverShutdown") == "!serverShutdown"
                event = event.get("data", event)
                assert event["e"] == "serverShutdown" and abs(event["E"] - now_ms()) < 5000


def test_the_first_upgrades_are_answered_503(small):
    with Simulator("--speed", "0", "--faults", "http-503:2", recordings=[small]) as sim:
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                sim.connect("/ws")
            assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "1")
        with sim.connect("/ws/btcusdt@trade") as client:
            assert len(client.texts(300)) == 300


def test_swapped_neighbours_keep_the_order_of_each_stream():
    with Simulator("--speed", "0", "--shift-time") as plain, plain.connect(BOTH) as client:
        straight = client.texts(2000)
    with Simulator("--speed", "0", "--shift-time", "--faults", "swap") as sim, sim.connect(BOTH) as client:
        swapped = client.texts(2000)
    key = [(trade(t)["s"], trade(t)["t"]) for t in straight]
    other = [(trade(t)["s"], trade(t)["t"]) for t in swapped]
    assert key != other and sorted(key) == sorted(other)
    for i in range(0, 2000, 2):
        pair = key[i:i + 2]
        assert other[i:i + 2] == (pair if pair[0][0] == pair[1][0] else pair[::-1])


def test_a_client_that_reads_nothing_is_dropped_at_64_mib(tmp_path):
    """400 frames of 256 KiB, all due at once."""
    path = tmp_path / "large"
    with open(path, "w") as file:
        for i in range(400):
            event = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": i, "p": "1", "q": "1", "T": 1, "m": True, "x": "y" * 262144}
            file.write(f"{i} {json.dumps({'stream': 'btcusdt@trade', 'data': event})}\n")
    with Simulator("--speed", "1", recordings=[path]) as sim, sim.connect("/ws/btcusdt@trade", receive_buffer=4096) as client:
        time.sleep(1)
        with pytest.raises(ConnectionError):
            while True:
                client.recv_frame()
        assert client.close_code is None


def test_faults_combine(recorded):
    """Everything that a client must get over, at once: each trade comes at least once."""
    faults = "reset:997,replay:20,glued,trickle,fragmented,junk:101,swap,reordered"
    seen = {}
    with Simulator("--speed", "0", "--faults", faults) as sim:
        for _ in range(25):
            if len(seen) == len(recorded):
                break
            with sim.connect(BOTH) as client:
                for text in client.texts(quiet=1):
                    try:
                        event = trade(text)
                    except ValueError:
                        continue
                    if event.get("e") == "trade":
                        seen.setdefault((event["s"], event["t"]), (event["p"], event["q"], event["m"]))
    assert seen == {(t["s"], t["t"]): (t["p"], t["q"], t["m"]) for t in map(trade, recorded)}
