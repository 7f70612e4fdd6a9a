"""One event of AWS and what it carries with it, taken in AWS's own order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from events.call import Call
from events.cloud.order import Order, Stale
from events.intake import IntakeResult
from opsknight.classes import dataclass
from opsknight.incident.model import Action, Actor, Event
from opsknight.integrations.aws import Told
from opsknight.integrations.drafts import Draft, understood
from opsknight.store.execute import Beside
from opsknight.store.moments import Moment, Scope
from opsknight.store.rows import Rows

# Two clocks may differ by this much. A time further ahead would make every later event too late.
AHEAD: Final = timedelta(minutes=5)

type Take = Callable[[Told, Event, Call], IntakeResult | None]
"""Decides and writes, with what the call has beside. None for what is nobody's."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of one event, or why nothing did."""

    told: Told
    result: IntakeResult | None
    stale: str | None = None

    @property
    def action(self) -> str:
        """In the word of an answer, and of a metric."""
        if self.stale is not None:
            return "ignored"
        return "unmatched" if self.result is None else self.result.counted_as


def take_in_order(
    told: Told, service_id: str, actor: Actor, scope: str, rows: Rows, take: Take, call: Call
) -> Iterator[Became]:
    """The event, and each part that its resolve ends. Raises Unavailable, and what `take` does."""
    if told.at > call.now + AHEAD:
        told = replace(told, at=call.now)
    found = Scope(rows, scope, told.arn)
    for each in [told, *_parts(told, found, call)]:
        event = _event(each, service_id, actor)
        order = Order(found, each, call.now, call.deadline)

        def act(beside: Beside, told: Told = each, event: Event = event) -> IntakeResult | None:
            return take(told, event, replace(call, beside=beside))

        try:
            yield Became(each, order.take(act, lambda result: result is not None))
        except Stale as why:
            yield Became(each, None, str(why))


def _event(told: Told, service_id: str, actor: Actor) -> Event:
    event = understood(told.draft, service_id, actor).event
    return replace(event, why=told.note) if event.action is not Action.TRIGGER else event


def _parts(told: Told, scope: Scope, call: Call) -> Iterator[Told]:
    if not told.ends_parts:
        return
    for each in scope.firing(call.deadline):
        if each.key != told.key:
            yield _ended(told, each)


def _ended(told: Told, part: Moment) -> Told:
    note = told.note or "The alarm is over as a whole."
    draft = Draft(Action.RESOLVE, dedup_key=part.key, rest=told.draft.rest)
    return replace(told, draft=draft, ends_parts=False, note=note)
