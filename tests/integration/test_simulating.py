"""A night played by the HTTP API: who would be paged, and that nothing is written."""

from datetime import timedelta
from secrets import token_hex

import pytest

from harness.desk import Desk
from harness.world import World, deadline
from opsknight.directory.entries import SCOPES
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.store import directory_items, items
from tests.integration.steps import put

BODY = {"serviceId": "svc_checkout", "at": "2026-11-28T03:00:00Z"}


@pytest.fixture
def desk(world: World) -> Desk:
    """Ada at once by SMS and mail, whose number has failed of late; after ten minutes Ben."""
    steps = [
        Step(targets=(Target(kind=TargetKind.USER, id="user_ada"),)),
        Step(delay=timedelta(minutes=10), targets=(Target(kind=TargetKind.USER, id="user_ben"),)),
    ]
    policy = Policy(id="pol_web", name="Web", version=1, steps=tuple(steps))
    world.table.publish(policy, token_hex(8), deadline())
    put(
        world,
        directory_items.directory_item(world.service.model_copy(update={"policy_id": "pol_web"})),
    )
    ada = world.table.users(["user_ada"], deadline())["user_ada"]
    method = Receiver(id="cm_1", name="Mobile", channel=Channel.SMS, to="+4915112345678")
    put(
        world, directory_items.directory_item(ada.model_copy(update={"contact_methods": (method,)}))
    )
    where = items.receiver_state_key(Owner.user("user_ada").destination("cm_1"))
    put(world, where | {"failing_since": {"S": "2026-11-22T10:00:00.000000Z"}})
    return Desk(world)


def test_a_night_is_played_with_what_failed_last_and_writes_nothing(desk: Desk) -> None:
    key = desk.key("ada", *SCOPES)
    before = desk.world.items()
    played = desk.call("POST", "/api/simulate", BODY, key=key).body["simulation"]
    assert desk.world.items() == before
    pages = [each for each in played["timeline"] if each["kind"] == "page"]
    ada, ben = pages[0], next(each for each in pages if each["who"] == "Ben")
    assert (ada["who"], ada["how"], ada["afterSeconds"]) == ("Ada", ["sms"], 0)
    assert ada["failing"] == ["sms since 2026-11-22T10:00:00.000Z"]
    assert (ben["who"], ben["afterSeconds"]) == ("Ben", 600)
    assert "failing" not in ben
    assert (played["opens"], played["policyName"], played["urgency"]) == (True, "Web", "HIGH")
    assert played["timeline"][-1]["kind"] == "fallback"


def test_maintenance_pages_nobody(desk: Desk) -> None:
    window = {"start": "2026-11-28T02:00:00Z", "end": "2026-11-28T05:00:00Z", "reason": "x"}
    desk.call("POST", "/api/services/svc_checkout/maintenance", window | {"keepSuppressed": True})
    played = desk.call("POST", "/api/simulate", BODY).body["simulation"]
    assert played["opens"] is False
    assert [each for each in played["timeline"] if each["kind"] == "page"] == []


def test_a_stranger_plays_no_night(desk: Desk) -> None:
    eve = desk.key("eve", *SCOPES)
    assert desk.call("POST", "/api/simulate", BODY, key=eve).status == 403
    assert desk.call("POST", "/api/simulate", BODY | {"serviceId": "svc_no"}).status == 404
    assert desk.call("POST", "/api/simulate", BODY | {"serviceId": "s" * 3000}).status == 400
    assert desk.call("POST", "/api/simulate", BODY | {"at": "soon"}).status == 400
