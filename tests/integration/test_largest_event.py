"""What the largest and deepest event that is accepted costs whoever tells of it or shows it: hardly
more than a small one, counted in calls, as time depends on what else runs.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType

import pytest

from harness.desk import Desk
from harness.notices import BRIEF, PAGE, Stage, stage
from harness.pipeline import Pipeline, step
from harness.post import PAGES, PAGES_HIGH
from harness.world import World, deadline
from notify.handler import send
from opsknight.directory.receivers import Channel
from opsknight.incident.event_request import LARGEST_BODY, describe
from opsknight.incident.references import details
from opsknight.notification.message import Message
from opsknight.runtime.wakeups import SendDelivery

# Nested as deep as the contract allows; laid out to its end it is 34 MB.
DEEP = "[" * 97 + ",".join(['""'] * 170_000) + "]" * 97
SMALL = '{"host": "web-01"}'
# As many calls more as laying out and encoding 10,000 characters takes.
MORE = 150_000


def body(found: str, key: str = "deep") -> str:
    text = (
        f'{{"event_action": "trigger", "dedup_key": "{key}", "payload": {{"summary": "Deep",'
        f' "source": "probe", "severity": "critical", "custom_details": {{"a": {found}}}}}}}'
    )
    assert len(text) <= LARGEST_BODY
    return text


def calls(work: Callable[[], object]) -> int:
    """How many Python functions and generators it goes on with, on this thread."""
    number = 0

    def heard(_frame: FrameType, what: str, _of: object) -> None:
        nonlocal number
        number += what == "call"

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        work()
    finally:
        sys.setprofile(before)
    return number


def opened(world: World, found: str, key: str) -> str:
    answer = world.send(body(found, key))
    assert answer.status == 202
    incident_id: str = answer.incident["id"]
    return incident_id


@pytest.fixture(scope="module")
def staged() -> Iterator[Stage]:
    with stage() as found:
        yield found


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_lays_out_what_it_shows(staged: Stage, channel: Channel) -> None:
    def message(found: str) -> Message:
        text = body(found)
        brief = replace(BRIEF, description=describe(text), details=details(text))
        return replace(PAGE, incidents=(brief,))

    small, deep = message(SMALL), message(DEEP)
    staged.send(channel, small)
    least = calls(lambda: staged.send(channel, small))
    assert calls(lambda: staged.send(channel, deep)) < least + MORE


def test_a_message_is_composed_of_what_is_shown(moto_world: World) -> None:
    night = Pipeline(moto_world, down=frozenset({PAGES, PAGES_HIGH}))
    night.people("ada")
    night.escalates(step("ada"), repeat_after=360_000)

    def composed(found: str, key: str) -> int:
        incident = opened(moto_world, found, key)
        night.settle()
        first, *_ = moto_world.table.deliveries(incident, deadline())
        message = SendDelivery(incident, first.id, due_at=first.due_at)
        number = calls(lambda: send(night.sending, message))
        [heard] = night.listener.heard
        assert len(heard.message.incidents) == 1
        night.listener.heard.clear()
        # Its receiver has no pace any more.
        moto_world.clock.advance(minutes=20)
        return number

    composed(SMALL, "first")
    least = composed(SMALL, "small")
    assert composed(DEEP, "deep") < least + MORE


def test_an_incident_is_shown_by_what_is_shown(moto_world: World) -> None:
    def shown(found: str, key: str) -> int:
        incident = opened(moto_world, found, key)
        for _ in range(2):
            assert opened(moto_world, found, key) == incident
        return calls(lambda: desk.call("GET", f"/api/incidents/{incident}"))

    desk = Desk(moto_world)
    shown(SMALL, "first")
    least = shown(SMALL, "small")
    # Of the incident, and of each of its three alerts.
    assert shown(DEEP, "deep") < least + 4 * MORE
