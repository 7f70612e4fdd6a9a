"""What is wrong with the deployment, by the HTTP API: the same as `opsknight doctor` says."""

from datetime import timedelta
from typing import Any

import pytest

from harness import audited
from harness.desk import Desk
from harness.publisher import Publisher
from harness.world import World, deadline
from opsknight.directory.entries import SCOPES
from opsknight.escalation.hold import Hold, Spell
from opsknight.store import directory_items
from opsknight.store.holds import Holds


@pytest.fixture
def desk(world: World) -> Desk:
    found = Desk(world)
    found.configured(
        services=["svc_checkout", "svc_reports"],
        teams=["team_web", "team_data"],
        users=["user_ada", "user_ben", "user_eve"],
        status_pages=["page_example"],
    )
    return found


def warned(desk: Desk) -> dict[str, Any]:
    findings = desk.call("GET", "/api/health").body["findings"]
    verdicts = [each["verdict"] for each in findings]
    assert verdicts == sorted(verdicts, key=lambda each: each == "ok")
    return {each["check"]: each for each in findings if each["verdict"] != "ok"}


def test_it_says_what_is_wrong_and_how_to_mend_it(desk: Desk) -> None:
    publisher = Publisher(desk.world)
    publisher.publish()
    found = warned(desk)
    assert found.keys() == {"services", "confirmed", "status pages"}
    assert "without a policy" in found["services"]["text"]
    assert "Add a `policy`" in found["services"]["mend"]
    publisher.render()
    spell = Spell(start=desk.world.clock(), end=desk.world.clock() + timedelta(hours=1))
    Holds(desk.world.table).change(lambda _: Hold(spells=(spell,)), deadline(), audit=audited.entry)
    assert warned(desk).keys() == {"hold", "services", "confirmed"}


def test_it_is_for_those_who_see_everything(desk: Desk) -> None:
    assert desk.call("GET", "/api/health", key=desk.key("ben", *SCOPES)).status == 403
    assert desk.call("GET", "/api/health", key=desk.key("ada", "users:read")).status == 403


def test_it_names_two_users_with_one_address(desk: Desk) -> None:
    ben = desk.world.table.user("user_ben", deadline())
    ada = desk.world.table.user("user_ada", deadline())
    assert ben and ada
    twin = ben.model_copy(update={"email": ada.email.upper()})
    desk.world.table.put_all([directory_items.directory_item(twin)], deadline())
    assert "ada and ben have the same e-mail address" in warned(desk)["people"]["text"]
