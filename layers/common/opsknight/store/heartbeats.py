"""Heartbeats in the table: one conditional write a beat, and the times at which the sweep looks.

While a heartbeat has an incident (`down_at`), a beat only says that it is back: the sweep alone
opens and resolves, so that the two never pass each other.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.heartbeats import GAP, Heard, Heartbeat, Pulse
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, wire

_NEWER: Final = "(attribute_not_exists(last_at) OR last_at < :now)"
_DONE: Final[dict[str, object]] = {
    "started_at": None,
    "failure": None,
    "doubted_at": None,
    "excused": None,
}


@dataclass(frozen=True, slots=True)
class Heartbeats:
    table: Rows

    def pulse(self, key: Item, deadline: Deadline) -> Pulse | None:
        return self.table.get(Pulse, key, deadline)

    def pulses(
        self, wanted: Iterable[tuple[str, str]], deadline: Deadline
    ) -> dict[tuple[str, str], Pulse]:
        """Those that are known, by service and integration."""
        keys = [items.heartbeat_key(*each) for each in wanted]
        found = self.table.readable(Pulse, self.table.batch(keys, deadline))
        return {(each.service_id, each.integration_id): each for each in found}

    def beat(
        self, service_id: str, integration_id: str, beats: Heartbeat, now: datetime, until: Deadline
    ) -> None:
        """One write, and a second one if it was down. An older beat than the last changes nothing.

        Raises Unavailable.
        """
        sets = _DONE | {"last_at": now, "due_at": beats.due_after(now)}
        mine, when = (service_id, integration_id), {":now": wire(now)}
        try:
            self._noted(*mine, sets, f"attribute_not_exists(down_at) AND {_NEWER}", when, until)
        except Conflict:
            sets = _DONE | {"last_at": now, "back_at": now, "due_at": now}
            terms = f"attribute_exists(down_at) AND {_NEWER}"
            self._noted_or_not(*mine, sets, terms, when, until)

    def start(
        self, service_id: str, integration_id: str, beats: Heartbeat, now: datetime, until: Deadline
    ) -> None:
        """A run begins. The next does not give it more time. Raises Unavailable."""
        if beats.runs_at_most is None:
            return
        since, seen = self._no_beat_since(service_id, integration_id, until)
        sets: dict[str, object] = {"started_at": now, "due_at": now + beats.runs_at_most}
        sets |= {"doubted_at": None, "excused": None}
        terms = f"attribute_not_exists(started_at) AND attribute_not_exists(down_at) AND {since}"
        self._noted_or_not(service_id, integration_id, sets, terms, seen, until)

    def fail(
        self, service_id: str, integration_id: str, why: str, now: datetime, until: Deadline
    ) -> None:
        """Raises Unavailable."""
        since, seen = self._no_beat_since(service_id, integration_id, until)
        sets: dict[str, object] = {"failure": why, "down_at": now, "due_at": now, "back_at": None}
        sets |= {"started_at": None, "doubted_at": None, "excused": None}
        self._noted_or_not(service_id, integration_id, sets, since, seen, until)

    def change(self, pulse: Pulse, sets: Mapping[str, object], deadline: Deadline) -> None:
        """By the sweep. Raises Conflict when anything was noted since the pulse was read."""
        changed = transactions.update(sets)
        changed["ExpressionAttributeValues"][":seen"] = wire(pulse.due_at)
        key = items.heartbeat_key(pulse.service_id, pulse.integration_id)
        update = transactions.updating(self.table.name, key, "due_at = :seen", changed)["Update"]
        retrying(deadline, self.table.client.update_item, **update)

    def remove(self, pulse: Pulse, deadline: Deadline) -> None:
        """Raises Conflict when anything was noted since the pulse was read."""
        retrying(
            deadline,
            self.table.client.delete_item,
            TableName=self.table.name,
            Key=items.heartbeat_key(pulse.service_id, pulse.integration_id),
            ConditionExpression="due_at = :seen",
            ExpressionAttributeValues={":seen": wire(pulse.due_at)},
        )

    def heard(self, deadline: Deadline) -> Heard:
        return self.table.get(Heard, items.HEARD_KEY, deadline) or Heard()

    def hear(self, now: datetime, deadline: Deadline) -> None:
        """One write; a second one after a gap, which it notes."""
        recent = {":recent": wire(now - GAP)}
        changed = transactions.update({"kind": "heard", "at": now})
        changed["ExpressionAttributeValues"] |= recent
        if self._unless("#at BETWEEN :recent AND :at", changed, deadline):
            return
        changed = transactions.update({"kind": "heard", "at": now, "gap_until": now})
        changed["ExpressionAttributeValues"] |= recent
        changed["ExpressionAttributeNames"]["#gap_since"] = "gap_since"
        changed["UpdateExpression"] += ", #gap_since = #at"
        if not self._unless("#at < :recent", changed, deadline):
            first = transactions.update({"kind": "heard", "at": now})
            self._unless("attribute_not_exists(#at)", first, deadline)

    def tell_gap(self, heard: Heard, deadline: Deadline) -> bool:
        """Whether the fallback address is to be told: once for each gap."""
        since = heard.at or datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        changed = transactions.update({"kind": "heard", "gap_told": since})
        changed["ExpressionAttributeValues"][":since"] = wire(since)
        terms = "attribute_not_exists(gap_told) OR gap_told <> :since"
        return self._unless(terms, changed, deadline)

    def _unless(self, terms: str, changed: dict[str, object], deadline: Deadline) -> bool:
        update = transactions.updating(self.table.name, items.HEARD_KEY, terms, changed)["Update"]
        try:
            retrying(deadline, self.table.client.update_item, **update)
        except Conflict:
            return False
        return True

    def _no_beat_since(
        self, service_id: str, integration_id: str, until: Deadline
    ) -> tuple[str, dict[str, object]]:
        """The condition that it has not beaten meanwhile, and its value. A write that got no answer
        is tried again, perhaps after the next beat, and must not undo it. By what was seen: clocks
        of two functions differ.
        """
        item = self.table.item(items.heartbeat_key(service_id, integration_id), until) or {}
        if "last_at" not in item:
            return "attribute_not_exists(last_at)", {}
        return "last_at = :seen", {":seen": item["last_at"]}

    def _noted(
        self,
        service_id: str,
        integration_id: str,
        sets: Mapping[str, object],
        terms: str,
        more: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        mine = {"kind": "heartbeat", "service_id": service_id, "integration_id": integration_id}
        shard = items.due_shard(f"{service_id}/{integration_id}")
        changed = transactions.update({**mine, "due_shard": shard, **sets})
        changed["ExpressionAttributeValues"] |= more
        key = items.heartbeat_key(service_id, integration_id)
        update = transactions.updating(self.table.name, key, terms, changed)["Update"]
        retrying(deadline, self.table.client.update_item, **update)

    def _noted_or_not(
        self,
        service_id: str,
        integration_id: str,
        sets: Mapping[str, object],
        terms: str,
        more: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        try:
            self._noted(service_id, integration_id, sets, terms, more, deadline)
        except Conflict:
            # Somebody noted something newer.
            return
