"""Events of an integration that has routes, or ever had: which service each goes to, under which
key, and that a resolve finds the incident whatever the routes say by then.

While an incident is active, whatever comes under its sender's key goes to it (`store.routing`).
Events that came before there were routes may have opened one in the integration's own service,
under the very key: that one counts as well. Only then a route is asked, and only for a trigger.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from events.call import Call, Sender
from events.intake import Intake, IntakeResult, outcome
from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import PageAfter
from opsknight.incident.decisions import Ignored
from opsknight.incident.event_request import parsed
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.members import GroupDecision, Joined
from opsknight.incident.model import Action, Event, Pointer
from opsknight.integrations.routes import Verdict, verdict
from opsknight.runtime.telemetry import logger
from opsknight.store.execute import Settling
from opsknight.store.groups import Groups
from opsknight.store.incidents import IncidentRows
from opsknight.store.places import Moved, Place, let_out
from opsknight.store.routing import Origin, Remember, Seen, Where, read

NO_ROUTES: Final = "no routes"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A trigger that opens nothing."""

    route: str


type Found = Place | Dropped


@dataclass(frozen=True, slots=True)
class Way:
    """One event on its way. `look` as often as somebody else was faster."""

    table: IncidentRows
    event: Event
    """For the integration's own service, under the sender's key."""
    sender: Sender
    integration: Integration
    call: Call
    verdict: Verdict | None
    """Where a trigger goes if nothing of its key is active; where any other event looks first."""
    target: Service
    """The service of the verdict."""

    @classmethod
    def of(
        cls, table: IncidentRows, event: Event, sender: Sender, integration: Integration, call: Call
    ) -> "Way":
        routing = integration.routing
        found = None
        target = sender.service
        if routing is not None:
            found = verdict(routing, sender.service.id, parsed(event.body))
            if found.problems and event.action is Action.TRIGGER:
                logger.warning("a route could not be evaluated", problems=found.problems)
            target = _first(found.service_ids, sender.service_of) or sender.service
        return cls(table, event, sender, integration, call, found, target)

    @property
    def home(self) -> Where:
        return self.event.service_id, self.event.dedup_key

    @property
    def goal(self) -> Where:
        """Where the routes send it."""
        group = self.verdict.dedup_key if self.verdict else None
        return self.target.id, group or self.event.dedup_key

    @property
    def remembers(self) -> bool:
        return bool(self.integration.routing or self.integration.remembers)

    @property
    def waits(self) -> PageAfter | None:
        ruled = self.verdict.page_after if self.verdict else None
        return ruled or self.integration.page_after

    @property
    def opening(self) -> Opening:
        """How an incident opens where the routes send it."""
        waits = self.waits
        return Opening(
            suppressed=self.verdict is not None and self.verdict.suppress,
            page_after=waits.time if waits else None,
            high=waits.high if waits else False,
        )

    @property
    def _origin(self) -> Origin:
        return Origin(self.event.service_id, self.integration.id, self.event.dedup_key)

    def seen(self) -> Seen:
        """What is there, in one round trip if it is where the routes say, in two otherwise."""
        if not self.remembers:
            pointer = self.table.pointer(*self.home, self.call.deadline)
            return Seen(None, {self.home: pointer} if pointer else {})
        found = read(self.table, self._origin, {self.home, self.goal}, self.call.deadline)
        routed = found.routed
        if routed is None or (where := (routed.service_id, routed.dedup_key)) in found.pointers:
            return found
        if where in (self.home, self.goal):
            return found
        pointer = self.table.pointer(*where, self.call.deadline)
        pointers = found.pointers | ({where: pointer} if pointer else {})
        return Seen(routed, pointers)

    def active(self, seen: Seen) -> list[Pointer]:
        """The active incidents of the sender's key: the one it was routed to, and one of its own
        service from a time without routes. The first is the one to answer with.
        """
        found = []
        if (routed := seen.routed) is not None:
            pointer = seen.pointers.get((routed.service_id, routed.dedup_key))
            # Another sender may have opened the next one under the same key of ours.
            if pointer is not None and pointer.id == routed.incident_id:
                found.append(pointer)
        home = seen.pointers.get(self.home)
        if home is not None and home not in found:
            found.append(home)
        return found

    def place(self, seen: Seen) -> Found:
        active = self.active(seen)
        if active:
            return self._at(active[0], seen)
        ruled, opening = self.verdict, self.opening
        if self.event.action is not Action.TRIGGER:
            return self._new(self.home, self.sender.service, seen, self.event, AT_ONCE)
        if ruled is None:
            return self._new(self.home, self.sender.service, seen, self.event, opening)
        if ruled.drop:
            return Dropped(ruled.name)
        event = replace(self.event, severity=ruled.severity or self.event.severity)
        return self._new(self.goal, self.target, seen, event, opening)

    def also(self, seen: Seen) -> Place | None:
        """A second incident that a resolve or acknowledge is meant for as well: its trigger came by
        a function that did not know of the routes yet.
        """
        active = self.active(seen)
        if self.event.action is Action.TRIGGER or len(active) < 2:
            return None
        return self._at(active[1], seen)

    def _at(self, pointer: Pointer, seen: Seen) -> Place:
        where = pointer.service_id, pointer.dedup_key
        service = self.sender.service_of(pointer.service_id, disabled=True) or self.sender.service
        return self._place(self.event, where, service, pointer, seen, AT_ONCE)

    def _new(
        self, where: Where, service: Service, seen: Seen, event: Event, opening: Opening
    ) -> Place:
        return self._place(event, where, service, seen.pointers.get(where), seen, opening)

    def _place(
        self,
        event: Event,
        where: Where,
        service: Service,
        current: Pointer | None,
        seen: Seen,
        opening: Opening,
    ) -> Place:
        remember = None
        if where[1] != self.event.dedup_key:
            # The incident is a group: a resolve takes one alert out, and the last one resolves it.
            # The same key of two integrations is two alerts.
            event = replace(event, member=self._origin.name)
        if self.remembers:
            event = self.moved(event, where)
            name, now = self.table.name, self.call.now
            remember = Remember(name, self._origin, where, seen.routed, now)
        alerts = self.waits.alerts if self.waits else None
        return Place(event, service, current, opening, remember, alerts)

    def moved(self, event: Event, where: Where) -> Event:
        """The event as its incident has it. The alert says how it came there."""
        service_id, dedup_key = where
        told = {
            "route": self.verdict.name if self.verdict else NO_ROUTES,
            "dedup_key": event.dedup_key,
        }
        # Text, so that the sender's numbers stay as they were written.
        body = event.body.rstrip().removesuffix("}") + f',"routed":{json.dumps(told)}}}'
        return replace(event, service_id=service_id, dedup_key=dedup_key, body=body)


class _Instead(Exception):
    """Where the event was to go something was active a moment ago, and is not any more: a route
    drops it, or it belongs to a group.
    """

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


def begin(
    intake: Intake, event: Event, sender: Sender, integration: Integration, call: Call
) -> Callable[[], IntakeResult]:
    """Reads what is there, and returns the call that decides and writes. Raises Unavailable."""
    way = Way.of(intake.table, event, sender, integration, call)
    seen = way.seen()

    def settle() -> IntakeResult:
        settling = Settling(intake.table, intake.new_id, intake.background)
        return carry_out(way, seen, way.place, settling, call)

    return settle


def carry_out(
    way: Way, seen: Seen, place: Callable[[Seen], Found], settling: Settling, call: Call
) -> IntakeResult:
    """Decides and writes. `place` says where the event goes, as often as somebody was faster."""

    def again() -> Place:
        found = place(way.seen())
        if isinstance(found, Dropped) or found.event.member is not None:
            raise _Instead(found)
        return found

    if (other := way.also(seen)) is not None:
        # First: with what the event does at its own place it is known not to come again.
        settling.settle(other.event, other.service, other.current, call.now, call.deadline)
    found, settled = place(seen), None
    while settled is None:
        if isinstance(found, Dropped):
            if call.beside is not None:
                # What it was about to do elsewhere came to nothing, and with it what stood beside.
                call.beside(Ignored())
            return IntakeResult("ignored", None, dropped_by=found.route)
        try:
            settled = _settled(found, again, settling, call)
        except Moved:
            found = place(way.seen())
        except _Instead as instead:
            found = instead.found
    result = IntakeResult(*outcome(settled))
    if result.incident is None and seen.routed is not None:
        return replace(result, routed_to=seen.routed.service_id)
    return result


def _settled(
    place: Place, again: Callable[[], Place], settling: Settling, call: Call
) -> GroupDecision:
    """Raises Moved, and whatever `again` does."""
    when = call.now, call.deadline
    if place.event.member is None:
        return settling.settle_at(place, again, *when, beside=call.beside)
    name = place.event.member
    remember = {name: place.remember} if place.remember else {}
    opening = {name: place.opening}
    groups = Groups(settling, place.service, *when, opening, remember, call.beside)
    [(_, decision)] = groups.settle_all([place.event], place.current)
    if isinstance(decision, Joined) and place.pages_with is not None:
        let_out(settling.table, decision.alert, place.pages_with, *when)
    return decision


def _first(
    service_ids: tuple[str, ...], service_of: Callable[..., Service | None]
) -> Service | None:
    found: Any = (service_of(each) for each in service_ids)
    return next((each for each in found if each is not None), None)
