"""The week that `make run` begins with: what happened in the last seven days at the company of the
example. It is played beside the build, by a clock that leaps, and then written into the tables of
this machine; nothing that is deployed knows of it.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3

from local.children import Child
from local.programs import Failure, Programs

if TYPE_CHECKING:
    from pathlib import Path

    from types_boto3_dynamodb import DynamoDBClient

_PATIENCE = 300.0
"""Seconds for the play, which takes about twenty on an idle machine."""


@dataclass(frozen=True)
class Week:
    """A week that is being played."""

    programs: Programs
    child: Child
    file: "Path"

    def carry_into(self, table: str) -> None:
        """Waits for its end, and writes what came of it. Raises `Failure`."""
        try:
            code = self.child.wait(_PATIENCE)
        except TimeoutError:
            raise Failure("The demo week took too long.") from None
        if code:
            raise Failure(f"The demo week failed. Its log: {self.programs.log_name('week')}")
        found: dict[str, list[dict[str, Any]]] = json.loads(self.file.read_text())
        client = boto3.client("dynamodb", endpoint_url=self.programs.endpoint)
        for some in batched(found["items"], 25, strict=False):
            _put(client, table, list(some))
        for service in found["windows"]:
            client.update_item(
                TableName=table,
                Key={name: service[name] for name in ("pk", "sk")},
                UpdateExpression="SET windows = :windows",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":windows": service["windows"]},
            )


@contextmanager
def week(programs: Programs) -> Iterator[Week]:
    """Played while the `with` lasts."""
    file = programs.scratch / "week.json"
    command = [sys.executable, "-m", "harness.week", str(file)]
    child = programs.start("week", command, programs.environment)
    try:
        yield Week(programs, child, file)
    finally:
        child.stop()


def _put(client: "DynamoDBClient", table: str, items: list[dict[str, Any]]) -> None:
    wanted: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    while wanted:
        wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")
