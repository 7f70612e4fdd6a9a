"""The audit log in the table: an entry is written in its act's own transaction, or not at all.

The entries of a month are one partition, in the order of time: people act seldom, and a list reads
few partitions. Nothing indexes them, no stream's filter lets them through, and they expire.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.incident.model import Model
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, stamp, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

_READ_AT_ONCE: Final = 200
# An answer comes within its patience however little of the log is wanted; its cursor goes on.
MOST_REQUESTS: Final = 15
_LAST: Final = "~"


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries are wanted; None for all."""

    since: datetime | None = None
    until: datetime | None = None
    """Before this."""
    kinds: frozenset[str] = frozenset()
    """All, where it is empty."""
    actor_id: str | None = None
    """An actor, or the person behind one."""
    thing_id: str | None = None

    def has(self, entry: AuditEntry) -> bool:
        return (
            (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (not self.kinds or entry.kind in self.kinds)
            and (self.actor_id is None or self.actor_id in (entry.actor.id, entry.user_id))
            and (self.thing_id is None or any(each.id == self.thing_id for each in entry.things))
        )


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a list goes on: before this entry of the month. Without one, at the month's end."""

    month: str
    """`2026-11`."""
    spot: str = ""


@dataclass(frozen=True, slots=True)
class AuditLog:
    table: Rows

    def writing(self, entry: AuditEntry) -> "Write":
        """An update, as roles let functions that make no item of these make none (ADR 82). Of one
        id, the last one counts: what is written in several transactions says how far it came.
        """
        ends_at = int((entry.at + self.table.audit_retention).timestamp())
        sets = {"kind": "audit_entry", "entry": entry, "expires_at": ends_at}
        update: Any = {
            "TableName": self.table.name,
            "Key": items.audit_entry_key(entry.at, entry.id),
            **transactions.update(sets),
        }
        return {"Update": update}

    def note(self, entry: AuditEntry, deadline: Deadline) -> None:
        """For what writes nothing else: a login that failed."""
        retrying(deadline, self.table.client.update_item, **self.writing(entry)["Update"])

    def newest(
        self, sought: Sought, place: LogPlace | None, most: int, now: datetime, deadline: Deadline
    ) -> tuple[list[AuditEntry], LogPlace | None]:
        """Newest first, and where to go on; None at the end. There may be few, and a place."""
        kept_since = now - self.table.audit_retention
        since = max(kept_since, sought.since or kept_since)
        at = place or LogPlace(_month(min(sought.until or now, now)))
        found: list[AuditEntry] = []
        for _ in range(MOST_REQUESTS):
            if at.month < _month(since):
                return found, None
            stored, last = self._before(at, since, sought.until, deadline)
            for item in stored:
                at = LogPlace(at.month, item["sk"]["S"])
                found += filter(sought.has, self._entries(item))
                if len(found) == most:
                    return found, at
            # DynamoDB ends an answer at 1 MB, however few entries that is.
            at = _month_before(at) if last is None else LogPlace(at.month, last)
        return found, at

    def _before(
        self, at: LogPlace, since: datetime, until: datetime | None, deadline: Deadline
    ) -> tuple[list[Item], str | None]:
        """The newest of the month that are before the place, and within the times; and the spot up
        to which they were read, where the month has more.
        """
        # The id follows the time in a sort key: a time alone sorts before all entries of it.
        first = stamp(since)
        last = min(at.spot or _LAST, _LAST if until is None else stamp(until))
        if last < first:
            return [], None
        values: Item = {":pk": items.audit_entry_key(_first(at.month))["pk"]}
        values |= {":first": wire(first), ":last": wire(last)}
        answer = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            ScanIndexForward=False,
            # With the place's own, which is left out.
            Limit=_READ_AT_ONCE + 1,
        )
        stored = [each for each in answer["Items"] if each["sk"]["S"] != at.spot]
        ended = answer.get("LastEvaluatedKey")
        return stored, None if ended is None else ended["sk"]["S"]

    def _entries(self, item: Item) -> Iterator[AuditEntry]:
        return (each.entry for each in self.table.readable(_Stored, [item]))


class _Stored(Model):
    entry: AuditEntry


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"


def _month_before(at: LogPlace) -> LogPlace:
    return LogPlace(_month(_first(at.month) - timedelta(days=1)))


def _first(month: str) -> datetime:
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
