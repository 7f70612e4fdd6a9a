"""Receivers while messages are sent to them: their slots, page lease, pace and health, and when
their next turn is.

When to wait, and when to leave a receiver alone, is decided in `notification.throttle`. Which
receivers there are is the directory's; what is held for one is in `bundles`.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.notification.throttle import EXEMPT_EVERY, LEASE, ReceiverState
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, expiry, plain, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

CONFIRMED_AGAIN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Receivers:
    """`destination` names a receiver: `Delivery.destination`. `token` names one sender's request:
    repeated after a lost answer, it finds its own slot and lease.
    """

    table: Table

    def state(self, destination: str, deadline: Deadline) -> ReceiverState:
        found = self.table.get(ReceiverState, items.receiver_state_key(destination), deadline)
        return found or ReceiverState()

    def states(self, destinations: Iterable[str], deadline: Deadline) -> dict[str, ReceiverState]:
        """By destination; without those that have had no message yet."""
        keys = {items.receiver_state_key(each)["pk"]["S"]: each for each in destinations}
        wanted = [items.receiver_state_key(each) for each in keys.values()]
        found = self.table.batch(wanted, deadline)
        return {
            keys[item["pk"]["S"]]: state
            for item in found
            for state in self.table.readable(ReceiverState, [item])
        }

    def confirm(self, destination: str, to: str, now: datetime, deadline: Deadline) -> None:
        """The person has shown that messages to the address or number arrive. Once in a week is
        enough.
        """
        condition = (
            "attribute_not_exists(#confirmed_at) OR #confirmed_at < :old"
            " OR #confirmed_to <> :confirmed_to"
        )
        changes = {"confirmed_at": now, "confirmed_to": to}
        with suppress(Conflict):
            old = {":old": wire(now - CONFIRMED_AGAIN)}
            self._update(destination, changes, condition, old, deadline)

    def replaced(self, destination: str, to: str, now: datetime) -> "Write":
        """Its address is another one from now on, and is known to reach its owner: how the one
        before did says nothing about it.
        """
        sets: dict[str, object] = {"kind": "receiver_state", "confirmed_at": now}
        sets |= {"confirmed_to": to, "circuit_open_until": None}
        sets |= {"failing_since": None, "failures": None}
        key = items.receiver_state_key(destination)
        update: Any = {"TableName": self.table.name, "Key": key, **transactions.update(sets)}
        return {"Update": update}

    def asked_for(self, destination: str, until: datetime) -> "Write":
        """One that only a code is sent to: what is known of it expires."""
        sets: dict[str, object] = {"kind": "receiver_state"}
        sets["expires_at"] = int((until + CONFIRMED_AGAIN).timestamp())
        key = items.receiver_state_key(destination)
        update: Any = {"TableName": self.table.name, "Key": key, **transactions.update(sets)}
        return {"Update": update}

    def acquire_slot(
        self,
        destination: str,
        slot: str,
        token: str,
        now: datetime,
        deadline: Deadline,
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """For a message that pages nobody. `more`: what to set besides. Raises Conflict when
        another sender was faster.
        """
        changes = {slot: now + LEASE, f"{slot}_token": token, **more}
        free = f"(attribute_not_exists(#{slot}) OR #{slot} <= :now)"
        condition = f"{free} OR #{slot}_token = :{slot}_token"
        self._update(destination, changes, condition, {":now": wire(now)}, deadline)

    def acquire_page_lease(
        self,
        destination: str,
        slot: str,
        token: str,
        now: datetime,
        deadline: Deadline,
        *,
        pace: str | None,
        turn: bool,
        continues: bool = False,
    ) -> ReceiverState:
        """Takes the slot and the page lease: nobody else pages the receiver before both are
        released. Returns the state with it. `pace`: the attribute that says when it may be paged
        (`throttle.pace_of`); None: now, whatever they say.

        `turn`: to tell what is held; then the receiver is due again when the lease ends. Without
        it, nothing may be held. `continues`: to update the last message; a waiver of the pace is
        for the next one. Raises Conflict when another sender was faster.
        """
        until = now + LEASE
        changes: dict[str, object] = {slot: until, f"{slot}_token": token}
        changes |= {"page_token": token, "page_until": until}
        terms = [f"(attribute_not_exists(#{slot}) OR #{slot} <= :now)"]
        terms.append("(attribute_not_exists(#page_until) OR #page_until <= :now)")
        if pace is not None:
            terms.append(f"(attribute_not_exists({pace}) OR {pace} <= :now)")
        if turn:
            terms.append("attribute_exists(due_at)")
            changes |= self.due(destination, until)
            if not continues:
                changes["pace_waived"] = None
        else:
            terms.append("attribute_not_exists(due_at)")
        condition = f"({' AND '.join(terms)}) OR #page_token = :page_token"
        item = self._update(destination, changes, condition, {":now": wire(now)}, deadline)
        return ReceiverState.model_validate(plain(item))

    def release_slot(
        self,
        destination: str,
        slot: str,
        token: str,
        changes: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        """`changes`: what the attempt showed about the receiver. Raises Conflict when the lease was
        over and another sender has the slot.
        """
        given = {slot: None, f"{slot}_token": None, **changes}
        condition = f"#{slot}_token = :mine"
        self._update(destination, given, condition, {":mine": wire(token)}, deadline)

    def release_page_lease(
        self,
        destination: str,
        slot: str,
        token: str,
        changes: Mapping[str, object],
        seen: ReceiverState,
        deadline: Deadline,
    ) -> None:
        """Raises Conflict when somebody has held a delivery since the state was `seen`, or the
        lease was over and another sender has it.
        """
        given: dict[str, object] = {slot: None, f"{slot}_token": None}
        given |= {"page_token": None, "page_until": None}
        before = {"page_token": token, "due_at": seen.due_at, "holds": seen.holds}
        self._change(destination, {**given, **changes}, before, deadline)

    def move(
        self, destination: str, seen: ReceiverState, due_at: datetime | None, deadline: Deadline
    ) -> None:
        """Sets the receiver's turn anew, or to None when nothing is held. Raises Conflict when
        somebody was faster, or has held a delivery since the state was `seen`.
        """
        changes = self.due(destination, due_at)
        if due_at is None:
            changes |= {"pace_waived": None, "urgent": None}
        before = {"due_at": seen.due_at, "page_token": seen.page_token, "holds": seen.holds}
        self._change(destination, changes, before, deadline)

    def due(self, destination: str, at: datetime | None) -> dict[str, object]:
        """The attributes that make it due."""
        return {"due_at": at, "due_shard": items.due_shard(destination)}

    def is_exempt(
        self, destination: str, service_id: str, now: datetime, deadline: Deadline
    ) -> bool:
        """Whether a page about the service ignores the pace: the receiver has heard nothing of it
        for a while.
        """
        item = self.table.item(items.pace_exemption_key(destination, service_id), deadline)
        return item is None or datetime.fromisoformat(item["until"]["S"]) <= now

    def exemption(self, destination: str, service_id: str, now: datetime) -> Item:
        """The item that ends the exemption of a service: the receiver has a message of it."""
        until = now + EXEMPT_EVERY
        return items.pace_exemption_key(destination, service_id) | {
            "kind": {"S": "pace_exemption"},
            "until": wire(until),
            "expires_at": expiry(until, timedelta(hours=1)),
        }

    def _change(
        self,
        destination: str,
        changes: Mapping[str, object],
        before: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        names: dict[str, str] = {}
        values: Item = {}
        condition = transactions.still(before, names, values)
        self._update(destination, changes, condition, values, deadline, names)

    def _update(
        self,
        destination: str,
        changes: Mapping[str, object],
        condition: str,
        values: Item,
        deadline: Deadline,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        update: Any = transactions.update({"kind": "receiver_state", **changes})
        update["ExpressionAttributeNames"] |= names or {}
        update["ExpressionAttributeValues"] |= values
        answer = retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.receiver_state_key(destination),
            ConditionExpression=condition,
            ReturnValues="ALL_NEW",
            **update,
        )
        return answer["Attributes"]
