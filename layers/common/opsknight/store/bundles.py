"""Bundles: the deliveries that are held for the same receiver, and those that one message carried.

Who holds a delivery is decided in `notify.throttling`, who tells what is held in `notify.turns`.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.incident.model import Urgency
from opsknight.notification.bundle import Bundled, HeldRow, SentBundle
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.throttle import ReceiverState
from opsknight.store import items, message_items, transactions
from opsknight.store.calls import Conflict, Deadline, once, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain, wire

# The most that one sender can claim, send and record in a third of its lease.
LARGEST_BUNDLE: Final = 1500
# Rows are sorted by urgency: HIGH comes before this key.
HELD_AFTER_HIGH: Final = "held#1"


@dataclass(frozen=True, slots=True)
class Held:
    """The deliveries held for a receiver: the most urgent first, then the oldest."""

    deliveries: list[Delivery]
    rows: dict[str, list[HeldRow]]
    """By the delivery's id."""
    void: list[HeldRow]
    """Rows of deliveries that are over, gone, or due by themselves: a sender died before it deleted
    them.
    """
    unreadable: list[HeldRow]
    """Rows of deliveries that fail validation."""
    more: bool = False
    """Whether more is held than one message may carry."""
    more_urgent: bool = False
    """Whether more is held than one message may carry, and some of it may be HIGH."""


@dataclass(frozen=True, slots=True)
class Bundles:
    table: Table
    most: int = LARGEST_BUNDLE
    """Deliveries in one message."""

    def hold(
        self,
        delivery: Delivery,
        urgency: Urgency,
        seen: ReceiverState,
        turn_at: datetime,
        token: str,
        deadline: Deadline,
        *,
        waives_pace: bool,
    ) -> datetime | None:
        """Holds it for its receiver's next turn: the receiver is due now, not the delivery. Returns
        when that turn is if it needs a wakeup: as it is sooner than before, or HIGH only now.

        `token` names this try. Raises Conflict when the delivery is not as it was read, or a sender
        has come or gone since the receiver was `seen`: who releases the page lease must see this.
        """
        name, destination = self.table.name, delivery.destination
        # A sender that had it has died, perhaps after sending: it goes out under its own id.
        mark = delivery.bundle or (delivery.id if delivery.claim else None)
        held = transactions.update({"due_at": None, "bundle": mark})
        condition = transactions.still(
            {"state": State.PENDING, "due_at": delivery.due_at},
            held["ExpressionAttributeNames"],
            held["ExpressionAttributeValues"],
        )
        sooner = seen.due_at is None or turn_at < seen.due_at
        changes: dict[str, object] = {"kind": "receiver_state"}
        if sooner:
            changes |= {"due_at": turn_at, "due_shard": items.due_shard(destination)}
        if waives_pace:
            changes["pace_waived"] = True
        urgent = urgency is Urgency.HIGH
        if urgent:
            changes["urgent"] = True
        due = transactions.update(changes)
        due_condition = transactions.still(
            {"page_token": seen.page_token, "due_at": seen.due_at},
            due["ExpressionAttributeNames"],
            due["ExpressionAttributeValues"],
        )
        due["UpdateExpression"] += " ADD holds :one" + (", urgent_holds :one" if urgent else "")
        due["ExpressionAttributeValues"][":one"] = wire(1)
        key = items.delivery_key(delivery.incident_id, delivery.id)
        state_key = items.receiver_state_key(destination)
        row = message_items.held_delivery_item(delivery, urgency, seen.holds, self.table.retention)
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=[
                transactions.updating(name, key, condition, held),
                transactions.put(name, row),
                transactions.updating(name, state_key, due_condition, due),
            ],
            ClientRequestToken=once(token),
        )
        if sooner:
            return turn_at
        return seen.due_at if urgent and not seen.urgent else None

    def holds_any(
        self, destination: str, deadline: Deadline, urgency: Urgency | None = None
    ) -> bool:
        """Whether anything is held, of this urgency if one is given."""
        prefix = "held#" if urgency is None else f"held#{list(Urgency).index(urgency)}#"
        return bool(self._rows(destination, 1, deadline, prefix))

    def held(self, destination: str, deadline: Deadline, most: int | None = None) -> Held:
        """At most as many as one message may carry."""
        most = self.most if most is None else min(most, self.most)
        found = self._rows(destination, most + 1, deadline)
        found, more = found[:most], len(found) > most
        rows: dict[str, list[HeldRow]] = {}
        for row in found:
            rows.setdefault(row.delivery_id, []).append(row)
        keys = [items.delivery_key(each[0].incident_id, name) for name, each in rows.items()]
        stored = {item["sk"]["S"]: item for item in self.table.batch(keys, deadline)}
        held = Held([], rows, [], [], more, more and found[-1].sk < HELD_AFTER_HIGH)
        for name, mine in rows.items():
            item = stored.get(items.delivery_key("", name)["sk"]["S"])
            try:
                delivery = Delivery.model_validate(plain(item)) if item else None
            except ValidationError:
                held.unreadable.extend(mine)
                continue
            if delivery is None or delivery.state is not State.PENDING or delivery.due_at:
                held.void.extend(mine)
            else:
                held.deliveries.append(delivery)
        return held

    def _rows(
        self, destination: str, most: int, deadline: Deadline, prefix: str = "held#"
    ) -> list[HeldRow]:
        """The first rows. One that cannot be read is skipped, and takes no turn from the others."""
        found: list[HeldRow] = []
        start: dict[str, Any] = {}
        while True:
            page = retrying(
                deadline,
                self.table.client.query,
                TableName=self.table.name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                ExpressionAttributeValues={
                    ":pk": items.receiver_state_key(destination)["pk"],
                    ":prefix": {"S": prefix},
                },
                Limit=most - len(found),
                ConsistentRead=True,
                **start,
            )
            found += self.table.readable(HeldRow, page["Items"])
            if len(found) >= most or "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def set_aside(
        self, destination: str, row: HeldRow, until: datetime, deadline: Deadline
    ) -> None:
        """A delivery that cannot be read is due by itself again, and holds up no other."""
        with suppress(Conflict):
            retrying(
                deadline,
                self.table.client.update_item,
                TableName=self.table.name,
                Key=items.delivery_key(row.incident_id, row.delivery_id),
                UpdateExpression="SET due_at = :until",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(due_at)",
                ExpressionAttributeValues={":until": wire(until)},
            )
        # A refusal says that it is due already, or gone.
        self.release(destination, [row], deadline)

    def release(self, destination: str, rows: Iterable[HeldRow], deadline: Deadline) -> None:
        """They are not held any more."""
        pk = items.receiver_state_key(destination)["pk"]
        keys: list[Item] = [{"pk": pk, "sk": {"S": each.sk}} for each in rows]
        self.table.write_all([{"DeleteRequest": {"Key": key}} for key in keys], deadline)

    def keep(
        self, bundle: str, carried: Sequence[Delivery], now: datetime, deadline: Deadline
    ) -> None:
        """Stores what the delivery's message carries, for the page behind its link. To be called
        before the message is sent.
        """
        bundled = [Bundled(incident_id=each.incident_id, delivery_id=each.id) for each in carried]
        self.put(message_items.bundle_items(bundle, bundled, now, self.table.retention), deadline)

    def settle(self, bundle: str, sent: SentBundle, deadline: Deadline) -> None:
        """The one write that settles everything that the message carried."""
        item = message_items.sent_bundle_item(bundle, sent, self.table.retention)
        retrying(deadline, self.table.client.put_item, TableName=self.table.name, Item=item)

    def sent(self, deliveries: Iterable[Delivery], deadline: Deadline) -> dict[str, SentBundle]:
        """By delivery id: the bundles that were sent and carried these deliveries."""
        claimed = [each for each in deliveries if each.bundle and each.claim]
        keys = [items.sent_bundle_key(each) for each in sorted({str(it.bundle) for it in claimed})]
        stored = {
            item["pk"]["S"]: sent
            for item in self.table.batch(keys, deadline)
            # One that cannot be read is told again.
            for sent in self.table.readable(SentBundle, [item])
        }
        found = {
            each.id: stored.get(items.sent_bundle_key(str(each.bundle))["pk"]["S"])
            for each in claimed
        }
        return {
            each.id: sent
            for each in claimed
            if (sent := found[each.id]) is not None and sent.settles(each)
        }

    def put(self, new: Iterable[Item], deadline: Deadline) -> None:
        """Of two items with one key, stores the later one."""
        # An incident whose step came again while it was held is carried by two deliveries, and
        # DynamoDB refuses a request that names an item twice, as a whole and for ever.
        unique = {(item["pk"]["S"], item["sk"]["S"]): item for item in new}
        self.table.write_all([{"PutRequest": {"Item": item}} for item in unique.values()], deadline)
