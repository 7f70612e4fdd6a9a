"""`/heartbeat/KEY`: who may beat, and where the key in the path must not go."""

import json
from datetime import timedelta
from typing import Any

import pytest

from harness.settings import configure
from harness.world import Response, World, deadline, http_event
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.store import items
from opsknight.store.heartbeats import Heartbeats
from tests.integration.conftest import Log
from tests.integration.steps import use_up
from tests.integration.test_own_paths import alert, bearer, flush, post
from tests.integration.wire import ALWAYS, THROTTLES, Wire

SAID = ("", "/start", "/log", "/fail", "/0", "/255", "/")

BEATS = Integration(
    id="int_prometheus",
    service_id="svc_checkout",
    name="Backup",
    heartbeat=Heartbeat(every=timedelta(minutes=5), runs_at_most=timedelta(minutes=1)),
)


@pytest.fixture(autouse=True)
def beats(world: World) -> None:
    configure(world, BEATS)


def test_the_key_in_the_path_is_stored_logged_and_answered_nowhere(world: World, log: Log) -> None:
    """The canary: a live key, and one that is not."""
    for key, status in ((world.integration_key, 200), ("c0ffee" * 5 + "00", 403)):
        for said in SAID:
            answer = world.request(http_event("", path=f"/heartbeat/{key}{said}"))
            assert answer.status == status
            seen = [*world.items(), *log.lines, answer.body, dict(answer.headers)]
            assert key not in json.dumps(seen, default=str).lower()


def test_what_is_no_heartbeat_is_refused(world: World) -> None:
    key = world.integration_key
    wrong = {
        f"/heartbeat/{key}/nonsense": 404,
        f"/heartbeat/{key}/256": 404,
        f"/heartbeat/{key}/-1": 404,
        f"/heartbeat/{key}/0/0": 404,
        f"/heartbeat/{key}/{'0' * 5000}": 404,
        # An integration without a heartbeat.
        f"/heartbeat/{world.second_integration_key}": 404,
        "/heartbeat/nobody": 401,
    }
    for path, status in wrong.items():
        assert world.request(http_event("", path=path)).status == status, path
    configure(world, BEATS.model_copy(update={"secret": "hook"}))
    assert world.request(http_event("", path=f"/heartbeat/{key}")).status == 401
    answer = world.request(http_event("", path=f"/heartbeat/{key}", method="DELETE"))
    assert answer.status == 405
    assert not any(item["kind"]["S"] == "heartbeat" for item in world.items())


def has_beaten(world: World, integration_id: str = "int_prometheus") -> bool:
    key = items.heartbeat_key("svc_checkout", integration_id)
    pulse = Heartbeats(world.table).pulse(key, deadline())
    return pulse is not None and pulse.last_at == world.clock()


def ping(world: World, path: str, method: str = "POST", **query: str) -> Response:
    headers = {"Authorization": f"GenieKey {world.second_integration_key}"}
    return world.request(http_event("", path=path, method=method, headers=headers, query=query))


def test_a_ping_in_opsgenies_dialect_beats_by_name(world: World) -> None:
    """By the key of another integration of the service: there one key pings all."""
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH"):
        for name in ("Backup", "backup", "prometheus"):
            world.clock.advance(seconds=1)
            answer = ping(world, f"/v2/heartbeats/{name}/ping", method)
            assert answer.status == 202
            assert has_beaten(world)
    answer = ping(world, "/v2/heartbeats/Backup/ping")
    assert answer.body["result"] == "PONG - Heartbeat received"
    assert {"took", "requestId"} < answer.body.keys()
    world.clock.advance(seconds=1)
    assert ping(world, "/jsm/ops/integration/v2/heartbeats/ping", name="Backup").status == 202
    assert has_beaten(world)


def test_a_ping_of_what_does_not_beat_is_an_error(world: World) -> None:
    """There it is answered like any other, and nobody ever learns of the misspelt name."""
    for path in (
        "/v2/heartbeats/Bakcup/ping",
        "/v2/heartbeats/Latency/ping",
        "/v2/heartbeats/ping",
    ):
        assert ping(world, path).status == 404
    assert ping(world, "/v2/heartbeats/Backup/ping", "DELETE").status == 405
    for path in ("/v2/heartbeats/Backup", "/v2/heartbeats/Backup/enable"):
        assert ping(world, path).status == 404
    sent = http_event("", path="/v2/heartbeats/Backup/ping")
    assert world.request(sent).status == 401
    assert not has_beaten(world)


WATCHDOG: dict[str, Any] = alert("Watchdog", labels={"alertname": "Watchdog", "severity": "none"})


def test_the_watchdog_of_kube_prometheus_beats(world: World) -> None:
    answer = post(world, flush(WATCHDOG, alert("disk")), headers=bearer(world))
    assert answer.status == 202
    assert answer.body["beats"] == ["Watchdog"]
    assert has_beaten(world)
    assert len([item for item in world.items() if item["kind"]["S"] == "incident"]) == 1


def test_the_watchdog_beats_though_its_key_is_over_its_limit(world: World) -> None:
    world.clock.advance(minutes=1)
    use_up(world)
    assert post(world, flush(WATCHDOG, alert("disk")), headers=bearer(world)).status == 503
    assert has_beaten(world)


def test_a_beat_that_is_not_noted_is_sent_again_and_keeps_no_event_out(world: World) -> None:
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", THROTTLES, ALWAYS)
    answer = post(world, flush(WATCHDOG, alert("disk")), headers=bearer(world), patience=0.5)
    assert answer.status == 503
    wire.mend()
    assert [item for item in world.items() if item["kind"]["S"] == "pointer"]
    assert post(world, flush(WATCHDOG, alert("disk")), headers=bearer(world)).status == 202
    assert has_beaten(world)
