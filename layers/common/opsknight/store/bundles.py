"""Bundles: the deliveries that are held for the same receiver, and those that one message carried.

Which deliveries are held is decided in `notify.sending`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from opsknight.notification.delivery import Bundled, Delivery, State
from opsknight.store import items, message_items, transactions
from opsknight.store.calls import Conflict, Deadline, Unavailable, retrying
from opsknight.store.table import Table
from opsknight.store.wire import plain

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

# What DynamoDB writes at once without a transaction.
LARGEST_WRITE: Final = 25
# Composing a message about more incidents would take longer than its sender may.
LARGEST_BUNDLE: Final = 250


@dataclass(frozen=True, slots=True)
class Bundles:
    table: Table

    def hold_for_bundle(self, delivery: Delivery, until: datetime, deadline: Deadline) -> bool:
        """Holds it for the next message to its receiver. False when it is not as it was read."""
        update = transactions.update({"due_at": until})
        condition = transactions.still(
            {"state": State.PENDING, "due_at": delivery.due_at},
            update["ExpressionAttributeNames"],
            update["ExpressionAttributeValues"],
        )
        key = items.delivery_key(delivery.incident_id, delivery.id)
        row = message_items.held_delivery_item(delivery, self.table.retention)
        try:
            retrying(
                deadline,
                self.table.client.transact_write_items,
                TransactItems=[
                    transactions.updating(self.table.name, key, condition, update),
                    transactions.put(self.table.name, row),
                ],
            )
        except Conflict:
            return False
        return True

    def held(self, destination: str, deadline: Deadline) -> list[Delivery]:
        """The deliveries held for this receiver, the oldest first, at most 250."""
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={
                ":pk": items.receiver_state_key(destination)["pk"],
                ":prefix": items.held_delivery_key(destination, "")["sk"],
            },
            Limit=LARGEST_BUNDLE,
            ConsistentRead=True,
        )
        rows = [Bundled.model_validate(plain(item)) for item in page["Items"]]
        keys = [items.delivery_key(row.incident_id, row.delivery_id) for row in rows]
        found = [Delivery.model_validate(plain(item)) for item in self.table.batch(keys, deadline)]
        known = {each.id for each in found}
        # Rows without a delivery, or of one that is over: a sender died before it deleted them.
        gone = [row.delivery_id for row in rows if row.delivery_id not in known]
        over = [each.id for each in found if each.state is not State.PENDING]
        self._release(((destination, each) for each in gone + over), deadline)
        return [each for each in found if each.state is State.PENDING]

    def release(self, deliveries: Iterable[Delivery], deadline: Deadline) -> None:
        """They are not held any more."""
        self._release(((each.destination, each.id) for each in deliveries), deadline)

    def keep(
        self, leader: Delivery, carried: Sequence[Delivery], now: datetime, deadline: Deadline
    ) -> None:
        """Stores what the leader's message carries, for the page behind its link. To be called
        before the message is sent.
        """
        bundled = [Bundled(incident_id=each.incident_id, delivery_id=each.id) for each in carried]
        puts = message_items.bundle_items(leader.id, bundled, now, self.table.retention)
        self._write([{"PutRequest": {"Item": item}} for item in puts], deadline)

    def _release(self, held: Iterable[tuple[str, str]], deadline: Deadline) -> None:
        keys = [items.held_delivery_key(destination, each) for destination, each in held]
        self._write([{"DeleteRequest": {"Key": key}} for key in keys], deadline)

    def _write(self, requests: "Sequence[WriteRequestTypeDef]", deadline: Deadline) -> None:
        for chunk in batched(requests, LARGEST_WRITE, strict=False):
            left: Any = list(chunk)
            attempt = 0
            while left:
                answer = retrying(
                    deadline,
                    self.table.client.batch_write_item,
                    RequestItems={self.table.name: left},
                )
                left = answer.get("UnprocessedItems", {}).get(self.table.name)
                if left:
                    deadline.pause(attempt, Unavailable("items were left unprocessed"))
                    attempt += 1
