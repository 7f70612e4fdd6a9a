"""What operators change while the system runs: overrides and maintenance windows.

No configuration file holds these; what files hold is in `configurations`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import Service
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.timers import window_ended
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Status, Timer
from opsknight.oncall.schedules import Override
from opsknight.store import directory_items, items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.due import DueIndex, Place, readable
from opsknight.store.table import Table
from opsknight.store.wire import expiry, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# How long after their end windows and overrides can still be listed.
KEPT: Final = timedelta(days=30)
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Operations:
    table: Table

    def add_override(
        self,
        schedule_id: str,
        override: Override,
        token: str,
        deadline: Deadline,
        beside: "Sequence[Write]" = (),
        *,
        audit: AuditEntry,
    ) -> None:
        """Raises Conflict when there is no such schedule."""
        name = self.table.name
        item = directory_items.override_item(schedule_id, override)
        item["expires_at"] = expiry(override.end, KEPT)
        writes: list[Write] = [
            transactions.put_new(name, item),
            transactions.exists(name, items.schedule_key(schedule_id)),
            *beside,
        ]
        self._write(writes, audit, token, deadline)

    def remove_override(
        self, schedule_id: str, override_id: str, deadline: Deadline, *, audit: AuditEntry
    ) -> None:
        """Raises Conflict when there is no such override."""
        removed: Write = {
            "Delete": {
                "TableName": self.table.name,
                "Key": items.override_key(schedule_id, override_id),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }
        self._write([removed], audit, audit.id, deadline)

    def set_windows(
        self,
        service: Service,
        windows: Iterable[MaintenanceWindow],
        deadline: Deadline,
        *,
        audit: AuditEntry,
        token: str,
        beside: "Sequence[Write]" = (),
    ) -> None:
        """Replaces the windows of `service`; Conflict when they have changed since it was read.
        What is to stand beside them is written in the same transaction, which `token` names.
        """
        sets: dict[str, object] = {"windows": tuple(windows)}
        changed = transactions.update(sets)
        same = "#windows = :seen"
        if not service.windows:
            same = f"attribute_not_exists(#windows) OR {same}"
        changed["ExpressionAttributeValues"][":seen"] = wire(service.windows)
        changed["ExpressionAttributeNames"]["#pk"] = "pk"
        condition = f"attribute_exists(#pk) AND ({same})"
        key = items.service_key(service.id)
        write = transactions.updating(self.table.name, key, condition, changed)
        self._write([write, *beside], audit, token, deadline)

    def _write(
        self, writes: "list[Write]", audit: AuditEntry, token: str, deadline: Deadline
    ) -> None:
        self.table.transact(
            [*writes, AuditLog(self.table).writing(audit)], token, deadline, yields=False
        )

    def end_suppression(
        self, service_id: str, now: datetime, token: str, deadline: Deadline
    ) -> int:
        """Lets out at once, and not when the timer looks, the incidents of the service that
        no window keeps quiet any more; returns how many there are.
        """
        released = 0
        for number, incident_id in enumerate(self._suppressed(service_id, deadline)):
            name = f"{token}-{number}"
            released += self._release(incident_id, now, name, deadline)
        return released

    def _release(self, incident_id: str, now: datetime, token: str, deadline: Deadline) -> bool:
        def attempt(number: int) -> bool:
            incident = self.table.incident(incident_id, deadline)
            if incident is None or incident.status is not Status.SUPPRESSED:
                return False
            if incident.window_id is None:
                return False
            service = self.table.service(incident.service_id, deadline)
            decision = window_ended(incident, now, service)
            released = isinstance(decision, Transitioned)
            look_at = decision.changes.timers.get(Timer.WINDOW)
            known = incident.timers.get(Timer.WINDOW)
            if not released and (look_at is None or (known is not None and known <= look_at)):
                # The engine looks in time, and is not woken again if its timer moves.
                return False
            # The change that lets it out wakes the engine, by the stream; a tick finds a timer.
            self.table.apply(decision, f"{token}-{number}", deadline)
            return released

        return decide_again(deadline, attempt)

    def _suppressed(self, service_id: str, deadline: Deadline) -> list[str]:
        found: list[str] = []
        place: Place | None = None
        while True:
            stored, place = DueIndex(self.table).active(place, _PAGE, deadline)
            for item in stored:
                incident: Any = readable(item)
                # Another window may have suppressed it before this one kept it quiet.
                if incident.service_id == service_id and incident.window_id is not None:
                    found.append(incident.id)
            if place is None:
                return found
