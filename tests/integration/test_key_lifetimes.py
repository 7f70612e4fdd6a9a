"""How soon a key starts, and how soon it stops: 30 seconds, everywhere."""

from dataclasses import replace
from typing import Any

import pytest

from harness.background import AtOnce
from harness.world import World, deadline, event
from opsknight.directory.entries import ApiKey, key_hash
from opsknight.http.directory_cache import DirectoryCache
from opsknight.store import directory_items
from opsknight.store.calls import Conflict
from opsknight.store.wire import plain
from tests.integration.steps import new_api_key, new_integration_key, put
from tests.integration.wire import Wire

INVALID_KEY = (
    403,
    {
        "error": "Invalid Integration Key",
        "message": "Expected "
        "`Authorization: Token token=<the 32 hexadecimal digits of a live key>`.",
    },
)
UNAUTHORIZED = (
    401,
    {
        "error": "Unauthorized",
        "message": "Expected `Authorization: Token token=<integration key>`, "
        "or a live API key as `Authorization: Bearer <API key>`.",
    },
)
UNKNOWN = "0123456789abcdef0123456789abcdef"
UNKNOWN_API_KEY = "opsk_" + "x" * 43

KINDS = pytest.mark.parametrize(
    ("make", "refused"),
    [(new_integration_key, INVALID_KEY), (new_api_key, UNAUTHORIZED)],
    ids=["integration key", "API key"],
)


def attempt(world: World, secret: str, **more: Any) -> tuple[int, dict[str, Any]]:
    body = event("resolve", "nothing", service_id=world.service.id)
    response = world.send(body, key=secret, **more)
    return (202, {}) if response.status == 202 else (response.status, response.body)


@KINDS
def test_a_key_that_is_disabled_or_revoked_is_refused(
    world: World, make: Any, refused: object
) -> None:
    assert attempt(world, make(world, disabled=True)) == refused
    assert attempt(world, make(world, ends_at=world.clock())) == refused


@KINDS
def test_a_key_rotated_out_stops_at_its_time(world: World, make: Any, refused: object) -> None:
    ends_at = world.clock().replace(second=10)
    secret = make(world, ends_at=ends_at)
    world.clock.advance(seconds=9.999)
    assert attempt(world, secret) == (202, {})
    world.clock.advance(seconds=0.001)
    assert attempt(world, secret) == refused, "remembered or not"


@KINDS
def test_a_revoked_key_stops_within_30_seconds(world: World, make: Any, refused: object) -> None:
    secret = make(world)
    assert attempt(world, secret) == (202, {})
    make(world, secret, ends_at=world.clock())
    world.clock.advance(seconds=29.999)
    assert attempt(world, secret, api=world.api()) == refused, "another function"
    world.clock.advance(seconds=0.001)
    assert attempt(world, secret) == refused


def test_a_disabled_key_is_remembered_as_live_until_then(world: World) -> None:
    # What the 30 seconds buy: no read of the key with each event.
    secret = new_integration_key(world)
    attempt(world, secret)
    new_integration_key(world, secret, disabled=True)
    world.clock.advance(seconds=29.999)
    assert attempt(world, secret) == (202, {})


@pytest.mark.parametrize(
    ("make", "secret", "refused"),
    [(new_integration_key, UNKNOWN, INVALID_KEY), (new_api_key, UNKNOWN_API_KEY, UNAUTHORIZED)],
    ids=["integration key", "API key"],
)
def test_a_new_key_works_at_once(world: World, make: Any, secret: str, refused: object) -> None:
    assert attempt(world, secret) == refused, "not there yet"
    make(world, secret)
    assert attempt(world, secret) == (202, {})


def test_a_disabled_service_is_403_within_30_seconds(world: World) -> None:
    assert attempt(world, world.integration_key) == (202, {})
    disabled = world.service.model_copy(update={"disabled": True})
    put(world, directory_items.directory_item(disabled))
    world.clock.advance(seconds=30)
    assert attempt(world, world.integration_key) == INVALID_KEY
    assert attempt(world, world.api_key)[0] == 404


def test_the_key_of_a_service_that_is_gone_is_403(world: World) -> None:
    secret = new_integration_key(world, service_id="svc_gone")
    assert attempt(world, secret) == INVALID_KEY


def test_a_disabled_owner_is_401_within_30_seconds(world: World) -> None:
    assert attempt(world, world.api_key) == (202, {})
    user = world.table.user("user_ada", deadline())
    assert user is not None
    put(world, directory_items.directory_item(user.model_copy(update={"disabled": True})))
    world.clock.advance(seconds=30)
    assert attempt(world, world.api_key) == UNAUTHORIZED


def test_the_key_of_an_owner_who_is_gone_is_401(world: World) -> None:
    assert attempt(world, new_api_key(world, user_id="user_gone")) == UNAUTHORIZED


def kept(world: World, secret: str) -> dict[str, Any]:
    """The key as it is stored, once its use is recorded."""
    for api in world.apis:
        api.intake.background.shutdown()
    world.apis.clear()
    [item] = [it for it in world.items() if it["pk"] == {"S": f"key#{key_hash(secret)}"}]
    return plain(item)


@KINDS
def test_the_first_use_of_a_day_is_recorded(
    world: World, make: Any, refused: tuple[int, dict[str, Any]]
) -> None:
    del refused
    secret = make(world)
    before = kept(world, secret)
    assert "used_on" not in before
    assert attempt(world, secret)[0] == 202
    assert kept(world, secret) == before | {"used_on": world.clock().date().isoformat()}
    world.clock.advance(days=1)
    assert attempt(world, secret)[0] == 202
    assert kept(world, secret)["used_on"] == world.clock().date().isoformat()


@KINDS
def test_a_day_of_use_is_written_once(
    world: World, make: Any, refused: tuple[int, dict[str, Any]]
) -> None:
    del refused
    secret = make(world)
    # It is written before the key is read again.
    api = replace(world.api(), directory=DirectoryCache(world.table, AtOnce()))
    wire = Wire(world.table.client)
    for _ in range(3):
        assert attempt(world, secret, api=api)[0] == 202
        world.clock.advance(seconds=40)
    assert wire.calls.count("UpdateItem") == 1


def test_a_key_that_is_gone_is_not_made_again_by_its_use(world: World) -> None:
    key = ApiKey(id="key_x", name="CI", created_at=world.clock(), user_id="user_ada")
    with pytest.raises(Conflict):
        world.table.record_use("0f" * 32, key, world.clock().date(), deadline())
    assert "0f" * 32 not in str(world.items())
