"""Deliveries while they are sent: who has claimed one, how it ended, and what its message left
behind for the next one and for the provider's report.

Planning and listing deliveries is in `table`; slots are in `receivers`, bundles in `bundles`.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Literal

from opsknight.classes import dataclass
from opsknight.notification.bundle import Bundled, claimed_for
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.throttle import LEASE
from opsknight.store import items, message_items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import expiry, plain, wire


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Every write asks for the delivery as it was read, so only one of several senders succeeds."""

    table: Table

    def claim(self, delivery: Delivery, token: str, now: datetime, deadline: Deadline) -> None:
        """Nobody else sends it until the lease is over. Raises Conflict."""
        changes = {"claim": token, "due_at": now + LEASE}
        before = {"state": State.PENDING, "due_at": delivery.due_at}
        # Repeated after an unknown outcome, it finds its own claim.
        self._change(delivery, changes, before, deadline, " OR #claim = :claim")

    def claim_held(self, delivery: Delivery, token: str, bundle: str, deadline: Deadline) -> bool:
        """Claims a held delivery for the message of `bundle`: for the holder of its receiver's page
        lease only, so that any other claim is that of a sender that is gone. False when it is not
        held any more.
        """
        changes = claimed_for(delivery, token, bundle)
        before = {"state": State.PENDING, "due_at": None}
        return self._changed(delivery, changes, before, deadline)

    def record(
        self, delivery: Delivery, token: str, changes: Mapping[str, object], deadline: Deadline
    ) -> bool:
        """Writes the result of a claimed delivery. False when the lease was over and another sender
        has it, or when it is over.
        """
        before = {"claim": token, "state": State.PENDING}
        # Repeated after a lost answer, it finds its own attempt.
        own = " OR #attempts = :attempts" if "attempts" in changes else ""
        return self._changed(delivery, changes, before, deadline, own)

    def record_sent(
        self, delivery: Delivery, changes: Mapping[str, object], deadline: Deadline
    ) -> bool:
        """Writes that it was sent, whoever has claimed it since: a message cannot be taken back.
        False when it is over.
        """
        own = " OR #attempts = :attempts"
        return self._changed(delivery, changes, {"state": State.PENDING}, deadline, own)

    def change(self, delivery: Delivery, changes: Mapping[str, object], deadline: Deadline) -> bool:
        """Writes to a delivery that nobody has claimed since it was read. False when somebody has,
        or when it is over.
        """
        before = {"state": delivery.state, "due_at": delivery.due_at}
        return self._changed(delivery, changes, before, deadline)

    def _changed(
        self,
        delivery: Delivery,
        changes: Mapping[str, object],
        before: Mapping[str, object],
        deadline: Deadline,
        otherwise: str = "",
    ) -> bool:
        try:
            self._change(delivery, changes, before, deadline, otherwise)
        except Conflict:
            return False
        return True

    def _change(
        self,
        delivery: Delivery,
        changes: Mapping[str, object],
        before: Mapping[str, object],
        deadline: Deadline,
        otherwise: str = "",
    ) -> None:
        update = transactions.update(changes)
        condition = transactions.still(
            before, update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        )
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.delivery_key(delivery.incident_id, delivery.id),
            ConditionExpression=condition + otherwise,
            **update,
        )

    def note_visit(
        self,
        delivery: Delivery,
        mark: Literal["opened_at", "fetched_at"],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        """Its link was asked for; only the first time counts. Says nothing about how it stands."""
        with suppress(Conflict):
            self._change(delivery, {mark: now}, {"id": delivery.id, mark: None}, deadline)

    def remembered(self, incident_id: str, destination: str, deadline: Deadline) -> dict[str, str]:
        """What earlier messages about the incident left for the next one to this receiver."""
        answer = retrying(
            deadline,
            self.table.client.get_item,
            TableName=self.table.name,
            Key=items.remembered_key(incident_id, destination),
            ConsistentRead=True,
        )
        kept: dict[str, str] = plain(answer.get("Item", {})).get("kept", {})
        return kept

    def remember(
        self,
        incident_id: str,
        destination: str,
        kept: Mapping[str, str],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        retrying(
            deadline,
            self.table.client.put_item,
            TableName=self.table.name,
            Item=items.remembered_key(incident_id, destination)
            | {"kind": {"S": "remembered"}, "kept": wire(dict(kept))}
            | {"expires_at": expiry(now, self.table.retention)},
        )

    def keep_provider_id(
        self, provider_id: str, delivery: Delivery, now: datetime, deadline: Deadline
    ) -> None:
        """So that the provider's later report finds the delivery."""
        retrying(
            deadline,
            self.table.client.put_item,
            TableName=self.table.name,
            Item=message_items.provider_item(provider_id, delivery, now),
        )

    def by_provider_id(self, provider_id: str, deadline: Deadline) -> Delivery | None:
        row = self.table.get(Bundled, items.provider_key(provider_id), deadline)
        if row is None:
            return None
        return self.table.delivery(row.incident_id, row.delivery_id, deadline)
