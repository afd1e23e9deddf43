import json
import os
import subprocess
import uuid
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest


@pytest.fixture(scope="session")
def jobdeck_url():
    if url := os.environ.get("JOBDECK_URL"):
        yield url
        return
    command = ["jobdeck", "serve", "--mock", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline()  # comes when the server is ready; empty if it ended instead
            assert line, "jobdeck did not start: standard error says why"
            yield line.split()[-1]
        finally:
            server.terminate()


class Inventory:
    """A domain that no other test sees."""

    def __init__(self, url):
        self.url = url
        self.domain_id = f"domain-{uuid.uuid4()}"
        self.opener = build_opener(ProxyHandler({}))  # a proxy can't reach this machine

    def request(self, method, path, body=None, **parameters):
        if method == "POST" and path.startswith("/inventory/"):
            body = {"domain_id": self.domain_id, **(body or {})}  # where SpaceONE's searches and statistics have it
        else:
            parameters["domain_id"] = self.domain_id
        query = urlencode(parameters)
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}?{query}", data, {"content-type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=10) as answer:
                return json.loads(answer.read() or "null")
        except HTTPError as error:
            with error:  # its answer says what is wrong
                raise HTTPError(error.url, error.code, error.read().decode(), error.headers, None) from None


@pytest.fixture
def inventory(jobdeck_url):
    inventory = Inventory(jobdeck_url)
    yield inventory
    inventory.request("POST", "/jobdeck/reset")
