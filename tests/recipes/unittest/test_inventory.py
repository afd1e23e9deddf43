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
        query = urlencode({"domain_id": self.domain_id})
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{URL}{path}?{query}", data, {"content-type": "application/json"}, method=method)
        with self.opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def test_a_list_that_failed_is_requested_again(self):
        self.request("PUT", "/jobdeck/jobs/job-1", {"status": "SUCCESS"})
        self.request("POST", "/jobdeck/faults", {"route": "list", "code": 503, "times": 1})
        # In place of your client, which does this by itself.
        with self.assertRaises(HTTPError) as failure:
            self.request("GET", "/inventory/v1/jobs")
        failure.exception.close()
        self.assertEqual(self.request("GET", "/inventory/v1/jobs")["total_count"], 1)

        requests = self.request("GET", "/jobdeck/journal")["results"]
        statuses = [request["status"] for request in requests if request["route"] == "list"]
        self.assertEqual(statuses, [503, 200])
