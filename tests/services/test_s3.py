# SPDX-License-Identifier: Apache-2.0
"""store_s3.c against a real server: the store's contract, straight, and through a proxy that loses,
cuts and refuses; in both addressing styles; wrong keys, wrong bucket."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import pipeline
import fault_proxy
import servers

CONTRACT = pipeline.BUILD / "tests" / "contract" / "contract_store"


@pytest.fixture(scope="module", autouse=True)
def s3():
    with servers.Servers("s3", S3_DOMAIN="localhost"):
        yield


def contract(endpoint, **more):
    return subprocess.run([CONTRACT], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **servers.S3_KEYS, "K2_S3_ENDPOINT": endpoint, **more})


def test_the_contract_holds_over_the_server():
    done = contract(servers.S3)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_contract_holds_with_the_bucket_in_the_host_s_name():
    done = contract("http://localhost:9000", K2_S3_VIRTUAL_HOST="yes")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("seed", range(3))
def test_the_contract_holds_through_faults(seed):
    with fault_proxy.Proxy("127.0.0.1", 9000, every=5, seed=seed) as proxy:
        done = contract(proxy.url)
        assert done.returncode == 0, (dict(proxy.done), done.stdout[-3000:] + done.stderr[-3000:])
        assert all(proxy.done[fault] > 0 for fault in fault_proxy.FAULTS), proxy.done


def check(tmp_path, **store):
    options = {"endpoint": servers.S3, "bucket": servers.BUCKET, "path_style": "true", "access_key": "k2access",
               "secret_key": "k2secret123", **store}
    config = tmp_path / "k2.yaml"
    config.write_text("data_dir: %s\nexchanges: {binance: {urls: ['ws://127.0.0.1:1'], rest_url: 'http://127.0.0.1:1'}}\n"
                      "catalog: {type: rest, uri: 'http://127.0.0.1:1'}\nstore: {type: s3, %s}\n"
                      % (tmp_path, ", ".join(f"{key}: '{value}'" for key, value in options.items())))
    done = subprocess.run([pipeline.BUILD / "k2", "check", "--config", config], capture_output=True, text=True,
                          timeout=120)
    return [line for line in done.stdout.splitlines() if " store " in line]


def test_check_says_what_is_wrong_with_the_store(tmp_path):
    assert check(tmp_path) == ["ok    store      s3://lakehouse/warehouse: writes once, reads, lists, removes"]
    for wrong, word in (({"secret_key": "wrong"}, "SignatureDoesNotMatch"), ({"access_key": "nobody"}, "access key"),
                        ({"bucket": "elsewhere"}, "NoSuchBucket"), ({"endpoint": "http://127.0.0.1:1"}, "127.0.0.1")):
        (line,) = check(tmp_path, **wrong)
        assert line.startswith("FAIL") and word.lower() in line.lower() and "store.endpoint" in line, line
        assert "k2secret123" not in line and "wrong" not in line
