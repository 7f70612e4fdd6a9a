"""PagerDuty's own clients, unchanged but for the address."""

import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.invariants import check
from harness.web_front import certificate, serving
from harness.world import World, deadline
from opsknight.store.rollouts import Rollouts

with warnings.catch_warnings():
    # It says that it is deprecated, and is what many scripts still use.
    warnings.simplefilter("ignore")
    import pdpyras  # type: ignore[import-untyped]
import pagerduty


@contextmanager
def speaking(key: str, address: str, trusts: ssl.SSLContext) -> Iterator[Any]:
    client = pagerduty.EventsApiV2Client(key, base_url=address, verify=trusts)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def newest(world: World, tmp_path: Path) -> Iterator[Any]:
    server, client = certificate(tmp_path)
    with (
        serving(world, server) as address,
        speaking(world.integration_key, address, client) as found,
    ):
        yield found


@pytest.fixture
def older(world: World) -> Iterator[Any]:
    with serving(world) as address, pdpyras.EventsAPISession(world.integration_key) as session:
        session.url = address
        yield session


@pytest.fixture(params=["newest", "older"])
def client(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_from_trigger_to_resolve(world: World, client: Any) -> None:
    key = client.trigger("CPU above 90%", "web-01", severity="warning", custom_details={"cpu": 95})
    for act, status in ((client.acknowledge, "ACKNOWLEDGED"), (client.resolve, "RESOLVED")):
        act(key)
        [incident] = check(world).incidents.values()
        assert (incident["status"], incident["title"]) == (status, "CPU above 90%")


def test_a_key_of_its_own(world: World, client: Any) -> None:
    assert client.trigger("Disk full", "db-01", dedup_key="disk") == "disk"
    assert client.trigger("Disk full", "db-01", dedup_key="disk") == "disk"
    [incident] = check(world).incidents.values()
    assert incident["alert_count"] == 2


def test_a_change_event(world: World, newest: Any) -> None:
    payload = {"summary": "Deployed v2", "source": "ci", "timestamp": "2026-11-23T02:50:00Z"}
    newest.send_change_event(payload, links=[{"href": "https://ci.example.com/1", "text": "Build"}])
    [found] = Rollouts(world.table).before(world.service.id, world.clock(), deadline())
    assert (found.summary, len(found.links)) == ("Deployed v2", 1)


def test_a_wrong_key_is_an_error_at_once(world: World, tmp_path: Path) -> None:
    server, trusts = certificate(tmp_path)
    with (
        serving(world, server) as address,
        speaking("0" * 32, address, trusts) as client,
        pytest.raises(pagerduty.HttpError, match="400"),
    ):
        client.trigger("Disk full", "db-01")
    assert check(world).incidents == {}
