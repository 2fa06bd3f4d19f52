#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER...: LoadTable.java with its jars, which Maven copies into K2_JARS (a folder) once.
# MAVEN_ARGS=-o works offline with what Maven has already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=${K2_JARS:?a folder for the jars}
if [[ ! -e $jars/.complete ]]; then
  mvn -B -q ${MAVEN_ARGS:-} -f "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars" >&2
  touch "$jars/.complete"
fi
exec java -Dorg.slf4j.simpleLogger.defaultLogLevel=${K2_JAVA_LOG:-warn} -cp "$jars/*" "$here/LoadTable.java" "$@"
