"""Who is let in: the authentication table of the contract, and the path of API keys."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.world import Response, World, deadline, event, http_event
from opsknight.directory.entries import (
    Role,
    User,
    key_hash,
)
from opsknight.store import directory_items
from tests.integration.steps import new_api_key, put

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


def knock(world: World, headers: Mapping[str, str], **more: Any) -> Response:
    body = event("resolve", "nothing", service_id=world.service.id, **more)
    return world.request(http_event(body, headers=headers))


def told(response: Response) -> tuple[int, dict[str, Any]]:
    return response.status, response.body


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize(
    "written",
    [
        "Token token={}",
        "token token={}",
        "TOKEN TOKEN={}",
        'Token token="{}"',
        "Token token='{}'",
        "Token   token={}",
        "  Token token={}  ",
    ],
)
def test_an_integration_key_however_it_is_written(
    shared_world: World, name: str, written: str
) -> None:
    sent = {name: written.format(shared_world.integration_key)}
    assert knock(shared_world, sent).status == 202


@pytest.mark.parametrize(
    "written",
    [
        "Token",
        "Token ",
        "Token token=",
        "Token token={unknown}",
        "Token {key}",
        "Token key={key}",
        "Token token={key}0",
        "Token token={cut}",
        'Token token="{key}',
        "Token token={key}'",
        "Token token=\"{key}'",
        "Token token={key}, nonce=1",
        "Token token={key} {key}",
        "Token token=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "Token token={api_key}",
        "Token token=\N{FULLWIDTH DIGIT ZERO}{cut}",
        "Token token=\x00{cut}",
    ],
    ids=ascii,
)
def test_anything_else_under_this_scheme_is_403(shared_world: World, written: str) -> None:
    key = shared_world.integration_key
    sent = written.format(key=key, cut=key[1:], unknown=UNKNOWN, api_key=shared_world.api_key)
    assert told(knock(shared_world, {"Authorization": sent})) == INVALID_KEY


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"Authorization": "bearer {}"},
        {"authorization": "BEARER   {} "},
        {"Authorization": "Api-Key {}"},
        {"Authorization": "api-key {}"},
        {"X-API-Key": "{}"},
        {"x-api-key": " {} "},
        {"Authorization": "", "X-API-Key": "{}"},
    ],
    ids=str,
)
def test_an_api_key_however_it_is_sent(shared_world: World, headers: dict[str, str]) -> None:
    sent = {name: value.format(shared_world.api_key) for name, value in headers.items()}
    assert knock(shared_world, sent).status == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"X-API-Key": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer {unknown}"},
        {"Authorization": "Api-Key {unknown}"},
        {"X-API-Key": "{unknown}"},
        {"Authorization": "Bearer {key}x"},
        {"Authorization": "Bearer opsk_short"},
        {"Authorization": "Bearer {key} {key}"},
        {"Authorization": "{key}"},
        {"Authorization": "Basic {key}"},
        {"Authorization": "Digest token={integration}"},
        {"Authorization": "Bearer {integration}"},
        {"X-API-Key": "{integration}"},
        {"X-API-Key": "Bearer {key}"},
        {"Authorization": "Basic dTpw", "X-API-Key": "{key}"},
        {"Authorization": "Bearer {unknown}", "X-API-Key": "{key}"},
    ],
    ids=str,
)
def test_anything_else_is_401(shared_world: World, headers: dict[str, str]) -> None:
    keys = {
        "key": shared_world.api_key,
        "integration": shared_world.integration_key,
        "unknown": UNKNOWN_API_KEY,
    }
    sent = {name: value.format(**keys) for name, value in headers.items()}
    assert told(knock(shared_world, sent)) == UNAUTHORIZED


def test_authorization_wins_over_x_api_key(shared_world: World) -> None:
    good = {"Authorization": f"Bearer {shared_world.api_key}", "X-API-Key": UNKNOWN_API_KEY}
    assert knock(shared_world, good).status == 202
    token = {"Authorization": f"Token token={UNKNOWN}", "X-API-Key": shared_world.api_key}
    assert told(knock(shared_world, token)) == INVALID_KEY


def test_an_integration_key_is_found_in_capitals_too(shared_world: World) -> None:
    key = shared_world.integration_key.upper()
    assert knock(shared_world, {"Authorization": f"Token token={key}"}).status == 202


@pytest.mark.parametrize("service_id", [7, None, [], {}, "svc_reports", "\ud800", ""], ids=ascii)
@pytest.mark.parametrize("name", ["service_id", "serviceId"])
def test_a_service_id_is_ignored_with_an_integration_key(
    world: World, name: str, service_id: object
) -> None:
    named: dict[str, Any] = {name: service_id}
    response = world.send(event(**named))
    assert response.status == 202
    assert response.incident["serviceId"] == world.service.id


def test_keys_rest_hashed(shared_world: World) -> None:
    stored = str(shared_world.items())
    for secret in (shared_world.integration_key, shared_world.api_key):
        assert secret not in stored
        assert key_hash(secret) in stored


@pytest.mark.parametrize("name", ["service_id", "serviceId"])
def test_an_api_key_names_the_service_either_way(world: World, name: str) -> None:
    named: dict[str, Any] = {name: f" {world.other_service.id} "}
    body = event(**named)
    response = world.send(body, key=world.api_key)
    assert response.status == 202
    assert response.incident["serviceId"] == world.other_service.id


def test_api_key_missing_scope_is_403(shared_world: World) -> None:
    body = event(service_id=shared_world.service.id)
    response = shared_world.send(body, key=shared_world.scopeless_api_key)
    assert told(response) == (403, {"error": "API key missing scope"})


@pytest.mark.parametrize(
    "service_id",
    [None, "", "  ", 7, [], {}, True],
    ids=["null", "empty", "spaces", "7", "[]", "{}", "true"],
)
def test_service_id_missing_is_400(shared_world: World, service_id: object) -> None:
    response = shared_world.send(event(service_id=service_id), key=shared_world.api_key)
    assert (response.status, response.body["error"]) == (400, "Invalid request body")
    [issue] = response.body["issues"]
    assert issue["path"] == "service_id"
    assert issue["message"].startswith("is required")


@pytest.mark.parametrize(
    "service_id",
    ["svc_none", "\ud800", "\x00", "x" * 5000, "svc_checkout#x", "é", "team_web"],
    ids=lambda value: ascii(value[:20]),
)
def test_an_unknown_service_is_404(shared_world: World, service_id: str) -> None:
    response = shared_world.send(event(service_id=service_id), key=shared_world.api_key)
    assert told(response) == (404, {"error": "Service not found"})


def test_access_by_role_or_team(world: World) -> None:
    here = event(service_id=world.service.id)
    elsewhere = event(service_id=world.other_service.id)
    denied = (403, {"error": "Service access denied"})
    assert world.send(here, key=world.user_api_key).status == 202
    assert told(world.send(elsewhere, key=world.user_api_key)) == denied
    assert told(world.send(here, key=world.stranger_api_key)) == denied
    assert world.send(elsewhere, key=world.api_key).status == 202, "a responder"


def test_an_admin_has_access_to_every_service(world: World) -> None:
    root = User(id="user_root", name="Root", email="root@example.com", role=Role.ADMIN)
    world.table.create([root], {}, "root", deadline())
    key = new_api_key(world, user_id=root.id)
    assert world.send(event(service_id=world.other_service.id), key=key).status == 202


def test_a_service_that_moved_to_another_team_denies_a_user(world: World) -> None:
    moved = world.service.model_copy(update={"team_id": "team_data"})
    put(world, directory_items.directory_item(moved))
    body = event(service_id=moved.id)
    assert world.send(body, key=world.user_api_key).status == 403
