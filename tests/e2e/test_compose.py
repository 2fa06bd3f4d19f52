# SPDX-License-Identifier: Apache-2.0
"""deploy/: that the composition is one, that each of K2's containers has its limits, its names and a job
that there is, and that nobody else's image is taken from a named host.  Nothing is started.

Run by Debian's Python, whose yaml docker-compose brings along.  K2_BUILD names the build folder."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

try:
    import yaml
except ImportError:
    sys.exit(77)

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = SOURCE / "deploy"
K2 = pathlib.Path(os.environ["K2_BUILD"]).absolute() / "k2"
JOBS = {
    "binance-stream": "ingest-binance",
    "kraken-stream": "ingest-kraken",
    "bronze-binance-ingestion": "bronze-binance",
    "bronze-kraken-ingestion": "bronze-kraken",
    "silver-binance-transformation": "silver-binance",
    "silver-kraken-transformation": "silver-kraken",
    "gold-aggregation": "gold",
    "lakehouse-maintenance": "maintain",
}


def config(*options, **environment):
    done = subprocess.run(["docker-compose", *options, "-f", DEPLOY / "compose.yaml", "config"],
                          capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "HOME": "/", **environment})
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def seconds(text):
    assert re.fullmatch(r"\d+s", text), text
    return int(text[:-1])


def check_k2(services, settings):
    ours = {name: s for name, s in services.items() if s["image"] == "k2"}
    assert set(ours) == set(JOBS), set(ours) ^ set(JOBS)
    for name, service in ours.items():
        assert service["command"] == ["run", "--config", "/etc/k2/k2.yaml", "--jobs", JOBS[name]], name
        assert float(service["cpus"]) == 0.1, name
        assert service["mem_limit"] == service["memswap_limit"] == "64m", name
        assert service["restart"] == "unless-stopped", name
        assert seconds(service["stop_grace_period"]) > seconds(settings["shutdown_timeout"]), name
        assert any(v.endswith(":/etc/k2/k2.yaml:ro") for v in service["volumes"]), name
    assert settings["memory"] == "64MiB"


def check_all(services):
    assert len([name for name in services if name.startswith("kafka-")]) == 3
    for name, service in services.items():
        assert service["container_name"] == "k2-" + name
        first = service["image"].split("/")[0]
        assert "/" not in service["image"] or not re.search(r"[.:]|^localhost$", first), service["image"]
        for other in service.get("depends_on", {}):
            assert other in services
            needs = service["depends_on"][other]["condition"]
            assert needs != "service_healthy" or "healthcheck" in services[other], (name, other)


def check_hosts(services, settings):
    """K2's addresses are services."""
    text = " ".join([settings["log"]["brokers"], settings["registry"]["url"], settings["catalog"]["uri"],
                     settings["store"]["endpoint"]])
    hosts = set(re.findall(r"([a-z0-9-]+):\d+", text))
    assert hosts == {"kafka-1", "kafka-2", "kafka-3", "registry", "catalog", "minio"} and hosts <= set(services)


def check_with_k2():
    """The keys are known, and the jobs: only the one that there is not is complained of."""
    done = subprocess.run([K2, "run", "--config", DEPLOY / "k2.yaml", "--jobs", ",".join([*JOBS.values(), "none"])],
                          capture_output=True, text=True, timeout=30,
                          env={**os.environ, "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s"})
    assert done.returncode == 2 and 'there is no job "none"' in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def check_secrets():
    """What compose.yaml asks of the environment is what .env.example has, and reaches who needs it."""
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    example = (DEPLOY / ".env.example").read_text()
    assert asked == set(re.findall(r"^(\w+)=", example, re.M)), asked
    services = config("--env-file", str(DEPLOY / ".env.example"))["services"]
    for name in (*JOBS, "minio-bucket"):
        assert services[name]["environment"]["S3_SECRET_KEY"] in example
        assert services[name]["environment"]["S3_SECRET_KEY"]


def main():
    if shutil.which("docker-compose") is None:
        sys.exit(77)
    services = config()["services"]
    settings = yaml.safe_load((DEPLOY / "k2.yaml").read_text())
    check_k2(services, settings)
    check_all(services)
    check_hosts(services, settings)
    check_secrets()
    check_with_k2()


if __name__ == "__main__":
    main()
