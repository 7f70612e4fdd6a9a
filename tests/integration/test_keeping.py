"""Integrations that people add, and their keys: made, rotated, revoked, and shown once."""

import json
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

import pytest

from harness import audited
from harness.desk import Desk
from harness.world import World, deadline, event, http_event
from opsknight.config.configuration import Configuration
from opsknight.config.diff import desired
from opsknight.directory.entries import SCOPES, Role, key_hash
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, RECENT, Login, Session, Way
from opsknight.store import directory_items
from opsknight.store.configurations import Configurations
from opsknight.store.sessions import Sessions
from tests.integration.steps import put

PATH = "/api/keeping/services/svc_checkout"


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.configured(
        users=["user_ada", "user_ben", "user_eve"],
        teams=["team_web", "team_data"],
        services=["svc_checkout", "svc_reports"],
        integrations=["svc_checkout/int_prometheus", "svc_checkout/int_grafana"],
    )
    return desk


def made(desk: Desk, name: str = "Prometheus Alerts") -> tuple[str, str]:
    """The secret and the id of the key of a new integration."""
    answer = desk.call("POST", f"{PATH}/integrations", {"name": name})
    assert answer.status == 201, answer.body
    return answer.body["secret"], answer.body["key"]["id"]


def shown(desk: Desk) -> dict[str, Any]:
    """The integrations of the service, by id."""
    service = desk.call("GET", "/api/services/svc_checkout").body["service"]
    return {each["id"]: each for each in service["integrations"]}


def test_an_integration_gets_a_key_of_32_hex_characters_that_works(desk: Desk) -> None:
    secret, _ = made(desk)
    assert len(secret) == 32 and int(secret, 16) >= 0
    assert desk.world.send(event(), key=secret).status == 202
    integration = shown(desk)["int_prometheus-alerts"]
    assert integration["madeBy"] == "Ada"
    [key] = integration["keys"]
    assert (key["live"], key["usedOn"]) == (True, f"{desk.world.clock():%Y-%m-%d}")


def test_no_secret_rests_anywhere(desk: Desk) -> None:
    once: Any = {"Idempotency-Key": "once"}
    answer = desk.call("POST", f"{PATH}/integrations", {"name": "A"}, **once)
    stored = json.dumps(desk.world.items(), default=str)
    assert answer.body["secret"] not in stored
    again = desk.call("POST", f"{PATH}/integrations", {"name": "A"}, **once)
    assert again.status == 409, "made once"


def test_a_rotated_key_works_for_another_day(desk: Desk) -> None:
    old, key_id = made(desk)
    new = desk.call("POST", f"{PATH}/keys/{key_id}/rotate").body["secret"]
    assert {desk.world.send(event(), key=each).status for each in (old, new)} == {202}
    desk.world.clock.advance(days=1, seconds=31)
    assert desk.world.send(event(), key=new).status == 202
    assert desk.world.send(event(), key=old).status == 403
    assert desk.call("POST", f"{PATH}/keys/{key_id}/rotate").status == 409


def test_a_revoked_key_is_dead_within_30_seconds(desk: Desk) -> None:
    secret, key_id = made(desk)
    assert desk.world.send(event(), key=secret).status == 202
    assert desk.call("DELETE", f"{PATH}/keys/{key_id}").status == 200
    desk.world.clock.advance(seconds=31)
    assert desk.world.send(event(), key=secret).status == 403
    assert desk.call("DELETE", f"{PATH}/keys/{key_id}").status == 409


def test_one_of_the_files_integrations_gets_another_key(desk: Desk) -> None:
    answer = desk.call("POST", f"{PATH}/integrations/int_grafana/keys")
    assert desk.world.send(event(), key=answer.body["secret"]).status == 202
    assert "madeBy" not in shown(desk)["int_grafana"]
    assert desk.call("POST", f"{PATH}/integrations/int_none/keys").status == 404


def test_a_plan_of_before_is_overtaken_and_prune_leaves_what_people_added(desk: Desk) -> None:
    before = Configurations(desk.world.table).read(deadline())
    made(desk)
    seen = Configurations(desk.world.table).read(deadline())
    assert seen.revision == before.revision + 1
    added = "svc_checkout/int_prometheus-alerts"
    assert added in seen.configuration.integrations
    after = desired(seen.configuration, before.configuration, prune=True)
    assert added in after.configuration.integrations
    assert [each.incident_id for each in after.kept] == [None]
    # It goes with its service, and a file that names it owns it.
    assert desired(seen.configuration, Configuration(), prune=True).configuration.integrations == {}
    named = seen.configuration.integrations[added].model_copy(update={"made_by": None})
    file = Configuration.of([*before.configuration.entries(), named])
    owned = desired(seen.configuration, file, prune=True).configuration.integrations[added]
    assert owned.made_by is None


@pytest.mark.parametrize("name", ["", "  ", "日本", "x" * 101])
def test_a_name_that_makes_no_id_is_refused(desk: Desk, name: str) -> None:
    assert desk.call("POST", f"{PATH}/integrations", {"name": name}).status == 400


def test_two_of_one_name_are_not_made(desk: Desk) -> None:
    made(desk)
    assert desk.call("POST", f"{PATH}/integrations", {"name": "prometheus alerts"}).status == 409


def test_users_and_keys_without_the_scope_make_none(desk: Desk) -> None:
    body = {"name": "A"}
    ben, reads = desk.key("ben", *SCOPES), desk.key("ada", "services:read")
    assert desk.call("POST", f"{PATH}/integrations", body, key=ben).status == 403
    assert desk.call("POST", f"{PATH}/integrations", body, key=reads).status == 403
    other = PATH.replace("svc_checkout", "svc_none")
    assert desk.call("POST", f"{other}/integrations", body).status == 404
    # The key of one service is no key of another's.
    _, key_id = made(desk)
    other = PATH.replace("svc_checkout", "svc_reports")
    assert desk.call("DELETE", f"{other}/keys/{key_id}").status == 404


@pytest.mark.parametrize(("age", "status"), [(timedelta(0), 201), (RECENT, 403)])
def test_a_session_needs_a_recent_login(desk: Desk, age: timedelta, status: int) -> None:
    table, now = desk.world.table, desk.world.clock()
    cookie = token_urlsafe(32)
    session = Session(
        id="ses_1",
        user_id="user_ada",
        way=Way.LINK,
        created_at=now - age,
        ends_at=now + timedelta(hours=1),
    )
    Sessions(table).offer(
        "a login", Login(user_id="user_ada", ends_at=now + LOGIN_LIFE), deadline()
    )
    assert Sessions(table).begin(
        "a login", key_hash(cookie), session, "t", deadline(), audit=audited.entry()
    )
    headers = {"sec-fetch-site": "same-origin", "x-opsknight-console": "1"}
    sent = http_event({"name": "A"}, path=f"{PATH}/integrations", headers=headers)
    sent["cookies"] = [f"{COOKIE}={cookie}"]
    assert desk.send(sent).status == status


def test_administrators_make_keys_as_well(desk: Desk) -> None:
    [eve] = [
        each for each in Configurations(desk.world.table).users(deadline()) if "eve" in each.id
    ]
    admin = eve.model_copy(update={"role": Role.ADMIN})
    put(desk.world, directory_items.directory_item(admin))
    key = desk.key("eve", *SCOPES)
    assert desk.call("POST", f"{PATH}/integrations", {"name": "A"}, key=key).status == 201
