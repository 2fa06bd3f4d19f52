#!/usr/bin/env bash
# readers.sh: makes the virtual environment with the Python readers under build/readers, DuckDB's
# extensions under build/duckdb-extensions, where LOAD finds them offline, and Spark's jars for Iceberg,
# Kafka and Avro under build/spark-jars.  Prints nothing; run again at any time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=build/readers
extensions=$PWD/build/duckdb-extensions

jars=build/spark-jars
if ! cmp -s tests/interop/spark.xml "$jars/spark.xml"; then
  rm -rf "$jars"
  mvn -B -q -f tests/interop/spark.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$jars" >&2
  cp tests/interop/spark.xml "$jars/"
fi

cmp -s tests/interop/requirements.txt "$venv/installed.txt" && exit 0
rm -rf "$venv" "$extensions"
mkdir -p build
python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r tests/interop/requirements.txt >&2
"$venv/bin/python" - "$extensions" <<'EOF'
import importlib, pathlib, sys
import duckdb
con = duckdb.connect(config={"extension_directory": sys.argv[1]})
for name in ("avro", "httpfs", "iceberg"):
    root = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__file__).parent
    (file,) = root.glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension")
    con.execute(f"FORCE INSTALL '{file}'")
EOF
cp tests/interop/requirements.txt "$venv/installed.txt"
