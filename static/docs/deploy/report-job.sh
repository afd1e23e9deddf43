#!/bin/sh
# Runs a command and reports it to jobdeck as a job: IN_PROGRESS at its start, SUCCESS or ERROR at its end.
#
#   report-job.sh nightly-aws /usr/local/bin/collect --all
#
# The first argument is the name of the collector: letters, digits, dots and dashes. The rest is the command. The server
# needs `--writable`. Where it does not answer, the command runs all the same; its exit code is that of this script.
#
# Variables: JOBS_URL; JOBS_DOMAIN; and where the server has `--tokens`, JOBS_HEADER, a file with the line
# `authorization: Bearer jobdeck_...`, whose token was made with `--write`.
set -u

url=${JOBS_URL:-http://127.0.0.1:8080}
domain=${JOBS_DOMAIN:-domain-1}
header=${JOBS_HEADER:-}

[ $# -ge 2 ] || { echo "usage: $0 COLLECTOR COMMAND..." >&2; exit 2; }
collector=$1
shift
job=$collector-$(date -u +%Y%m%dT%H%M%SZ)-$$

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# report METHOD BODY
report() {
  curl -sS --fail -m 10 -o /dev/null -X "$1" "$url/jobdeck/jobs/$job?domain_id=$domain" \
    -H 'content-type: application/json' ${header:+-H "@$header"} -d "$2" ||
    echo "the job $job was not reported to $url" >&2
}

report PUT "{
  \"status\": \"IN_PROGRESS\", \"created_at\": \"$(now)\", \"total_tasks\": 1, \"remained_tasks\": 1,
  \"collector_info\": {\"collector_id\": \"$collector\", \"name\": \"$collector\"}
}"
"$@"
code=$?
if [ $code = 0 ]; then
  report PATCH "{\"status\": \"SUCCESS\", \"finished_at\": \"$(now)\", \"remained_tasks\": 0}"
else
  report PATCH "{
    \"status\": \"ERROR\", \"finished_at\": \"$(now)\",
    \"errors\": [{\"error_code\": \"ERROR_EXIT_$code\", \"message\": \"the command ended with $code\"}]
  }"
fi
exit $code
