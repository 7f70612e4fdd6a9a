"""A night under hold: nobody hears anything, nothing is judged for time, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from harness.pipeline import Pipeline, step
from harness.shell import Shell
from harness.world import World, deadline
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver, ServiceReceiver
from opsknight.escalation.hold import CATCHING_UP
from opsknight.escalation.pages import PageState
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import State
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.store.directory_items import directory_item

READ = timedelta(seconds=10)


@pytest.fixture
def night(world: World) -> Pipeline:
    made = Pipeline(world)
    for name in ("ada", "ben"):
        sms = Receiver(id=f"{name}/sms", name="", channel=Channel.SMS, to="+4915112345678")
        once = [NotificationRule(urgency=each, method_id=sms.id) for each in Urgency]
        known = User(id=f"user_{name}", name=name.title(), email="", role=Role.USER)
        more = {"contact_methods": (sms,), "rules": tuple(once)}
        made.put(directory_item(known.model_copy(update=more)))
    made.escalates(step("ada"), step("ben", after=5), repeat_after=36_000)
    return made


def hold(night: Pipeline, *words: str) -> None:
    said = Shell(night.world).opsknight("hold", *words)
    assert said.code == 0, said.all
    # Functions know it within ten seconds.
    night.world.clock.advance(seconds=READ.seconds)


def test_under_a_hold_nobody_hears_anything_and_afterwards_everybody_does(
    night: Pipeline,
) -> None:
    hook = ServiceReceiver(
        id="hook",
        name="hook",
        service_id=night.world.service.id,
        channel=Channel.WEBHOOK,
        to="https://x.org",
    )
    night.put(directory_item(hook))
    hold(night, "on", "--for", "15m")
    opened = night.trigger("held")
    night.wait(minutes=12)
    night.hears()
    night.pages()
    assert night.deliveries() == []
    hold(night, "off")
    night.wait(minutes=2, seconds=30)
    night.hears("ada/sms paged", "hook triggered")
    assert night.incident(opened).announced == night.incident(opened).changes
    # Ben has his turn as long after Ada as ever.
    night.wait(minutes=2).hears()
    night.wait(minutes=3)
    night.hears("ben/sms paged")
    night.fallback(0)


def test_a_hold_lapses_by_itself(night: Pipeline) -> None:
    hold(night, "on", "--for", "10m")
    night.trigger()
    night.wait(minutes=9).hears()
    night.wait(minutes=3)
    night.hears("ada/sms paged")


def test_a_step_due_under_the_hold_is_taken_when_it_ends(night: Pipeline) -> None:
    night.trigger()
    night.hears("ada/sms paged")
    night.pages("ada")
    hold(night, "on", "--for", "20m")
    night.wait(minutes=15).hears()
    night.pages()
    hold(night, "off")
    # Ada had her message and her time before: Ben waits no longer.
    night.wait(minutes=1, seconds=10)
    night.hears("ben/sms paged")


def test_a_page_is_not_failed_for_time_under_hold(night: Pipeline) -> None:
    """It was planned a moment before the hold, and its message lost its wakeup in it."""
    night.world.clock.advance(seconds=1)
    night.streaming = False
    opened = night.trigger()
    night.engine.advance(opened, deadline())
    [page] = night.all_pages()
    night.planning.page(opened, page.page_no, page.user_id, deadline())
    night.post.queued.clear()
    hold(night, "on", "--for", "30m")
    night.wait(minutes=29).hears()
    [page] = night.all_pages()
    assert page.state is PageState.PLANNED
    night.wait(minutes=3)
    night.hears("ada/sms paged")
    [page] = night.all_pages()
    assert page.state is PageState.REACHED
    night.fallback(0)


def test_a_round_that_the_hold_kept_from_reaching_anybody_is_not_over(night: Pipeline) -> None:
    night.escalates(step("ada"), version=2, repeat_after=300)
    night.streaming = False
    opened = night.trigger()
    night.engine.advance(opened, deadline())
    night.post.queued.clear()
    hold(night, "on", "--for", "30m")
    night.streaming = True
    night.wait(minutes=33)
    night.hears("ada/sms paged")
    # Without the hold's time, nobody has been silent for long.
    night.fallback(0)


def test_after_a_hold_high_goes_first(night: Pipeline) -> None:
    hold(night, "on", "--for", "20m")
    night.trigger("low", payload={"severity": "info"})
    night.wait(minutes=1)
    night.trigger("high", payload={"severity": "critical"})
    night.wait(minutes=5)
    hold(night, "off")
    night.wait(seconds=80)
    [first] = night.listener.new()
    assert [each.urgency for each in first.message.incidents] == ["HIGH"]
    night.wait(minutes=2)
    [second] = night.listener.new()
    assert [each.urgency for each in second.message.incidents] == ["LOW"]


def test_what_is_held_for_a_receiver_waits_for_high_too(night: Pipeline) -> None:
    night.trigger("first", payload={"severity": "info"})
    night.hears("ada/sms paged")
    night.trigger("paced", payload={"severity": "info"})
    assert State.PENDING in [each.state for each in night.deliveries() if not each.due_at]
    hold(night, "on", "--for", "4m")
    night.trigger("high", payload={"severity": "critical"})
    night.wait(minutes=3)
    hold(night, "off")
    night.wait(seconds=80)
    [heard] = night.listener.new()
    assert "HIGH" in [each.urgency for each in heard.message.incidents]


def test_a_storm_under_hold_reaches_everybody_once(night: Pipeline) -> None:
    hold(night, "on", "--for", "1h")
    opened = [night.trigger(f"key-{number}") for number in range(15)]
    night.wait(minutes=55).hears()
    hold(night, "off")
    night.wait(minutes=4, seconds=30)
    told = [
        brief.id
        for heard in night.listener.new()
        if heard.receiver.id == "ada/sms"
        for brief in heard.message.incidents
    ]
    assert sorted(told) == sorted(opened)
    night.fallback(0)
    assert not [each for each in night.all_pages() if each.state is PageState.FAILED]


def test_the_fallback_and_its_reminders_wait_for_the_end(night: Pipeline) -> None:
    night.escalates(step(), version=2)
    hold(night, "on", "--for", "2h")
    night.trigger()
    night.wait(minutes=110)
    night.fallback(0)
    hold(night, "off")
    night.wait(minutes=2)
    night.fallback(1)


def test_what_waits_for_the_fallback_is_not_told_under_a_hold(night: Pipeline) -> None:
    night.escalates(step(), version=2)
    night.trigger("first")
    night.fallback(1)
    night.wait(minutes=1)
    night.trigger("second")
    hold(night, "on", "--for", "1h")
    night.wait(minutes=50)
    night.fallback(0)
    night.wait(minutes=11)
    night.fallback(1)


def test_a_hold_that_cannot_be_read_is_none(night: Pipeline) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

    hold(night, "on", "--for", "1h")
    night.damage("hold", "state", "spells")
    assert not HoldMemory(night.world.table, night.world.clock).is_on()
    table = type(night.world.table)(Away(), "t", timedelta(days=1))  # type: ignore[arg-type]
    assert not HoldMemory(table, night.world.clock).is_on()
    night.trigger()
    night.hears("ada/sms paged")


def test_a_function_remembers_it_for_ten_seconds(night: Pipeline) -> None:
    memory = HoldMemory(night.world.table, night.world.clock)
    assert not memory.is_on()
    said = Shell(night.world).opsknight("hold", "on", "--for", "15m")
    assert said.code == 0
    night.world.clock.advance(seconds=9.9)
    assert not memory.is_on()
    night.world.clock.advance(seconds=0.1)
    assert memory.is_on()
    night.world.clock.advance(seconds=(CATCHING_UP + timedelta(minutes=15)).seconds)
    assert not memory.is_on()


def test_a_page_planned_before_the_hold_is_not_sent_under_it(night: Pipeline) -> None:
    ada = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
    later = [
        NotificationRule(urgency=each, method_id=ada.id, delay=timedelta(minutes=5))
        for each in Urgency
    ]
    known = User(id="user_ada", name="Ada", email="", role=Role.USER)
    more = {"contact_methods": (ada,), "rules": tuple(later)}
    night.put(directory_item(known.model_copy(update=more)))
    night.escalates(step("ada"), version=2, repeat_after=36_000)
    night.trigger()
    hold(night, "on", "--for", "10m")
    night.wait(minutes=9).hears()
    night.wait(minutes=2)
    night.hears("ada/sms paged")
