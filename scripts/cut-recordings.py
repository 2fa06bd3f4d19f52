#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the trade frames out of the public recordings that recordings/README.md names.

    scripts/cut-recordings.py SOURCE_FOLDER [TARGET_FOLDER]

A line is `<receive time, ns> <raw frame>`; the lines of streams `<symbol>@trade` are copied byte
for byte, all others (bookTicker, depth, a REST body) are left out.  The same source gives the same
bytes: the gzip header holds neither a name nor a time.
"""
import gzip
import json
import pathlib
import sys

CUTS = [  # source, target, trades, first and last trade id
    ("hftbacktest_spot_btcusdt_20240808.gz", "binance-btcusdt-20240808.gz", 9757, 3735683259, 3735693015),
    ("hftbacktest_spot_ethusdt_20240809.gz", "binance-ethusdt-20240809.gz", 8409, 1520545031, 1520553439),
]


def trade_id(line):
    frame = json.loads(line.split(b" ", 1)[1])
    if not frame.get("stream", "").endswith("@trade"):
        return None
    return frame["data"]["t"]


def cut(source, target, trades, first, last):
    kept, ids = [], []
    with gzip.open(source) as lines:
        for line in lines:
            number = trade_id(line)
            if number is not None:
                kept.append(line)
                ids.append(number)
    if len(ids) != trades or ids != list(range(first, last + 1)):
        sys.exit(f"{source}: expected the {trades} trades {first} to {last}, found {len(ids)}")
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.writelines(kept)
    print(f"{target}: {len(kept)} trades, {target.stat().st_size} bytes")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parent.parent / "recordings")
    for name, cut_name, *expected in CUTS:
        cut(source / name, target / cut_name, *expected)


if __name__ == "__main__":
    main()
