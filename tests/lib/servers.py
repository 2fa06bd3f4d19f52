# SPDX-License-Identifier: Apache-2.0
"""The servers of tests/services as context managers: each set in a folder of its own.

They listen on their usual ports, so a test runs in a network namespace (tests/services/in_namespace.sh)."""
import os
import pathlib
import shutil
import subprocess
import tempfile

SERVICES = pathlib.Path(__file__).resolve().parents[1] / "services"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "k2access", "AWS_SECRET_ACCESS_KEY": "k2secret123"}
S3 = "http://127.0.0.1:9000"
BUCKET = "lakehouse"
REGISTRY = "http://127.0.0.1:8081/apis/ccompat/v7"
CATALOG = "http://127.0.0.1:8181"
NESSIE = "http://127.0.0.1:19120"


def is_installed(program):
    cache = os.environ.get("K2_SERVICES_CACHE", SERVICES.parents[1] / "build/services-cache")
    return any(pathlib.Path(cache).glob(f"{program}-*"))


class Servers:
    """with Servers("s3", "registry") as servers: …; started in that order, stopped in the other."""

    def __init__(self, *names, **environment):
        self.names, self.environment = names, environment
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="k2-services-"))

    def run(self, name, *words, check=True, **environment):
        done = subprocess.run([SERVICES / f"{name}.sh", *words], capture_output=True, text=True, timeout=180,
                              env={**os.environ, "K2_SERVICES_DIR": str(self.folder), **self.environment,
                                   **environment})
        assert not check or done.returncode == 0, f"{name}.sh {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def __enter__(self):
        try:
            for name in self.names:
                self.run(name, "start")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(self.names):
            self.run(name, "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
