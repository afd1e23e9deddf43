#!/usr/bin/env python3
"""Asks jobdeck's gRPC through SpaceONE's own SpaceConnector, and jobdeck's REST for the same, and compares.

    python grpc_spaceconnector.py --grpc 127.0.0.1:50051 --rest http://127.0.0.1:8080 --domain D [--token T]

Run it with the Python of an environment that has spaceone-core of 1.10 or of 2.0; tests/clients/run makes both. Ends with 0
if every case agrees, else 1. It changes no job. The last line is `N passed, M failed`.
"""

import argparse
import json
import logging
import sys
import time
import urllib.error
import urllib.request
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from importlib.metadata import version  # noqa: E402

from spaceone.core.connector.space_connector import SpaceConnector  # noqa: E402
from spaceone.core.error import ERROR_BASE  # noqa: E402

from compare import difference, expected  # noqa: E402
from rest_today import as_statistic  # noqa: E402

STATUS_OF_HTTP = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                  409: "ALREADY_EXISTS", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class Rest:
    """REST, which wants the domain in each request. gRPC has it from the token, if there is one."""

    def __init__(self, url, domain, token):
        self.url, self.domain, self.token = url.rstrip("/"), domain, token
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, path, body=None):
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with self.opener.open(urllib.request.Request(self.url + path, data, headers), timeout=30) as answer:
                return 200, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def job(self, verb, params):
        """The answer to a method of gRPC: a `get` is a list of one job, and an `analyze` a statistic."""
        if self.token:
            params = {"domain_id": self.domain, **params}
        if verb == "get":
            http, answer = self.ask("/inventory/v1/jobs/search", params)
            return http, answer["results"][0] if http == 200 else answer
        if verb == "analyze":
            verb, params = "stat", as_statistic(params)
        return self.ask("/inventory/v1/jobs/" + {"list": "search", "stat": "stat"}[verb], params)


def connect(target, token):
    """SpaceConnector of 2.0 takes an endpoint; that of 1.x a transaction and a configuration."""
    if version("spaceone-core").startswith("2."):
        return SpaceConnector(endpoint=f"grpc://{target}", token=token)
    from spaceone.core.transaction import Transaction
    return SpaceConnector(Transaction(), {"endpoints": {"inventory": f"grpc://{target}"}}, service="inventory", token=token)


def sort_is_a_list(connector):
    """Whether the server's descriptor has `sort` repeated; clients of 1.x do not look, they have their own messages."""
    pool = getattr(connector.client, "_desc_pool", None)
    if pool is None:
        return False
    query = pool.FindMessageTypeByName("spaceone.api.inventory.v1.JobsQuery").fields_by_name["query"].message_type
    return query.fields_by_name["sort"].label == 3


def cases(domain, sample, as_list):
    """Name, verb, parameters. `sample` is a job of the domain, whose values make the filters meet something."""
    collector = (sample.get("collector_info") or {}).get("collector_id") or "collector-none"
    provider = (sample.get("collector_info") or {}).get("provider") or "aws"

    def sort(*keys):
        keys = [{"key": k.lstrip("-"), "desc": k.startswith("-")} for k in keys]
        return keys if as_list else ({"keys": keys} if len(keys) > 1 else keys[0])

    def listed(name, query=None, **members):
        return name, "list", {"domain_id": domain, **members, **({} if query is None else {"query": query})}

    def stat(name, *aggregate, **query):
        return name, "stat", {"domain_id": domain, "query": {**query, **({"aggregate": list(aggregate)} if aggregate else {})}}

    page = {"page": {"start": 1, "limit": 10}}
    by_status = {"keys": [{"key": "status", "name": "status"}], "fields": [{"name": "count", "operator": "count"}]}
    return [
        listed("a page", page),
        listed("page two", {"page": {"start": 11, "limit": 10}}),
        listed("by status", page, status=sample["status"]),
        listed("by status as its number", page, status=5),
        listed("by collector", page, collector_id=collector),
        listed("by project", page, project_id=sample.get("project_id") or "project-none"),
        listed("one job", job_id=sample["job_id"]),
        listed("nothing found", job_id="job-that-is-not-there"),
        listed("sorted", {**page, "sort": sort("job_id")}),
        listed("sorted by two", {**page, "sort": sort("status", "-created_at")}),
        listed("only", {**page, "only": ["job_id", "status", "collector_info.name", "errors.error_code"]}),
        listed("minimal", {**page, "minimal": True}),
        listed("count only", {"count_only": True}),
        listed("keyword", {**page, "keyword": sample["job_id"][-3:]}),
        listed("filter in", {**page, "filter": [{"k": "status", "v": ["SUCCESS", "ERROR"], "o": "in"}]}),
        listed("filter by long names", {**page, "filter": [{"key": "collector_info.provider", "value": provider, "operator": "eq"}]}),
        listed("filter null", {**page, "filter": [{"k": "finished_at", "v": None, "o": "eq"}]}),
        listed("filter not null", {**page, "filter": [{"k": "finished_at", "v": None, "o": "not"}]}),
        listed("filter number", {**page, "filter": [{"k": "total_tasks", "v": sample.get("total_tasks", 0), "o": "eq"}]}),
        listed("filter number within text", {**page, "filter": [{"k": "job_id", "v": 1, "o": "contain"}]}),
        listed("filter numbers in", {**page, "filter": [{"k": "total_tasks", "v": [0, 1, 2.0], "o": "in"}]}),
        listed("filter greater", {**page, "filter": [{"k": "total_tasks", "v": 1, "o": "gt"}]}),
        listed("filter fraction", {**page, "filter": [{"k": "total_tasks", "v": 1.5, "o": "lt"}]}),
        listed("filter flag", {**page, "filter": [{"k": "collector_info.is_public", "v": True, "o": "eq"}]}),
        listed("filter exists", {**page, "filter": [{"k": "finished_at", "v": True, "o": "exists"}]}),
        listed("filter regex", {**page, "filter": [{"k": "job_id", "v": "^job-.*[0-4]$", "o": "regex"}]}),
        listed("filter array", {**page, "filter": [{"k": "errors.error_code", "v": "error", "o": "contain"}]}),
        listed("filter match", {**page, "filter": [{"k": "errors", "v": {"message": ""}, "o": "match"}]}),
        listed("filter time", {**page, "filter": [{"k": "created_at", "v": sample["created_at"], "o": "datetime_lte"}]}),
        listed("filter time difference", {**page, "filter": [{"k": "created_at", "v": "now - 3650d", "o": "timediff_gte"}]}),
        listed("filter or", {**page, "filter_or": [{"k": "status", "v": "ERROR", "o": "eq"}, {"k": "total_tasks", "v": 2, "o": "gte"}]}),
        stat("status counts", {"group": by_status}, {"sort": {"key": "count", "desc": True}}),
        stat("status counts, page", {"group": by_status}, {"sort": {"key": "status"}}, page={"start": 1, "limit": 2}),
        stat("distinct", distinct="collector_id"),
        stat("distinct, page", distinct="job_id", page={"start": 1, "limit": 5}),
        stat("days", {"group": {"keys": [{"key": "created_at", "name": "date", "date_format": "%Y-%m-%d"}], "fields": [
            {"name": "error", "operator": "count", "conditions": [{"key": "status", "operator": "eq", "value": "ERROR"}]},
            {"name": "all", "operator": "count"}]}}, {"sort": {"key": "date"}}),
        stat("measures", {"group": {"keys": [{"key": "collector_id", "name": "c"}], "fields": [
            {"name": "average", "operator": "average", "key": "total_tasks"}, {"name": "largest", "operator": "max", "key": "total_tasks"},
            {"name": "sum", "operator": "sum", "key": "total_tasks"}, {"name": "last", "operator": "max", "key": "finished_at"}]}},
            {"sort": {"key": "c"}}),
        stat("push", {"sort": {"key": "job_id"}}, {"limit": 20}, {"group": {"keys": [{"k": "status", "n": "status"}], "fields": [
            {"n": "jobs", "o": "push", "fields": [{"k": "job_id", "n": "job_id"}, {"k": "finished_at", "n": "finished_at"},
                                                 {"k": "total_tasks", "n": "total_tasks"}]}]}}, {"sort": {"key": "status"}}),
        stat("unwind", {"unwind": {"path": "errors"}}, {"group": {"keys": [{"key": "errors.error_code", "name": "code"}],
             "fields": [{"name": "count", "operator": "count"}]}}, {"sort": {"key": "code"}}),
        stat("sort by two, skip, limit", {"group": {"keys": [{"key": "status", "name": "s"}, {"key": "collector_id", "name": "c"}],
             "fields": [{"name": "n", "operator": "count"}]}}, {"sort": {"keys": [{"key": "n", "desc": True}, {"key": "s"}, {"key": "c"}]}},
             {"skip": 1}, {"limit": 3}),
        stat("count", {"group": by_status}, {"count": {"name": "how_many"}}),
        stat("filtered", {"group": by_status}, {"sort": {"key": "status"}}, filter=[{"k": "total_tasks", "v": 1, "o": "gte"}],
             filter_or=[{"k": "status", "v": "ERROR", "o": "eq"}, {"k": "status", "v": "SUCCESS", "o": "eq"}]),
        ("no domain", "list", {"query": {}}),
        ("no domain in stat", "stat", {"query": {"distinct": "status"}}),
        ("no query in stat", "stat", {"domain_id": domain}),
        listed("unknown field", {"filter": [{"k": "stauts", "v": "x", "o": "eq"}]}),
        listed("unknown operator", {"filter": [{"k": "status", "v": "x", "o": "like"}]}),
        listed("a text for a list", {"filter": [{"k": "status", "v": "x", "o": "in"}]}),
        listed("a bad regular expression", {"filter": [{"k": "status", "v": "(", "o": "regex"}]}),
        stat("unknown accumulator", {"group": {"keys": [], "fields": [{"name": "x", "operator": "median", "key": "total_tasks"}]}}),
        stat("an empty stage", {}),
        ("another domain", "list", {"domain_id": "domain-that-is-not-there", "query": page}),
    ]


def cases_of_descriptor(domain, jobs):
    """What only clients can ask that have their messages from the server's descriptor."""
    def analyze(name, **query):
        return name, "analyze", {"domain_id": domain, "query": query}

    number = {"n": {"operator": "count"}}
    return [(f"get {job['job_id']}", "get", {"domain_id": domain, "job_id": job["job_id"]}) for job in jobs] + [
        analyze("analyze", group_by=["status"], fields=number),
        analyze("analyze by two", group_by=["collector_info.provider", {"key": "project_id", "name": "project"}], fields=number),
        analyze("analyze filtered", group_by=["status"], fields={"sum": {"operator": "sum", "key": "total_tasks"}},
                filter=[{"k": "total_tasks", "v": 1, "o": "gte"}]),
        # Without the deepest filters: in a list of a row, they are deeper than clients on protobuf 4 can read.
        analyze("analyze push", group_by=["collector_id"], filter=[{"k": "status", "v": ["SUCCESS", "ERROR"], "o": "in"}],
                fields={"jobs": {"operator": "push", "fields": {"id": "job_id", "filter": "filter"}}}),
        ("analyze nothing", "analyze", {"domain_id": "domain-that-is-not-there", "query": {"group_by": ["status"], "fields": number}}),
    ]


def grpc(connector, verb, params):
    try:
        return connector.dispatch(f"Job.{verb}", params), None
    except ERROR_BASE as error:
        return None, error


def compare(connector, rest, verb, params):
    """None where they agree, else where they differ. Jobs may move between two requests, so it is asked anew some times."""
    for attempt in range(4):
        http, before = rest.job(verb, params)
        answer, error = grpc(connector, verb, json.loads(json.dumps(params)))
        http, after = rest.job(verb, params)
        if before == after:
            break
        time.sleep(0.05 * attempt)
    if http == 200:
        if error is not None:
            return f"REST answers, gRPC says {error.error_code}: {error.message.strip()}"
        if verb == "get":
            return difference(expected("list", {"results": [after]})["results"][0], answer)
        return difference(expected(verb, after), answer)
    said = after["detail"]
    if error is None:
        return f"REST says {said['code']}, gRPC answers"
    # Both generations show a text of their own here.
    message = "Permission denied." if http == 403 else said["message"]
    if (error.error_code, error.message.strip()) != (said["code"], message):
        return f"REST says {said['code']}: {said['message']}\n        gRPC says {error.error_code}: {error.message.strip()}"
    status = STATUS_OF_HTTP.get(http)
    if version("spaceone-core").startswith("2.") and status and error.status_code != status:
        return f"HTTP {http} should be {status}, is {error.status_code}"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--grpc", required=True, metavar="HOST:PORT")
    arguments.add_argument("--rest", required=True, metavar="URL")
    arguments.add_argument("--domain", required=True)
    arguments.add_argument("--token", help="sent as the metadata `token`, and as `authorization: Bearer` to REST")
    arguments.add_argument("--verbose", action="store_true", help="a line for each case that agrees, too")
    options = arguments.parse_args()

    domain = options.domain
    rest = Rest(options.rest, domain, options.token)

    def newest(limit, *conditions):
        return rest.job("list", {"domain_id": domain, "query": {"filter": list(conditions), "page": {"limit": limit}}})[1]["results"]

    found = newest(1, {"k": "errors.error_code", "v": True, "o": "exists"})
    if not found:
        sys.exit(f"{domain} has no job with errors: import one first")

    connector = connect(options.grpc, options.token)
    verbs = connector.client.api_resources.get("Job", [])
    print(f"spaceone-core {version('spaceone-core')}, protobuf {version('protobuf')}, grpcio {version('grpcio')}: {connector.client.api_resources}")
    as_list = sort_is_a_list(connector)
    passed, failed = 0, 0
    # The jobs of the fixtures with the rarest values are the newest.
    for name, verb, params in cases(domain, found[0], as_list) + (cases_of_descriptor(domain, newest(15)) if as_list else []):
        wrong = f"the server does not advertise Job.{verb}" if verb not in verbs else None
        try:
            wrong = wrong or compare(connector, rest, verb, params)
        except Exception as error:  # a client that can't even ask is a failed case, not the end of the run
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            failed += 1
            print(f"FAIL {name}: {wrong}\n        {json.dumps(params)}")
        else:
            passed += 1
            if options.verbose:
                print(f"ok   {name}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
