"""Receivers while messages are sent to them: their slots, pace and health.

When to wait, and when to leave a receiver alone, is decided in `notification.throttle`. Which
receivers there are is the directory's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsknight.notification.throttle import EXEMPT_EVERY, LEASE, ReceiverState
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import expiry, plain, wire


@dataclass(frozen=True, slots=True)
class Receivers:
    """`destination` names a receiver: `Delivery.destination`."""

    table: Table

    def state(self, destination: str, deadline: Deadline) -> ReceiverState:
        found = self.table.get(ReceiverState, items.receiver_state_key(destination), deadline)
        return found or ReceiverState()

    def states(self, destinations: Iterable[str], deadline: Deadline) -> dict[str, ReceiverState]:
        """By destination; without those that have had no message yet."""
        keys = {items.receiver_state_key(each)["pk"]["S"]: each for each in destinations}
        wanted = [items.receiver_state_key(each) for each in keys.values()]
        found = self.table.batch(wanted, deadline)
        return {keys[it["pk"]["S"]]: ReceiverState.model_validate(plain(it)) for it in found}

    def acquire_slot(
        self,
        destination: str,
        slot: str,
        now: datetime,
        deadline: Deadline,
        *,
        paced: bool,
        exempt: bool = False,
    ) -> None:
        """Takes the slot and, if `paced`, the receiver's pace: nobody else pages it before
        `release_slot`. `exempt`: whatever the pace says.

        Raises Conflict when another sender was faster.
        """
        condition = "(attribute_not_exists(#slot) OR #slot <= :now)"
        names, assignments = {"#slot": slot}, "#slot = :until"
        if paced:
            names["#next"] = "next_at"
            assignments += ", #next = :until"
            if not exempt:
                condition += " AND (attribute_not_exists(#next) OR #next <= :now)"
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.receiver_state_key(destination),
            UpdateExpression=f"SET kind = :kind, {assignments}",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                ":kind": {"S": "receiver_state"},
                ":until": wire(now + LEASE),
                ":now": wire(now),
            },
        )

    def release_slot(
        self, destination: str, slot: str, changes: Mapping[str, object], deadline: Deadline
    ) -> None:
        """`changes`: what the attempt showed about the receiver."""
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.receiver_state_key(destination),
            **transactions.update({"kind": "receiver_state", slot: None, **changes}),
        )

    def take_pace_exemption(
        self, destination: str, service_id: str, now: datetime, deadline: Deadline
    ) -> bool:
        """Whether this page may ignore the pace: it is the service's first to this receiver for a
        while. The next ones may not.
        """
        until = now + EXEMPT_EVERY
        item = items.pace_exemption_key(destination, service_id) | {
            "kind": {"S": "pace_exemption"},
            "until": wire(until),
            "expires_at": expiry(until, timedelta(hours=1)),
        }
        try:
            retrying(
                deadline,
                self.table.client.put_item,
                TableName=self.table.name,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR #until <= :now",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":now": wire(now)},
            )
        except Conflict:
            return False
        return True
