"""What schemathesis lacks: a serializer of jobs, one a line, and what the server reads although no schema describes it."""

import json

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    jobs = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(job) for job in jobs).encode()


# Bodies of jobs in the forms that other programs write.
TRANSLATED = {"PUT /jobdeck/jobs/{job_id}", "PATCH /jobdeck/jobs/{job_id}", "POST /jobdeck/jobs"}
# Booleans of a query string as programs write them.
BOOLEANS = {"1", "t", "true", "0", "f", "false"}


@schemathesis.check
def rejection_of_what_is_not_read(context, response, case):
    """Checks, as negative_data_rejection does, that the server refuses what it does not describe, unless it reads it."""
    values = [str(value).lower() for value in (case.query or {}).values()]
    if case.operation.label in TRANSLATED or BOOLEANS.intersection(values):
        return None
    return negative_data_rejection(context, response, case)
