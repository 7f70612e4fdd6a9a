"""Buttons in Slack: what Slack signed is done, once, in the name of whoever pressed."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from harness.desk import Desk
from harness.world import World, deadline
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.model import ActorKind, Status
from opsknight.store import directory_items
from respond.slack import is_signed
from tests.integration.steps import in_order, incident, incident_in, put


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def press(action: str, incident_id: str, **more: Any) -> dict[str, Any]:
    known = {
        "type": "block_actions",
        "user": {"id": "U042GRACE", "username": "grace", "team_id": "T1"},
        "actions": [{"type": "button", "action_id": action, "value": incident_id}],
        "response_url": "https://hooks.slack.example/actions/1",
    }
    return known | more


@pytest.mark.parametrize(
    ("action", "status"), [("acknowledge", Status.ACKNOWLEDGED), ("resolve", Status.RESOLVED)]
)
def test_a_button_does_what_it_says(desk: Desk, action: str, status: Status) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    assert desk.slack(press(action, incident_id)).status == 200
    assert incident(desk.world, incident_id).status is status
    (change,) = desk.world.table.changes(incident_id, deadline())
    assert (change.actor.kind, change.actor.id, change.actor.name) == (
        ActorKind.SLACK,
        "U042GRACE",
        "grace",
    )


@pytest.mark.parametrize(
    ("more", "acts"),
    [
        ({"team": {"id": "T1", "domain": "ours"}}, True),
        ({"team": None, "enterprise": {"id": "E1"}}, True),
        ({"team": {"id": "T2", "domain": "a-customer"}}, False),
        ({}, False),
    ],
)
def test_only_the_workspaces_that_are_named_may_act(
    world: World, more: dict[str, Any], acts: bool
) -> None:
    desk = Desk(world, workspaces=("T1", "E1"))
    incident_id = incident_in(world, Status.OPEN)
    answer = desk.slack(press("acknowledge", incident_id, **more))
    assert answer.status == (200 if acts else 403)
    assert incident(world, incident_id).status is (Status.ACKNOWLEDGED if acts else Status.OPEN)


def test_who_has_this_account_in_slack_is_known_by_name(desk: Desk) -> None:
    user = desk.world.table.user("user_ben", deadline())
    assert user
    method = Receiver(id="slack", name="Slack", channel=Channel.SLACK, to="U042GRACE")
    put(
        desk.world,
        directory_items.directory_item(user.model_copy(update={"contact_methods": (method,)})),
    )
    incident_id = incident_in(desk.world, Status.OPEN)
    desk.slack(press("acknowledge", incident_id))
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ben")
    (change,) = desk.world.table.changes(incident_id, deadline())
    assert (change.actor.kind, change.actor.name) == (ActorKind.USER, "Ben")
    assert desk.confirmed("ben", "slack") == "U042GRACE"


def test_a_replay_changes_nothing(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    for action in ("acknowledge", "resolve"):
        at = desk.world.clock()
        assert desk.slack(press(action, incident_id), sent_at=at).status == 200
        before = in_order(desk.world.items())
        desk.world.clock.advance(minutes=4)
        assert desk.slack(press(action, incident_id), sent_at=at).status == 200
        assert in_order(desk.world.items()) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "\N{FULLWIDTH DIGIT ONE}" * 10},
    ],
)
def test_what_slack_did_not_sign_is_401(desk: Desk, headers: dict[str, Any]) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    before = in_order(desk.world.items())
    answer = desk.slack(press("resolve", incident_id), **headers)
    assert (answer.status, answer.body) == (401, {"error": "Unauthorized"})
    assert in_order(desk.world.items()) == before


def test_another_secret_is_401(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    assert desk.slack(press("resolve", incident_id), secret="another").status == 401
    assert incident(desk.world, incident_id).status is Status.OPEN


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_what_was_signed_over_five_minutes_ago_is_401(
    desk: Desk, seconds: int, status: int
) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    at = desk.world.clock() + timedelta(seconds=seconds)
    assert desk.slack(press("resolve", incident_id), sent_at=at).status == status


def test_a_signature_is_of_this_body_and_this_time() -> None:
    """The signature is what openssl makes of them: `openssl dgst -sha256 -hmac`."""
    secret = ("8f742231b10e8888abcd99yyyzzz85a5",)
    body = b"payload=%7B%7D"
    signature = "v0=90020873e6bbe3b3515fec3b8fc08453f30f6b3fccd4d8a47b757f016b7334ae"
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": signature}
    assert is_signed(headers, body, secret)
    assert not is_signed(headers, body + b" ", secret)
    assert not is_signed(headers | {"x-slack-request-timestamp": "1531420619"}, body, secret)
    assert not is_signed(headers, body, ())


def test_without_a_secret_nothing_is_signed(desk: Desk) -> None:
    desk.slack_ready = True
    assert desk.slack(press("resolve", "inc_1")).status == 401


@pytest.mark.parametrize(
    "body",
    [
        "",
        "payload",
        "payload=",
        "payload=%7B",
        "payload=[]",
        "payload=null",
        urlencode({"payload": '{"type": "block_actions"}'}),
        urlencode({"payload": "[" * 50_000}),
        urlencode([("payload", "{}"), ("payload", "{}")]),
    ],
)
def test_a_body_that_is_none_of_slacks_is_400(desk: Desk, body: str) -> None:
    assert desk.slack(body).status == 400


@pytest.mark.parametrize("value", ["", "inc_1", "inc_" + "0" * 28, "x" * 3000, "\ud800", "é"])
def test_a_button_of_what_is_gone_does_nothing(desk: Desk, value: str) -> None:
    assert desk.slack(press("resolve", value)).status == 200


def test_what_is_not_for_us_needs_no_answer(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    before = in_order(desk.world.items())
    assert desk.slack(press("open", incident_id)).status == 200
    assert desk.slack(press("resolve", incident_id, actions=[])).status == 200
    assert in_order(desk.world.items()) == before


def test_a_name_that_no_store_holds_is_mended(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    user = {"id": "U\ud800", "username": "\ud800" * 200}
    assert desk.slack(press("resolve", incident_id, user=user)).status == 200
    assert incident(desk.world, incident_id).status is Status.RESOLVED


def test_a_button_names_the_delivery_whose_message_it_is_in(desk: Desk) -> None:
    for block, via in (("n0123456789abcdef0123", "n0123456789abcdef0123"), ("aBc12", None)):
        incident_id = incident_in(desk.world, Status.OPEN, dedup_key=block)
        pressed = press("acknowledge", incident_id)
        pressed["actions"][0]["block_id"] = block
        desk.slack(pressed)
        [change] = desk.world.table.changes(incident_id, deadline())
        assert (change.what, change.via) == ("acknowledged", via)
