#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# healthy.sh [HOST PORT]: asks the status port for /health; exit code 0 when no job is in trouble, else
# it prints what is.  By bash alone, so that the image needs no HTTP client.
exec 3<>"/dev/tcp/${1:-127.0.0.1}/${2:-8080}" || exit 1
printf 'GET /health HTTP/1.0\r\n\r\n' >&3
read -r -t 5 _ status _ <&3 || exit 1
[[ $status == 200 ]] && exit 0
while read -r -t 1 line <&3; do answer=$line; done
printf '%s\n' "${answer:-}"
exit 1
