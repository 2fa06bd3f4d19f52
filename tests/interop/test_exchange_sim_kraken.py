# SPDX-License-Identifier: Apache-2.0
"""k2-exchange-sim as Kraken, v1 and v2: sessions, replies, heartbeats, snapshots, REST, and the faults
as these frames show them."""
import datetime
import decimal
import gzip
import json
import re
import subprocess
import time

import pytest

from wsclient import BTC, BUILD, CLOSE, KRAKEN_V1, KRAKEN_V1_REAL, KRAKEN_V2, SOURCE, TEXT, Refused, Simulator

BTC_TRADES, ETH_TRADES, BTC_FRAMES, ETH_FRAMES = 3253, 2803, 1393, 1180


class V1:
    name, path, recordings, pairs = "kraken-v1", "/", KRAKEN_V1, ("XBT/USD", "ETH/USD")
    heartbeat = b'{"event":"heartbeat"}'

    @staticmethod
    def request(event, *pairs, number=42, **_):
        return json.dumps({"event": event, "pair": pairs, "subscription": {"name": "trade"}, "reqid": number})

    @staticmethod
    def is_data(frame):
        return isinstance(frame, list) and frame[2] == "trade"

    @staticmethod
    def rows(frame):
        """(pair, price, quantity, time ns, side, type)"""
        _, rows, channel, pair = frame
        assert channel == "trade"
        for price, quantity, seconds, side, kind, misc in rows:
            assert misc == ""
            yield (pair, decimal.Decimal(price), decimal.Decimal(quantity), int(decimal.Decimal(seconds) * 10**9),
                   side, kind)


class V2:
    name, path, recordings, pairs = "kraken-v2", "/v2", KRAKEN_V2, ("BTC/USD", "ETH/USD")
    heartbeat = b'{"channel":"heartbeat"}'

    @staticmethod
    def request(method, *symbols, number=42, **more):
        return json.dumps({"method": method, "params": {"channel": "trade", "symbol": symbols, **more},
                           "req_id": number})

    @staticmethod
    def is_data(frame):
        return isinstance(frame, dict) and frame.get("channel") == "trade" and frame["type"] == "update"

    @staticmethod
    def rows(frame):
        for t in frame["data"]:
            moment, fraction = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?Z", t["timestamp"]).groups()
            moment = datetime.datetime.fromisoformat(moment + "+00:00")
            ns = int(moment.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0"))
            yield (t["symbol"], decimal.Decimal(t["price"]), decimal.Decimal(t["qty"]), ns, t["side"][0],
                   t["ord_type"][0])


def load(text):
    return json.loads(text, parse_float=decimal.Decimal)


def lines(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return [(int(stamp), frame) for stamp, frame in (line.rstrip(b"\n").split(b" ", 1) for line in file)]


@pytest.fixture(params=[V1, V2], ids=["v1", "v2"])
def kraken(request):
    return request.param


@pytest.fixture
def recorded(kraken):
    return [frame for _, frame in sorted(sum((lines(path) for path in kraken.recordings), []), key=lambda l: l[0])]


@pytest.fixture
def small(kraken, tmp_path):
    """The first 120 frames of XBT/USD or BTC/USD."""
    path = tmp_path / "small"
    path.write_bytes(b"".join(b"%d %s\n" % line for line in lines(kraken.recordings[0])[:120]))
    return path


def start(kraken, *options, recordings=None, speed="0"):
    return Simulator("--speed", speed, *options, exchange=kraken.name, recordings=recordings or kraken.recordings)


def connect(sim, kraken, **options):
    """A connection, its greeting read."""
    client = sim.connect(kraken.path, **options)
    client.greeting = json.loads(client.recv()[1])
    return client


def subscribe(client, kraken, *pairs, **more):
    """The replies."""
    client.send(kraken.request("subscribe", *(pairs or kraken.pairs), **more))
    return [json.loads(t) for t in client.texts(len(pairs or kraken.pairs))]


def data(client, kraken, count, also=()):
    """`count` frames of trades; heartbeats are left out, other texts go to `also`."""
    found = []
    while len(found) < count:
        opcode, text = client.recv()
        assert opcode == TEXT
        if text == kraken.heartbeat:
            continue
        try:
            is_data = kraken.is_data(json.loads(text))
        except ValueError:
            is_data = False
        if is_data:
            found.append(text)
        else:
            also.append(text)
    return found


def silence(client, kraken, seconds, lost=False):
    """The texts of so many seconds that are no heartbeats, and the number of those."""
    texts, client.deadline = [], time.monotonic() + seconds
    try:
        while True:
            opcode, payload = client.recv()
            if opcode == CLOSE:
                break
            texts.append(payload)
    except TimeoutError:
        pass
    except ConnectionError:
        assert lost, "the connection ended without a close"
    client.deadline = None
    client.socket.settimeout(client.timeout)
    return [t for t in texts if t != kraken.heartbeat], texts.count(kraken.heartbeat)


def rows(kraken, texts):
    return [row for text in texts for row in kraken.rows(load(text))]


# Recordings

def test_the_recordings_hold_what_their_readme_says(kraken):
    for path, pair, frames, trades in zip(kraken.recordings, kraken.pairs, (BTC_FRAMES, ETH_FRAMES),
                                          (BTC_TRADES, ETH_TRADES)):
        found = [load(frame) for _, frame in lines(path)]
        assert len(found) == frames
        all_rows = [row for frame in found for row in kraken.rows(frame)]
        assert len(all_rows) == trades and {row[0] for row in all_rows} == {pair}
        assert [row[3] for row in all_rows] == sorted(row[3] for row in all_rows)
        counts = [len(list(kraken.rows(frame))) for frame in found]
        assert set(counts) == {1, 2, 3, 4, 5}
        if kraken is V2:
            ids = [trade["trade_id"] for frame in found for trade in frame["data"]]
            assert ids == list(range(ids[0], ids[0] + trades))


def test_made_trades_are_every_third_of_binance():
    with gzip.open(BTC) as file:
        events = [json.loads(line.split(b" ", 1)[1])["data"] for i, line in enumerate(file) if i % 3 == 0]
    was = [(decimal.Decimal(e["p"]), decimal.Decimal(e["q"]), e["T"], "s" if e["m"] else "b") for e in events]
    for kraken in (V1, V2):
        made = rows(kraken, [frame for _, frame in lines(kraken.recordings[0])])
        assert [(price, quantity, ns // 10**6, side) for _, price, quantity, ns, side, _ in made] == was
    text = b"".join(frame for _, frame in lines(KRAKEN_V2[0]))
    assert len(re.findall(rb'"qty":[\d.]+e-\d\d', text)) > 100 and len(re.findall(rb"\.\d{9}Z", text)) > 50
    assert len(re.findall(rb'"price":\d+\.\d{5},', text)) > 10 and len(re.findall(rb'"price":[\d.]+e\+04', text)) > 10


def test_making_the_recordings_again_gives_the_same_bytes(tmp_path):
    """Of the made ones: the public sources of the real ones are not in the repository."""
    for path in (SOURCE / "recordings").glob("binance-*.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    script = SOURCE / "scripts" / "make-kraken-recordings.py"
    run = f"import runpy, pathlib; m = runpy.run_path({str(script)!r}); " \
          f"[m['make'](*pair, pathlib.Path({str(tmp_path)!r})) for pair in m['PAIRS']]"
    subprocess.run(["python3", "-B", "-c", run], check=True, stdout=subprocess.DEVNULL)
    for path in KRAKEN_V1 + KRAKEN_V2:
        assert gzip.decompress((tmp_path / path.name).read_bytes()) == gzip.decompress(path.read_bytes()), path


@pytest.mark.parametrize("exchange, frame, complaint", [
    ("kraken-v1", b"[1", "JSON, byte 2"),
    ("kraken-v1", b'[1,[["1","1","1.0","b","l"]],"trade","A/B"]', "a row that lacks something"),
    ("kraken-v1", b'[1,[["1","1","now","b","l",""]],"trade","A/B"]', "a row that lacks something"),
    ("kraken-v1", b'[1,[["1","1",1.0,"b","l",""]],"trade","A/B"]', "a row that is not of six strings"),
    ("kraken-v1", b'[1,[5],"trade","A/B"]', "a trade that is no array"),
    ("kraken-v1", b'{"event":"heartbeat"}', "no event of a stream in it"),
    ("kraken-v1", b'[1,{"a":[]},"ticker","A/B"]', "no event of a stream in it"),
    ("kraken-v2", b'{"channel":"trade","type":"update","data":[{}]}', "a trade that lacks something"),
    ("kraken-v2", b'{"channel":"trade","type":"update","data":[1]}', "data holds no object"),
    ("kraken-v2", b'{"channel":"trade","type":"update","data":[{"trade_id":"x"}]}', "trade_id is no number"),
    ("kraken-v2", b'{"channel":"trade","type":"update","data":[]}', "no event of a stream in it"),
    ("kraken-v2", b'{"channel":"heartbeat"}', "no event of a stream in it"),
])
def test_a_bad_recording_is_refused(tmp_path, exchange, frame, complaint):
    path = tmp_path / "recording"
    path.write_bytes(b"1 " + frame + b"\n")
    done = subprocess.run([BUILD / "k2-exchange-sim", "--exchange", exchange, "--port", "0", "--recording", path],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and str(path) in done.stderr and complaint in done.stderr, done.stderr


# Sessions

def test_the_path_belongs_to_the_version(kraken):
    with start(kraken) as sim:
        with pytest.raises(Refused) as refused:
            sim.connect("/v2" if kraken is V1 else "/")
        assert refused.value.status == 404


def test_the_greeting_says_online_and_a_connection_id_beyond_63_bits(kraken):
    with start(kraken) as sim, connect(sim, kraken) as client:
        if kraken is V1:
            status = client.greeting
            assert (status["event"], status["status"]) == ("systemStatus", "online")
            assert status["connectionID"] > 2**63
        else:
            assert (client.greeting["channel"], client.greeting["type"]) == ("status", "update")
            status = client.greeting["data"][0]
            assert (status["system"], status["api_version"]) == ("online", "v2") and status["connection_id"] > 2**63


def test_a_connection_without_subscription_is_silent_and_then_closed(kraken):
    with start(kraken, "--idle-after", "1.2") as sim:
        with connect(sim, kraken) as client:
            started = time.monotonic()
            time.sleep(0.5)
            client.ask('{"event":"ping"}' if kraken is V1 else '{"method":"ping"}')
            assert client.texts() == [] and client.close_code == 1000
            assert 1.6 < time.monotonic() - started < 3
        with connect(sim, kraken) as client:
            subscribe(client, kraken, kraken.pairs[0])
            data(client, kraken, BTC_FRAMES)
            assert silence(client, kraken, 2)[0] == [] and client.close_code is None
            client.send(kraken.request("unsubscribe", kraken.pairs[0]))
            client.texts(1)
            assert silence(client, kraken, 2)[0] == [] and client.close_code == 1000


def test_heartbeats_come_each_second_once_something_is_subscribed(kraken, small):
    with start(kraken, recordings=[small]) as sim, connect(sim, kraken) as client:
        assert silence(client, kraken, 1.3) == ([], 0)
        subscribe(client, kraken, kraken.pairs[0])
        data(client, kraken, 120)
        other, beats = silence(client, kraken, 3.5)
        assert other == [] and 3 <= beats <= 4


def test_heartbeats_come_beside_data(kraken):
    with start(kraken, speed="20") as sim, connect(sim, kraken) as client:
        subscribe(client, kraken)
        texts = client.texts(200)
        assert 1 <= texts.count(kraken.heartbeat) <= 15


def test_each_symbol_has_its_reply():
    with start(V2) as sim, connect(sim, V2) as client:
        sent = time.time()
        client.send(V2.request("subscribe", "BTC/USD", "XBT/USD", "*", "BTC/USD", 'a"\n', 7, number=99))
        replies = [json.loads(t) for t in client.texts(6)]
        assert {reply["req_id"] for reply in replies} == {99}
        for reply in replies:
            moments = [datetime.datetime.fromisoformat(reply.pop(key)).timestamp() for key in ("time_in", "time_out")]
            assert sent - 5 < moments[0] < moments[1] < sent + 5
        assert replies == [
            {"method": "subscribe", "result": {"channel": "trade", "snapshot": False, "symbol": "BTC/USD"},
             "success": True, "req_id": 99},
            {"error": "Currency pair not supported XBT/USD", "method": "subscribe", "success": False,
             "symbol": "XBT/USD", "req_id": 99},
            {"error": "Currency pair not supported *", "method": "subscribe", "success": False, "symbol": "*",
             "req_id": 99},
            {"error": "Already subscribed", "method": "subscribe", "success": False, "symbol": "BTC/USD", "req_id": 99},
            {"error": 'Currency pair not supported a"\n', "method": "subscribe", "success": False, "symbol": 'a"\n',
             "req_id": 99},
            {"error": "Malformed request", "method": "error", "success": False, "req_id": 99}]
        data(client, V2, BTC_FRAMES)
        assert silence(client, V2, 1.5)[1] >= 1


def test_each_pair_has_its_reply():
    with start(V1) as sim, connect(sim, V1) as client:
        client.send(V1.request("subscribe", "XBT/USD", "XBT-USD", "AB/CD", "XBT/USD"))
        replies = [json.loads(t) for t in client.texts(4)]
        assert replies == [
            {"channelID": 337, "channelName": "trade", "event": "subscriptionStatus", "pair": "XBT/USD", "reqid": 42,
             "status": "subscribed", "subscription": {"name": "trade"}},
            {"errorMessage": "Currency pair not in ISO 4217-A3 format XBT-USD", "event": "subscriptionStatus",
             "pair": "XBT-USD", "reqid": 42, "status": "error", "subscription": {"name": "trade"}},
            {"errorMessage": "Currency pair not supported AB/CD", "event": "subscriptionStatus",
             "pair": "AB/CD", "reqid": 42, "status": "error", "subscription": {"name": "trade"}},
            {"errorMessage": "Already subscribed", "event": "subscriptionStatus",
             "pair": "XBT/USD", "reqid": 42, "status": "error", "subscription": {"name": "trade"}}]
        data(client, V1, BTC_FRAMES)


@pytest.mark.parametrize("text, reply", [
    ("{", {"error": "Malformed request", "method": "error", "success": False}),
    ("[]", {"error": "Malformed request", "method": "error", "success": False}),
    ('{"method":"hello","req_id":5}', {"error": "Malformed request", "method": "error", "success": False, "req_id": 5}),
    ('{"method":"subscribe","params":{"channel":"trade"},"req_id":6}',
     {"error": "Malformed request", "method": "error", "success": False, "req_id": 6}),
    ('{"method":"subscribe","params":{"channel":"tirade","symbol":["BTC/USD"]}}',
     {"error": "Subscription name invalid", "method": "subscribe", "success": False}),
    ('{"method":"unsubscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}',
     {"error": "Subscription Not Found", "method": "unsubscribe", "success": False, "symbol": "BTC/USD"}),
    ('{"method":"ping","req_id":101}', {"method": "pong", "req_id": 101}),
    ('{"method":"ping"}', {"method": "pong"}),
])
def test_v2_answers_any_text(text, reply):
    with start(V2) as sim, connect(sim, V2) as client:
        got = json.loads(client.ask(text))
        assert got.pop("time_in") < got.pop("time_out") and got == reply
        assert json.loads(client.ask('{"method":"ping"}'))["method"] == "pong"


@pytest.mark.parametrize("text, reply", [
    ("{", {"errorMessage": "Malformed request", "event": "error"}),
    ('{"event":"hello","reqid":5}', {"errorMessage": "Malformed request", "event": "error", "reqid": 5}),
    ('{"event":"subscribe","pair":"XBT/USD","subscription":{"name":"trade"}}',
     {"errorMessage": "Pair field must be an array", "event": "subscriptionStatus", "status": "error"}),
    ('{"event":"subscribe","pair":["XBT/USD"],"subscription":"trade"}',
     {"errorMessage": "Subscription field must be an object", "event": "subscriptionStatus", "status": "error"}),
    ('{"event":"subscribe","pair":["XBT/USD"],"subscription":{"name":"tirade"},"reqid":6}',
     {"errorMessage": "Subscription name invalid", "event": "subscriptionStatus", "reqid": 6, "status": "error"}),
    ('{"event":"unsubscribe","pair":["XBT/USD"],"subscription":{"name":"trade"}}',
     {"errorMessage": "Subscription Not Found", "event": "subscriptionStatus", "pair": "XBT/USD", "status": "error",
      "subscription": {"name": "trade"}}),
    ('{"event":"ping","reqid":42}', {"event": "pong", "reqid": 42}),
])
def test_v1_answers_any_text(text, reply):
    with start(V1) as sim, connect(sim, V1) as client:
        assert json.loads(client.ask(text)) == reply
        assert json.loads(client.ask('{"event":"ping"}')) == {"event": "pong"}


def test_unsubscribe_ends_the_frames(kraken, recorded):
    with start(kraken, "--faults", "stop-data:100") as sim:
        with connect(sim, kraken) as client:
            subscribe(client, kraken)
            data(client, kraken, 100)
            client.send(kraken.request("unsubscribe", kraken.pairs[0]))
            reply = json.loads(client.recv()[1])
            if kraken is V1:
                assert (reply["status"], reply["pair"]) == ("unsubscribed", "XBT/USD")
            else:
                assert (reply["success"], reply["method"]) == (True, "unsubscribe")
                assert reply["result"] == {"channel": "trade", "symbol": "BTC/USD"}
    with start(kraken) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[1])
        assert data(client, kraken, ETH_FRAMES) == [f for f in recorded if kraken.pairs[1].encode() in f]


def test_twenty_messages_a_second_are_answered_and_the_next_refused(kraken):
    with start(kraken) as sim, connect(sim, kraken) as client:
        for i in range(25):
            client.send('{"event":"ping","reqid":%d}' % i if kraken is V1 else '{"method":"ping","req_id":%d}' % i)
        texts = client.texts(25)
        assert [b"pong" in t for t in texts] == [True] * 20 + [False] * 5
        assert b"Exceeded msg rate" in texts[24] and client.close_code is None


def test_one_address_may_try_150_times(kraken):
    with start(kraken) as sim:
        for _ in range(150):
            sim.connect(kraken.path).close()
        with pytest.raises(Refused) as refused:
            sim.connect(kraken.path)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "600")


# Frames

def test_speed_0_gives_every_frame_once_byte_for_byte(kraken, recorded):
    with start(kraken) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken)
        assert data(client, kraken, BTC_FRAMES + ETH_FRAMES) == recorded
        assert silence(client, kraken, 0.5)[0] == []


def test_the_real_session_is_played_and_all_its_pairs_are_listed():
    with start(V1, recordings=[KRAKEN_V1_REAL]) as sim, connect(sim, V1) as client:
        real = [frame for _, frame in lines(KRAKEN_V1_REAL)]
        statuses = [json.loads(f) for f in real if b"subscriptionStatus" in f]
        pairs = [status["pair"] for status in statuses]
        client.send(json.dumps({"event": "subscribe", "pair": pairs, "subscription": {"name": "trade"}}))
        assert [json.loads(t) for t in client.texts(10)] == statuses
        assert data(client, V1, 8) == [f for f in real if f.startswith(b"[")]
        listed = json.loads(sim.get("/0/public/AssetPairs")[2])["result"]
        assert {pair["wsname"] for pair in listed.values()} == set(pairs)
        assert (listed["SCEUR"]["tick_size"], listed["SCEUR"]["base"], listed["SCEUR"]["quote"]) == \
            ("0.00001", "SC", "ZEUR")
        assert listed["XXMRZUSD"]["pair_decimals"] == 2 and listed["KSMXBT"]["quote"] == "XXBT"


@pytest.mark.parametrize("ask", [False, True])
def test_a_snapshot_comes_to_who_asks(kraken, small, ask):
    options = ["--snapshot"] if ask and kraken is V1 else []
    more = {"snapshot": True} if ask and kraken is V2 else {}
    with start(kraken, *options, recordings=[small]) as sim:
        with connect(sim, kraken) as client:
            subscribe(client, kraken, kraken.pairs[0], **more)
            old = []
            texts = data(client, kraken, 120, old)
            if kraken is V2 and ask:
                assert [json.loads(t) for t in old] == [{"channel": "trade", "type": "snapshot", "data": []}]
            else:
                assert old == []
        with connect(sim, kraken) as client:
            replies = subscribe(client, kraken, kraken.pairs[0], **more)
            assert kraken is V1 or replies[0]["result"]["snapshot"] == ask
            other = silence(client, kraken, 0.4)[0]
            if not ask:
                assert other == []
                return
            assert len(other) == 1 and rows(kraken, other) == rows(kraken, texts)[-50:]
            assert kraken is V1 or json.loads(other[0])["type"] == "snapshot"


@pytest.mark.parametrize("speed", ["0", "40"])
def test_shift_time_moves_all_times_alike(kraken, small, speed):
    was = rows(kraken, [frame for _, frame in lines(small)])
    with start(kraken, "--shift-time", recordings=[small], speed=speed) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        got = rows(kraken, data(client, kraken, 120))
        now = time.time_ns()
    assert {a[3] - b[3] for a, b in zip(got, was, strict=True)} == {got[0][3] - was[0][3]}
    assert got[-1][3] < now + 10**8 and now - got[-1][3] < 3 * 10**9
    assert [row[:3] + row[4:] for row in got] == [row[:3] + row[4:] for row in was]


# REST

def test_asset_pairs_by_any_name(kraken):
    with start(kraken) as sim:
        def pairs(query=""):
            status, headers, body = sim.get("/0/public/AssetPairs" + query)
            return status, json.loads(body)

        status, body = pairs()
        assert (status, body["error"], list(body["result"])) == (200, [], ["XXBTZUSD", "XETHZUSD"])
        btc = body["result"]["XXBTZUSD"]
        assert {k: btc[k] for k in ("altname", "wsname", "base", "quote", "pair_decimals", "lot_decimals", "tick_size",
                                    "status", "ordermin")} == \
            {"altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD", "pair_decimals": 2,
             "lot_decimals": 8, "tick_size": "0.01", "status": "online", "ordermin": "0.00005"}
        for name in ("XBTUSD", "XXBTZUSD", "XBT/USD", "BTC/USD"):
            assert pairs("?pair=" + name)[1]["result"] == {"XXBTZUSD": btc}
        assert list(pairs("?pair=ETHUSD,BTC/USD&assetVersion=1")[1]["result"]) == ["ETH/USD", "BTC/USD"]
        assert pairs("?pair=XBTUSD,NOPE") == (200, {"error": ["EQuery:Unknown asset pair"]})
        assert pairs("?pair=")[1]["error"] == ["EQuery:Unknown asset pair"]


def test_trades_page_through_what_was_sent(kraken):
    with start(kraken) as sim:
        def trades(query):
            status, headers, body = sim.get("/0/public/Trades?" + query)
            assert status == 200
            return json.loads(body, parse_float=decimal.Decimal)

        assert trades("pair=XBTUSD&since=0")["result"] == {"XXBTZUSD": [], "last": "0"}
        with connect(sim, kraken) as client:
            subscribe(client, kraken, kraken.pairs[0])
            sent = rows(kraken, data(client, kraken, BTC_FRAMES))
        found, since = [], "0"
        while page := (result := trades(f"pair=XBTUSD&since={since}")["result"])["XXBTZUSD"]:
            assert len(page) <= 1000
            found += page
            since = result["last"]
        assert [row[6] for row in found] == list(range(found[0][6], found[0][6] + BTC_TRADES))
        for row, (_, price, quantity, ns, side, kind) in zip(found, sent, strict=True):
            assert (decimal.Decimal(row[0]), decimal.Decimal(row[1]), int(row[2] * 10**6), row[3], row[4]) == \
                (price, quantity, ns // 1000, side, kind)
            assert re.fullmatch(r"\d+\.\d{5}", row[0]) and re.fullmatch(r"\d+\.\d{8}", row[1])
        assert trades("pair=XBTUSD&count=3")["result"]["XXBTZUSD"] == found[-3:]
        assert trades("pair=XBTUSD&count=0")["error"] == trades("pair=XBTUSD&since=x")["error"] == \
            trades("since=1")["error"] == ["EGeneral:Invalid arguments"]


def test_rest_calls_are_limited(kraken):
    with start(kraken) as sim:
        errors = [json.loads(sim.get("/0/public/Time")[2])["error"] for _ in range(20)]
        assert errors[:15] == [[]] * 15 and errors[19] == ["EGeneral:Too many requests"]
        time.sleep(2.1)
        assert json.loads(sim.get("/0/public/SystemStatus")[2])["result"]["status"] == "online"
        assert json.loads(sim.get("/0/private/Balance")[2]) == {"error": ["EGeneral:Unknown method"]}


# Faults

def test_reset_and_replay(kraken, small):
    with start(kraken, "--faults", "reset:50,replay:10", recordings=[small]) as sim:
        texts = []
        for expected in (50, 50, 40):
            with connect(sim, kraken) as client:
                subscribe(client, kraken, kraken.pairs[0])
                texts.append(data(client, kraken, expected))
        frames = [frame for _, frame in lines(small)]
        assert texts == [frames[:50], frames[40:90], frames[80:120]]


def test_stop_data_leaves_heartbeats_and_freeze_leaves_nothing(kraken, small):
    with start(kraken, "--faults", "stop-data:7", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        data(client, kraken, 7)
        other, beats = silence(client, kraken, 2.3)
        assert other == [] and beats == 2
    with start(kraken, "--faults", "freeze:7", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        data(client, kraken, 7)
        assert silence(client, kraken, 2.3) == ([], 0) and client.close_code is None


def test_glued_greeting_and_a_frame_before_its_reply(kraken, small):
    with start(kraken, "--faults", "glued", recordings=[small]) as sim, sim.connect(kraken.path) as client:
        assert client.glued > 60
        assert b"online" in client.recv()[1]
        client.send(kraken.request("subscribe", kraken.pairs[0]))
        first, reply = client.texts(2)
        assert first == lines(small)[0][1] and b"subscri" in reply


def test_trickled_and_fragmented_frames_arrive_whole(kraken, small):
    with start(kraken, "--faults", "trickle,fragmented", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        assert data(client, kraken, 120) == [frame for _, frame in lines(small)]
        assert client.fragments == 240


def test_reordered_frames_mean_the_same(kraken, small):
    with start(kraken, "--faults", "reordered", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        texts = data(client, kraken, 120)
    assert rows(kraken, texts) == rows(kraken, [frame for _, frame in lines(small)])
    whole = b"".join(texts)
    assert b"\\u002f" in whole and b"\\/" in whole and b"tr\\u0061de" in whole and b"\r\n\t" in whole
    if kraken is V2:
        assert re.search(rb'"price":\d+E-\d\d', whole) and b"1234567890123456789012345678901234567890" in whole
        assert len({tuple(t) for text in texts for t in json.loads(text)["data"]}) >= 9
        assert len({tuple(json.loads(text)) for text in texts}) == 4


def test_junk_comes_beside_all_trades(kraken, small):
    with start(kraken, "--faults", "junk:10", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        junk = []
        assert data(client, kraken, 120, junk) == [frame for _, frame in lines(small)]
        assert len(junk) == 11
        assert b"Exceeded msg rate" in junk[0] and b"<html>" in junk[1] and b"unheardOf" in junk[2]
        with pytest.raises(ValueError):
            json.loads(junk[3])


def test_maintenance_is_said_and_then_the_close_comes(kraken, small):
    with start(kraken, "--faults", "shutdown:20", recordings=[small]) as sim:
        with connect(sim, kraken) as client:
            subscribe(client, kraken, kraken.pairs[0])
            texts = [t for t in client.texts() if t != kraken.heartbeat]
            assert len(texts) == 41 and b'"maintenance"' in texts[20] and client.close_code == 1001
        with connect(sim, kraken) as client:
            assert "online" in json.dumps(client.greeting)


def test_swapped_neighbours_are_all_there(kraken, recorded):
    with start(kraken, "--faults", "swap") as sim, connect(sim, kraken) as client:
        subscribe(client, kraken)
        texts = data(client, kraken, len(recorded))
    assert texts != recorded and sorted(texts) == sorted(recorded)
    for pair in kraken.pairs:
        assert [t for t in texts if pair.encode() in t] == [t for t in recorded if pair.encode() in t]


def test_skipped_frames_are_in_rest(kraken, small):
    frames = [frame for _, frame in lines(small)]
    with start(kraken, "--faults", "skip:40", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        assert data(client, kraken, 117) == [f for i, f in enumerate(frames) if (i + 1) % 40]
        page = json.loads(sim.get("/0/public/Trades?pair=XBTUSD&since=0")[2])["result"]["XXBTZUSD"]
        assert [row[6] for row in page] == list(range(page[0][6], page[0][6] + len(rows(kraken, frames))))


def test_rest_may_lag(kraken, small):
    with start(kraken, "--faults", "rest-lag:1", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        count = len(rows(kraken, data(client, kraken, 120)))
        counts = [len(json.loads(sim.get("/0/public/Trades?pair=XBTUSD&since=0")[2])["result"]["XXBTZUSD"])
                  for _ in range(2)]
        assert counts == [count // 2, count]


def test_a_listed_pair_may_be_refused_once(kraken):
    with start(kraken, "--faults", "refuse:2") as sim, connect(sim, kraken) as client:
        good, bad = subscribe(client, kraken)
        assert "error" not in json.dumps(good) and "Currency pair not supported ETH/USD" in json.dumps(bad)
        data(client, kraken, BTC_FRAMES)
        assert "error" not in json.dumps(subscribe(client, kraken, kraken.pairs[1]))
        data(client, kraken, ETH_FRAMES)


def test_replies_may_be_lost_or_late(kraken, small):
    with start(kraken, "--faults", "ack-lost:1", recordings=[small]) as sim, connect(sim, kraken) as client:
        client.send(kraken.request("subscribe", kraken.pairs[0]))
        assert client.recv()[1] == lines(small)[0][1]
    with start(kraken, "--faults", "ack-late:5", recordings=[small]) as sim, connect(sim, kraken) as client:
        client.send(kraken.request("subscribe", kraken.pairs[0]))
        texts = client.texts(121)
        assert [kraken.is_data(json.loads(t)) for t in texts] == [True] * 5 + [False] + [True] * 115


def test_wrong_times_are_wrong_and_rest_is_right(kraken, small):
    frames = [frame for _, frame in lines(small)]
    with start(kraken, "--faults", "wrong-time:10", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        texts = data(client, kraken, 120)
        page = json.loads(sim.get("/0/public/Trades?pair=XBTUSD&since=0")[2], parse_float=decimal.Decimal)
    wrong = texts[9::10]
    assert [t for i, t in enumerate(texts) if i % 10 != 9] == [f for i, f in enumerate(frames) if i % 10 != 9]
    for i, (text, frame) in enumerate(zip(wrong, frames[9::10], strict=True)):
        was = rows(kraken, [frame])
        if i % 3 == 0:
            raw = json.loads(text)
            found = [row[2] for row in raw[1]] if kraken is V1 else [t["timestamp"] for t in raw["data"]]
            assert [int(t) for t in found] == [row[3] // 10**6 for row in was]
        else:
            assert [row[3] for row in rows(kraken, [text])] == \
                [row[3] + 86400 * 10**9 if i % 3 == 1 else 0 for row in was]
    assert [int(row[2] * 10**6) for row in page["result"]["XXBTZUSD"]] == [row[3] // 1000 for row in rows(kraken, frames)]


def test_bytes_that_are_no_utf8(kraken, small):
    with start(kraken, "--faults", "utf8:40", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        bad = []
        assert data(client, kraken, 120, bad) == [frame for _, frame in lines(small)]
        assert len(bad) == 2
        for text in bad:
            with pytest.raises(UnicodeDecodeError):
                text.decode()


def test_a_reserved_bit_and_a_huge_text(kraken, small):
    with start(kraken, "--faults", "rsv1:3", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        data(client, kraken, 3)
        with pytest.raises(AssertionError, match="reserved bits"):
            client.recv()
    with start(kraken, "--faults", "huge:3", recordings=[small]) as sim, connect(sim, kraken) as client:
        subscribe(client, kraken, kraken.pairs[0])
        data(client, kraken, 3)
        assert len(client.recv()[1]) == 16 << 20
        data(client, kraken, 117)


def test_upgrades_are_refused_in_turn(kraken, small):
    with start(kraken, "--faults", "http-503:1,http-429:2,http-403:1", recordings=[small]) as sim:
        for status in (503, 429, 429, 403):
            with pytest.raises(Refused) as refused:
                sim.connect(kraken.path)
            assert refused.value.status == status
            assert refused.value.headers.get("retry-after") == (None if status == 403 else "1")
        connect(sim, kraken).close()


def test_a_forbidden_frame_closes(kraken):
    with start(kraken) as sim, connect(sim, kraken) as client:
        client.send("x", masked=False)
        assert client.recv()[0] == CLOSE and client.close_code == 1002


def test_faults_combine(kraken):
    """Everything that a client must get over, at once: each trade comes at least once."""
    faults = "reset:293,replay:20,glued,trickle,fragmented,junk:101,utf8:67,swap,reordered,ack-late:3"
    seen = set()
    want = set(rows(kraken, [frame for path in kraken.recordings for _, frame in lines(path)]))
    with start(kraken, "--faults", faults) as sim:
        for _ in range(14):
            with connect(sim, kraken) as client:
                client.send(kraken.request("subscribe", *kraken.pairs))
                for text in silence(client, kraken, 1.2, lost=True)[0]:
                    try:
                        frame = load(text)
                    except ValueError:
                        continue
                    if kraken.is_data(frame):
                        seen |= set(kraken.rows(frame))
                if seen == want:
                    break
    assert seen == want
