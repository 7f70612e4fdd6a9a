"""Alerts that their sender has grouped, of an integration that has routes, or ever had: each goes
where the routes send it, and those of a group that go to one service are one incident.

As in `routed`, an alert stays with its incident while it fires there, whatever the routes say by
then; it is remembered by its group and its own key. What is there is read for all of a request at
once: a flush has hundreds of alerts, of which most are only repeated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from events.call import Call, Sender
from events.intake import Intake, IntakeResult, outcome
from events.routed import Dropped, Way
from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Routed
from opsknight.incident.decisions import Ignored
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.members import GroupDecision, Joined, Member
from opsknight.incident.model import Action, Event, Pointer
from opsknight.store import items
from opsknight.store.execute import Settling
from opsknight.store.groups import Groups
from opsknight.store.incidents import IncidentRows
from opsknight.store.places import Moved, Place, let_out
from opsknight.store.routing import Origin, Remember, Where
from opsknight.store.rows import Read, sound
from opsknight.store.wire import Item

IGNORED: Final = IntakeResult(*outcome(Ignored()))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was there at one moment."""

    routed: Mapping[str, Read[Routed]]
    """By the name of the origin."""
    pointers: Mapping[Where, Read[Pointer]]
    at_home: Mapping[tuple[str, str], Read[Member]]
    """By incident and alert: those of the integration's own service, from a time without routes, or
    because no route took them.
    """

    def pointer(self, where: Where) -> Pointer | None:
        """Raises ValidationError, as `sound` does."""
        return sound(self.pointers.get(where))

    def fires_at(self, home: Where, member: str) -> bool:
        """Raises ValidationError."""
        pointer = self.pointer(home)
        found = sound(self.at_home.get((pointer.id, member))) if pointer else None
        return found is not None and found.fires


@dataclass(frozen=True, slots=True)
class _Alert:
    """One of the group, on its way."""

    way: Way

    @property
    def event(self) -> Event:
        return self.way.event

    @property
    def member(self) -> str:
        return self.event.member or ""

    @property
    def origin(self) -> Origin:
        """The same alert may be in several groups, each with an incident of its own."""
        key = f"{self.member}\n{self.event.dedup_key}"
        return Origin(self.event.service_id, self.way.integration.id, key)

    def place(self, seen: _Seen) -> Place | Dropped:
        """Raises ValidationError for what cannot be read of it."""
        way = self.way
        if (routed := self.routed(seen)) is not None:
            service = way.sender.service_of(routed.service_id, disabled=True)
            where = routed.service_id, routed.dedup_key
            return self._at(where, service or way.sender.service, seen, self.event, AT_ONCE)
        fires = way.home != way.goal and seen.fires_at(way.home, self.member)
        is_new = self.event.action is Action.TRIGGER and not fires
        if not is_new:
            return self._at(way.home, way.sender.service, seen, self.event, AT_ONCE)
        opening, ruled = way.opening, way.verdict
        if ruled is None:
            return self._at(way.home, way.sender.service, seen, self.event, opening)
        if ruled.drop:
            return Dropped(ruled.name)
        event = replace(self.event, severity=ruled.severity or self.event.severity)
        return self._at(way.goal, way.target, seen, event, opening)

    def routed(self, seen: _Seen) -> Routed | None:
        """Where the alert went, if that incident is active."""
        routed = sound(seen.routed.get(self.origin.name))
        if routed is None:
            return None
        pointer = seen.pointer((routed.service_id, routed.dedup_key))
        return routed if pointer is not None and pointer.id == routed.incident_id else None

    def _at(
        self, where: Where, service: Service, seen: _Seen, event: Event, opening: Opening
    ) -> Place:
        way = self.way
        if where != way.home:
            # The same key of two integrations is two alerts.
            own = Origin(event.service_id, way.integration.id, self.member).name
            event = replace(event, member=own)
        remember = None
        if way.remembers:
            event = way.moved(event, where)
            known = sound(seen.routed.get(self.origin.name))
            remember = Remember(way.table.name, self.origin, where, known, way.call.now)
        pages_with = way.waits.alerts if way.waits else None
        return Place(event, service, seen.pointer(where), opening, remember, pages_with)


def settle(
    intake: Intake, events: Sequence[Event], sender: Sender, integration: Integration, call: Call
) -> Iterator[tuple[int, IntakeResult]]:
    """What becomes of the events of one group, by their place among them, each once it is written.
    Raises Unavailable; ValidationError for what cannot be read of one, after all others.
    """
    failed: ValidationError | None = None
    alerts = {
        number: _Alert(Way.of(intake.table, event, sender, integration, call))
        for number, event in enumerate(events)
        if event.member is not None
    }
    rests = {number: event for number, event in enumerate(events) if event.rest}
    homes = {(event.service_id, event.dedup_key) for event in events}
    wheres: list[Where] = []
    found: IntakeResult = IGNORED
    while True:
        seen = _read(intake.table, alerts.values(), homes.union(wheres), call)
        placed: dict[Where, list[tuple[int, Place]]] = {}
        for number, alert in [*alerts.items()]:
            match _placed(alert, seen):
                case ValidationError() as error:
                    failed = error
                    del alerts[number]
                case Dropped(route):
                    del alerts[number]
                    yield number, IntakeResult("ignored", None, dropped_by=route)
                case Place() as place:
                    where = place.service.id, place.event.dedup_key
                    placed.setdefault(where, []).append((number, place))
        wheres = [*dict.fromkeys([*wheres, *placed, *(homes if rests else ())])]
        try:
            for where in wheres:
                places = placed.get(where, [])
                further = [
                    replace(event, service_id=where[0], dedup_key=where[1])
                    for event in rests.values()
                ]
                try:
                    settled = _settled(intake, places, further, where, sender, seen, call)
                    for each, result in settled:
                        if each is not None:
                            del alerts[each]
                            yield each, result
                        elif result.action != "ignored":
                            found = result
                except ValidationError as error:
                    failed = error
            break
        except Moved:
            # Those that are not written yet look again. Of the rest every place is asked once more.
            continue
    for number in rests:
        yield number, found
    if failed is not None:
        raise failed


def _placed(alert: _Alert, seen: _Seen) -> Read[Place | Dropped]:
    try:
        return alert.place(seen)
    except ValidationError as error:
        return error


def _settled(
    intake: Intake,
    places: Sequence[tuple[int, Place]],
    rests: Sequence[Event],
    where: Where,
    sender: Sender,
    seen: _Seen,
    call: Call,
) -> Iterable[tuple[int | None, IntakeResult]]:
    """Settles the events of one incident, and yields each with its number. What is about the rest
    of the incident has none. Raises ValidationError after all others.
    """
    settling = Settling(intake.table, intake.new_id, intake.background)
    mine = {place.event.member or "": place for _, place in places}
    groups = Groups(
        settling,
        places[0][1].service if places else sender.service,
        call.now,
        call.deadline,
        openings={name: place.opening for name, place in mine.items()},
        remember={name: place.remember for name, place in mine.items() if place.remember},
    )
    events = [*(place.event for _, place in places), *rests]
    numbers: list[int | None] = [*(number for number, _ in places), *(None for _ in rests)]
    for each, decision in groups.settle_all(events, seen.pointer(where)):
        _let_out(decision, mine.get(events[each].member or ""), settling, call)
        yield numbers[each], IntakeResult(*outcome(decision))


def _let_out(decision: GroupDecision, place: Place | None, settling: Settling, call: Call) -> None:
    if isinstance(decision, Joined) and place is not None and place.pages_with is not None:
        let_out(settling.table, decision.alert, place.pages_with, call.now, call.deadline)


def _read(table: IncidentRows, alerts: Iterable[_Alert], homes: set[Where], call: Call) -> _Seen:
    """Reads what is there: one round trip for each hundred alerts, and a second one where an
    incident is elsewhere than the routes say.
    """
    known = [*alerts]
    routed: dict[str, Read[Routed]] = {}
    pointers: dict[Where, Read[Pointer]] = {}
    places = homes | {each.way.goal for each in known}
    keys: dict[str | Where, Item] = {where: items.dedup_pointer_key(*where) for where in places}
    keys |= {each.origin.name: each.origin.key for each in known if each.way.remembers}
    for name, item in table.named(keys, call.deadline):
        if isinstance(name, str):
            routed[name] = table.read(Routed, item)
        else:
            pointers[name] = table.read(Pointer, item)
    gone = (each for each in routed.values() if isinstance(each, Routed))
    elsewhere = {(each.service_id, each.dedup_key) for each in gone} - places
    members = {
        (home.id, each.member)
        for each in known
        if isinstance(home := pointers.get(each.way.home), Pointer)
        and each.way.home != each.way.goal
    }
    further = {where: items.dedup_pointer_key(*where) for where in elsewhere}
    further |= {each: items.member_key(*each) for each in members}
    at_home: dict[tuple[str, str], Read[Member]] = {}
    for each, item in table.named(further, call.deadline):
        if each in members:
            at_home[each] = table.read(Member, item)
        else:
            pointers[each] = table.read(Pointer, item)
    return _Seen(routed, pointers, at_home)
