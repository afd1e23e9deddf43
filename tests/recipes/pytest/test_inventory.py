def test_a_failed_job_is_found(inventory):
    inventory.request("PUT", "/jobdeck/jobs/job-1", {"status": "ERROR"})
    answer = inventory.request("POST", "/inventory/v1/jobs/search", {"status": "ERROR"})
    assert [job["job_id"] for job in answer["results"]] == ["job-1"]


def test_nothing_of_another_test_is_seen(inventory):
    assert inventory.request("GET", "/inventory/v1/jobs")["total_count"] == 0
