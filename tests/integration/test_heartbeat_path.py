"""`/heartbeat/KEY`: who may beat, and where the key in the path must not go."""

import json
from datetime import timedelta

import pytest

from harness.settings import configure
from harness.world import World, http_event
from opsknight.directory.entries import Integration
from opsknight.directory.heartbeats import Heartbeat
from tests.integration.conftest import Log

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
