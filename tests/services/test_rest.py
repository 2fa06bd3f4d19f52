# SPDX-License-Identifier: Apache-2.0
"""catalog_rest.c against a real server: the catalog's contract."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]
import pipeline
import servers

CONTRACT = pipeline.BUILD / "tests" / "contract" / "contract_catalog"
WAREHOUSE = f"s3://{servers.BUCKET}/warehouse"


@pytest.fixture(scope="module", autouse=True)
def running():
    with servers.Servers("s3", "iceberg-rest", ICEBERG_WAREHOUSE=WAREHOUSE):
        yield


def test_the_contract_holds_over_the_server():
    done = subprocess.run([CONTRACT], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **servers.S3_KEYS, "K2_REST_URL": servers.CATALOG,
                               "K2_S3_ENDPOINT": servers.S3})
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert said.count("OK ] a_commit_on_an_old_base_conflicts_and_leaves_no_object") == 5
