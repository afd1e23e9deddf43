"""What schemathesis does not know by itself: how jobs are written a line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    jobs = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(job) for job in jobs).encode()
