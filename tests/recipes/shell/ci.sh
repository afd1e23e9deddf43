#!/bin/sh
set -eu
folder=$(mktemp -d)
jobdeck serve --mock --fixtures fixtures --listen 127.0.0.1:0 --ready-file "$folder/ready" >/dev/null &
server=$!
trap 'kill $server 2>/dev/null || :; wait $server || :; rm -r "$folder"' EXIT
trap 'exit 1' INT TERM HUP

until jobdeck healthcheck --ready-file "$folder/ready" 2>/dev/null; do
  kill -0 $server 2>/dev/null || exit 1 # standard error says why
  sleep 0.1
done
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$folder/ready")

# Your tests.
export no_proxy=127.0.0.1 # a proxy can't reach this machine
curl -sf "$url/inventory/v1/jobs?domain_id=domain-1&status=ERROR" | grep -q ERROR_QUOTA
curl -sf -o /dev/null -X DELETE "$url/jobdeck/jobs?domain_id=domain-1"
curl -sf -X POST "$url/jobdeck/reset" | grep -q '"jobs":2'
echo "all tests passed"
