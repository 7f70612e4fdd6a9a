"""The tables in docs/integrations/clients.md, row by row: what we answer, and that clients act on
it as well as they can.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from harness.dynamodb import ROOT
from harness.settings import configure
from harness.world import World, http_event
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from tests.integration.steps import use_up
from tests.integration.test_preset_requests import stored
from tests.integration.wire import ALWAYS, THROTTLES, Wire, doing

PAGE: Final = ROOT / "docs" / "integrations" / "clients.md"
WIRES: Final = (
    *("PagerDuty v2", "PagerDuty v1", "Webhooks", "Opsgenie"),
    *("Our events", "Heartbeats"),
)
NOT_THERE: Final = "-"
LIMIT, PARTLY, AWAY = (
    "Over 120 requests in a minute",
    "Not all of it could be stored",
    "DynamoDB does not answer",
)


def table(head: str) -> Iterator[list[str]]:
    """The rows of the table that begins so, its head among them."""
    lines = PAGE.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"| {head} "))
    for number, line in enumerate(lines[first:]):
        if not line.startswith("|"):
            return
        if number != 1:
            yield [each.strip() for each in line.split("|")[1:-1]]


STATUSES: Final = {row[0]: dict(zip(WIRES, row[1:], strict=True)) for row in [*table("When")][1:]}
CLIENTS: Final = [*table("Client")]


def test_the_tables_name_every_wire() -> None:
    assert tuple(next(table("When"))[1:]) == WIRES
    assert {row[1] for row in CLIENTS[1:]} == {*WIRES} - {"Our events"}


def request(wire: str, key: str | None, action: str = "trigger") -> dict[str, Any]:
    is_over = action == "resolve"
    headers: dict[str, str] = {}
    payload = {"summary": "s", "source": "w", "severity": "error"}
    method = "POST"
    match wire:
        case "PagerDuty v2":
            body: dict[str, Any] = {"event_action": action, "payload": payload}
            path, named = "/v2/enqueue", {"routing_key": key}
            body |= {"dedup_key": "cpu"}
        case "PagerDuty v1":
            body = {"event_type": action, "description": "d", "incident_key": "cpu"}
            path, named = "/generic/2010-04-15/create_event.json", {"service_key": key}
        case "Webhooks":
            status = "resolved" if is_over else "firing"
            body = {"alerts": [{"status": status, "labels": {"alertname": "HighCPU"}}]}
            path, named = "/api/integrations/alertmanager", {}
            headers = {"Authorization": f"Bearer {key}"}
        case "Opsgenie":
            body, path, named = {"message": "m", "alias": "cpu"}, "/v2/alerts", {}
            headers = {"Authorization": f"GenieKey {key}"}
            path += "/cpu/close" if is_over else ""
        case "Our events":
            body = {"event_action": action, "dedup_key": "cpu", "payload": payload}
            path, named = "/api/events", {}
            headers = {"Authorization": f"Token token={key}"}
        case _:
            body, path, named = {}, f"/heartbeat/{key or 'nobody'}", {}
            method = "GET"
    if key is None:
        headers, named = {}, {}
    query = {"identifierType": "alias"} if is_over and wire == "Opsgenie" else None
    return http_event(body | named, method=method, path=path, headers=headers, query=query)


@pytest.mark.parametrize("situation", STATUSES)
def test_a_row(world: World, situation: str) -> None:
    patience: float | None = None
    # Only what beats needs it, and it makes no difference to anything else.
    beats(world)
    match situation:
        case "The integration has a secret, and it is not signed":
            beats(world, secret="hook")
            stored(world, "hook", "s")
        case "Over 120 requests in a minute":
            use_up(world)
        case "DynamoDB does not answer" | "Not all of it could be stored":
            patience = 0.3
            store = Wire(world.table.client)
            if situation == PARTLY:
                store.fail("TransactWriteItems", doing(dict))
            else:
                store.fail("GetItem", THROTTLES, ALWAYS)
                store.fail("BatchGetItem", THROTTLES, ALWAYS)
            store.fail("TransactWriteItems", THROTTLES, ALWAYS)
        case _:
            pass
    api = world.api(patience)
    for wire, status in STATUSES[situation].items():
        if status == NOT_THERE:
            continue
        answer = world.request(tried(situation, wire, world), api)
        assert answer.status == int(status), (wire, answer.body)
        later = situation in (LIMIT, PARTLY, AWAY) and answer.status >= 400
        assert ("Retry-After" in answer.headers) == later, wire


def beats(world: World, secret: str | None = None) -> None:
    plain = Integration(id="int_prometheus", service_id="svc_checkout", name="Prometheus")
    more = {"heartbeat": Heartbeat(every=timedelta(minutes=5)), "secret": secret}
    configure(world, plain.model_copy(update=more))


def tried(situation: str, wire: str, world: World) -> dict[str, Any]:
    """The request that is in this situation."""
    key = world.integration_key
    sent = request(wire, key)
    body = json.loads(sent["body"])
    match situation:
        case "It is taken" | "The integration has a secret, and it is not signed":
            pass
        case "Over 120 requests in a minute" | "DynamoDB does not answer":
            pass
        case "A resolve, and nothing is active":
            return request(wire, key, "resolve")
        case "No key":
            return request(wire, None)
        case "A key that is not live":
            return request(wire, "0" * 32)
        case "Two different keys":
            sent["queryStringParameters"] = {"key": world.second_integration_key}
        case "No such address":
            sent["rawPath"] += "/unheard-of/of"
            sent["requestContext"]["http"]["path"] += "/unheard-of/of"
        case "Not all of it could be stored":
            alerts = [body["alerts"][0] | {"fingerprint": name} for name in "ab"]
            sent["body"] = json.dumps({"alerts": alerts})
        case "Not JSON":
            sent["body"] = f'{{"routing_key": "{key}", "service_key": "{key}", '
        case "It means nothing":
            for name in ("payload", "description", "alerts", "message"):
                body.pop(name, None)
            sent["body"] = json.dumps(body)
        case "Too large":
            sent["body"] = json.dumps(body | {"more": "x" * 5_000_000})
        case "Another method":
            sent["requestContext"]["http"]["method"] = "DELETE"
        case _:
            pytest.fail(f"nobody knows how to try: {situation}")
    return sent


def reactions(row: list[str]) -> dict[str, str]:
    """What the client of the row does, by the head of the column."""
    found: dict[str, str] = {}
    last = ""
    for head, cell in zip(CLIENTS[0][2:-1], row[2:-1], strict=True):
        last = last if cell == "the same" else cell
        assert last.startswith(("again", "not again")), (row[0], head)
        found[head] = last
    return found


@pytest.mark.parametrize("row", CLIENTS[1:], ids=lambda row: row[0])
def test_what_may_pass_is_answered_so_that_the_client_sends_it_again(row: list[str]) -> None:
    """Where it sends nothing again whatever it hears, no status is better than another."""
    does = reactions(row)
    for situation in (LIMIT, AWAY):
        status = STATUSES[situation][row[1]]
        if status in ("200", "202"):
            continue
        column = {"403": "403", "429": "429", "503": "500, 503"}[status]
        others = [does[each] for each in ("403", "429", "500, 503")]
        if situation == AWAY:
            # A client that returns a 5xx to its caller has not lost it.
            others = [each for each in others if "returned" not in does[column]]
        assert does[column].startswith("again") or not any(
            each.startswith("again") for each in others
        ), (situation, status)


@pytest.mark.parametrize("row", CLIENTS[1:], ids=lambda row: row[0])
def test_what_can_never_be_taken_is_not_sent_for_ever(row: list[str]) -> None:
    does = reactions(row)
    for situation in ("No key", "A key that is not live", "Not JSON", "Too large"):
        status = STATUSES[situation][row[1]]
        if status == NOT_THERE:
            continue
        reaction = does["403"] if status == "403" else does["400 to 422"]
        assert reaction.startswith("not again") or "tries" in reaction, situation
