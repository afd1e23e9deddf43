import json
from collections import Counter
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from spaceone.core.error import ERROR_BASE
from spaceone.core.manager import BaseManager


class JobManager(BaseManager):
    """In place of a manager of your service."""

    def count_errors(self, domain_id):
        inventory = self.locator.get_connector("SpaceConnector", service="inventory")
        query = {"filter": [{"k": "status", "v": "ERROR", "o": "eq"}], "only": ["errors"]}
        jobs = inventory.dispatch("Job.list", {"domain_id": domain_id, "query": query})
        return Counter(error["error_code"] for job in jobs.get("results", []) for error in job.get("errors", []))


def test_errors_are_counted():
    assert JobManager().count_errors("domain-1") == {"ERROR_QUOTA": 1}


def test_a_domain_without_jobs_has_no_errors():
    assert JobManager().count_errors("domain-2") == {}


def test_a_failure_of_the_inventory_is_told(jobdeck):
    fault = {"route": "list", "code": "ERROR_PERMISSION_DENIED", "times": 1}
    headers = {"content-type": "application/json"}
    request = Request(f"{jobdeck['url']}/jobdeck/faults", json.dumps(fault).encode(), headers)
    build_opener(ProxyHandler({})).open(request, timeout=10).close()
    with pytest.raises(ERROR_BASE) as failure:
        JobManager().count_errors("domain-1")
    assert failure.value.error_code == "ERROR_PERMISSION_DENIED"
