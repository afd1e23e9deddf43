#!/usr/bin/env python3
"""Sends to today's routes what SpaceONE's console sends on its job pages, and looks at what comes back.

    python3 rest_today.py http://127.0.0.1:8080 [--rest URL] [--domain D] [--token T] [--path /inventory/job]

URL serves POST {path}/list and {path}/analyze: jobdeck itself, or SpaceONE's gateway (console-api-v2) in front of its gRPC.
The console never sends a domain_id, its token has it: with --domain the bodies get one. With --rest every list is compared
with POST /inventory/v1/jobs/search there, and every analyze with the statistic that means the same: the statuses of the
request become those of the seed, and those of its answer today's (see `STATUSES`). Standard library only.
The jobs of `jobdeck demo` live: freeze its clock before a comparison, by PUT /jobdeck/clock {"is_frozen": true}.
Ends with 0 where every case holds, else 1; the last line is `N passed, M failed`.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from compare import JOB, as_client_shows, difference

# The statuses of the seed that each status of today stands for.
STATUSES = {"IN_PROGRESS": ["CREATED", "IN_PROGRESS"], "SUCCESS": ["SUCCESS"], "FAILURE": ["ERROR", "TIMEOUT"], "CANCELED": ["CANCELED"]}
TODAY = {stored: name for name, all in STATUSES.items() for stored in all}

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url, body, token):
    headers = {"content-type": "application/json", "accept": "application/json, text/plain, */*"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    try:
        with opener.open(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"detail": {"code": None, "message": text[:200]}}


def requests(collector, job):
    """Page, verb, body: as the console of 2025 builds them; the last ones as that of 2022 did."""
    newest = [{"key": "created_at", "desc": True}]
    page = {"start": 1, "limit": 30}
    ago = (datetime.now(timezone.utc) - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    status = lambda *values: {"k": "status", "v": list(values), "o": "in"}  # noqa: E731
    yield "history", "list", {"query": {"page": page, "sort": newest}}
    yield "history, page two", "list", {"query": {"page": {"start": 31, "limit": 30}, "sort": newest}}
    for tab in ("IN_PROGRESS", "SUCCESS", "FAILURE", "CANCELED"):
        yield f"history, tab {tab}", "list", {"query": {"page": page, "sort": newest, "filter": [status(tab)]}}
    for column in ("job_id", "total_tasks", "created_at"):
        yield f"history by {column}", "list", {"query": {"page": page, "sort": [{"key": column, "desc": False}]}}
    yield "history, words", "list", {"query": {"page": page, "sort": newest, "keyword": job[-4:]}}
    yield "history, job id contains", "list", {"query": {"page": page, "sort": newest, "filter": [{"k": "job_id", "v": [job[-4:]], "o": "contain_in"}]}}
    yield "history, collector is", "list", {"query": {"page": page, "sort": newest, "filter": [{"k": "collector_id", "v": [collector], "o": "in"}]}}
    yield "history, collector is not", "list", {"query": {"page": page, "sort": newest, "filter": [{"k": "collector_id", "v": [collector], "o": "not_in"}]}}
    yield "history, since", "list", {"query": {"page": page, "sort": newest, "filter": [{"k": "created_at", "v": "2026-01-01T00:00:00.000Z", "o": "datetime_gte"}]}}
    yield "one job", "list", {"query": {"filter": [{"k": "job_id", "v": job, "o": "eq"}]}}
    yield "a collector's jobs, how many", "list", {"query": {"count_only": True, "filter": [{"k": "collector_id", "v": collector, "o": "eq"}]}}
    yield "a collector's last five days", "list", {"query": {"sort": newest, "filter": [{"k": "collector_id", "v": collector, "o": "eq"}, {"k": "created_at", "v": ago, "o": "gt"}]}}
    yield "a collector's jobs, before collecting", "list", {"collector_id": collector}
    yield "all jobs", "list", {}
    yield "the collectors' jobs", "analyze", {"query": {
        "filter": [{"k": "created_at", "v": "now - 5d", "o": "timediff_gte"}, {"k": "collector_id", "v": [collector], "o": "in"}],
        "group_by": ["collector_id"],
        "fields": {"job_status": {"operator": "push", "fields": {"status": "status", "job_id": "job_id", "total_tasks": "total_tasks",
                                                                "remained_tasks": "remained_tasks", "finished_at": "finished_at"}}}}}
    yield "suggestions for a job id", "stat", {"query": {"distinct": "job_id", "page": {"limit": 10}, "filter": [
        {"key": "job_id", "value": None, "operator": "not"}, {"k": "job_id", "v": job[-4:], "o": "contain"}]}}


def in_the_seeds_statuses(body):
    """The same request for the seed's route. The console tests a status by `in` alone."""
    query = dict(body.get("query", {}))
    if "filter" in query:
        query["filter"] = [
            dict(one, v=[stored for name in one["v"] for stored in STATUSES[name]]) if one.get("k") == "status" else one
            for one in query["filter"]]
    return {**body, "query": query}


def with_todays_statuses(value):
    """An answer of the seed's route, with the names that its statuses have today."""
    if isinstance(value, dict):
        return {name: TODAY.get(member, member) if name == "status" else with_todays_statuses(member) for name, member in value.items()}
    return [with_todays_statuses(item) for item in value] if isinstance(value, list) else value


def wrong_members(job):
    """Which of today's members a job lacks, or has wrong; None if it is right."""
    info = job.get("collector_info") or {}
    for name, expected in (("collector_id", info.get("collector_id")), ("plugin_id", (info.get("plugin_info") or {}).get("plugin_id"))):
        if job.get(name) != expected:
            return f"{job['job_id']}: {name} is {job.get(name)!r}, not {expected!r}"
    tasks = [job.get(name) for name in ("success_tasks", "failure_tasks")]
    if any(not isinstance(number, int) or number < 0 for number in tasks):
        return f"{job['job_id']}: success_tasks and failure_tasks are {tasks}"
    return None if job["status"] in STATUSES else f"{job['job_id']}: status {job['status']}"


def as_statistic(body):
    """The StatisticsQuery that means the same as an AnalyzeQuery without select, field_group, sort, or page."""
    query = dict(body["query"])
    keys = [key if isinstance(key, dict) else {"key": key, "name": key.rsplit(".", 1)[-1]} for key in query.pop("group_by", [])]
    fields = []
    for name, field in query.pop("fields").items():
        field = dict(field, name=name)
        if "fields" in field:
            field["fields"] = [{"key": key, "name": alias} for alias, key in field["fields"].items()]
        fields.append(field)
    return {**body, "query": {**query, "aggregate": [{"group": {"keys": keys, "fields": fields}}]}}


def wrong(verb, body, http, answer, options):
    if http != 200:
        return f"HTTP {http} {json.dumps(answer)[:300]}"
    results = answer.get("results", [])
    if not isinstance(results, list) or not isinstance(answer.get("total_count", 0), (int, float)):
        return f"no results and total_count: {json.dumps(answer)[:200]}"
    if verb == "list" and any("job_id" not in job for job in results):
        return "a job without job_id"
    if not options.rest:
        return None
    path = "search" if verb == "list" else "stat"
    if verb == "list" and (problem := next(filter(None, map(wrong_members, results)), None)):
        return problem
    body = in_the_seeds_statuses(as_statistic(body) if verb == "analyze" else body)
    http, same = post(f"{options.rest.rstrip('/')}/inventory/v1/jobs/{path}", body, options.token)
    if http != 200:
        return f"the seed's route says {http} {json.dumps(same)[:200]}"
    same = with_todays_statuses(same)
    if verb != "list":
        return difference(same, answer)
    jobs = [[as_client_shows(job, JOB) for job in side.get("results", [])] for side in (same, answer)]
    return difference(same.get("total_count", 0), answer.get("total_count", 0), ".total_count") or difference(*jobs, ".results")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("url")
    arguments.add_argument("--path", default="/inventory/job", help="%(default)s, or /inventory/v1/job as the proto has it")
    arguments.add_argument("--rest", help="a jobdeck with the same jobs, to compare with")
    arguments.add_argument("--domain")
    arguments.add_argument("--token")
    arguments.add_argument("--verbose", action="store_true")
    options = arguments.parse_args()
    url = options.url.rstrip("/") + options.path
    tenant = {"domain_id": options.domain} if options.domain else {}

    http, first = post(f"{url}/list", {**tenant, "query": {"page": {"limit": 1}}}, options.token)
    if http != 200:
        print(f"FAIL POST {url}/list: HTTP {http} {json.dumps(first)[:300]}\n0 passed, 1 failed")
        sys.exit(1)
    job = (first.get("results") or [{}])[0]
    collector = job.get("collector_id") or (job.get("collector_info") or {}).get("collector_id") or "collector-none"
    passed, failed = 0, 0
    for name, verb, body in requests(collector, job.get("job_id", "job-0000")):
        body = {**tenant, **body}
        http, answer = post(f"{url}/{verb}", body, options.token)
        problem = wrong(verb, body, http, answer, options)
        passed, failed = (passed, failed + 1) if problem else (passed + 1, failed)
        if problem:
            print(f"FAIL {name}: {problem}\n     {verb} {json.dumps(body)}")
        elif options.verbose:
            print(f"ok   {name}")
    for name, verb, body, code in (("unknown verb", "nothing", {}, None), ("unknown field", "list", {"query": {"filter": [{"k": "stauts", "v": "x", "o": "eq"}]}}, "ERROR_")):
        http, answer = post(f"{url}/{verb}", {**tenant, **body}, options.token)
        detail = answer.get("detail")
        fine = http >= 400 and isinstance(detail, dict) and str(detail.get("code", "")).startswith(code or "ERROR_") and detail.get("message")
        passed, failed = (passed + 1, failed) if fine else (passed, failed + 1)
        if not fine:
            print(f"FAIL {name}: HTTP {http} {json.dumps(answer)[:200]}, not {{detail: {{code, message}}}}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
