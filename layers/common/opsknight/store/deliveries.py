"""Deliveries on their way: claims, places at receivers, what waits for the same receiver, and what
earlier messages left behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from opsknight.notification.delivery import Bundled, Delivery, State
from opsknight.notification.throttle import LEASE, QUIET_FOR, Traffic
from opsknight.store import items, message_items, transactions
from opsknight.store.calls import Conflict, Deadline, Unavailable, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, expiry, plain, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

# What DynamoDB writes at once without a transaction.
LARGEST_WRITE: Final = 25
# A message that tells of more than these would take longer than its sender may.
LARGEST_BUNDLE: Final = 250


@dataclass(frozen=True, slots=True)
class Outgoing:
    table: Table

    # Claims. Each asks for the delivery as it was seen, so only one of several senders has it.

    def claim(self, delivery: Delivery, token: str, now: datetime, deadline: Deadline) -> None:
        """Nobody else sends it until the lease is over. Raises Conflict."""
        sets = {"claim": token, "due_at": now + LEASE}
        seen = {"state": State.PENDING, "due_at": delivery.due_at}
        # Repeated after an unknown outcome, it finds its own claim.
        self._change(delivery, sets, seen, deadline, " OR #claim = :claim")

    def record(
        self, delivery: Delivery, token: str, sets: Mapping[str, object], deadline: Deadline
    ) -> bool:
        """Writes what came of a claimed delivery; False when the lease was over and another sender
        has it.
        """
        try:
            self._change(delivery, sets, {"claim": token}, deadline)
        except Conflict:
            return False
        return True

    def change(self, delivery: Delivery, sets: Mapping[str, object], deadline: Deadline) -> bool:
        """Writes to one that nobody has claimed since it was read; False when somebody has, or it
        is over.
        """
        seen = {"state": delivery.state, "due_at": delivery.due_at}
        try:
            self._change(delivery, sets, seen, deadline)
        except Conflict:
            return False
        return True

    def _change(
        self,
        delivery: Delivery,
        sets: Mapping[str, object],
        seen: Mapping[str, object],
        deadline: Deadline,
        otherwise: str = "",
    ) -> None:
        update = transactions.update(sets)
        condition = transactions.still(
            seen, update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        )
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.delivery_key(delivery.incident_id, delivery.id),
            ConditionExpression=condition + otherwise,
            **update,
        )

    # Receivers.

    def traffic(self, destination: str, deadline: Deadline) -> Traffic:
        found = self.table.get(Traffic, items.traffic_key(destination), deadline)
        return found or Traffic()

    def traffic_of(self, destinations: Iterable[str], deadline: Deadline) -> dict[str, Traffic]:
        """Of many; without those with which nothing has gone on yet."""
        keys = {items.traffic_key(each)["pk"]["S"]: each for each in destinations}
        found = self.table.batch([items.traffic_key(each) for each in keys.values()], deadline)
        return {keys[it["pk"]["S"]]: Traffic.model_validate(plain(it)) for it in found}

    def take_place(
        self,
        destination: str,
        place: str,
        now: datetime,
        deadline: Deadline,
        *,
        paced: bool,
        exempt: bool = False,
    ) -> None:
        """Takes one of its places, and its pace: until `leave`, nobody else pages by it.

        Raises Conflict when somebody was faster. `exempt`: whatever the pace says.
        """
        condition = "(attribute_not_exists(#place) OR #place <= :now)"
        names, sets = {"#place": place}, "#place = :until"
        if paced:
            names["#next"] = "next_at"
            sets += ", #next = :until"
            if not exempt:
                condition += " AND (attribute_not_exists(#next) OR #next <= :now)"
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.traffic_key(destination),
            UpdateExpression=f"SET kind = :kind, {sets}",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                ":kind": {"S": "traffic"},
                ":until": wire(now + LEASE),
                ":now": wire(now),
            },
        )

    def leave(
        self, destination: str, place: str, sets: Mapping[str, object], deadline: Deadline
    ) -> None:
        """Gives the place back; `sets` is what was learned of the receiver."""
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.traffic_key(destination),
            **transactions.update({"kind": "traffic", place: None, **sets}),
        )

    def is_first_of_service(
        self, destination: str, service_id: str, now: datetime, deadline: Deadline
    ) -> bool:
        """Whether the receiver was told nothing of the service for a while; it is from now on."""
        until = now + QUIET_FOR
        item = items.told_key(destination, service_id) | {
            "kind": {"S": "told"},
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

    # What waits for the same receiver.

    def wait(self, delivery: Delivery, until: datetime, deadline: Deadline) -> bool:
        """Puts it among those that the next message to its receiver tells; False when it is not as
        seen.
        """
        update = transactions.update({"due_at": until})
        condition = transactions.still(
            {"state": State.PENDING, "due_at": delivery.due_at},
            update["ExpressionAttributeNames"],
            update["ExpressionAttributeValues"],
        )
        key = items.delivery_key(delivery.incident_id, delivery.id)
        row = message_items.waiting_item(delivery, self.table.retention)
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

    def waiting(self, destination: str, deadline: Deadline) -> list[Delivery]:
        """Those that wait for this receiver, the oldest first, at most 250."""
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={
                ":pk": items.traffic_key(destination)["pk"],
                ":prefix": {"S": "waiting#"},
            },
            Limit=LARGEST_BUNDLE,
            ConsistentRead=True,
        )
        rows = [Bundled.model_validate(plain(item)) for item in page["Items"]]
        keys = [items.delivery_key(row.incident_id, row.delivery_id) for row in rows]
        found = [Delivery.model_validate(plain(item)) for item in self.table.batch(keys, deadline)]
        known = {each.id for each in found}
        # A row without its delivery, or one that is over: somebody died before it was taken away.
        gone = [row for row in rows if row.delivery_id not in known]
        over = [each for each in found if each.state is not State.PENDING]
        self._delete(
            [items.waiting_key(destination, each.delivery_id) for each in gone]
            + [items.waiting_key(destination, each.id) for each in over],
            deadline,
        )
        return [each for each in found if each.state is State.PENDING]

    def keep_bundle(
        self, leader: Delivery, told: Sequence[Delivery], now: datetime, deadline: Deadline
    ) -> None:
        """What the leader's message tells, for the page behind its link: before it is sent."""
        bundled = [Bundled(incident_id=each.incident_id, delivery_id=each.id) for each in told]
        puts = message_items.bundle_items(leader.id, bundled, now, self.table.retention)
        self._write([{"PutRequest": {"Item": item}} for item in puts], deadline)

    def no_longer_waits(self, deliveries: Iterable[Delivery], deadline: Deadline) -> None:
        keys = [items.waiting_key(each.destination, each.id) for each in deliveries]
        self._delete(keys, deadline)

    def _delete(self, keys: Iterable[Item], deadline: Deadline) -> None:
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

    # What a message left for the next one about the same incident.

    def remembered(self, incident_id: str, destination: str, deadline: Deadline) -> dict[str, str]:
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

    # What providers call a delivery.

    def keep_provider_id(
        self, provider_id: str, delivery: Delivery, now: datetime, deadline: Deadline
    ) -> None:
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
