"""Debian's Alertmanager, unchanged: by its webhook, its PagerDuty and its Opsgenie receiver, from
firing to resolved, with our refusals and a cut connection in between.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import alertmanager
from harness.alertmanager import Alertmanager, running
from harness.invariants import check, stored
from harness.web_front import serving
from harness.world import World
from tests.integration.steps import use_up
from tests.integration.wire import ALWAYS, THROTTLES, Wire

# Each receiver by the label that chooses it.
RECEIVERS = ("webhook", "group", "pagerduty", "opsgenie")


def config(address: str, key: str) -> dict[str, Any]:
    bearer = {"authorization": {"type": "Bearer", "credentials": key}}
    webhook = f"{address}/api/integrations/alertmanager"
    settings: dict[str, dict[str, Any]] = {
        "webhook": {"webhook_configs": [{"url": webhook, "http_config": bearer}]},
        "group": {"webhook_configs": [{"url": f"{webhook}?per=group", "http_config": bearer}]},
        "pagerduty": {"pagerduty_configs": [{"url": f"{address}/v2/enqueue", "routing_key": key}]},
        "opsgenie": {"opsgenie_configs": [{"api_url": f"{address}/", "api_key": key}]},
    }
    return {
        "route": {
            "receiver": "webhook",
            "group_by": ["to"],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
            "routes": [{"receiver": to, "matchers": [f"to={to}"]} for to in RECEIVERS],
        },
        "receivers": [{"name": name, **more} for name, more in settings.items()],
    }


class Cuts:
    """The connection is cut after the next request of each path was carried out."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.left = 0

    def __call__(self, path: str) -> bool:
        if self.left and path not in self.paths:
            self.paths.add(path)
            self.left -= 1
            return True
        return False


@pytest.fixture
def cuts() -> Cuts:
    return Cuts()


def need_alertmanager() -> None:
    if alertmanager.program() is None and not alertmanager.must_be_here():
        pytest.skip("Alertmanager is not installed: apt-get install prometheus-alertmanager")


@pytest.fixture
def sender(world: World, cuts: Cuts, tmp_path: Path) -> Iterator[Alertmanager]:
    need_alertmanager()
    # The first function answers all: it gives the store up after a moment.
    world.api(patience=1)
    with (
        serving(world, cut=cuts) as address,
        running(tmp_path, config(address, world.integration_key)) as found,
    ):
        yield found


def alert(to: str, name: str) -> dict[str, str]:
    return {"alertname": name, "to": to, "severity": "critical"}


def to_all(name: str) -> list[dict[str, str]]:
    return [alert(to, name) for to in RECEIVERS]


def until(holds: Callable[[], bool], what: str) -> None:
    """Alertmanager has a clock of its own."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def of_senders(world: World) -> list[dict[str, Any]]:
    """Those that are active. While requests are under way, nothing else can be said of them."""
    return [each for each in stored(world).active if "internal" not in each]


def refused(world: World) -> bool:
    return any("internal" in each for each in stored(world).active)


def firing(world: World) -> int:
    return sum(each.get("firing", 0) for each in of_senders(world))


def test_from_firing_to_resolved_whatever_comes_between(
    world: World, cuts: Cuts, sender: Alertmanager
) -> None:
    cuts.left = 3
    sender.fires(*to_all("first"))
    until(lambda: len(of_senders(world)) == 4, "one incident by each receiver")
    until(lambda: cuts.left == 0, "each path is cut once")

    # A group grows while its key is at its limit: PagerDuty's receiver hears 429, the webhook 503.
    world.clock.advance(minutes=1)
    use_up(world)
    sender.fires(*to_all("second"))
    until(lambda: refused(world), "over the limit")
    world.clock.advance(minutes=1)
    until(lambda: len(of_senders(world)) == 5, "the webhook has one for each alert")
    until(lambda: firing(world) == 2, "the group has two")

    # All is over while the store is away.
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", THROTTLES, ALWAYS)
    sender.ends(*to_all("first"), *to_all("second"))
    until(lambda: "TransactWriteItems" in wire.calls, "it is tried")
    wire.mend()
    until(lambda: not of_senders(world), "all are resolved")

    # A cut request was carried out, and came again.
    found = check(world, unanswered=20).incidents.values()
    titles = sorted(each["title"] for each in found if "internal" not in each)
    webhook = ["first is broken"] * 2 + ["second is broken"]
    assert titles[2:] == webhook
    assert all(title.startswith("[FIRING:1]") for title in titles[:2])
