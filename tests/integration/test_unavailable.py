"""DynamoDB throttled, contended or away: what is tried again, and the 503 after it."""

from random import Random
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from harness.world import World, event
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.incident.model import Status
from tests.integration.conftest import Log
from tests.integration.steps import do, in_order, incident, incident_in, of_kind, use_up
from tests.integration.wire import (
    ALWAYS,
    CONFLICTS,
    THROTTLES,
    TIMES_OUT,
    Fault,
    Wire,
    answer,
    doing,
    raising,
    refusing,
)

URL = {"endpoint_url": "https://dynamodb"}
AWAY: dict[str, Fault] = {
    "throttled": THROTTLES,
    "no answer": TIMES_OUT,
    "no connection": raising(EndpointConnectionError(**URL, error="refused")),
    "connecting takes too long": raising(ConnectTimeoutError(**URL)),
    "cut off": raising(ConnectionClosedError(**URL)),
    "internal error": refusing("InternalServerError", status=500),
    "unavailable": refusing("ServiceUnavailable", status=503),
    "a gateway in between": lambda: answer(503, b"<html>Service Unavailable</html>"),
    "request limit": refusing("RequestLimitExceeded"),
}
FAULTS = pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY.keys())


@FAULTS
@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_dynamodb_away_is_503_with_retry_after(
    world: World, fault: Fault, operation: str, log: Log
) -> None:
    Wire(world.table.client).fail(operation, fault, ALWAYS)
    before = in_order(world.items())
    response = world.send(event(), api=world.api(patience=0))
    assert (response.status, response.body) == (503, {"error": "Service unavailable"})
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["X-Request-Id"] == "gateway-1"
    assert in_order(world.items()) == before
    line = log.lines[-1]
    assert (line["level"], line["status"]) == ("ERROR", 503)
    assert line["cause"], "the line says why"


@FAULTS
@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_a_passing_fault_is_not_noticed(world: World, fault: Fault, operation: str) -> None:
    Wire(world.table.client).fail(operation, fault)
    response = world.send(event())
    assert (response.status, response.action) == (202, "triggered")
    assert len(of_kind(world, "alert")) == 1


def test_the_event_after_a_503_works(world: World) -> None:
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", TIMES_OUT, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.2)).status == 503
    wire.mend()
    assert world.send(event()).action == "triggered"


def test_transactions_in_conflict_are_tried_again(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", CONFLICTS, times=3)
    assert world.send(event("acknowledge")).action == "acknowledged"
    assert wire.calls.count("TransactWriteItems") == 4
    assert incident(world, known).changes == 2


def test_one_request_repeated_has_one_token(world: World) -> None:
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", TIMES_OUT)
    wire.fail("TransactWriteItems", CONFLICTS)
    world.send(event())
    sent = [request for request in wire.sent if "ClientRequestToken" in request]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2], "so that an unknown outcome is written once"


def test_an_event_in_the_way_of_another_looks_again(world: World) -> None:
    """It would otherwise repeat, in a burst of first triggers, what can only be refused."""
    wire = Wire(world.table.client)
    other = world.api()

    def contested() -> AWSResponse | None:
        world.send(event(), api=other)
        return CONFLICTS()

    wire.fail("TransactWriteItems", contested)
    assert world.send(event()).action == "deduplicated"
    # The two first ones, of which one was carried out.
    assert wire.calls.count("TransactWriteItems") == 2


def test_another_decision_has_another_token(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", doing(lambda: do(world, known, Acknowledge())))
    world.send(event("resolve"))
    first, _, last = [request for request in wire.sent if "ClientRequestToken" in request]
    assert first["ClientRequestToken"] != last["ClientRequestToken"]


@pytest.mark.parametrize(
    ("action", "meanwhile", "says"),
    [
        ("trigger", Resolve(), "triggered"),
        ("trigger", Acknowledge(), "deduplicated"),
        ("acknowledge", Acknowledge(), "acknowledged"),
        ("acknowledge", Resolve(), "ignored"),
        ("resolve", Acknowledge(), "resolved"),
        ("resolve", Resolve(), "ignored"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_happened_in_between_is_decided_on_again(
    world: World, action: str, meanwhile: Any, says: str
) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    first_write = "UpdateItem" if action == "trigger" else "TransactWriteItems"
    wire.fail(first_write, doing(lambda: do(world, known, meanwhile)))
    assert world.send(event(action)).action == says
    active = [i for i in of_kind(world, "incident") if i["status"]["S"] != "RESOLVED"]
    assert len(active) == len(of_kind(world, "pointer")) <= 1


def test_two_first_triggers_are_one_incident(world: World) -> None:
    other = world.api()
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", doing(lambda: world.send(event(), api=other)))
    response = world.send(event(), api=world.api())
    assert response.action == "deduplicated"
    [stored] = of_kind(world, "incident")
    assert stored["alert_count"]["N"] == "2" == str(len(of_kind(world, "alert")))
    assert response.incident["id"] == stored["id"]["S"]


def test_contention_without_end_is_503(world: World) -> None:
    fault = refusing("TransactionCanceledException", "ConditionalCheckFailed", "None", "None")
    Wire(world.table.client).fail("TransactWriteItems", fault, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.05)).status == 503


def test_a_key_that_cannot_be_read_is_503_and_not_403(world: World) -> None:
    Wire(world.table.client).fail("GetItem", TIMES_OUT, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.2)).status == 503


def test_a_full_window_is_told_though_the_table_is_away(world: World) -> None:
    api = world.api()
    use_up(world)
    assert world.send(event(), api=api).status == 429
    Wire(world.table.client).fail("GetItem", TIMES_OUT, ALWAYS)
    assert world.send(event(), api=api).status == 429


def test_chunks_are_stored_before_the_transaction(world: World) -> None:
    wire = Wire(world.table.client)
    details = {"dump": Random(5).randbytes(200_000).hex()}
    wire.fail("PutItem", THROTTLES)
    assert world.send(event(payload={"custom_details": details})).status == 202
    puts = [call for call in wire.calls if call in ("PutItem", "TransactWriteItems")]
    assert puts[-1] == "TransactWriteItems"
    assert puts.count("TransactWriteItems") == 1
    assert puts.count("PutItem") >= 2, "the one that failed was put again"
