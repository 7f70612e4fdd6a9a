"""The HTTP API of the caller, of people, teams and policies, and the names beside ids."""

from datetime import timedelta
from secrets import token_hex

import pytest

from harness.desk import Desk
from harness.world import World, deadline, event
from opsknight.directory.entries import SCOPES, USERS_READ
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident.model import Urgency
from opsknight.store import directory_items
from tests.integration.steps import put
from tests.integration.wire import Wire

POLICY = Policy(
    id="pol_web",
    name="Web",
    version=3,
    steps=(
        Step(targets=(Target(kind=TargetKind.USER, id="user_ada"),)),
        Step(
            delay=timedelta(minutes=5),
            targets=(
                Target(kind=TargetKind.TEAM_LEADS, id="team_web"),
                Target(kind=TargetKind.USER, id="user_gone"),
            ),
        ),
    ),
    repeat=1,
)
METHODS = (
    Receiver(id="sms", name="Mobile", channel=Channel.SMS, to="+4915112345678"),
    Receiver(id="mail", name="Mail", channel=Channel.EMAIL, to="ada.lovelace@example.com"),
    Receiver(id="ntfy", name="Topic", channel=Channel.NTFY, to="https://ntfy.example.com/ada"),
)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    ada = world.table.user("user_ada", deadline())
    assert ada
    rules = (NotificationRule(urgency=Urgency.HIGH, method_id="sms", delay=timedelta(minutes=1)),)
    known = ada.model_copy(update={"contact_methods": METHODS, "rules": rules})
    put(world, directory_items.directory_item(known))
    world.table.publish(POLICY, token_hex(8), deadline())
    desk.configured(users=["user_ada", "user_ben"], teams=["team_web"], policies=["pol_web"])
    return desk


def test_the_caller_sees_themselves_whole(desk: Desk) -> None:
    me = desk.call("GET", "/api/me", key=desk.key("ada", USERS_READ)).body["me"]
    assert (me["id"], me["email"], me["scopes"]) == ("user_ada", "ada@example.com", [USERS_READ])
    assert [each["address"] for each in me["contactMethods"]] == [each.to for each in METHODS]
    assert me["rules"] == [{"urgency": "HIGH", "methodId": "sms", "afterSeconds": 60}]
    ben = desk.call("GET", "/api/me", key=desk.key("ben", *SCOPES)).body["me"]
    [team] = ben["teams"]
    assert (team["id"], team["name"], team["pages"]) == ("team_web", "Web", True)


def test_others_see_too_little_of_an_address_to_write_to(desk: Desk) -> None:
    shown = desk.call("GET", "/api/users/user_ada", key=desk.key("ben", *SCOPES)).body["user"]
    assert [each.get("address") for each in shown["contactMethods"]] == [
        "+49…78",
        "a…@example.com",
        None,
    ]
    assert "email" not in shown
    listed = desk.call("GET", "/api/users").body["users"]
    assert [each["id"] for each in listed] == ["user_ada", "user_ben"]
    assert all("contactMethods" not in each for each in listed)
    assert desk.call("GET", "/api/users/user_gone").status == 404


def test_teams_and_policies_name_whom_they_page(desk: Desk) -> None:
    [team] = desk.call("GET", "/api/teams").body["teams"]
    assert {"userId": "user_ben", "userName": "Ben", "lead": False, "pages": True} in team[
        "members"
    ]
    [policy] = desk.call("GET", "/api/policies").body["policies"]
    assert policy == desk.call("GET", "/api/policies/pol_web").body["policy"]
    assert (policy["version"], policy["repeat"], policy["pauseSeconds"]) == (3, 1, 300)
    assert policy["steps"] == [
        {"delaySeconds": 0, "targets": [{"kind": "user", "id": "user_ada", "name": "Ada"}]},
        {
            "delaySeconds": 300,
            "targets": [
                {"kind": "team_leads", "id": "team_web", "name": "Web"},
                # Whoever is gone has no name.
                {"kind": "user", "id": "user_gone"},
            ],
        },
    ]
    assert desk.call("GET", "/api/policies/pol_none").status == 404


def test_each_needs_its_scope(desk: Desk) -> None:
    key = desk.key("ada", "incidents:read")
    paths = ("me", "users", "users/user_ada", "teams", "policies", "policies/pol_web")
    for path in paths:
        assert desk.call("GET", f"/api/{path}", key=key).status == 403


def test_lists_have_names_and_read_them_once(desk: Desk) -> None:
    opened = desk.world.send(event()).incident
    desk.call("POST", f"/api/incidents/{opened['id']}/acknowledge")
    [row] = desk.call("GET", "/api/incidents").body["incidents"]
    assert (row["serviceName"], row["assigneeName"]) == ("Checkout", "Ada")
    wire = Wire(desk.world.table.client)
    assert desk.call("GET", "/api/incidents").body["incidents"] == [row]
    assert wire.calls == ["Query"]
