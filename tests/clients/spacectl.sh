#!/usr/bin/env bash
# Types at jobdeck's gRPC what a user of spacectl types, and reads what is shown.
#
#     spacectl.sh HOST:PORT --rest URL [--domain D] [--token T] [--short]
#
# SPACECTL names the program (default: spacectl on the path); its version decides which cases there are. It gets a home of its
# own: the user's configuration is neither read nor written. Totals are compared with REST. With --short, it is asked for little
# more than a list. Deletes the job `job-to-delete` of `domain-2`.
#
# spacectl ends with 0 even where it prints `ERROR:`, so what it prints is read. Ends with 0 if all cases hold, else 1; the last
# line is `N passed, M failed`. VERBOSE=1 names what passed.
set -u -o pipefail
export PYTHONWARNINGS=ignore COLUMNS=500 NO_PROXY='*' no_proxy='*'

target=${1:?HOST:PORT}; shift
domain=domain-1 rest='' token='' short=''
while [ $# -gt 0 ]; do
  case $1/$# in
    --short/*) short=1; shift; continue ;;
    --domain/1 | --rest/1 | --token/1) echo "$1 needs a value" >&2; exit 2 ;;
    --domain/*) domain=$2 ;;
    --rest/*) rest=${2%/} ;;
    --token/*) token=$2 ;;
    *) echo "unknown argument $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$rest" ] || { echo "--rest is missing" >&2; exit 2; }
spacectl=$(command -v "${SPACECTL:-spacectl}") || { echo "no spacectl: set SPACECTL" >&2; exit 2; }
python=$(dirname "$spacectl")/python

HOME=$(mktemp -d); export HOME
trap 'rm -r "$HOME"' EXIT
passed=0 failed=0 out=''

# run ARGUMENTS…: what spacectl prints is in $out
run() {
  shown="spacectl $*"
  out=$("$spacectl" "$@" 2>&1 </dev/null); code=$?
}
ok() { passed=$((passed + 1)); [ -z "${VERBOSE:-}" ] || echo "ok   $shown"; }
no() { failed=$((failed + 1)); echo "FAIL $shown"; echo "     $1"; printf '%s\n' "$out" | cut -c1-300 | head -8 | sed 's/^/     | /'; }
# is_answer: no error
is_answer() {
  case $out in *ERROR:*) no "an error"; return 1 ;; esac
  [ "$code" = 0 ] || { no "exit code $code"; return 1; }
}
# shows PATTERN…: no error, and each extended regular expression is met
shows() {
  is_answer || return 0
  for pattern; do printf '%s\n' "$out" | grep -Eq -- "$pattern" || { no "does not show /$pattern/"; return; }; done
  ok
}
# fails PATTERN: an error that meets it
fails() { if printf '%s\n' "$out" | grep -Eq -- "ERROR:.*$1"; then ok; else no "no error like /$1/"; fi; }
# json EXPRESSION: the answer, as d, makes it true
json() {
  is_answer || return 0
  if printf '%s' "$out" | "$python" -c "import json, sys; d = json.load(sys.stdin); sys.exit(0 if ($1) else 1)" 2>/dev/null; then ok; else no "not so: $1"; fi
}
# total BODY: the total of REST for the same search
total() {
  curl -sf "$rest/inventory/v1/jobs/search" -H 'content-type: application/json' ${token:+-H "authorization: Bearer $token"} -d "$1" |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["total_count"])'
}

case $("$spacectl" version 2>&1) in
  *'version: 1.'*) generation=seed ;;
  *'version: 2.'*) generation=today ;;
  *) echo "$spacectl is neither of 1.x nor of 2.x" >&2; exit 2 ;;
esac

cat > "$HOME/environment.yml" <<END
${token:+api_key: $token}
endpoints:
  inventory: grpc://$target
END
run config init -e default -f "$HOME/environment.yml"
[ "$code" = 0 ] || { no "exit code $code"; exit 1; }
run config endpoint show;             shows "inventory.*grpc://$target"
run api-resources;                    shows 'inventory +\| Job +\|.* list, stat, get, analyze, delete'

D="-p domain_id=$domain"
all=$(total "{\"domain_id\":\"$domain\",\"query\":{\"count_only\":true}}")
run list inventory.Job $D -l 2 -o json
json "len(d['results']) == 2 and all(j['domain_id'] == '$domain' for j in d['results']) and d['total_count'] == $all"

lists() {
  run list inventory.Job $D -l 3;       shows 'job_id' 'status' "Count: 3 / $all"
  run list inventory.Job $D -l 1 -o yaml
  shows 'results:' 'job_id:' "domain_id: $domain" "total_count: $all"
  run list inventory.Job $D -p status=SUCCESS -c job_id,status,total_tasks,created_at -l 3
  shows '^ *job_id +\| status +\| +total_tasks +\| created_at' '\| SUCCESS'
  some=$(total "{\"domain_id\":\"$domain\",\"status\":\"SUCCESS\",\"query\":{\"count_only\":true}}")
  run list inventory.Job $D -p status=SUCCESS -l 1 -o json
  json "all(j['status'] == 'SUCCESS' for j in d['results']) and d['total_count'] == $some"
  run list inventory.Job $D -l 3 -s created_at -c job_id,created_at -o json
  json "len(d['results']) == 3 and [j['created_at'] for j in d['results']] == sorted(j['created_at'] for j in d['results'])"
  run list inventory.Job $D -l 3 -s -created_at -c job_id,created_at -o json
  json "len(d['results']) == 3 and [j['created_at'] for j in d['results']] == sorted((j['created_at'] for j in d['results']), reverse=True)"
  # With `-c`, since the writer of CSV refuses rows whose members differ.
  run list inventory.Job $D -l 2 -c job_id,domain_id -o csv; shows '^job_id,domain_id' "^job-[0-9]+,$domain"
  run list inventory.Job $D -l 2 -c job_id -o quiet; shows '^job-[0-9]+'
  run list inventory.Job $D -j '{"query": {"filter": [{"k": "status", "v": ["SUCCESS", "ERROR"], "o": "in"}], "page": {"limit": 5}}}' -o json
  json "len(d['results']) == 5 and all(j['status'] in ('SUCCESS', 'ERROR') for j in d['results'])"
  printf 'domain_id: %s\nquery:\n  only: [job_id]\n  page: {limit: 2}\n' "$domain" > "$HOME/parameters.yml"
  run list inventory.Job -f "$HOME/parameters.yml" -o json; json "len(d['results']) == 2 and all(set(j) == {'job_id'} for j in d['results'])"
  run exec list inventory.Job $D -j '{"query": {"count_only": true}}' -o json
  json "'results' not in d and d['total_count'] == $all"
  if [ "$generation" = seed ]; then
    run list inventory.Job $D --minimal -l 1 -o json; json "set(d['results'][0]) <= {'job_id', 'status', 'created_at', 'finished_at'}"
  fi
  run list inventory.Job $D -j '{"query": {"filter": [{"k": "stauts", "v": "x", "o": "eq"}]}}'; fails 'stauts'
  run list inventory.Job $D -p status=NONSENSE; fails 'NONSENSE|status'
  run list inventory.Nothing $D;        fails "does not have a 'Nothing' resource"
  run list inventory.Job;               fails 'Required parameter. \(key = domain_id\)'
}

statistics() {
  by_status='{"query": {"aggregate": [{"group": {"keys": [{"key": "status", "name": "status"}], "fields": [{"name": "count", "operator": "count"}]}}, {"sort": {"key": "count", "desc": true}}]}}'
  run stat inventory.Job $D -j "$by_status"; shows 'status' 'count' 'SUCCESS'
  run stat inventory.Job $D -j "$by_status" -o json
  json "sum(r['count'] for r in d['results']) == $all and [r['count'] for r in d['results']] == sorted((r['count'] for r in d['results']), reverse=True)"
  run stat inventory.Job $D -j '{"query": {"distinct": "collector_id"}}'; shows 'Values' 'collector-1' '수집기-1'
}

# Methods that SpaceONE has got since the seed. Clients of its time see them, but have no messages to call them.
later_methods() {
  job=$(curl -sf "$rest/inventory/v1/jobs/search" -H 'content-type: application/json' \
    -d "{\"domain_id\":\"$domain\",\"status\":\"ERROR\",\"query\":{\"page\":{\"limit\":1}}}" |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["results"][0]["job_id"])')
  run get inventory.Job $D -p job_id="$job"
  if [ "$generation" = seed ]; then fails "does not have a 'get' verb"; return; fi
  shows "job_id: $job" 'status: ERROR' "domain_id: $domain"
  run get inventory.Job $D -p job_id="$job" -o json; json "d['job_id'] == '$job' and d['status'] == 'ERROR' and d['errors']"
  run get inventory.Job $D -p job_id=job-none; fails 'job-none'
  run get inventory.Job -p job_id="$job"; fails 'Required parameter. \(key = domain_id\)'
  by_status='{"query": {"group_by": ["status"], "fields": {"n": {"operator": "count"}}, "sort": [{"key": "n", "desc": true}]}}'
  run analyze inventory.Job $D -j "$by_status"; shows '^ *status +\| +n' 'SUCCESS'
  run analyze inventory.Job $D -j "$by_status" -o json
  json "sum(r['n'] for r in d['results']) == $all and [r['n'] for r in d['results']] == sorted((r['n'] for r in d['results']), reverse=True)"
  run analyze inventory.Job $D -j '{"query": {"group_by": ["status"]}}'; fails 'query.fields'
  # The answer is empty, and so is what is shown.
  run exec delete inventory.Job -p domain_id=domain-2 -p job_id=job-to-delete; shows '^$'
  run list inventory.Job -p domain_id=domain-2 -o json; json "[j['job_id'] for j in d['results']] == ['job-of-another']"
  run exec delete inventory.Job -p domain_id=domain-2 -p job_id=job-to-delete; fails 'job-to-delete'
}

[ -n "$short" ] || { lists; statistics; later_methods; }

# The domain of the configuration: clients of the seed's time add it to each request, those of today send it as metadata.
if [ "$generation" = seed ]; then member=domain_id; else member=x_domain_id; fi
run config set "$member" "$domain";   shows '^$'
run list inventory.Job -l 1;          shows "Count: 1 / $all"

if [ -n "$token" ]; then
  run config remove "$member";        shows '^$'
  run list inventory.Job -p domain_id=domain-2; fails 'Permission denied'
  # The domain is that of the token.
  run list inventory.Job -l 1;        shows "Count: 1 / $all"
  run config set api_key wrong;       shows '^$'
  run list inventory.Job -l 1;        fails 'api_key'
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
