import json
import subprocess
import unittest
import uuid
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

URL = None


def setUpModule():
    global URL
    command = ["jobdeck", "serve", "--mock", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    unittest.addModuleCleanup(server.communicate)
    unittest.addModuleCleanup(server.terminate)
    line = server.stdout.readline()  # comes when the server is ready; empty if it ended instead
    if not line:
        raise RuntimeError("jobdeck did not start: standard error says why")
    URL = line.split()[-1]


class InventoryTest(unittest.TestCase):
    """Each test has a domain that no other test sees."""

    def setUp(self):
        self.domain_id = f"domain-{uuid.uuid4()}"
        self.opener = build_opener(ProxyHandler({}))  # a proxy can't reach this machine
        self.addCleanup(self.request, "POST", "/jobdeck/reset")

    def request(self, method, path, body=None):
        parameters = {"domain_id": self.domain_id}
        if method == "POST" and path.startswith("/inventory/"):
            body, parameters = {**parameters, **(body or {})}, {}  # where SpaceONE's searches and statistics have it
        query = urlencode(parameters)
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{URL}{path}?{query}", data, {"content-type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=10) as answer:
                return json.loads(answer.read() or "null")
        except HTTPError as error:
            with error:  # its answer says what is wrong
                raise HTTPError(error.url, error.code, error.read().decode(), error.headers, None) from None

    def test_a_list_that_failed_is_requested_again(self):
        self.request("PUT", "/jobdeck/jobs/job-1", {"status": "SUCCESS"})
        self.request("POST", "/jobdeck/faults", {"route": "list", "code": 503, "times": 1})
        # In place of your client, which does this by itself.
        with self.assertRaises(HTTPError) as failure:
            self.request("GET", "/inventory/v1/jobs")
        self.assertEqual(failure.exception.code, 503)
        found = self.request("POST", "/inventory/v1/jobs/search", {"status": "SUCCESS"})
        self.assertEqual(found["total_count"], self.request("GET", "/inventory/v1/jobs")["total_count"])

        requests = self.request("GET", "/jobdeck/journal")["results"]
        statuses = [request["status"] for request in requests if request["route"] == "list"]
        self.assertEqual(statuses, [503, 200])
