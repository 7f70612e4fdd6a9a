"""A service in shadow: everything happens but pages, until its end. It is three in the morning of a
Monday, in UTC.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from escalation.handler import on_message
from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.world import World, deadline
from opsknight.directory.entries import Member
from opsknight.directory.receivers import Channel, ServiceReceiver
from opsknight.directory.status_pages import StatusPage, StatusPageWebhook
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.commands import (
    Acknowledge,
    AlsoPage,
    Escalate,
    Reassign,
    Unacknowledge,
    Unsuppress,
)
from opsknight.incident.decisions import NotAllowed
from opsknight.incident.model import Status
from opsknight.incident.quiet import SHADOW
from opsknight.runtime.wakeups import AuditIncidents
from opsknight.store import directory_items, items
from opsknight.store.execute import perform
from opsknight.store.wire import wire

OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, RESOLVED = Status
HOUR = timedelta(hours=1)


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    pipeline.people("ada", "ben")
    pipeline.escalates(step("ada"), step("ben", after=5))
    shadowed(pipeline, HOUR)
    yield pipeline
    pipeline.ends()


def shadowed(night: Pipeline, left: timedelta, **more: Any) -> None:
    night.serves(shadow_until=night.world.clock() + left, **more)


def test_nobody_is_paged_before_its_end_and_then_as_ever(night: Pipeline) -> None:
    incident = night.trigger()
    found = night.incident(incident)
    assert (found.status, found.window_id, found.shadow) == (SUPPRESSED, SHADOW, True)
    night.wait(minutes=59).pages().wait(minutes=1).pages("ada")
    found = night.incident(incident)
    assert (found.status, found.window_id, found.shadow) == (OPEN, None, None)
    night.wait(minutes=5).pages("ben")


def test_one_that_ends_sooner_or_later_lets_incidents_out_then(night: Pipeline) -> None:
    night.trigger()
    shadowed(night, 2 * HOUR)
    night.wait(hours=1).pages()
    night.serves(shadow_until=None)
    night.wait(minutes=5).pages("ada")


@pytest.mark.parametrize(
    "command", [Unsuppress(), Reassign("user_ben"), Escalate()], ids=["let out", "given", "asked"]
)
def test_whatever_people_do_it_pages_nobody(night: Pipeline, command: Any) -> None:
    incident = night.trigger()
    if isinstance(command, Escalate):
        night.does(incident, Acknowledge(by="user_ada"))
    night.does(incident, command).pages()
    assert night.incident(incident).status is SUPPRESSED
    night.wait(minutes=59).pages().wait(minutes=1)
    # What was asked for in vain is over: it begins.
    night.pages("ada")


def test_taken_and_given_back_it_is_quiet_again(night: Pipeline) -> None:
    night.serves(acknowledgement_timeout=timedelta(minutes=10))
    incident = night.trigger()
    night.send("acknowledge")
    assert night.incident(incident).status is ACKNOWLEDGED
    night.wait(minutes=11).pages()
    found = night.incident(incident)
    assert (found.status, found.window_id) == (SUPPRESSED, SHADOW)
    night.does(incident, Acknowledge(by="user_ada")).does(incident, Unacknowledge()).pages()
    night.wait(minutes=49).pages("ada")


def test_given_back_after_its_end_it_pages(night: Pipeline) -> None:
    incident = night.trigger()
    night.send("acknowledge")
    night.wait(hours=1).pages()
    night.does(incident, Unacknowledge()).pages("ada")
    assert night.incident(incident).shadow is None


def test_others_are_not_asked_to_help(night: Pipeline) -> None:
    incident = night.trigger()
    night.send("acknowledge")
    table, clock = night.world.table, night.world.clock
    command = AlsoPage("Ben", ("user_ben",))

    def asked(token: str) -> object:
        return perform(
            table, incident, command, actor=ADA, now=clock(), token=token, deadline=deadline()
        )

    refused = asked("one")
    assert isinstance(refused, NotAllowed)
    assert refused.why == "its service is in shadow, and pages nobody"
    night.settle().hears()
    night.does(incident, Reassign("user_ben")).hears()
    night.wait(hours=1)
    assert not isinstance(asked("two"), NotAllowed)
    night.settle().hears("email also_paged")


def test_what_was_open_before_it_goes_on_paging(night: Pipeline) -> None:
    night.serves(shadow_until=None)
    night.trigger()
    night.pages("ada")
    shadowed(night, HOUR)
    night.wait(minutes=5).pages("ben")


def test_resolved_in_time_it_never_pages(night: Pipeline) -> None:
    night.trigger()
    night.send("resolve")
    night.wait(hours=2).pages()


def test_without_alerts_it_resolves_itself_as_a_live_one_does(night: Pipeline) -> None:
    night.serves(auto_resolve=timedelta(minutes=20))
    incident = night.trigger()
    night.wait(minutes=10).trigger()
    night.wait(minutes=15)
    assert night.incident(incident).status is SUPPRESSED
    night.wait(minutes=10)
    assert night.incident(incident).status is RESOLVED


def test_receivers_hear_of_it_and_status_pages_only_from_its_end(night: Pipeline) -> None:
    told = {"channel": Channel.WEBHOOK, "to": "https://example.com/", "name": "Hook"}
    service_id = night.world.service.id
    night.put(
        directory_items.directory_item(
            ServiceReceiver.model_validate(told | {"id": "rcv_chat", "service_id": service_id})
        )
    )
    hook = StatusPageWebhook.model_validate(told | {"id": "hook_page"})
    page = StatusPage(id="page_shop", name="Shop", service_ids=(service_id,), webhooks=(hook,))
    night.put(directory_items.directory_item(page))
    night.trigger()
    [heard] = night.listener.heard
    assert heard.message.incidents[0].service_name == "Checkout (shadow)"
    night.hears("rcv_chat triggered")
    night.send("acknowledge")
    night.hears("rcv_chat acknowledged")
    night.send("resolve")
    night.hears("rcv_chat resolved")
    night.trigger()
    night.hears("rcv_chat triggered").wait(hours=1).pages("ada")
    night.hears("rcv_chat triggered", "hook_page incident.created", "email paged")


def test_in_a_maintenance_window_it_is_as_quiet_as_ever(night: Pipeline) -> None:
    now = night.world.clock()
    window = MaintenanceWindow(id="mw_1", start=now, end=now + HOUR / 2, reason="Upgrade")
    night.serves(windows=[window.model_dump()])
    incident = night.trigger()
    found = night.incident(incident)
    assert (found.window_id, found.announced_from, found.shadow) == ("mw_1", 0, True)
    night.wait(minutes=59).pages().wait(minutes=1).pages("ada")


def listed(night: Pipeline) -> None:
    """The service is one of the configuration."""
    head = {"kind": "configuration", "revision": 1, "services": [night.world.service.id]}
    night.put(items.HEAD_KEY | {name: wire(value) for name, value in head.items()})


def test_a_warning_that_the_fallback_did_not_get_is_sent_again(night: Pipeline) -> None:
    night.ticking = False
    listed(night)
    night.post.topic_away = True
    night.engine.shadows.attend(deadline())
    night.post.topic_away = False
    # By the next tick.
    night.world.clock.advance(minutes=1)
    night.fallback(0).engine.shadows.attend(deadline())
    night.fallback(1)


def test_who_dies_before_the_record_repeats_no_warning_at_once(night: Pipeline) -> None:
    """As two ticks at the same moment do, of which one is late with its record."""
    night.ticking = False
    listed(night)
    with pytest.raises(Died):
        dies(night, "UpdateItem", 2, lambda: night.engine.shadows.attend(deadline()))
    night.fallback(1).engine.shadows.attend(deadline())
    night.fallback(0)
    # Nobody knows whether it was told.
    night.world.clock.advance(minutes=1)
    night.engine.shadows.attend(deadline())
    night.fallback(1).engine.shadows.attend(deadline())
    night.fallback(0)


def test_what_its_team_cannot_be_told_repeats_no_warning(night: Pipeline) -> None:
    night.ticking = False
    night.team("team_web", Member(user_id="user_ada"))
    night.serves(team_id="team_web")
    listed(night)
    for _ in range(3):
        with pytest.raises(Died):
            dies(night, "PutItem", 1, lambda: night.engine.shadows.attend(deadline()))
    night.fallback(0).engine.shadows.attend(deadline())
    night.fallback(1)


class Died(BaseException):
    pass


def dies(night: Pipeline, operation: str, number: int, does: Callable[[], None]) -> None:
    """Raises Died in place of the call of this number."""
    events, left = night.world.table.client.meta.events, [number]

    def called(model: Any, **_: Any) -> None:
        left[0] -= model.name == operation
        if not left[0] and model.name == operation:
            raise Died

    events.register("before-call.dynamodb", called)
    try:
        does()
    finally:
        events.unregister("before-call.dynamodb", called)


def test_its_team_and_the_fallback_hear_a_week_and_a_day_before(night: Pipeline) -> None:
    night.ticking = False
    night.team("team_web", Member(user_id="user_ada"), Member(user_id="user_ben", pages=False))
    night.serves(team_id="team_web", shadow_until=night.world.clock() + timedelta(days=8))
    listed(night)
    shadows = night.engine.shadows

    def looks(times: int) -> None:
        shadows.attend(deadline())
        shadows.attend(deadline())
        night.settle().fallback(times)
        assert len(night.listener.new()) == times

    looks(0)
    night.world.clock.advance(days=1)
    looks(1)
    [said] = night.post.published[-1:]
    assert "Checkout is in shadow until" in json.dumps(said)
    night.world.clock.advance(days=5, hours=23)
    looks(0)
    night.world.clock.advance(hours=1)
    looks(1)
    # Made longer, it is told anew.
    night.serves(shadow_until=night.world.clock() + timedelta(days=7))
    night.world.clock.advance(hours=1)
    looks(1)
    night.world.clock.advance(days=7)
    looks(0)


def test_a_roster_that_cannot_be_read_keeps_no_warning(night: Pipeline) -> None:
    night.serves(shadow_until=night.world.clock() + timedelta(days=7))
    listed(night)
    night.put({**items.ROSTER_KEY, "kind": {"S": "roster"}, "told_until": {"M": {}}})
    with pytest.raises(ValidationError):
        on_message(night.engine, AuditIncidents())
    night.fallback(1)
