#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the Kraken recordings that recordings/README.md names.

    scripts/make-kraken-recordings.py SOURCE_FOLDER [TARGET_FOLDER]

SOURCE_FOLDER holds the public recordings, TARGET_FOLDER (default: recordings/) the Binance ones that
scripts/cut-recordings.py cut.  A line is `<receive time, ns> <raw frame>`.

Real: Kraken v1 sessions, whose frames are copied byte for byte.  Made: v1 and v2 frames in Kraken's
form whose trades are every third recorded Binance trade.  No lots are drawn: the same source gives
the same bytes, and the gzip header holds neither a name nor a time.
"""
import datetime
import decimal
import gzip
import json
import pathlib
import re
import sys

EVERY = 3  # a Kraken pair trades less than Binance's
FRAME_TRADES_MAX = 5
FRAME_GAP_NS = 250_000_000  # neighbours further apart do not share a frame

PAIRS = [  # Binance recording, v1 and v2 name, channel id, id of the first trade, trades expected
    ("binance-btcusdt-20240808.gz", "XBT/USD", "BTC/USD", 337, 71000001, 3253),
    ("binance-ethusdt-20240809.gz", "ETH/USD", "ETH/USD", 353, 51000001, 2803),
]


def write(target, lines):
    data = b"".join(b"%d %s\n" % (stamp, frame) for stamp, frame in lines)
    if target.suffix == ".gz":
        with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
            out.write(data)
    else:
        target.write_bytes(data)
    print(f"{target}: {len(lines)} frames, {target.stat().st_size} bytes")


def nanos(seconds):
    return int(decimal.Decimal(seconds) * 10**9)


def cut_session(source, target):
    """cryptofeed's form: `<seconds>: <frame>` is what was received."""
    found = []
    for line in source.read_bytes().splitlines():
        match = re.match(rb"^([0-9.]+): (.*)$", line)
        if match:
            found.append((nanos(match[1].decode()), match[2]))
    trades = sum(len(json.loads(frame)[1]) for _, frame in found if frame.startswith(b"["))
    if (len(found), trades) != (49, 10):
        sys.exit(f"{source}: expected 49 frames with 10 trades, found {len(found)} with {trades}")
    write(target, found)


def cut_frames(source, target):
    """Bare frames, one a line: what is known of their receive time is that it was not before the trade's."""
    frames = [line for line in source.read_bytes().splitlines() if line.strip()]
    if len(frames) != 2:
        sys.exit(f"{source}: expected 2 frames, found {len(frames)}")
    write(target, [(nanos(json.loads(frame)[1][-1][2]), frame) for frame in frames])


def recorded(path):
    """Every third trade with the microsecond that Kraken would have given it: trades of one
    millisecond stay in order, and three at a time share a microsecond."""
    found, last_ms, same = [], 0, 0
    with gzip.open(path) as lines:
        for i, line in enumerate(lines):
            if i % EVERY:
                continue
            stamp, frame = line.rstrip(b"\n").split(b" ", 1)
            event = json.loads(frame)["data"]
            same = same + 1 if event["T"] == last_ms else 0
            last_ms = event["T"]
            us = last_ms * 1000 + last_ms * 131 % 500 + same // 3
            # the receiving clock was 1.27 s behind; Kraken's frames arrive 30 ms after the trade
            received = max(us * 1000 + 30_000_000, found[-1]["received"] if found else 0)
            found.append({"received": received, "us": us, "price": decimal.Decimal(event["p"]),
                          "quantity": decimal.Decimal(event["q"]), "sell": event["m"], "market": event["t"] % 4 != 0, "alone": True})
            if len(found) > 1 and found[-2]["us"] == us:
                found[-1]["alone"] = found[-2]["alone"] = False
    return found


def groups(trades):
    """1 to 5 neighbours: what a frame carries."""
    group = []
    for i, trade in enumerate(trades):
        if group and (len(group) == 1 + (i - len(group)) * 7 % FRAME_TRADES_MAX
                      or trade["received"] - group[0]["received"] > FRAME_GAP_NS):
            yield group
            group = []
        group.append(trade)
    yield group


def exponent(value):
    """5e-05, as Kraken spells small numbers in its instrument channel."""
    digits, power = value.normalize().as_tuple()[1:]
    power += len(digits) - 1
    text = str(digits[0]) + "." * (len(digits) > 1) + "".join(map(str, digits[1:]))
    return f"{text}e{'-' if power < 0 else '+'}{abs(power):02}"


def v2_row(trade, number, symbol):
    price, quantity = f"{trade['price']:.2f}", f"{trade['quantity']:.8f}"
    if number % 11 == 0:
        price = re.sub(r"0$", "", price)  # 61838.0
    if number % 13 == 0:
        price = f"{trade['price']:.5f}"
    if number % 17 == 0:
        quantity = exponent(trade["quantity"])
    if number % 19 == 0 and trade["quantity"] == trade["quantity"].to_integral():
        quantity = str(int(trade["quantity"]))
    if number % 61 == 0:
        price = exponent(trade["price"])
    moment = datetime.datetime.fromtimestamp(trade["us"] // 10**6, datetime.timezone.utc)
    fraction = f"{trade['us'] % 10**6:06}" + (f"{number % 499:03}" if trade["alone"] and number % 23 < 2 else "")
    return (f'{{"symbol":"{symbol}","side":"{"sell" if trade["sell"] else "buy"}","price":{price},"qty":{quantity},'
            f'"ord_type":"{"market" if trade["market"] else "limit"}","trade_id":{number},'
            f'"timestamp":"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"}}')


def v1_row(trade):
    return (f'["{trade["price"]:.5f}","{trade["quantity"]:.8f}","{trade["us"] // 10**6}.{trade["us"] % 10**6:06}",'
            f'"{"s" if trade["sell"] else "b"}","{"m" if trade["market"] else "l"}",""]')


def make(binance, v1_name, v2_name, channel, first_id, expected, folder):
    trades = recorded(folder / binance)
    if len(trades) != expected:
        sys.exit(f"{binance}: expected {expected} trades, found {len(trades)}")
    v1, v2, number = [], [], first_id
    for group in groups(trades):
        rows = ",".join(v2_row(trade, number + i, v2_name) for i, trade in enumerate(group))
        v2.append((group[-1]["received"], f'{{"channel":"trade","type":"update","data":[{rows}]}}'.encode()))
        rows = ",".join(map(v1_row, group))
        v1.append((group[-1]["received"], f'[{channel},[{rows}],"trade","{v1_name}"]'.encode()))
        number += len(group)
    write(folder / f"kraken-v1-made-{v1_name.replace('/', '').lower()}.gz", v1)
    write(folder / f"kraken-v2-made-{v2_name.replace('/', '').lower()}.gz", v2)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parent.parent / "recordings")
    cut_session(source / "cryptofeed_KRAKEN.ws.48.0", target / "kraken-v1-20210417.txt")
    cut_frames(source / "gocryptotrader_kraken_wsAllTrades.json", target / "kraken-v1-20250223.txt")
    for pair in PAIRS:
        make(*pair, target)


if __name__ == "__main__":
    main()
