"""The deliveries that one message carries, written many at a time: all of a call, or none of it.

One by one they are written in `deliveries`, and their pages in `paging`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.escalation.pages import PageState
from opsknight.notification.bundle import SentBundle, claimed_for, settled, tried
from opsknight.notification.delivery import Attempt, Delivery, State
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, once, retrying
from opsknight.store.table import Table
from opsknight.store.wire import wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# DynamoDB takes 100 writes at once; a delivery that is finished is two, with its page.
MOST_CLAIMED: Final = 100
MOST_FINISHED: Final = 50
# Those that a message may have reached, one that has failed before among them: its round counts.
_OPEN: Final = (PageState.PLANNED, PageState.FAILED, PageState.REACHED)


@dataclass(frozen=True, slots=True)
class Members:
    """Raises Conflict when one of them is not as it should be: then each goes by itself."""

    table: Table

    def claim(self, held: Sequence[Delivery], token: str, bundle: str, deadline: Deadline) -> None:
        """Claims held deliveries for the message of `bundle`, as `Deliveries.claim_held` does."""
        before = {"state": State.PENDING, "due_at": None}
        writes = [self._changed(each, claimed_for(each, token, bundle), before) for each in held]
        self._write(writes, token, held, deadline)

    def give_back(
        self, told: Sequence[Delivery], made: Attempt, token: str, deadline: Deadline
    ) -> None:
        """The message was not taken: nobody has them claimed any more."""
        before = {"claim": token, "state": State.PENDING}
        writes = [self._changed(each, tried(each, made), before) for each in told]
        self._write(writes, f"{token} tried", told, deadline)

    def finish(
        self, told: Sequence[Delivery], sent: SentBundle, now: datetime, deadline: Deadline
    ) -> None:
        """Writes to each that the bundle told it, and to its page that it was reached."""
        before = {"claim": sent.token, "state": State.PENDING}
        writes = [self._changed(each, settled(each, sent), before) for each in told]
        # Two rules of a user may have brought two deliveries of one page.
        pages = {
            (each.incident_id, each.page_no, each.user_id)
            for each in told
            if each.page_no is not None
        }
        writes += [
            self._reached(incident_id, page_no or 0, user_id, now)
            for incident_id, page_no, user_id in sorted(pages)
        ]
        self._write(writes, f"{sent.token} told", told, deadline)

    def _changed(
        self, delivery: Delivery, changes: Mapping[str, object], before: Mapping[str, object]
    ) -> "Write":
        update = transactions.update(changes)
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        condition = transactions.still(before, names, values)
        key = items.delivery_key(delivery.incident_id, delivery.id)
        return transactions.updating(self.table.name, key, condition, update)

    def _reached(self, incident_id: str, page_no: int, user_id: str, now: datetime) -> "Write":
        update: dict[str, Any] = transactions.update(
            {"state": PageState.REACHED, "due_at": None}, {"reached_at": now}
        )
        known = [f":open{number}" for number in range(len(_OPEN))]
        update["ExpressionAttributeValues"] |= {
            name: wire(state) for name, state in zip(known, _OPEN, strict=True)
        }
        condition = f"attribute_exists(pk) AND #state IN ({', '.join(known)})"
        key = items.page_key(incident_id, page_no, user_id)
        return transactions.updating(self.table.name, key, condition, update)

    def _write(
        self, writes: "Sequence[Write]", token: str, first: Sequence[Delivery], deadline: Deadline
    ) -> None:
        named = f"{token} {first[0].id}"
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=writes,
            # Repeated after a lost answer, it is carried out once.
            ClientRequestToken=once(named),
        )
