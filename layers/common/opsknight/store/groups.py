"""Carries out the events about one group: each joins the incident or leaves it.

What to decide is in `opsknight.incident.members`. Each event is a transaction of its own, whatever
the size of its group: the incident has two counts, and each member an item.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, assert_never

from pydantic import ValidationError

from opsknight.classes import dataclass
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
from opsknight.incident.model import Action, Event, Incident, Pointer, Status
from opsknight.incident.urgency import raised_by_event
from opsknight.store import items, joins
from opsknight.store.calls import Deadline, decide_again, retrying
from opsknight.store.execute import Beside, Settling
from opsknight.store.places import Moved, Place, Remembering, remembered
from opsknight.store.rows import Read, sound, validated
from opsknight.store.wire import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


@dataclass(slots=True)
class _View:
    """What is known of a group. It is read anew only when somebody else was faster."""

    incident: Incident | None = None
    members: dict[str, Read[Member]] = field(default_factory=dict[str, Read[Member]])

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
    openings: Mapping[str, Opening] = field(default_factory=dict[str, Opening])
    """How the incident opens, if this member opens it; at once for all others."""
    remember: Mapping[str, Remembering] = field(default_factory=dict[str, Remembering])
    """What is to be written with the first alert of a member."""
    beside: Beside | None = None
    """Only for the events themselves: what their members leave elsewhere follows from them."""

    def settle_all(
        self, events: list[Event], current: Pointer | None
    ) -> Iterator[tuple[int, GroupDecision]]:
        """The decisions about events of one dedup key, in their order, each with its place among
        them once it is written. Raises Unavailable when DynamoDB is, and Moved. Of what cannot be
        read of one member it raises ValidationError, after all others.
        """
        view = self._read(current, events)
        failed: ValidationError | None = None
        for place, event in enumerate(events):
            try:
                if event.member is not None and event.action is Action.RESOLVE:
                    # First: `beside` may be what knows that the event need not come again.
                    here = view.incident.id if view.incident else ""
                    self._leave_others(event, event.member, here)
                decision = self._settle(event, view, events[place:])
                view.note(decision, self.now)
            except ValidationError as error:
                failed = error
                continue
            yield place, decision
        if failed is not None:
            raise failed

    def _leave_others(self, event: Event, member: str, here: str) -> None:
        """It is over in every incident of the service: Alertmanager says nothing more of a group
        that a change of its configuration has cut anew.
        """
        table = self.settling.table
        pk = items.membership_key(event.service_id, member, "")["pk"]
        for item in table.under(pk, "incident#", self.deadline):
            incident_id = item["sk"]["S"].removeprefix("incident#")
            if incident_id != here:
                self._leave(event, member, incident_id)

    def _leave(self, event: Event, member: str, incident_id: str) -> None:
        _, alert_id = self.settling.new_ids(event, self.now)

        def attempt(number: int) -> None:
            view = self._view(incident_id, [member])
            if view.incident is None or view.incident.status is Status.RESOLVED:
                # It was over before its member left: no later resolve has to look there again.
                key = items.membership_key(event.service_id, member, incident_id)
                table = self.settling.table
                retrying(self.deadline, table.client.delete_item, TableName=table.name, Key=key)
                return
            known = sound(view.members.get(member))
            decision = self._decided(view.incident, known, event, incident_id, alert_id)
            self._write(decision, f"{alert_id}-{number}")

        decide_again(self.deadline, attempt)

    def _settle(self, event: Event, view: _View, coming: Iterable[Event]) -> GroupDecision:
        table = self.settling.table
        incident_id, alert_id = self.settling.new_ids(event, self.now)
        remember = self.remember.get(event.member or "")

        def attempt(number: int) -> GroupDecision:
            if number:
                found = table.pointer(event.service_id, event.dedup_key, self.deadline)
                here = found.id if found else None
                if remember and remember.leads_elsewhere(here, table, self.deadline):
                    raise Moved
                again = self._read(found, coming)
                view.incident, view.members = again.incident, again.members
            known = sound(view.members.get(event.member or ""))
            decision = self._decided(view.incident, known, event, incident_id, alert_id)
            more = [*(self.beside(decision) if self.beside else ())]
            more += remembered(remember, decision)
            self._write(decision, f"{alert_id}-{number}", more)
            return decision

        return decide_again(self.deadline, attempt)

    def _decided(
        self,
        current: Incident | None,
        known: Member | None,
        event: Event,
        incident_id: str,
        alert_id: str,
    ) -> GroupDecision:
        def plainly(wanted: Event) -> Decision:
            opening = self.openings.get(event.member or "", AT_ONCE)
            place = Place(wanted, self.service, current, opening)
            return self.settling.decided(place, incident_id, alert_id, self.now, self.deadline)

        if event.member is None:
            return decide_rest(current, partial(plainly, event))
        timeouts, raised = self.service.timeouts, partial(self._raised, event)
        return decide_member(current, known, event, alert_id, self.now, timeouts, plainly, raised)

    def _raised(self, event: Event, current: Incident) -> Transitioned | None:
        if not self.service.raises_urgency:
            return None
        hours = self.service.out_of_hours(self.now)
        return raised_by_event(current, event, self.now, hours)

    def _write(self, decision: GroupDecision, token: str, beside: "Sequence[Write]" = ()) -> None:
        table = self.settling.table
        match decision:
            case Repeated(before, datetime() as seen_at):
                table.note_seen(before, seen_at, self.deadline)
            case Repeated() | Unchanged() | Ignored():
                pass
            case Opened() | Merged() | Transitioned():
                table.apply(decision, token, self.deadline, yields=True, beside=beside)
            case OpenedGroup() | Joined() | Left() | LastLeft():
                writes, chunks = joins.writes(decision, table.name, table.retention)
                table.put_all(chunks, self.deadline)
                table.transact([*writes, *beside], token, self.deadline, yields=True)
            case _:
                assert_never(decision)

    def _read(self, current: Pointer | None, events: Iterable[Event]) -> _View:
        if current is None:
            return _View()
        return self._view(current.id, [each.member for each in events if each.member is not None])

    def _view(self, incident_id: str, members: Iterable[str]) -> _View:
        keys: dict[str | None, Item] = {None: items.incident_key(incident_id)}
        keys |= {member: items.member_key(incident_id, member) for member in members}
        view, table = _View(), self.settling.table
        for member, item in table.named(keys, self.deadline):
            if member is None:
                view.incident = validated(Incident, item)
            else:
                view.members[member] = table.read(Member, item)
        return view
