"""Alerts that their sender has grouped, of an integration that has routes, or ever had: each goes
where the routes send it, and those of a group that go to one service are one incident.

As in `routed`, an alert stays with its incident while it fires there, whatever the routes say by
then; it is remembered by its group and its own key. What is there is read for all of a request at
once: a flush has hundreds of alerts, of which most are only repeated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

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
from opsknight.store.rows import validated
from opsknight.store.wire import Item

IGNORED: Final = IntakeResult(*outcome(Ignored()))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was there at one moment."""

    routed: Mapping[str, Routed]
    """By the name of the origin."""
    pointers: Mapping[Where, Pointer]
    at_home: frozenset[str]
    """The alerts that fire in an incident of the integration's own service, from a time without
    routes, or because no route took them.
    """


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
        way = self.way
        if (routed := self.routed(seen)) is not None:
            service = way.sender.service_of(routed.service_id, disabled=True)
            where = routed.service_id, routed.dedup_key
            return self._at(where, service or way.sender.service, seen, self.event, AT_ONCE)
        is_new = self.event.action is Action.TRIGGER and self.member not in seen.at_home
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
        routed = seen.routed.get(self.origin.name)
        if routed is None:
            return None
        pointer = seen.pointers.get((routed.service_id, routed.dedup_key))
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
            known = seen.routed.get(self.origin.name)
            remember = Remember(way.table.name, self.origin, where, known, way.call.now)
        pages_with = way.waits.alerts if way.waits else None
        return Place(event, service, seen.pointers.get(where), opening, remember, pages_with)


def settle(
    intake: Intake, events: Sequence[Event], sender: Sender, integration: Integration, call: Call
) -> Iterator[tuple[int, IntakeResult]]:
    """What becomes of the events of one group, by their place among them, each once it is written.
    Raises Unavailable.
    """
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
            match alert.place(seen):
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
                for each, result in _settled(intake, places, further, where, sender, seen, call):
                    if each is not None:
                        del alerts[each]
                        yield each, result
                    elif result.action != "ignored":
                        found = result
            break
        except Moved:
            # Those that are not written yet look again. Of the rest every place is asked once more.
            continue
    for number in rests:
        yield number, found


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
    of the incident has none.
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
    decisions = groups.settle_all(events, seen.pointers.get(where))
    numbers: list[int | None] = [*(number for number, _ in places), *(None for _ in rests)]
    for number, event, decision in zip(numbers, events, decisions, strict=True):
        _let_out(decision, mine.get(event.member or ""), settling, call)
        yield number, IntakeResult(*outcome(decision))


def _let_out(decision: GroupDecision, place: Place | None, settling: Settling, call: Call) -> None:
    if isinstance(decision, Joined) and place is not None and place.pages_with is not None:
        let_out(settling.table, decision.alert, place.pages_with, call.now, call.deadline)


def _read(table: IncidentRows, alerts: Iterable[_Alert], homes: set[Where], call: Call) -> _Seen:
    """Reads what is there: one round trip for each hundred alerts, and a second one where an
    incident is elsewhere than the routes say.
    """
    known = [*alerts]
    routed: dict[str, Routed] = {}
    pointers: dict[Where, Pointer] = {}
    names = {each.origin.key["pk"]["S"]: each.origin.name for each in known if each.way.remembers}
    places = homes | {each.way.goal for each in known}
    keys = [each.origin.key for each in known if each.way.remembers]
    for item in table.batch([*keys, *_pointers(places)], call.deadline):
        if (name := names.get(item["pk"]["S"])) is not None:
            routed[name] = validated(Routed, item)
        else:
            _note(item, pointers)
    elsewhere = {(each.service_id, each.dedup_key) for each in routed.values()} - places
    members = {
        (home.id, each.member)
        for each in known
        if (home := pointers.get(each.way.home)) is not None and each.way.home != each.way.goal
    }
    further = [*_pointers(elsewhere), *(items.member_key(*each) for each in members)]
    at_home: set[str] = set()
    for item in table.batch(further, call.deadline) if further else ():
        if item["kind"]["S"] != "member":
            _note(item, pointers)
        elif (member := validated(Member, item)).fires:
            at_home.add(member.key)
    return _Seen(routed, pointers, frozenset(at_home))


def _pointers(places: Iterable[Where]) -> list[Item]:
    return [items.dedup_pointer_key(*each) for each in sorted(places)]


def _note(item: Item, pointers: dict[Where, Pointer]) -> None:
    pointer = validated(Pointer, item)
    pointers[pointer.service_id, pointer.dedup_key] = pointer
