"""What services pass on to other systems: a partition for each, with the events that wait in their
order, the keys whose trigger was given up, and one item that says when to look.

Whoever writes an event adds to `noted` after it. So whoever found nothing and stops looking, on the
condition that `noted` is as before, has missed nothing.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.passing_on import LONGEST_WAIT, Heard, MirrorState, Passed
from opsknight.incident.event_request import parsed
from opsknight.incident.model import Model
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.incidents import IncidentRows
from opsknight.store.wire import Item, attributes, expiry, inflated, stamp, wire

# DynamoDB takes 400 KB; a body that is larger when deflated is passed on without its details.
LARGEST_BODY: Final = 300 * 1024
_KEPT: Final = timedelta(days=30)
_EVENT: Final = "event#"
_LOST: Final = "lost#"
_HEARD: Final = "heard#"
# As long as a shadow may last, and a month to read of it.
HEARD_FOR: Final = timedelta(days=90)


class _Lost(Model):
    key: str


@dataclass(frozen=True, slots=True)
class Mirrors:
    table: IncidentRows

    def note(self, passed: Passed, deadline: Deadline) -> None:
        """The event waits behind all that were noted before it began. Raises Unavailable."""
        self.note_all([passed], deadline)

    def note_all(self, found: Sequence[Passed], deadline: Deadline) -> list[int]:
        """The same for events of one service, in their order: a request for 25 of them, and two for
        all. Those that die with us in the middle are sent again, by other numbers. Returns their
        numbers.
        """
        service_id = found[0].service_id
        last = self._numbered(service_id, len(found), deadline)
        numbers = range(last - len(found) + 1, last + 1)
        noted = map(_item, found, numbers)
        self.table.write_all([{"PutRequest": {"Item": item}} for item in noted], deadline)
        sets = {"kind": "mirror", "due_shard": items.due_shard(service_id)}
        changed = transactions.update(sets, {"due_at": found[0].at})
        changed["UpdateExpression"] += " ADD noted :more"
        changed["ExpressionAttributeValues"][":more"] = wire(len(found))
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.mirror_key(service_id, "state"),
            **changed,
        )
        return list(numbers)

    def opens(self, service_id: str, number: int, deadline: Deadline) -> None:
        """What was noted before anybody knew it opens an incident, if it still waits."""
        changed = transactions.update({"opens": True})
        key = items.mirror_key(service_id, _numbered_name(number))
        made = transactions.updating(self.table.name, key, "attribute_exists(pk)", changed)
        try:
            retrying(deadline, self.table.client.update_item, **made["Update"])
        except Conflict:
            return

    def _numbered(self, service_id: str, more: int, deadline: Deadline) -> int:
        """The last number of so many. Two senders may get theirs in any order; one that has its
        answer is before the next. No clock says that: each process has its own.
        """
        answer = retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.mirror_key(service_id, "state"),
            UpdateExpression="ADD numbered :more",
            ExpressionAttributeValues={":more": wire(more)},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["numbered"]["N"])

    def state(self, service_id: str, deadline: Deadline) -> MirrorState | None:
        return self.table.get(MirrorState, items.mirror_key(service_id, "state"), deadline)

    def states(self, service_ids: Iterable[str], deadline: Deadline) -> dict[str, MirrorState]:
        """Those that there are and can be read, by service."""
        keys = {each: items.mirror_key(each, "state") for each in service_ids}
        names = {key["pk"]["S"]: each for each, key in keys.items()}
        return {
            names[item["pk"]["S"]]: state
            for item in self.table.batch(keys.values(), deadline)
            for state in self.table.readable(MirrorState, [item])
        }

    def waiting(self, service_id: str, most: int, deadline: Deadline) -> list[Passed]:
        """The oldest first."""
        return list(islice(self.all_waiting(service_id, deadline), most))

    def all_waiting(self, service_id: str, deadline: Deadline) -> Iterator[Passed]:
        """The oldest first, without those that cannot be read, or only by a newer version."""
        found = self._under(service_id, _EVENT, deadline)
        return self.table.readable(Passed, map(_unpacked, found))

    def lost(self, service_id: str, deadline: Deadline) -> set[str]:
        """The keys whose first trigger never arrived."""
        found = self._under(service_id, _LOST, deadline)
        return {each.key for each in self.table.readable(_Lost, found)}

    def lease(
        self, service_id: str, seen: MirrorState, until: datetime, deadline: Deadline
    ) -> bool:
        """Whether it is ours to pass on until then."""
        changes = {"lease_until": until, "due_at": until}
        # Not `due_at`: the wakeup of an event may be here before it is written, and comes once.
        free = {"lease_until": seen.lease_until, "paused_until": seen.paused_until}
        return self._change(service_id, changes, free, deadline)

    def release(
        self, service_id: str, until: datetime, changes: Mapping[str, object], deadline: Deadline
    ) -> bool:
        """False when somebody else has it by now."""
        changes = {**changes, "lease_until": None}
        return self._change(service_id, changes, {"lease_until": until}, deadline)

    def change_held(
        self, service_id: str, until: datetime, changes: Mapping[str, object], deadline: Deadline
    ) -> None:
        self._change(service_id, changes, {"lease_until": until}, deadline)

    def rest(
        self,
        service_id: str,
        until: datetime,
        noted: int,
        deadline: Deadline,
        due_at: datetime | None = None,
    ) -> bool:
        """Nothing waits: looks no more, or not before `due_at`, unless something has come
        meanwhile.
        """
        changes = {"lease_until": None, "due_at": due_at}
        seen = {"lease_until": until, "noted": noted}
        return self._change(service_id, changes, seen, deadline)

    def told(self, service_id: str, told: datetime, deadline: Deadline) -> None:
        self._change(service_id, {"told": told}, {}, deadline)

    def remove(self, passed: Passed, deadline: Deadline) -> None:
        self._delete(items.mirror_key(passed.service_id, _name(passed)), deadline)

    def lose(self, passed: Passed, now: datetime, deadline: Deadline) -> None:
        """Its acknowledge and resolve would be about nothing."""
        key = items.mirror_lost_key(passed.service_id, passed.key)
        row: Item = {"kind": {"S": "mirror_lost"}, "key": wire(passed.key)}
        self.table.put_all([key | row | {"expires_at": expiry(now, _KEPT)}], deadline)

    def found(self, service_id: str, key: str, deadline: Deadline) -> None:
        self._delete(items.mirror_lost_key(service_id, key), deadline)

    def hear(self, service_id: str, heard: Heard, deadline: Deadline) -> None:
        """Said again, it is the same. Raises Unavailable."""
        key = items.mirror_key(service_id, f"{_HEARD}{stamp(heard.at)}#{heard.id}")
        row: Item = {"kind": {"S": "mirror_heard"}, "expires_at": expiry(heard.at, HEARD_FOR)}
        self.table.put_all([key | row | attributes(heard)], deadline)

    def heard(self, service_id: str, since: datetime, deadline: Deadline) -> list[Heard]:
        """The oldest first."""
        pk = items.mirror_key(service_id, "")["pk"]
        first, last = f"{_HEARD}{stamp(since)}", f"{_HEARD}~"
        values: Item = {":pk": pk, ":first": {"S": first}, ":last": {"S": last}}
        found = self.table.query("pk = :pk AND sk BETWEEN :first AND :last", values, deadline)
        return list(self.table.readable(Heard, found))

    def _under(self, service_id: str, prefix: str, deadline: Deadline) -> Iterator[Item]:
        return self.table.under(items.mirror_key(service_id, "")["pk"], prefix, deadline)

    def _delete(self, key: Item, deadline: Deadline) -> None:
        retrying(
            deadline,
            self.table.client.delete_item,
            TableName=self.table.name,
            Key=key,
        )

    def _change(
        self,
        service_id: str,
        changes: Mapping[str, object],
        seen: Mapping[str, object],
        deadline: Deadline,
    ) -> bool:
        update = transactions.update(changes)
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        condition = transactions.still(seen, names, values) or "attribute_exists(pk)"
        key = items.mirror_key(service_id, "state")
        made = transactions.updating(self.table.name, key, condition, update)["Update"]
        try:
            retrying(deadline, self.table.client.update_item, **made)
        except Conflict:
            return False
        return True


def _item(passed: Passed, number: int) -> Item:
    passed = passed.model_copy(update={"number": number})
    return (
        items.mirror_key(passed.service_id, _name(passed))
        | {"kind": {"S": "mirror_event"}, "expires_at": expiry(passed.at, 2 * LONGEST_WAIT)}
        | attributes(passed, Passed.model_fields.keys() - {"body"})
        | {"body": {"B": _packed(passed.body)}}
    )


def _unpacked(item: Item) -> Item:
    """Without a body if that is not whole: then the item cannot be read."""
    body = inflated(item.get("body", {}).get("B"))
    rest = {name: value for name, value in item.items() if name != "body"}
    return rest if body is None else rest | {"body": {"S": body}}


def _name(passed: Passed) -> str:
    return _numbered_name(passed.number)


def _numbered_name(number: int) -> str:
    return f"{_EVENT}{number:012}"


def _packed(body: str) -> bytes:
    packed = zlib.compress(body.encode())
    if len(packed) <= LARGEST_BODY:
        return packed
    event = parsed(body)
    payload = {
        name: each
        for name, each in event.get("payload", {}).items()
        if name in ("summary", "source", "severity")
    }
    payload["custom_details"] = "(too large to be passed on)"
    return zlib.compress(json.dumps({"payload": payload}, ensure_ascii=False).encode())
