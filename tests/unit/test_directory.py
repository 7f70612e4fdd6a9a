"""Who may do what: live keys, team access, maintenance windows."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.directory.entries import (
    ApiKey,
    IntegrationKey,
    Member,
    Role,
    Service,
    User,
    has_access,
    key_hash,
)
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.model import Actor, ActorKind
from opsknight.incident.quiet import Window

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
CHECKOUT = Service(id="svc_1", name="Checkout", team_id="team_web")


@pytest.mark.parametrize(
    ("disabled", "ends_at", "live"),
    [
        (False, None, True),
        (True, None, False),
        (False, NOW + MOMENT, True),
        (False, NOW, False),
        (False, NOW - HOUR, False),
        (True, NOW + HOUR, False),
    ],
    ids=["for good", "disabled", "a moment left", "ends now", "revoked", "disabled and ending"],
)
def test_a_key_is_live(disabled: bool, ends_at: datetime | None, live: bool) -> None:
    key = ApiKey(id="k", name="CI", created_at=NOW, user_id="u", disabled=disabled, ends_at=ends_at)
    assert key.live_at(NOW) is live


def test_the_timeline_names_the_integration() -> None:
    key = IntegrationKey(
        id="key_1",
        name="Prometheus Alerts",
        created_at=NOW,
        service_id="svc_1",
        integration_id="int_1",
    )
    assert key.actor == Actor(kind=ActorKind.INTEGRATION, id="int_1", name="Prometheus Alerts")


def test_the_timeline_names_the_api_key() -> None:
    key = ApiKey(id="key_2", name="Ada's laptop", created_at=NOW, user_id="user_ada")
    assert key.actor == Actor(kind=ActorKind.API_KEY, id="key_2", name="Ada's laptop")
    assert key.scopes == (), "no scope unless given"


def test_keys_are_known_by_sha256() -> None:
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert key_hash("abc") == known, "the example of FIPS 180-2"


@pytest.mark.parametrize(
    ("role", "teams", "access"),
    [
        (Role.ADMIN, (), True),
        (Role.RESPONDER, (), True),
        (Role.USER, (), False),
        (Role.USER, ("team_data",), False),
        (Role.USER, ("team_data", "team_web"), True),
    ],
    ids=["ADMIN", "RESPONDER", "USER in no team", "USER in another team", "USER in the team"],
)
def test_access_to_a_service(role: Role, teams: tuple[str, ...], access: bool) -> None:
    ada = User(id="user_ada", name="Ada", email="ada@example.com", role=role, team_ids=teams)
    assert has_access(ada, CHECKOUT) is access


def window(name: str, start: datetime, end: datetime) -> MaintenanceWindow:
    return MaintenanceWindow(id=name, start=start, end=end, reason="upgrade")


@pytest.mark.parametrize(
    ("windows", "found"),
    [
        ((), None),
        ((window("w", NOW, NOW + HOUR),), "w"),
        ((window("w", NOW + MOMENT, NOW + HOUR),), None),
        ((window("w", NOW - HOUR, NOW),), None),
        ((window("w", NOW - HOUR, NOW + MOMENT),), "w"),
        ((window("a", NOW - HOUR, NOW + HOUR), window("b", NOW, NOW + 2 * HOUR)), "b"),
        ((window("a", NOW - HOUR, NOW + 2 * HOUR), window("b", NOW, NOW + HOUR)), "a"),
    ],
    ids=["none", "starts now", "not yet", "just over", "last moment", "later end", "later end 2"],
)
def test_the_window_in_force(windows: tuple[MaintenanceWindow, ...], found: str | None) -> None:
    in_force = CHECKOUT.model_copy(update={"windows": windows}).window_at(NOW)
    ends = {each.id: each.end for each in windows}
    assert in_force == (Window(found, ends[found]) if found else None)


@pytest.mark.parametrize("model", [CHECKOUT, Member(user_id="u")], ids=["Service", "Member"])
def test_what_a_newer_version_added_is_borne(model: Service | Member) -> None:
    # Two versions run side by side in every deploy and rollback.
    newer = model.model_dump() | {"colour": "blue"}
    assert type(model).model_validate(newer) == model
