"""Where tests and the bench find a DynamoDB, and tables made from `template.yaml`.

`connect` reaches MiniStack's DynamoDB, embedded in this process (`embedded.endpoint`) or as a
server (`server`). What stands in the tables belongs into `world`.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import yaml
from botocore.config import Config
from samcli.yamlhelper import intrinsics_multi_constructor  # type: ignore[import-untyped]

from harness import embedded
from local.children import Child

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ROOT: Final = Path(__file__).resolve().parents[1]
# What DynamoDB takes when a table is made; the rest of the template's properties are calls of their
# own.
_CREATED: Final = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
)
# The set-up is no subject of a test: on a busy machine it takes the time that it takes.
_PATIENT: Final = Config(
    connect_timeout=30, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"}
)


class _Loader(yaml.CSafeLoader):
    """Reads a template as the SAM CLI does, ten times as fast: each process of a test reads it."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)
# A date, such as the version of a policy, is a text.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)


@cache
def template(root: Path = ROOT) -> dict[str, Any]:
    """`root`: the tree that it is read from."""
    return read_template(root / "template.yaml")


def read_template(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    return parsed


def make_table(client: "DynamoDBClient", resource: str) -> str:
    """Makes the table that the template calls `resource`, under a name of its own."""
    properties = template()["Resources"][resource]["Properties"]
    arguments = {name: properties[name] for name in _CREATED if name in properties}
    if indexes := arguments.get("GlobalSecondaryIndexes"):
        # A condition of the template, which no emulator minds.
        arguments["GlobalSecondaryIndexes"] = [
            {name: value for name, value in index.items() if name != "WarmThroughput"}
            for index in indexes
        ]
    if "StreamSpecification" in properties:
        stream = {"StreamEnabled": True, **properties["StreamSpecification"]}
        arguments["StreamSpecification"] = stream
    name = f"{resource.lower()}-{token_hex(4)}"
    url = client.meta.endpoint_url
    patient = client if embedded.is_embedded(url) else connect(url, _PATIENT)
    patient.create_table(TableName=name, **arguments)
    return name


@contextmanager
def server(log: Path) -> Iterator[str]:
    """A MiniStack of our own, on a free port of 127.0.0.1; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": "us-east-1",
    }
    program = Path(sys.executable).with_name("ministack")
    child = Child([str(program)], env=environment, cwd=log.parent, log=log)
    try:
        _await(port, child, log)
        url = f"http://127.0.0.1:{port}"
        # MiniStack imports a service at its first call, which takes longer than a client waits.
        connect(url, _PATIENT).list_tables()
        yield url
    finally:
        child.stop()


def _await(port: int, child: Child, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and child.running:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"MiniStack did not start:\n{log.read_text(errors='replace')[-2000:]}")


def connect(endpoint: str | None, config: Config) -> "DynamoDBClient":
    """A new client; without an endpoint it is moto's, where a test has that on."""
    client: DynamoDBClient = embedded.client("dynamodb", endpoint, config)
    return client
