"""Rollouts of services, by time. What they are is in `opsknight.incident.rollouts`."""

from datetime import datetime

from opsknight.classes import dataclass
from opsknight.incident.rollouts import KEPT, SUSPECT_FOR, Rollout, suspected
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.incidents import IncidentRows
from opsknight.store.wire import attributes, expiry


@dataclass(frozen=True, slots=True)
class Rollouts:
    table: IncidentRows

    def put(self, rollout: Rollout, deadline: Deadline) -> None:
        """Said again, it is the same item."""
        key = items.rollout_key(rollout.service_id, rollout.at, rollout.id)
        item = key | {"kind": {"S": "rollout"}, "expires_at": expiry(rollout.at, KEPT)}
        self.table.put_all([item | attributes(rollout)], deadline)

    def before(self, service_id: str, opened_at: datetime, deadline: Deadline) -> list[Rollout]:
        """Those that an incident opened then names, the last one first."""
        first = items.rollout_key(service_id, opened_at - SUSPECT_FOR)
        last = items.rollout_key(service_id, opened_at, "~")
        found = self.table.query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {":pk": first["pk"], ":first": first["sk"], ":last": last["sk"]},
            deadline,
        )
        return suspected(self.table.readable(Rollout, found), opened_at)
