import json
import os
import subprocess

import pytest
from spaceone.core import config

CONNECTOR = "spaceone.core.connector.space_connector:SpaceConnector"


@pytest.fixture(scope="session")
def jobdeck(tmp_path_factory):
    """The addresses of a mock: `url` for REST, `grpc` for SpaceONE's clients."""
    ready_file = tmp_path_factory.mktemp("jobdeck") / "ready"
    command = ["jobdeck", "serve", "--mock", "--fixtures", "fixtures", "--listen", "127.0.0.1:0"]
    command += ["--grpc-listen", "127.0.0.1:0", "--ready-file", str(ready_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            # A line comes when the server is ready; none if it ended instead.
            assert server.stdout.readline(), "jobdeck did not start: standard error says why"
            yield json.loads(ready_file.read_text())
        finally:
            server.terminate()


@pytest.fixture(scope="session", autouse=True)
def endpoint(jobdeck):
    """Has the service look for the inventory at the mock, as its configuration file would."""
    os.environ["no_grpc_proxy"] = "127.0.0.1"  # a proxy can't reach this machine
    config.init_conf(package="your_service")  # the Python package of your service
    endpoints = {"inventory": f"grpc://{jobdeck['grpc']}"}
    config.set_global_force(CONNECTORS={"SpaceConnector": {"backend": CONNECTOR, "endpoints": endpoints}})
