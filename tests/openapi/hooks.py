"""A serializer of jobs, one a line, which schemathesis lacks."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    jobs = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(job) for job in jobs).encode()
