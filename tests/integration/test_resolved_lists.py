"""Resolved incidents of all services, by when they were resolved, and searching."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.desk import Desk
from harness.world import World, deadline, event
from opsknight.directory.entries import SCOPES
from opsknight.incident.canary import SERVICE_ID
from opsknight.incident.model import Status
from opsknight.store.listings import LOOKED_AT, Wanted
from opsknight.store.resolved import KINDS, Resolved, ResolvedPlace
from opsknight.store.restoring import quiet
from tests.integration.wire import Wire


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.configured(services=["svc_checkout", "svc_reports"], users=["user_ada"])
    return desk


def opened(desk: Desk, key: str, service: str = "svc_checkout", **payload: str) -> str:
    body = event(dedup_key=key, service_id=service, payload=payload)
    found: str = desk.world.send(body, key=desk.world.api_key).incident["id"]
    desk.world.clock.advance(minutes=1)
    return found


def resolved(desk: Desk, *incident_ids: str) -> None:
    """All at the same instant."""
    body = {"action": "resolve", "incidentIds": incident_ids}
    assert desk.call("POST", "/api/incidents/actions", body).status == 200
    desk.world.clock.advance(minutes=1)


def listed(desk: Desk, query: str = "", key: str | None = None) -> list[str]:
    """All of them, batch by batch."""
    found: list[str] = []
    path = f"/api/incidents?status=RESOLVED{query}"
    place = ""
    for _ in range(50):
        answer = desk.call("GET", path + place, key=key)
        assert answer.status == 200, answer.body
        found += [each["id"] for each in answer.body["incidents"]]
        if "cursor" not in answer.body:
            return found
        place = f"&cursor={answer.body['cursor']}"
    raise AssertionError("the list does not end")


def test_what_was_resolved_is_listed_across_services_by_when_that_was(desk: Desk) -> None:
    first, second = opened(desk, "a"), opened(desk, "b", "svc_reports")
    opened(desk, "active")
    resolved(desk, second)
    resolved(desk, first)
    answer = desk.call("GET", "/api/incidents?status=RESOLVED")
    newest, older = answer.body["incidents"]
    assert (newest["id"], older["id"]) == (first, second)
    assert newest["resolvedAt"] > older["resolvedAt"]
    assert (newest["alertCount"], newest["serviceName"]) == (1, "Checkout")
    assert listed(desk, "&sort=oldest") == [second, first]
    assert "cursor" not in answer.body


def test_a_cursor_goes_on_among_those_resolved_at_the_same_instant(desk: Desk) -> None:
    found = [opened(desk, f"k{number}") for number in range(7)]
    resolved(desk, *found[:5])
    resolved(desk, *found[5:])
    for order in ("newest", "oldest"):
        batches = listed(desk, f"&sort={order}&limit=2")
        assert len(batches) == len(set(batches)) == 7
        last = set(batches[:2] if order == "newest" else batches[-2:])
        assert last == set(found[5:])


def test_words_are_found_in_titles_ids_and_names_of_services(desk: Desk) -> None:
    pay = opened(desk, "a", summary="Customers cannot PAY")
    slow = opened(desk, "b", "svc_reports", summary="Оплата не проходит")
    more = opened(desk, "c", summary="Search is slow")
    for query, expected in (
        ("pay customers", [pay]),
        ("ОПЛАТА", [slow]),
        ("reports", [slow]),
        ("checkout slow", [more]),
        (pay[:20], [pay]),
        ("nothing", []),
    ):
        active = desk.call("GET", f"/api/incidents?q={query}").body["incidents"]
        assert [each["id"] for each in active] == expected, query
    resolved(desk, pay, slow, more)
    assert listed(desk, "&q=reports") == [slow]
    assert listed(desk, "&q=pay") == [pay]
    assert listed(desk, "&q=pay&service=svc_checkout") == [pay]


def test_times_and_urgency_narrow_it(desk: Desk) -> None:
    early, late = opened(desk, "a"), opened(desk, "b", severity="info")
    resolved(desk, early)
    between = f"{desk.world.clock():%Y-%m-%dT%H:%M:%SZ}"
    desk.world.clock.advance(minutes=1)
    resolved(desk, late)
    assert listed(desk, f"&resolvedSince={between}") == [late]
    assert listed(desk, f"&resolvedUntil={between}") == [early]
    assert listed(desk, f"&since={between}") == []
    assert listed(desk, "&urgency=LOW") == [late]
    assert listed(desk, "&service=svc_checkout&sort=oldest") == [early, late]
    assert listed(desk, f"&resolvedSince={between}&resolvedUntil=2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("sort=oldest", "status"),
        ("status=OPEN&resolvedSince=2026-11-23T00:00:00Z", "status"),
        ("status=RESOLVED&sort=loudest", "sort"),
        ("status=RESOLVED&cursor=YWN0aXZlIA", "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, query: str, path: str) -> None:
    answer = desk.call("GET", f"/api/incidents?{query}")
    assert answer.status == 400
    assert path in [each["path"] for each in answer.body["issues"]]


def test_a_user_sees_what_their_teams_resolved(desk: Desk) -> None:
    own, other = opened(desk, "a"), opened(desk, "b", "svc_reports")
    resolved(desk, own, other)
    assert listed(desk, key=desk.key("ben", *SCOPES)) == [own]
    assert listed(desk, key=desk.key("eve", *SCOPES)) == []


def copied(desk: Desk, incident_id: str, **more: Any) -> None:
    """One more item like that of the incident."""
    (item,) = [
        each
        for each in desk.world.items()
        if each["kind"]["S"] == "incident" and each["id"]["S"] == incident_id
    ]
    table = desk.world.table
    changed = {name: {"S": text} for name, text in more.items()}
    table.client.put_item(TableName=table.name, Item=item | changed)


def test_what_was_restored_is_among_them_and_canaries_are_not(desk: Desk) -> None:
    assert ("incident", quiet("incident")) == KINDS
    found = [opened(desk, f"k{number}") for number in range(3)]
    for each in found:
        resolved(desk, each)
    # As `opsknight restore` leaves it.
    copied(desk, found[1], kind=quiet("incident"))
    canary = f"canary_{found[2][4:]}"
    copied(
        desk,
        found[2],
        id=canary,
        pk=f"incident#{canary}",
        service_id=SERVICE_ID,
    )
    for limit in (1, 2, 50):
        assert listed(desk, f"&limit={limit}") == found[::-1]


def test_an_answer_takes_two_round_trips_whatever_there_is(desk: Desk) -> None:
    found = [opened(desk, f"k{number}") for number in range(3)]
    resolved(desk, *found)
    desk.call("GET", "/api/incidents?status=RESOLVED&q=reports")
    wire = Wire(desk.world.table.client)
    answer = desk.call("GET", "/api/incidents?status=RESOLVED&q=nothing")
    assert answer.body["incidents"] == []
    # The kinds side by side; names are remembered.
    assert wire.calls == ["Query", "Query"]
    assert {sent["IndexName"] for sent in wire.sent} == {"resolved"}
    assert {sent["Limit"] for sent in wire.sent} == {LOOKED_AT}


def test_a_list_stops_where_one_kind_was_cut_off(desk: Desk) -> None:
    """What follows there may come before what is left of the other kind."""
    found = [opened(desk, f"k{number}") for number in range(8)]
    for each in found:
        resolved(desk, each)
    # The newest five as if they were restored: the other kind would be read ahead of them.
    for each in found[3:]:
        copied(desk, each, kind=quiet("incident"))
    with ThreadPoolExecutor(2) as workers:
        lists = Resolved(desk.world.table, workers, looked_at=2)
        wanted = Wanted(statuses=frozenset({Status.RESOLVED}))
        seen: list[str] = []
        place: ResolvedPlace | None = None
        for _ in range(20):
            batch, place = lists.page(wanted, place, 50, deadline())
            seen += [each.id for each in batch]
            if place is None:
                break
    assert seen == found[::-1]
