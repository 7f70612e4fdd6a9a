"""The link of a message that told several incidents: their list, and acknowledging all of them."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from harness.desk import Desk, RawResponse
from harness.world import World, deadline
from opsknight.incident.commands import (
    Acknowledge,
    Escalate,
    Reassign,
    Resolve,
    Snooze,
    Unsnooze,
)
from opsknight.incident.model import Status
from opsknight.notification.delivery import State
from opsknight.notification.message import PageReason
from opsknight.store import items
from opsknight.store.calls import Deadline
from tests.integration.steps import do, in_order, incident, incident_in, unmarked


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def opened(desk: Desk, severity: str, key: str) -> str:
    payload = {"summary": f"Disk of {key} is full", "source": key, "severity": severity}
    return incident_in(desk.world, Status.OPEN, dedup_key=key, payload=payload)


def titles(page: RawResponse) -> list[str]:
    return re.findall(r"<b dir=\"auto\">Disk of (\w+) is full</b>", page.text)


def links(page: RawResponse) -> list[str]:
    return re.findall(r'<a href="([\w-]{55})"', page.text)


def seen(page: RawResponse) -> list[str]:
    """What the button for all of the message would send."""
    return next(iter(forms(page)), [])


def forms(page: RawResponse) -> list[list[str]]:
    """What each button for several would send."""
    sent = (re.findall(r'name="seen" value="([^"]+)"', each) for each in page.text.split("<form"))
    return [each for each in sent if each]


def only(page: RawResponse) -> list[str]:
    return re.findall(r'name="only" value="([^"]+)"', page.text)


def test_the_list_has_the_most_urgent_first_whichever_delivery_leads(desk: Desk) -> None:
    """The text named the HIGH one, and the link opened the MEDIUM one that led the message."""
    ids = [opened(desk, *each) for each in (("error", "db1"), ("info", "db2"), ("critical", "db3"))]
    page = desk.ask(desk.bundle(ids))
    assert page.status == 200
    assert "3 incidents wait for you" in page.text
    assert titles(page) == ["db3", "db1", "db2"]
    assert "Acknowledge all 3" in page.text
    assert [each.split(".")[0] for each in seen(page)] == [ids[2], ids[0], ids[1]]
    first = desk.ask(f"/r/{links(page)[0]}")
    assert '<h1 dir="auto">Disk of db3 is full</h1>' in first.text
    assert "All incidents of this message" in first.text
    assert titles(desk.ask(f"/r/{links(first)[0]}")) == titles(page)


def test_all_are_acknowledged_by_one_tap_each_by_itself(desk: Desk) -> None:
    ids = [opened(desk, "critical", f"web{number}") for number in range(40)]
    path = desk.bundle(ids)
    page = desk.ask(path)
    assert "Acknowledge all 40" in page.text
    pressed = desk.press(path, "acknowledge", seen=seen(page))
    assert pressed.status == 303
    for each in ids:
        known = incident(desk.world, each)
        assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
        [change] = desk.world.table.changes(each, deadline())
        assert (change.what, change.actor.id) == ("acknowledged", "user_ada")
    place, _, query = pressed.headers["Location"].partition("?")
    assert (place, query) == (path.removeprefix("/r/"), "done=40&left=0")
    after = desk.send(
        {
            "rawPath": path,
            "requestContext": {"http": {"method": "GET"}},
            "queryStringParameters": {"done": "40", "left": "0"},
        }
    )
    assert "40 incidents acknowledged." in after.text
    assert seen(after) == []


def test_what_changed_since_it_was_looked_at_is_left_alone(desk: Desk) -> None:
    """It was open, snoozed by somebody, and opened again while the page lay on the table."""
    ids = [opened(desk, "critical", f"web{number}") for number in range(3)]
    path = desk.bundle(ids)
    looked_at = seen(desk.ask(path))
    do(desk.world, ids[0], Snooze(desk.world.clock() + timedelta(hours=1)))
    do(desk.world, ids[0], Unsnooze())
    do(desk.world, ids[1], Resolve())
    pressed = desk.press(path, "acknowledge", seen=looked_at)
    assert pressed.headers["Location"].endswith("?done=1&left=2")
    statuses = [incident(desk.world, each).status for each in ids]
    assert statuses == [Status.OPEN, Status.RESOLVED, Status.ACKNOWLEDGED]


def test_what_came_since_is_named_and_not_included(desk: Desk) -> None:
    ids = [opened(desk, "error", f"web{number}") for number in range(2)]
    path = desk.bundle(ids)
    desk.world.clock.advance(minutes=4)
    newer = [opened(desk, "critical", f"new{number}") for number in range(3)]
    for each in newer:
        desk.delivery(each)
    of_others = opened(desk, "critical", "other")
    desk.delivery(of_others, "ben")
    page = desk.ask(path)
    assert "3 more page you, beside this message" in page.text
    assert "Acknowledge all 2" in page.text
    assert {each.split(".")[0] for each in seen(page)} == set(ids)
    assert set(titles(page)) == {"web0", "web1", "new0", "new1", "new2"}
    desk.press(path, "acknowledge", seen=seen(page))
    assert {incident(desk.world, each).status for each in newer} == {Status.OPEN}
    page = desk.ask(path)
    assert "<h1>3 more incidents wait for you</h1>" in page.text
    assert set(titles(page)[:3]) == {"new0", "new1", "new2"}, (
        "what is left comes before what is done"
    )
    [one] = [each for each in only(page) if each.startswith(newer[1])]
    assert desk.press(path, only=one).status == 303
    assert incident(desk.world, newer[1]).assignee_id == "user_ada"
    assert incident(desk.world, newer[0]).status is Status.OPEN


def test_a_storm_of_several_messages_is_acknowledged_by_one_link(desk: Desk) -> None:
    first = opened(desk, "critical", "first")
    desk.delivery(first)
    desk.world.clock.advance(minutes=1)
    earlier = [opened(desk, "error", f"web{number}") for number in range(22)]
    desk.bundle(earlier)
    desk.world.clock.advance(minutes=1)
    ids = [opened(desk, "error", f"db{number}") for number in range(17)]
    path = desk.bundle(ids)
    for what in ("Acknowledge all 17", "Acknowledge these 23"):
        page = desk.ask(path)
        assert what in page.text
        answer = desk.press(path, "acknowledge", seen=seen(page))
        assert answer.headers["Location"].endswith("left=0")
    assert {incident(desk.world, each).status for each in (first, *earlier, *ids)} == {
        Status.ACKNOWLEDGED
    }
    assert "none of them open" in desk.ask(path).text


def test_what_changed_beside_a_message_keeps_no_other_from_it(desk: Desk) -> None:
    """One that a colleague was faster with made the whole button fail, and all went on paging."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    ids = [opened(desk, "error", f"db{number}") for number in range(4)]
    for each in ids:
        desk.delivery(each)
    [_, beside] = forms(desk.ask(path))
    do(desk.world, ids[0], Acknowledge(by="user_ben"))
    do(desk.world, ids[1], Resolve())
    for number in range(45):
        desk.world.clock.advance(seconds=1)
        desk.delivery(opened(desk, "critical", f"new{number}"))
    pressed = desk.press(path, "acknowledge", seen=beside)
    assert pressed.headers["Location"].endswith("?done=2&left=2")
    assert [incident(desk.world, each).status for each in ids[2:]] == [Status.ACKNOWLEDGED] * 2
    assert incident(desk.world, ids[0]).assignee_id == "user_ben"
    again = desk.press(path, "acknowledge", seen=beside)
    assert again.headers["Location"].endswith("?done=0&left=4"), "tapped twice"
    assert desk.press(path, "acknowledge", seen=beside * 11).status == 303
    many = [f"inc_{number:028x}.0" for number in range(41)]
    assert desk.press(path, "acknowledge", seen=many).status == 400


def test_what_somebody_gave_away_pages_them_no_more(desk: Desk) -> None:
    """Ada gave it to Ben, saw it among hers, and took it from him with all the others."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    ids = [opened(desk, "error", f"db{number}") for number in range(3)]
    for each in ids:
        desk.delivery(each)
    [_, beside] = forms(desk.ask(path))
    desk.world.clock.advance(minutes=1)
    do(desk.world, ids[0], Reassign("user_ben"))
    page = desk.ask(path)
    assert "2 more page you" in page.text
    assert set(titles(page)) == {"web1", "web2", "db1", "db2"}
    pressed = desk.press(path, "acknowledge", seen=beside)
    assert pressed.headers["Location"].endswith("?done=2&left=1")
    assert incident(desk.world, ids[0]).status is Status.OPEN
    desk.world.clock.advance(minutes=1)
    do(desk.world, ids[0], Escalate())
    desk.delivery(ids[0], page_no=2)
    assert "1 more pages you" in desk.ask(path).text, "it has paged Ada again"


@pytest.mark.parametrize(
    "more",
    [
        {"state": State.FAILED},
        {"state": State.BOUNCED},
        {"state": State.CANCELLED},
        {"about": PageReason.ALSO_PAGED},
        {"about": PageReason.REQUESTED},
        {"epoch": 7},
    ],
)
def test_what_never_paged_the_reader_does_not_stand_beside(
    desk: Desk, more: dict[str, Any]
) -> None:
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    other = opened(desk, "critical", "db1")
    desk.delivery(other, **more)
    assert set(titles(desk.ask(path))) == {"web1", "web2"}
    desk.delivery(other, state=State.SENT, receiver_id="sms")
    assert set(titles(desk.ask(path))) == {"web1", "web2", "db1"}


def test_where_not_all_are_looked_at_the_number_is_a_least_one(desk: Desk) -> None:
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    for number in range(41):
        desk.delivery(opened(desk, "error", f"db{number}"))
    page = desk.ask(path)
    assert "At least 40 more page you" in page.text
    assert "Acknowledge these 40" in page.text
    desk.press(path, "acknowledge", seen=seen(page))
    desk.press(path, "acknowledge", seen=forms(page)[1])
    assert "<h1>1 more incident waits for you</h1>" in desk.ask(path).text


def test_the_most_urgent_are_looked_at_before_the_newest(desk: Desk) -> None:
    """A step pages several people, and only the first of them is the assignee."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    desk.delivery(opened(desk, "critical", "db1"))
    for number in range(41):
        desk.world.clock.advance(seconds=1)
        desk.delivery(opened(desk, "error", f"new{number}"), "ben")
    desk.press(path, "acknowledge", seen=seen(desk.ask(path)))
    page = desk.ask(path)
    assert "<h1>At least 1 more incident waits for you</h1>" in page.text
    assert titles(page)[0] == "db1"


def test_what_was_not_looked_at_may_page_the_reader(desk: Desk) -> None:
    """It said that none was open, and one went on paging its reader."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    desk.delivery(opened(desk, "info", "db1"))
    ids = []
    for number in range(41):
        ids.append(opened(desk, "critical", f"new{number}"))
        desk.delivery(ids[-1], "ben")
    page = desk.ask(path)
    assert "2 incidents wait for you" in page.text
    assert "Not all open incidents were looked at" in page.text
    desk.press(path, "acknowledge", seen=seen(page))
    page = desk.ask(path)
    assert "<h1>Other incidents may wait for you</h1>" in page.text
    assert "Not all open incidents were looked at" in page.text
    assert "none of them open" not in page.text
    assert "2 not open any more" in page.text
    for each in ids[:2]:
        do(desk.world, each, Resolve())
    assert titles(desk.ask(path))[0] == "db1"


def test_a_list_is_shown_when_what_stands_beside_it_cannot_be_read(desk: Desk) -> None:
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    desk.delivery(opened(desk, "critical", "db1"))
    events = desk.world.table.client.meta.events

    def refuse(params: dict[str, object], **_: object) -> None:
        if "listing" in str(params):
            raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    slept: list[float] = []

    def begin() -> Deadline:
        return Deadline(8, lambda: sum(slept), slept.append, chance=lambda: 1.0)

    events.register("before-call.dynamodb.Query", refuse)
    try:
        page = desk.ask(path, function=replace(desk.responder(), begin=begin))
        within = sum(slept)
        desk.press(path, "acknowledge", seen=seen(page))
        after = desk.ask(path, function=replace(desk.responder(), begin=begin))
    finally:
        events.unregister("before-call.dynamodb.Query", refuse)
    assert page.status == 200
    assert set(titles(page)) == {"web1", "web2"}
    assert "Acknowledge all 2" in page.text
    assert "could not be read just now" in page.text
    assert "none of them open" not in after.text
    assert 0 < within < 2, "the rest of the page needs time, too"


def test_one_is_acknowledged_from_the_list(desk: Desk) -> None:
    ids = []
    for number in range(3):
        ids.append(opened(desk, "critical", f"web{number}"))
        # Of two that opened at one moment, chance says which comes first.
        desk.world.clock.advance(seconds=1)
    path = desk.bundle(ids)
    [one] = [each for each in only(desk.ask(path)) if each.startswith(ids[1])]
    assert desk.press(path, only=one).status == 303
    statuses = [incident(desk.world, each).status for each in ids]
    assert statuses == [Status.OPEN, Status.ACKNOWLEDGED, Status.OPEN]
    page = desk.ask(path)
    assert "2 incidents wait for you" in page.text
    assert "1 not open any more" in page.text
    assert "You have it" in page.text


def test_the_list_says_who_was_faster(desk: Desk) -> None:
    ids = [opened(desk, "critical", f"web{number}") for number in range(2)]
    path = desk.bundle(ids)
    for each in ids:
        do(desk.world, each, Acknowledge(by="user_ben"))
    page = desk.ask(path)
    assert "2 incidents, none of them open" in page.text
    assert page.text.count("Ben has it") == 2
    assert "<button" not in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_a_list_changes_nothing(desk: Desk, method: str) -> None:
    path = desk.bundle([opened(desk, "critical", each) for each in ("web1", "web2")])
    before = unmarked(desk.world)
    assert desk.ask(path, method).status == 200
    assert unmarked(desk.world) == before


def test_each_act_from_a_list_names_the_delivery_of_its_incident(desk: Desk) -> None:
    known = [opened(desk, "critical", each) for each in ("web1", "web2")]
    path = desk.bundle(known)
    desk.press(path, "acknowledge", seen=seen(desk.ask(path)))
    for incident_id in known:
        [delivery] = desk.world.table.deliveries(incident_id, deadline())
        [change] = desk.world.table.changes(incident_id, deadline())
        assert change.via == delivery.id


@pytest.mark.parametrize("first", [State.FAILED, State.CANCELLED, State.PENDING, State.BOUNCED])
def test_an_act_beside_a_message_names_the_page_that_went_out(desk: Desk, first: State) -> None:
    """The timeline said that Ada acted by a message that had never left."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    other = opened(desk, "critical", "db1")
    begun = desk.world.clock()
    desk.delivery(other, about=PageReason.ALSO_PAGED, state=State.SENT)
    desk.delivery(other, receiver_id="push", state=first, not_before=begun + timedelta(minutes=1))
    later = begun + timedelta(minutes=9)
    came = desk.delivery(other, receiver_id="sms", state=State.SENT, not_before=later)
    page = desk.ask(path)
    token = links(page)[titles(page).index("db1")]
    [sent] = [each for each in only(page) if each.startswith(other)]
    desk.press(path, only=sent)
    [change] = desk.world.table.changes(other, deadline())
    assert change.via == came.id
    desk.ask(f"/r/{token}")
    assert came.id in {
        each.id
        for each in desk.world.table.deliveries(other, deadline())
        if each.opened_at or each.fetched_at
    }, "the page of an incident on the list is of the same message"


@pytest.mark.parametrize(
    ("more", "done"),
    [
        ({"state": State.FAILED}, 0),
        ({"state": State.CANCELLED}, 0),
        ({"about": PageReason.REQUESTED, "state": State.SENT}, 0),
        # A call that nobody took while they looked at the list.
        ({"state": State.BOUNCED}, 1),
        ({"state": State.PENDING}, 1),
    ],
)
def test_a_form_reaches_what_has_paged_its_reader_and_keeps_the_rest(
    desk: Desk, more: dict[str, Any], done: int
) -> None:
    """A page may fail between the list and a press, and the others are acknowledged even so."""
    path = desk.bundle([opened(desk, "error", each) for each in ("web1", "web2")])
    other, paging = (opened(desk, "critical", each) for each in ("db1", "db2"))
    desk.delivery(other, **more)
    desk.delivery(paging)
    pressed = desk.press(path, "acknowledge", seen=[f"{other}.0", f"{paging}.0"])
    assert pressed.headers["Location"].endswith(f"?done={done + 1}&left={1 - done}")
    assert incident(desk.world, paging).status is Status.ACKNOWLEDGED


def test_a_form_reaches_no_more_than_the_list_shows(desk: Desk) -> None:
    path = desk.bundle([opened(desk, "critical", each) for each in ("web1", "web2")])
    other = opened(desk, "critical", "other")
    for fields in (
        {"only": f"{other}.0"},
        {"action": "acknowledge", "seen": [seen(desk.ask(path))[0], f"{other}.0"]},
        {"action": "acknowledge"},
        {"action": "resolve", "seen": seen(desk.ask(path))},
        {"only": "inc_1.0"},
        {},
    ):
        before = in_order(desk.world.items())
        assert desk.press(path, **fields).status == 400
        assert in_order(desk.world.items()) == before


def test_a_list_lives_no_longer_than_its_link(desk: Desk) -> None:
    path = desk.bundle([opened(desk, "critical", each) for each in ("web1", "web2")])
    desk.world.clock.advance(days=6)
    page = desk.ask(path)
    desk.world.clock.advance(days=1)
    assert desk.ask(path).status == 410
    assert desk.ask(f"/r/{links(page)[0]}").status == 410, "a link does not prolong another"


def test_an_incident_that_is_gone_leaves_the_list(desk: Desk) -> None:
    ids = [opened(desk, "critical", each) for each in ("web1", "web2")]
    path = desk.bundle(ids)
    table = desk.world.table
    table.client.delete_item(TableName=table.name, Key=items.incident_key(ids[1]))
    assert titles(desk.ask(path)) == ["web1"]
