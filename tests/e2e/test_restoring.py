"""Restoring into the deployed system, as an operator does it, while its functions run: incidents of
a copy of the table come back, and nobody hears of them.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from harness.dynamodb import make_table
from harness.world import RETENTION, Clock, World, event
from local.deployment import STACK
from local.stack import Running
from opsknight.directory.entries import Service
from opsknight.incident.model import Status
from opsknight.store.counters import Counters
from opsknight.store.table import Table
from tests.e2e.commands import told
from tests.e2e.test_deployed import eventually
from tests.e2e.test_sending import Places, Town, places

__all__ = ["places"]
# Alone, it waits for the deployment, too.
pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

OPEN = 200
NEWER = 10
TELLING = {"page", "delivery", "step"}


def aws(up: Running, service: str) -> Any:
    anything: Any = boto3
    return anything.client(service, endpoint_url=up.endpoint)


def items(table: Table) -> Iterator[dict[str, Any]]:
    pages = table.client.get_paginator("scan").paginate(TableName=table.name)
    return (dict(item) for page in pages for item in page["Items"])


@pytest.fixture
def copy(deployed: Running, places: Places) -> Iterator[World]:
    """A copy of the table in use, as point-in-time recovery makes one, an hour ago: with 200 open
    incidents that page somebody, and that are gone by now.
    """
    town = Town(deployed, places)
    service = town.service("back", "/place", pages="/page")
    client = town.table.client
    table = Table(client, make_table(client, "Table"), RETENTION)
    counters = Counters(client, make_table(client, "RatesTable"))
    for item in items(town.table):
        client.put_item(TableName=table.name, Item=item)
    known = Service(id=service, name="back", team_id=f"team_{town.name}-back", policy_id=service)
    clock = Clock(datetime.now(UTC) - timedelta(hours=1))
    world = World(table, counters, clock, known, known, town.keys[service], "", "", "", "", "")
    for number in range(OPEN):
        # A key has a limit for each minute.
        clock.advance(seconds=1)
        assert world.send(event(dedup_key=f"{town.name}-{number}")).status == 202
    yield world
    world.close()


def test_200_open_incidents_come_back_beside_running_functions_and_nobody_hears_anything(
    deployed: Running, copy: World, places: Places, here: Path
) -> None:
    live = Table(copy.table.client, deployed.outputs["TableName"], RETENTION)
    old = {
        item["id"]["S"]: item["dedup_key"]["S"]
        for item in items(copy.table)
        if item["sk"]["S"] == "incident" and item.get("service_id", {}).get("S") == copy.service.id
    }
    assert len(old) == OPEN
    # Meanwhile some of them have opened anew, and page.
    keys = sorted(old.values())[:NEWER]
    newer = {post(deployed, copy.integration_key, key) for key in keys}
    assert eventually(lambda: places.at("/page"))
    settle(deployed)
    found = told(here, "restore", "--from-table", copy.table.name, "--incidents")
    # What other tests left is in both.
    assert found["incidents"] | {"known": 0} == {"superseded": NEWER, "known": 0}
    assert len(found["suppressed"]) == OPEN - NEWER
    # Later in the stream, so when it is heard of, the functions have passed all that came back.
    other = Town(deployed, places)
    post(deployed, other.keys[other.service("later", pages="/later")], other.name)
    assert eventually(lambda: places.at("/later"))
    tick(deployed)
    settle(deployed)
    stored = list(items(live))
    active = [
        (item["dedup_key"]["S"], item["status"]["S"])
        for item in stored
        if item["sk"]["S"] == "incident"
        and item["service_id"]["S"] == copy.service.id
        and item["status"]["S"] != Status.RESOLVED
    ]
    assert sorted(key for key, _ in active) == sorted(old.values())
    assert [status for _, status in active].count(Status.SUPPRESSED) == OPEN - NEWER
    pointers = {
        item["dedup_key"]["S"]: item["id"]["S"]
        for item in stored
        if item["sk"]["S"] == "pointer" and item["service_id"]["S"] == copy.service.id
    }
    assert set(pointers.values()) == newer | set(found["suppressed"])
    # Whoever is told of an incident has an item of it before.
    about = {
        item["incident_id"]["S"] for item in stored if item.get("kind", {}).get("S") in TELLING
    }
    assert newer <= about
    assert not about & set(old)


def post(up: Running, key: str, dedup_key: str) -> str:
    answer = requests.post(
        f"{up.url}/api/events",
        json=event(dedup_key=dedup_key),
        headers={"Authorization": f"Token token={key}"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    incident: str = answer.json()["result"]["incident"]["id"]
    return incident


def tick(up: Running) -> None:
    """Every minute one comes by itself."""
    [name] = [
        each["PhysicalResourceId"]
        for each in aws(up, "cloudformation").describe_stack_resources(StackName=STACK)[
            "StackResources"
        ]
        if each["LogicalResourceId"] == "TickFunction"
    ]
    invoked = aws(up, "lambda").invoke(FunctionName=f"{name}:live")
    assert "FunctionError" not in invoked, invoked["Payload"].read()


def settle(up: Running) -> None:
    """Until no queue holds anything any more that is to be received by now."""
    queues = aws(up, "sqs")
    names = ("Timers", "Plans", "PagesHigh", "Pages")
    until = time.monotonic() + 120

    def held() -> int:
        counts = (
            queues.get_queue_attributes(QueueUrl=up.outputs[f"{name}Url"], AttributeNames=["All"])[
                "Attributes"
            ]
            for name in names
        )
        return sum(
            int(each["ApproximateNumberOfMessages"])
            + int(each["ApproximateNumberOfMessagesNotVisible"])
            for each in counts
        )

    quiet = 0
    while quiet < 5:
        assert time.monotonic() < until, "the queues are not done"
        quiet = 0 if held() else quiet + 1
        time.sleep(0.2)
