"""The canary goes through everything, is heard inside and outside, and appears nowhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from canary.handler import Flight, NotTaken
from harness import processes
from harness.desk import Desk
from harness.notices import Ssm
from harness.pipeline import Pipeline
from harness.post import PAGES, PAGES_HIGH
from harness.receivers import HttpReceiver, answers, closes, http_receiver
from harness.world import World, deadline
from notify.channels.canary import CanaryOr
from notify.outbound import Outbound
from opsknight.directory.receivers import Channel
from opsknight.incident import canary
from opsknight.incident.model import Status
from opsknight.runtime.addresses import Reach
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.runtime.telemetry import DEPLOYMENT
from opsknight.store.keys import Keys
from opsknight.store.wire import expiry
from tests.template.parts import of_type

PING = "/opsknight/testing/canary-ping"
INTERVAL = timedelta(minutes=5)
TO_PEOPLE = (PAGES, PAGES_HIGH)


@dataclass
class Sky:
    """A night with the null channel in it, and somebody outside who is pinged."""

    night: Pipeline
    outside: HttpReceiver
    capsys: pytest.CaptureFixture[str]
    door_is_open: bool = True
    _output: str = field(default="")

    def __post_init__(self) -> None:
        world = self.night.world
        ssm = Ssm({PING: f"{self.outside.url}/ping"})
        null = CanaryOr(
            webhook=self.night.listener,
            http=Outbound(world.clock, Reach.LOCAL),
            secrets=SecretReader(ssm.client()),
            ping_name=PING,
            now=world.clock,
        )
        senders = {**self.night.listener.senders(), Channel.WEBHOOK: null}
        self.night.sending = processes.sending(world, self.night.post, senders)

    def fly(self) -> None:
        world = self.night.world

        def post(event: dict[str, Any], key: str) -> int:
            return world.send(event, key=key).status if self.door_is_open else 503

        Flight(world.table, post, world.clock, lambda: token_hex(16)).begin()

    def passes(self, flights: int = 2) -> list[float]:
        """So many flights, with their time to come through; returns what was signalled."""
        self.capsys.readouterr()
        for _ in range(flights):
            try:
                self.fly()
            except NotTaken:
                assert not self.door_is_open
            self.night.settle()
            self.night.wait(minutes=INTERVAL / timedelta(minutes=1))
        return self.signalled("CanarySeconds")

    def signalled(self, metric: str) -> list[float]:
        self._output = self.capsys.readouterr().out
        lines = [json.loads(line) for line in self._output.splitlines() if '"_aws"' in line]
        return [
            line[metric][0] for line in lines if metric in line and line["service"] == DEPLOYMENT
        ]

    @property
    def output(self) -> str:
        """What was written until `signalled` was last asked."""
        return self._output


@pytest.fixture
def sky(world: World, capsys: pytest.CaptureFixture[str]) -> Iterator[Sky]:
    with http_receiver(answers(200)) as outside:
        yield Sky(Pipeline(world), outside, capsys)


def alarmed(ages: list[float], flights: int) -> bool:
    """Whether the alarm hears it: each period without a quick canary is a bad one."""
    alarm = of_type("AWS::CloudWatch::Alarm")["CanaryAlarm"]
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["EvaluationPeriods"] <= flights
    return not any(age <= alarm["Threshold"] for age in ages)


def test_a_canary_comes_through_and_is_heard_outside(sky: Sky) -> None:
    ages = sky.passes()
    assert len(ages) == 2
    assert max(ages) < 5
    assert [each.line for each in sky.outside.requests] == ["POST /ping HTTP/1.1"] * 2
    assert not alarmed(ages, 2)


def test_it_leaves_no_trace_where_people_look(sky: Sky) -> None:
    sky.passes(flights=3)
    world = sky.night.world
    desk = Desk(world)
    assert desk.call("GET", "/api/incidents").body["incidents"] == []
    # Of what is resolved as well.
    assert not [item for item in world.items() if "listing" in item]
    names = [held.key.name for held in Keys(world.table).held(deadline())]
    assert "Canary" not in names
    assert "Triggered" not in sky.output
    assert "DeliverySent" not in sky.output
    sky.night.fallback(0)


def test_its_rows_live_a_day(sky: Sky) -> None:
    sky.passes(flights=2)
    world = sky.night.world
    latest = int(expiry(world.clock() + timedelta(minutes=10), canary.LIFE)["N"])
    kept = {}
    for item in world.items():
        if "canary" in item["pk"]["S"] and "expires_at" in item:
            assert int(item["expires_at"]["N"]) <= latest, item["pk"]
        elif "canary" in item["pk"]["S"]:
            kept[item["kind"]["S"]] = item
    # The newest one is open until the next flight; of the others nothing stays.
    assert set(kept) == {"incident", "pointer", "receiver_state"}
    assert kept["incident"]["status"]["S"] == Status.OPEN


def test_its_key_works_for_one_flight(sky: Sky) -> None:
    keys: list[str] = []
    world = sky.night.world

    def post(event: dict[str, Any], key: str) -> int:
        keys.append(key)
        return world.send(event, key=key).status

    Flight(world.table, post, world.clock, lambda: token_hex(16)).begin()
    world.clock.advance(minutes=6)
    world.apis.clear()
    assert len(set(keys)) == 1
    assert world.send({"event_action": "resolve"}, key=keys[0]).status == 403


def test_without_the_next_flight_it_ends_by_itself_and_nobody_is_told(sky: Sky) -> None:
    sky.passes(flights=1)
    sky.night.wait(hours=2)
    incidents = [item for item in sky.night.world.items() if item["kind"]["S"] == "incident"]
    assert [item["status"]["S"] for item in incidents] == ["RESOLVED"]
    sky.night.fallback(0)


# Every link, broken: what is behind it must not come through in time.


def shut_the_door(sky: Sky) -> None:
    sky.door_is_open = False


def stop_stream_and_tick(sky: Sky) -> None:
    sky.night.streaming = sky.night.ticking = False


def stop_the_queues(sky: Sky) -> None:
    """The tick fails as well: it can start no sweep."""
    sky.night.post.away, sky.night.ticking = True, False


def stop_the_stream_and_slow_the_rest(sky: Sky) -> None:
    """A tick finds it, too late."""
    sky.night.streaming = False


def stop_the_senders(sky: Sky) -> None:
    """Messages to people are taken from their queue by nobody."""
    post = sky.night.post
    take = post.take

    def without_pages(until: Any) -> Any:
        post.queued[:] = [each for each in post.queued if each.queue not in TO_PEOPLE]
        return take(until)

    post.take = without_pages  # type: ignore[method-assign]


BREAKS = {
    "the API": shut_the_door,
    "stream and tick": stop_stream_and_tick,
    "the stream alone": stop_the_stream_and_slow_the_rest,
    "the queues": stop_the_queues,
    "the senders": stop_the_senders,
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_each_link_that_breaks_is_heard(broken: Any, sky: Sky) -> None:
    sky.passes()
    pinged = len(sky.outside.requests)
    broken(sky)
    ages = sky.passes(flights=3)
    assert alarmed(ages, 3), ages
    if not ages:
        # Outside, too.
        assert len(sky.outside.requests) == pinged


def test_nobody_is_told_of_a_canary_that_nothing_took(
    sky: Sky, caplog: pytest.LogCaptureFixture
) -> None:
    """It has an alarm of its own, and the fallback address does not know what to do with it."""
    stop_the_senders(sky)
    sky.passes(flights=1)
    sky.night.wait(minutes=40)
    assert "fallback asked for" in caplog.text
    assert not sky.signalled("PageFailed")
    sky.night.fallback(0)


def test_a_policy_that_somebody_damaged_is_whole_at_the_next_flight(sky: Sky) -> None:
    sky.passes()
    sky.night.damage(f"policy#{canary.POLICY_ID}", "policy", "steps")
    assert not alarmed(sky.passes(), 2)


@pytest.mark.parametrize("act", [answers(500), closes], ids=["answers 500", "hangs up"])
def test_an_outside_that_does_not_answer_harms_nothing(
    act: Any, sky: Sky, caplog: pytest.LogCaptureFixture
) -> None:
    sky.outside.then(act)
    assert not alarmed(sky.passes(), 2)
    assert "the canary was not heard outside" in caplog.text
    assert sky.outside.url not in caplog.text
