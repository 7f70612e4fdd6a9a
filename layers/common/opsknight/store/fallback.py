"""The fallback address in the table: its pace, and a row for each incident that it hears of.

When it is notified, and of what, is for `opsknight.escalation.fallback` to say.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.escalation.fallback import LEASE, FallbackRow, FallbackState
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, attributes, expiry, plain, wire

_ASKED: Final = {"kind": "fallback", "asked": True}


@dataclass(frozen=True, slots=True)
class FallbackRows:
    table: Table

    def state(self, deadline: Deadline) -> FallbackState:
        return self.table.get(FallbackState, items.FALLBACK_KEY, deadline) or FallbackState()

    def rows(self, deadline: Deadline) -> Iterator[Item]:
        """As they are stored: one of them may fail validation."""
        return self.table.under(items.FALLBACK_KEY["pk"], "incident#", deadline)

    def incidents(self, rows: Mapping[str, FallbackRow], deadline: Deadline) -> Iterator[Item]:
        """The incidents as they are stored: one of them may fail validation."""
        return self.table.batch([items.incident_key(each) for each in rows], deadline)

    def keep(self, row: FallbackRow, deadline: Deadline) -> None:
        """Puts the row; one that is there gets the new time, so that nobody removes it as old."""
        retrying(
            deadline, self.table.client.put_item, TableName=self.table.name, Item=self._item(row)
        )

    def add(self, row: FallbackRow, deadline: Deadline) -> bool:
        """Puts the row, and returns True, if there is none."""
        put: Any = transactions.put_new(self.table.name, self._item(row))["Put"]
        try:
            retrying(deadline, self.table.client.put_item, **put)
        except Conflict:
            return False
        return True

    def ask(self, deadline: Deadline) -> FallbackState:
        """Something waits for the next message. Ask after its row is there: whoever sends takes the
        question back first, and then reads the rows.
        """
        return self._asked(transactions.update(_ASKED), deadline)

    def ask_again(self, seen: FallbackState, deadline: Deadline) -> FallbackState:
        """The same, of what has had its row for long. Raises Conflict when a message has begun
        since the state was seen.
        """
        update = transactions.update(_ASKED)
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        begun = {"told_at": seen.told_at, "lease_until": seen.lease_until, "token": seen.token}
        update["ConditionExpression"] = transactions.still(begun, names, values)
        return self._asked(update, deadline)

    def _asked(self, update: dict[str, Any], deadline: Deadline) -> FallbackState:
        answer = retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.FALLBACK_KEY,
            ReturnValues="ALL_NEW",
            **update,
        )
        return FallbackState.model_validate(plain(answer["Attributes"]))

    def acquire(self, state: FallbackState, token: str, now: datetime, deadline: Deadline) -> None:
        """Takes the lease and the question. Raises Conflict when somebody was faster."""
        changes = {"asked": None, "token": token, "lease_until": now + LEASE}
        update = transactions.update(changes)
        seen = {"next_at": state.next_at, "lease_until": state.lease_until, "token": state.token}
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        condition = transactions.still(seen, names, values)
        # Repeated after an unknown outcome, it finds its own lease.
        self._update(update, f"({condition}) OR #token = :token", deadline)

    def release(self, token: str, changes: Mapping[str, object], deadline: Deadline) -> None:
        """Records how it went, unless somebody else has the lease by now."""
        update = transactions.update({"lease_until": None, **changes})
        update["ExpressionAttributeNames"]["#token"] = "token"
        update["ExpressionAttributeValues"][":mine"] = wire(token)
        with suppress(Conflict):
            self._update(update, "#token = :mine", deadline)

    def remove(self, row: FallbackRow, deadline: Deadline) -> None:
        """Somebody has acted; not if its escalation has ended once more since it was read."""
        with suppress(Conflict):
            retrying(
                deadline,
                self.table.client.delete_item,
                TableName=self.table.name,
                Key=items.fallback_row_key(row.incident_id),
                ConditionExpression="#at = :seen",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":seen": wire(row.at)},
            )

    def _update(self, update: dict[str, Any], condition: str, deadline: Deadline) -> None:
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.FALLBACK_KEY,
            ConditionExpression=condition,
            **update,
        )

    def _item(self, row: FallbackRow) -> Item:
        return (
            items.fallback_row_key(row.incident_id)
            | {"kind": {"S": "fallback_row"}, "expires_at": expiry(row.at, self.table.retention)}
            | attributes(row)
        )
