"""Incidents in the table, with their pointers, alerts and timelines, and the decisions on them that
need no escalation policy. All that taking an event needs; what follows from it is in `table`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.incident.changes import announced
from opsknight.incident.decisions import Merged, Opened, Transitioned
from opsknight.incident.model import Alert, Incident, Pointer
from opsknight.incident.occurrences import Occurrence
from opsknight.incident.timeline import Change
from opsknight.store import incident_items, items, transactions
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Conflict, Deadline, once, retrying, yielding
from opsknight.store.rows import Read
from opsknight.store.wire import Item, plain

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


@dataclass(frozen=True, slots=True)
class IncidentRows(CallerRows):
    def pointer(
        self, service_id: str, dedup_key: str, deadline: Deadline, *, internal: bool = False
    ) -> Pointer | None:
        """The active incident of a dedup key."""
        key = items.dedup_pointer_key(service_id, dedup_key, internal=internal)
        return self.get(Pointer, key, deadline)

    def pointers(
        self, service_id: str, dedup_keys: Iterable[str], deadline: Deadline
    ) -> dict[str, Read[Pointer]]:
        """The active incidents of several dedup keys, by these."""
        keys = {each: items.dedup_pointer_key(service_id, each) for each in dedup_keys}
        found = self.named(keys, deadline)
        return {dedup_key: self.read(Pointer, item) for dedup_key, item in found}

    def incident(self, incident_id: str, deadline: Deadline) -> Incident | None:
        return self.get(Incident, items.incident_key(incident_id), deadline)

    def alert(self, incident_id: str, alert_id: str, deadline: Deadline) -> Alert | None:
        """None, too, for one that cannot be read: people read alerts, and nothing hangs on one."""
        item = self.item(items.alert_key(incident_id, alert_id), deadline)
        return None if item is None else next(self.whole([item], deadline), None)

    def opening_alerts(self, incidents: Iterable[Incident], deadline: Deadline) -> dict[str, Alert]:
        """The alerts that opened them, as far as they are still there, by the incident's id."""
        keys = [items.alert_key(each.id, each.first_alert_id) for each in incidents]
        found = self.whole(self.batch(keys, deadline), deadline)
        return {alert.incident_id: alert for alert in found}

    def alerts(self, incident_id: str, deadline: Deadline) -> list[Alert]:
        """All alerts of an incident, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "alert#", deadline)
        return list(self.whole(found, deadline))

    def changes(self, incident_id: str, deadline: Deadline, after: int = 1) -> list[Change]:
        """The changes after the opening, or after number `after`, oldest first."""
        first, last = (items.change_key(incident_id, n)["sk"] for n in (after + 1, 999_999))
        pk = items.incident_key(incident_id)["pk"]
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self.query(condition, {":pk": pk, ":first": first, ":last": last}, deadline)
        return list(self.readable(Change, found))

    def latest_changes(self, incident_id: str, most: int, deadline: Deadline) -> list[Change]:
        """The newest changes, newest first."""
        pk = items.incident_key(incident_id)["pk"]
        found = self.newest(pk, "change#", most, deadline)
        return list(self.readable(Change, found))

    def latest_alerts(self, incident_id: str, most: int, deadline: Deadline) -> list[Alert]:
        """The newest alerts, newest first."""
        pk = items.incident_key(incident_id)["pk"]
        found = self.newest(pk, "alert#", most, deadline)
        return list(self.whole(found, deadline))

    def incidents(self, ids: Iterable[str], deadline: Deadline) -> dict[str, Incident]:
        """The incidents that exist and can be read, by id."""
        keys = [items.incident_key(incident_id) for incident_id in sorted(set(ids))]
        found = self.readable(Incident, self.batch(keys, deadline))
        return {incident.id: incident for incident in found}

    def apply(
        self,
        decision: Opened | Merged | Transitioned,
        token: str,
        deadline: Deadline,
        *,
        yields: bool = False,
        beside: "Sequence[Write]" = (),
    ) -> None:
        """Writes the decision, and in the same transaction what is to stand beside it. `yields`:
        raises Contended when others write the same items.

        `token` names this decision of this request: repeated after an
        unknown outcome, it is written once. Raises Conflict when the incident has changed since it
        was read, Unavailable after the deadline.
        """
        if isinstance(decision, Merged) and decision.raised is None:
            if not beside:
                item, chunks = incident_items.alert_items(decision.alert, self.retention)
                self.put_all(chunks, deadline)
                # In turn: refused, it has left nothing behind but chunks.
                self.count_alert(decision.alert, deadline)
                self.put_all([item], deadline)
                return
            writes, chunks = transactions.merge(decision.alert, self.name, self.retention)
        else:
            writes, chunks = transactions.writes(decision, self.name, self.retention)
        self.put_all(chunks, deadline)
        self.transact([*writes, *beside], token, deadline, yields=yields)

    def transact(
        self, writes: "list[Write]", token: str, deadline: Deadline, *, yields: bool
    ) -> None:
        call = yielding if yields else retrying
        call(
            deadline,
            self.client.transact_write_items,
            TransactItems=writes,
            ClientRequestToken=once(token),
        )

    def put_all(self, stored: Iterable[Item], deadline: Deadline) -> None:
        """Stores items that belong to this request alone: repeated, they are the same."""
        for item in stored:
            retrying(deadline, self.client.put_item, TableName=self.name, Item=item)

    def count_alert(self, alert: Alert, deadline: Deadline) -> None:
        """Counts the alert on its incident. Raises Conflict when that is not active.

        Repeated after an unknown outcome, it may count twice: people read `alert_count`, and no
        decision depends on it.
        """
        retrying(deadline, self.client.update_item, **transactions.count(alert, self.name))

    def note_seen(self, pointer: Pointer, now: datetime, deadline: Deadline) -> None:
        """Writes down that an unchanged occurrence was seen. Raises Conflict when its incident is
        not active any more.
        """
        seen = transactions.seen(pointer, now, self.name)
        retrying(deadline, self.client.update_item, **seen)
        self._note(pointer, {"seen_at": now}, deadline)

    def note_occurrence(
        self, pointer: Pointer, occurrence: Occurrence, now: datetime, deadline: Deadline
    ) -> None:
        """Remembers which occurrence is going on, unless the incident is over."""
        content, started_at = occurrence.content, occurrence.started_at
        known = {"seen_content": content, "seen_started_at": started_at, "seen_at": now}
        self._note(pointer, known, deadline)

    def _note(self, pointer: Pointer, sets: Mapping[str, object], deadline: Deadline) -> None:
        with suppress(Conflict):
            noted = transactions.noted(pointer, sets, self.name)
            retrying(deadline, self.client.update_item, **noted)

    def remove_alert(self, alert: Alert, deadline: Deadline) -> None:
        """Leaves its chunks: the same alert may be on another incident by now."""
        key = items.alert_key(alert.incident_id, alert.id)
        retrying(deadline, self.client.delete_item, TableName=self.name, Key=key)

    def announce(self, incident: Incident, deadline: Deadline) -> None:
        """Records that the notices of all changes of `incident` are planned.

        Raises Conflict when it has changed since it was read: a newer change has to be announced,
        and a timer that was set meanwhile must not be forgotten.
        """
        update = transactions.update(transactions.expanded(announced(incident)))
        condition = transactions.as_seen(incident, update)
        retrying(
            deadline,
            self.client.update_item,
            TableName=self.name,
            Key=items.incident_key(incident.id),
            ConditionExpression=condition,
            **update,
        )

    def whole(self, found: Iterable[Item], deadline: Deadline) -> Iterator[Alert]:
        """The alerts that can be read, with their bodies, which may lie in chunks of their own."""
        for item in found:
            try:
                read = incident_items.alert(item, self._chunks(item, deadline))
            except ValidationError as error:
                self.skipped(error)
            else:
                yield read

    def _chunks(self, alert: Item, deadline: Deadline) -> list[bytes]:
        """What is there of them, and can be read."""
        match plain(alert):
            case {"id": str(alert_id), "chunks": int(number)}:
                keys = [items.chunk_key(alert_id, each) for each in range(number)]
            case _:
                return []
        chunks = [self.item(key, deadline) for key in keys]
        return [each["body"]["B"] for each in chunks if each and "B" in each.get("body", {})]
