"""Finds what is due, by the index of due times, and all active incidents, by the list of them.

Reads of an index may be a moment old: whoever finds an incident here reads it again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.incident.model import Incident
from opsknight.store import items
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain, stamp, wire

POSTPONED: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
_RECEIVER: Final = "receiver#"
_HEARTBEAT: Final = "heartbeat#"
_MIRROR: Final = "mirror#"

type Place = Mapping[str, Any]
"""Where to continue a query, as DynamoDB gives it. It can travel as JSON."""


@dataclass(frozen=True, slots=True)
class Due:
    """An incident, one of its pages or deliveries, the turn of a receiver, a heartbeat, or what a
    service passes on.
    """

    incident_id: str
    """Empty for the last three."""
    at: datetime
    page_no: int | None = None
    user_id: str | None = None
    delivery_id: str | None = None
    destination: str | None = None
    heartbeat: str | None = None
    """`<service>/<integration>`."""
    mirror: str | None = None
    """The service whose events another system waits for."""

    @property
    def is_incident(self) -> bool:
        return bool(self.incident_id) and self.page_no is None and self.delivery_id is None

    @property
    def key(self) -> Item:
        """The key of the item in the table."""
        match self:
            case Due(mirror=str(service_id)):
                return items.mirror_key(service_id, "state")
            case Due(heartbeat=str(heartbeat)):
                return items.heartbeat_key(*heartbeat.split("/", 1))
            case Due(destination=str(destination)):
                return items.receiver_state_key(destination)
            case Due(delivery_id=str(delivery_id)):
                return items.delivery_key(self.incident_id, delivery_id)
            case Due(page_no=int(page_no), user_id=str(user_id)):
                return items.page_key(self.incident_id, page_no, user_id)
            case _:
                return items.incident_key(self.incident_id)


@dataclass(frozen=True, slots=True)
class DueIndex:
    table: Table

    def due(
        self, shard: int, until: datetime, after: Place | None, limit: int, deadline: Deadline
    ) -> tuple[list[Due], Place | None]:
        """What is due in a shard by `until`, the earliest first, and where to continue if there is
        more. Entries that cannot be read are left out, and heard of.
        """
        found, place = self._entries(shard, until, after, limit, deadline)
        return [each for item in found if (each := self._readable(item)) is not None], place

    def _entries(
        self, shard: int, until: datetime, after: Place | None, limit: int, deadline: Deadline
    ) -> tuple[list[Item], Place | None]:
        return self._query(
            "due",
            "due_shard = :shard AND due_at <= :until",
            {":shard": {"S": str(shard)}, ":until": {"S": stamp(until)}},
            after,
            limit,
            deadline,
        )

    def _readable(self, item: Item) -> Due | None:
        try:
            return _due(item)
        except ValueError as error:
            # Somebody changed it by hand. It keeps the shard it is in from nobody else.
            error.add_note(
                f"item {item['pk']['S']} {item['sk']['S']}, due at {item['due_at']['S']}"
            )
            self.table.skipped(error)
            return None

    def shards(self, until: datetime, deadline: Deadline) -> frozenset[int]:
        """Those in which anything is due by `until`."""
        every = range(items.DUE_SHARDS)
        # One that cannot be read may be before others.
        return frozenset(each for each in every if self._entries(each, until, None, 1, deadline)[0])

    def active(
        self, after: Place | None, limit: int, deadline: Deadline
    ) -> tuple[list[Item], Place | None]:
        """Active incidents as they are stored now, the oldest first, and where to continue."""
        found, place = self._query(
            "listing",
            "listing = :active",
            {":active": {"S": "active"}},
            after,
            limit,
            deadline,
        )
        keys = [items.incident_key(_incident_id(item)) for item in found]
        return list(self.table.batch(keys, deadline)), place

    def audited(self, deadline: Deadline) -> Place | None:
        """Where the auditor continues; None for the beginning."""
        item = self.table.item(items.AUDIT_KEY, deadline) or {}
        place: Place | None = item.get("after", {}).get("M")
        return place

    def restore_timers(self, incident_id: str, deadline: Deadline) -> None:
        """Gives back the map that every write of a timer needs. Raises Conflict for an incident
        that is gone, or has it.
        """
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.incident_key(incident_id),
            UpdateExpression="SET timers = :none",
            ConditionExpression="attribute_exists(pk) AND attribute_not_exists(timers)",
            ExpressionAttributeValues={":none": {"M": {}}},
        )

    def keep_audited(self, place: Place | None, deadline: Deadline) -> None:
        item = items.AUDIT_KEY | {"kind": {"S": "audit"}}
        if place is not None:
            item["after"] = {"M": place}
        retrying(deadline, self.table.client.put_item, TableName=self.table.name, Item=item)

    def postpone(self, due: Due, now: datetime, deadline: Deadline) -> int | None:
        """Makes what could not be handled due again, in 1, 5, and from then on 15 minutes. Returns
        how often in a row it has failed, or None when it is no longer due or somebody was faster.

        Looks at no other attribute: the item may be one that fails validation.
        """
        key = due.key
        item = self.table.item(key, deadline) or {}
        if "due_at" not in item or item["due_at"]["S"] > stamp(now):
            return None
        failures = int(item.get("failures", {"N": "0"})["N"]) + 1
        later = now + POSTPONED[min(failures, len(POSTPONED)) - 1]
        try:
            retrying(
                deadline,
                self.table.client.update_item,
                TableName=self.table.name,
                Key=key,
                UpdateExpression="SET due_at = :later, failures = :failures",
                ConditionExpression="due_at = :seen",
                ExpressionAttributeValues={
                    ":later": wire(later),
                    ":failures": {"N": str(failures)},
                    ":seen": item["due_at"],
                },
            )
        except Conflict:
            return None
        return failures

    def _query(
        self,
        index: str,
        condition: str,
        values: Item,
        after: Place | None,
        limit: int,
        deadline: Deadline,
    ) -> tuple[list[Item], Place | None]:
        start: dict[str, Any] = {} if after is None else {"ExclusiveStartKey": after}
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            Limit=limit,
            **start,
        )
        return page["Items"], page.get("LastEvaluatedKey")


def readable(item: Item) -> Incident:
    """The incident in an item. Raises ValidationError for an item that holds none."""
    return Incident.model_validate(plain(item))


def _due(item: Item) -> Due:
    """Raises ValueError."""
    at, pk = datetime.fromisoformat(item["due_at"]["S"]), item["pk"]["S"]
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    if pk.startswith(_RECEIVER):
        return Due("", at, destination=pk.removeprefix(_RECEIVER))
    if pk.startswith(_MIRROR):
        return Due("", at, mirror=pk.removeprefix(_MIRROR))
    if pk.startswith(_HEARTBEAT):
        return Due("", at, heartbeat=pk.removeprefix(_HEARTBEAT))
    incident_id = _incident_id(item)
    kind, _, rest = item["sk"]["S"].partition("#")
    match kind:
        case "page":
            number, _, user_id = rest.partition("#")
            return Due(incident_id, at, page_no=int(number), user_id=user_id)
        case "delivery":
            return Due(incident_id, at, delivery_id=rest)
        case _:
            return Due(incident_id, at)


def _incident_id(item: Item) -> str:
    pk: str = item["pk"]["S"]
    return pk.removeprefix("incident#")
