"""Carries out the events about one group: each joins the incident or leaves it.

What to decide is in `opsknight.incident.members`. Each event is a transaction of its own, whatever
the size of its group: the incident has two counts, and each member an item.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, assert_never

from opsknight.directory.entries import Service
from opsknight.incident.decisions import (
    Decision,
    Ignored,
    Merged,
    Opened,
    Repeated,
    Transitioned,
    Unchanged,
)
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.members import (
    GroupDecision,
    Joined,
    LastLeft,
    Left,
    Member,
    OpenedGroup,
    after,
    decide_member,
    decide_rest,
)
from opsknight.incident.model import Event, Incident, Pointer
from opsknight.incident.urgency import raised_by_event
from opsknight.store import items, joins
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.execute import Settling
from opsknight.store.places import Place, Remembering, remembered
from opsknight.store.rows import validated

if TYPE_CHECKING:
    pass


@dataclass(slots=True)
class _View:
    """What is known of a group. It is read anew only when somebody else was faster."""

    incident: Incident | None = None
    members: dict[str, Member] = field(default_factory=dict[str, Member])

    def note(self, decision: GroupDecision, now: datetime) -> None:
        match decision:
            case OpenedGroup(member=change):
                self.members = {change.after.key: change.after}
            case Joined(member=change) | Left(member=change):
                self.members[change.after.key] = change.after
            case Ignored() | Unchanged():
                return
            case _:
                pass
        self.incident = after(decision, now)


@dataclass(frozen=True, slots=True)
class Groups:
    settling: Settling
    service: Service
    now: datetime
    deadline: Deadline
    opening: Opening = AT_ONCE
    remember: Remembering | None = None

    def settle_all(self, events: list[Event], current: Pointer | None) -> Iterator[GroupDecision]:
        """The decisions about events of one dedup key, in their order, each once it is written.
        Raises Unavailable when DynamoDB is.
        """
        view = self._read(current, events)
        for place, event in enumerate(events):
            decision = self._settle(event, view, events[place:])
            view.note(decision, self.now)
            yield decision

    def _settle(self, event: Event, view: _View, coming: Iterable[Event]) -> GroupDecision:
        settling, table, now = self.settling, self.settling.table, self.now
        incident_id, alert_id = settling.new_ids(event, now)

        def attempt(number: int) -> GroupDecision:
            if number:
                found = table.pointer(event.service_id, event.dedup_key, self.deadline)
                again = self._read(found, coming)
                view.incident, view.members = again.incident, again.members
            current = view.incident

            def plainly(wanted: Event) -> Decision:
                place = Place(wanted, self.service, current, self.opening)
                return settling.decided(place, incident_id, alert_id, now, self.deadline)

            decision: GroupDecision
            if event.member is None:
                decision = decide_rest(current, partial(plainly, event))
            else:
                decision = decide_member(
                    current,
                    view.members.get(event.member),
                    event,
                    alert_id,
                    now,
                    self.service.timeouts,
                    plainly,
                    partial(self._raised, event),
                )
            self._write(decision, f"{alert_id}-{number}")
            return decision

        return decide_again(self.deadline, attempt)

    def _raised(self, event: Event, current: Incident) -> Transitioned | None:
        if not self.service.raises_urgency:
            return None
        hours = self.service.out_of_hours(self.now)
        return raised_by_event(current, event, self.now, hours)

    def _write(self, decision: GroupDecision, token: str) -> None:
        table = self.settling.table
        match decision:
            case Repeated(before, datetime() as seen_at):
                table.note_seen(before, seen_at, self.deadline)
            case Repeated() | Unchanged() | Ignored():
                pass
            case Opened() | Merged() | Transitioned():
                table.apply(decision, token, self.deadline, yields=True)
            case OpenedGroup() | Joined() | Left() | LastLeft():
                writes, chunks = joins.writes(decision, table.name, table.retention)
                table.put_all(chunks, self.deadline)
                also = remembered(self.remember, decision)
                table.transact([*writes, *also], token, self.deadline, yields=True)
            case _:
                assert_never(decision)

    def _read(self, current: Pointer | None, events: Iterable[Event]) -> _View:
        if current is None:
            return _View()
        keys = [
            items.member_key(current.id, event.member)
            for event in events
            if event.member is not None
        ]
        table = self.settling.table
        view = _View()
        for item in table.batch([items.incident_key(current.id), *keys], self.deadline):
            if item["kind"]["S"].endswith("incident"):
                view.incident = validated(Incident, item)
            else:
                member = validated(Member, item)
                view.members[member.key] = member
        return view
