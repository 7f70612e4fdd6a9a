"""The notify functions die before or after each of their calls and sends, on every path; then the
message comes again, and time goes by: everybody has been told once, and nothing waits for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest

from harness.faults import DEATHS, Died, Fault, Point, Process
from harness.pipeline import Pipeline, step
from harness.processes import planning, reports, sending
from harness.world import World, build, deadline
from notify.channels.protocol import PermanentFailure, TemporaryFailure
from notify.handler import plan, send
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver, ServiceReceiver
from opsknight.notification.delivery import State
from opsknight.runtime.wakeups import PlanNotices, QueueMessage, SendDelivery, SendHeld, TrackPage
from opsknight.store.directory_items import directory_item

READS = ("GetItem", "BatchGetItem", "Query")
BUNDLE = ("disk-a", "disk-b", "disk-c")


@dataclass(frozen=True)
class Bounce:
    """A provider reports that it could not deliver a message."""

    provider_id: object


type Prepare = Callable[[Pipeline], QueueMessage | Bounce]


def plans_a_change(night: Pipeline) -> PlanNotices:
    night.escalates(step("ada", after=60))
    return PlanNotices(night.trigger())


def plans_a_page(night: Pipeline) -> QueueMessage:
    incident = _paged(night)
    return TrackPage(incident, 1, "user_ada")


def pages(night: Pipeline) -> QueueMessage:
    return _planned(night)


def pages_when_it_is_over(night: Pipeline) -> QueueMessage:
    found = _planned(night)
    night.world.send(_event("acknowledge"))
    return found


def pages_in_vain(night: Pipeline) -> QueueMessage:
    """Every method refuses, so the step moves on."""
    night.listener.answer("ada/sms", repeat(PermanentFailure("no such number")))
    return _planned(night)


def tells(night: Pipeline) -> QueueMessage:
    change = plans_a_change(night)
    plan(night.planning, change)
    (notice,) = [each for each in night.deliveries() if each.receiver_id == "chat"]
    return SendDelivery(change.incident_id, notice.id)


def tells_again_later(night: Pipeline) -> QueueMessage:
    night.listener.answer("chat", [TemporaryFailure("answered 500")])
    return tells(night)


def pages_a_bundle(night: Pipeline) -> QueueMessage:
    _planned(night)
    night.settle()
    # So that they wait for twenty seconds: a minute of a dead sender's lease later, they have not
    # failed yet.
    night.world.clock.advance(seconds=40)
    for dedup_key in BUNDLE:
        _opened(night, dedup_key)
    for each in night.all_pages():
        plan(night.planning, TrackPage(each.incident_id, 1, each.user_id))
    night.settle()
    night.world.clock.advance(seconds=20)
    waits = [each for each in night.deliveries() if each.state is State.PENDING and not each.due_at]
    assert len(waits) == len(BUNDLE)
    return SendHeld(waits[0].destination, night.world.clock())


def bounces(night: Pipeline) -> Bounce:
    night.escalates(step("eve"), step("ben", after=60), repeat_after=7200)
    incident = _opened(night, "cpu-high")
    plan(night.planning, TrackPage(incident, 1, "user_eve"))
    night.wait(minutes=4)
    told = [each for each in night.deliveries() if each.receiver_id == "email"]
    # The other message of the page has bounced already.
    for each in told[1:]:
        _reported(night, each.attempts[-1].provider_id)
    return Bounce(told[0].attempts[-1].provider_id)


def _event(action: str) -> dict[str, Any]:
    return {
        "event_action": action,
        "dedup_key": "cpu-high",
        "payload": {"summary": "x", "source": "x", "severity": "critical"},
    }


def _paged(night: Pipeline) -> str:
    night.escalates(step("ada"), step("ben", after=60), repeat_after=7200)
    return _opened(night, "cpu-high")


def _opened(night: Pipeline, dedup_key: str) -> str:
    incident = night.trigger(dedup_key)
    night.engine.attend(incident, deadline())
    return incident


def _planned(night: Pipeline) -> QueueMessage:
    incident = _paged(night)
    plan(night.planning, TrackPage(incident, 1, "user_ada"))
    first = min(
        (each for each in night.deliveries() if each.pages), key=lambda each: each.not_before
    )
    return SendDelivery(incident, first.id)


def _reported(night: Pipeline, provider_id: object) -> None:
    reports(night.sending).take(_bounce(provider_id), deadline())


def _bounce(provider_id: object) -> dict[str, Any]:
    detail = {
        "eventType": "Bounce",
        "mail": {"messageId": provider_id},
        "bounce": {"bounceType": "Permanent"},
    }
    return {"source": "aws.ses", "detail": detail}


PATHS: tuple[Prepare, ...] = (
    plans_a_change,
    plans_a_page,
    pages,
    pages_when_it_is_over,
    pages_in_vain,
    tells,
    tells_again_later,
    pages_a_bundle,
    bounces,
)


@dataclass
class Stage:
    endpoint: str
    prepare: Prepare

    def __post_init__(self) -> None:
        self.world: World = build(self.endpoint)
        self.night = Pipeline(self.world, streaming=False)
        sms = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
        for known in (
            User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(sms,)),
            ServiceReceiver(
                id="chat",
                name="",
                channel=Channel.SLACK,
                to="C1",
                service_id=self.world.service.id,
            ),
        ):
            self.night.put(directory_item(known))
        self.message = self.prepare(self.night)
        self.night.post.queued.clear()

    def wake(self, process: Process) -> None:
        table = process.runs(self.world, self.endpoint).table
        senders = self.night.listener.through(process)
        sends = sending(self.world, self.night.post, senders, table, process.watch)
        plans = planning(self.world, self.night.post, table, process.watch)
        process.watching = True
        match self.message:
            case Bounce(provider_id):
                reports(sends).take(_bounce(provider_id), deadline())
            case SendDelivery() | SendHeld():
                send(sends, self.message)
            case message:
                plan(plans, message)

    def ends(self) -> tuple[object, ...]:
        """The state of things after the message came again, and six minutes."""
        self.wake(Process())
        self.night.wait(minutes=6)
        told = sorted(
            (each.receiver_id, each.about, each.state, each.due_at is None)
            for each in self.night.deliveries()
        )
        paged = sorted((page.user_id, str(page.state)) for page in self.night.all_pages())
        incidents = {each.incident_id for each in self.night.deliveries()}
        lines = sorted(
            [change.what for change in self.world.table.changes(each, deadline())]
            for each in incidents
        )
        return told, paged, lines

    @property
    def heard(self) -> list[str]:
        """The ids of the messages that were sent."""
        return [each.message.delivery_id for each in self.night.listener.heard]


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
def test_after_a_death_everybody_has_been_notified_once(
    dynamodb: str, path: Prepare, say: Callable[[str], None], full_size: bool
) -> None:
    whole = Stage(dynamodb, path)
    process = Process()
    whole.wake(process)
    calls: list[Point] = list(process.calls)
    right, heard = whole.ends(), whole.heard
    whole.world.close()
    struck, bundles = 0, path is pages_a_bundle
    for number, point in enumerate(calls):
        for death in DEATHS:
            if not full_size and number and not _new(death, point):
                continue
            if not full_size and bundles and number % 2:
                # It has three times as many calls as the others.
                continue
            stage = Stage(dynamodb, path)
            with pytest.raises(Died):
                stage.wake(Process(death, point))
            assert stage.ends() == right, f"{death}: {point}"
            again = len(stage.heard) - len(heard)
            unrecorded = _is_unrecorded(death, number, calls)
            assert again == 0 or (unrecorded and again == 1), f"{death}: {point}"
            # Told again, it has the same id, a bundle too.
            assert len(set(stage.heard)) == len(set(heard))
            stage.world.close()
            struck += 1
    say(f"{path.__name__}: {struck} deaths")


def _is_unrecorded(death: Fault, number: int, calls: list[Point]) -> bool:
    """Whether it died after the send, and before the one write that says so."""
    sent = next((at for at, point in enumerate(calls) if point.table == "outside"), len(calls))
    return number == sent if death.moment == "after" else number == sent + 1


def _new(death: Fault, point: Point) -> bool:
    """Whether the death leaves what none before it left."""
    return death.moment == "after" and point.operation not in READS
