"""The Watchdog of kube-prometheus, which always fires, by Debian's Alertmanager: as long as it
comes nobody is paged, and its silence pages.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from harness.alertmanager import running
from harness.invariants import check
from harness.pipeline import Pipeline, step
from harness.settings import configure
from harness.web_front import serving
from harness.world import World, deadline
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.store import items
from opsknight.store.heartbeats import Heartbeats
from tests.integration.test_real_alertmanager import need_alertmanager, until

# As in the rules of kube-prometheus.
WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
OVER = ("Watchdog", "resolved")
DISK = {"alertname": "DiskFull", "severity": "critical"}


class Door:
    """Lets a request in while the night stands still, and knows what came."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = Lock()
        self.said: list[tuple[str, str]] = []

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        alerts = json.loads(request["body"])["alerts"]
        said = [(each["labels"]["alertname"], each["status"]) for each in alerts]
        with self.lock:
            if OVER in said:
                # After the last beat, so that it would show as one more.
                self.world.clock.advance(minutes=1)
            answer = self.world.gateway(request)
            self.said += said
        return answer


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    need_alertmanager()
    pipeline = Pipeline(world)
    pipeline.people("ada")
    pipeline.escalates(step("ada"))
    heartbeat = Heartbeat(every=timedelta(minutes=10), grace=timedelta(minutes=5))
    where = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "Alertmanager"}
    configure(world, Integration.model_validate(where | {"heartbeat": heartbeat}))
    yield pipeline
    pipeline.ends()


def config(address: str, key: str) -> dict[str, Any]:
    """The route of docs/integrations/alertmanager.md, with seconds for minutes."""
    bearer = {"authorization": {"type": "Bearer", "credentials": key}}
    hook = {"url": f"{address}/api/integrations/alertmanager", "http_config": bearer}
    always = {"matchers": ["alertname = Watchdog"], "receiver": "opsknight"}
    intervals = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1s"}
    return {
        "route": {
            "receiver": "opsknight",
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
            "routes": [always | intervals],
        },
        "receivers": [{"name": "opsknight", "webhook_configs": [hook]}],
    }


def last_beat(world: World) -> datetime | None:
    key = items.heartbeat_key("svc_checkout", "int_prometheus")
    pulse = Heartbeats(world.table).pulse(key, deadline())
    return None if pulse is None else pulse.last_at


def passes(night: Pipeline, minutes: int) -> Pipeline:
    """Another heartbeat beats all the while: it is not the deployment that hears nothing."""
    for _ in range(minutes // 5):
        night.wait(minutes=5)
        Heartbeats(night.world.table).hear(night.world.clock(), deadline())
    return night.wait(minutes=1)


def incidents(night: Pipeline) -> list[tuple[str, str]]:
    found = check(night.world).incidents.values()
    return [(each["title"], each["status"]) for each in found]


def test_it_beats_as_long_as_it_fires_and_pages_when_it_stops(
    world: World, night: Pipeline, tmp_path: Path
) -> None:
    door = Door(world)

    def beats() -> None:
        until(lambda: last_beat(world) == world.clock(), "the Watchdog beats, now")

    with (
        serving(world, answered=door) as address,
        running(tmp_path, config(address, world.integration_key)) as sender,
    ):
        sender.fires(WATCHDOG)
        for _ in range(3):
            beats()
            with door.lock:
                passes(night, 10).pages()
                assert incidents(night) == []

        # Prometheus is gone. Alertmanager says once that its alert is over, and that is no beat.
        beats()
        sender.ends(WATCHDOG)
        until(lambda: OVER in door.said, "it is over")
        with door.lock:
            assert last_beat(world) == world.clock() - timedelta(minutes=1)
            passes(night, 10).pages()
            passes(night, 5).pages("ada")
            [(title, status)] = incidents(night)
            assert title.startswith("No heartbeat from Alertmanager since ")
            assert status == "OPEN"

        # It is back, and what else fires comes by the same way.
        sender.fires(WATCHDOG, DISK)
        beats()
        until(lambda: ("DiskFull", "firing") in door.said, "the disk is full")
        with door.lock:
            night.wait(minutes=1).pages("ada")
            assert sorted(incidents(night)) == [("DiskFull is broken", "OPEN"), (title, "RESOLVED")]
        sender.ends(DISK)
        until(lambda: ("DiskFull", "resolved") in door.said, "the disk has room")
        beats()

    # Alertmanager itself is gone.
    passes(night, 10).pages()
    passes(night, 5).pages("ada")
    [(newest, _)] = [each for each in incidents(night) if each[1] == "OPEN"]
    assert newest.startswith("No heartbeat from Alertmanager since ")
