"""Where the events of a sender's dedup key have gone: one item for each key, while an integration
has routes, or ever had. It says which incident they belong to, whatever the routes say by now.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from opsknight.classes import dataclass
from opsknight.directory.routing import Routed
from opsknight.incident.model import Pointer
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.incidents import IncidentRows
from opsknight.store.rows import Rows, validated
from opsknight.store.wire import Item, attributes, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# An incident that is active for longer, and has had no alert in that time, is not found by its
# resolve. Each alert keeps the item for as long again.
KEPT: Final = timedelta(days=365)
CONFIRMED_EVERY: Final = timedelta(days=30)

type Where = tuple[str, str]
"""Service and dedup key of an incident."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A sender's dedup key: it means another problem under another integration."""

    service_id: str
    """The integration's own."""
    integration_id: str
    dedup_key: str

    @property
    def name(self) -> str:
        return f"{self.service_id}/{self.integration_id}#{self.dedup_key}"

    @property
    def key(self) -> Item:
        return items.routed_key(self.service_id, self.integration_id, self.dedup_key)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there at one moment."""

    routed: Routed | None
    pointers: dict[Where, Pointer]
    """The active incidents of the places that were asked for."""


def read(table: IncidentRows, origin: Origin, places: Iterable[Where], deadline: Deadline) -> Seen:
    """In one round trip."""
    keys = [items.dedup_pointer_key(*place) for place in places]
    routed: Routed | None = None
    pointers: dict[Where, Pointer] = {}
    for item in table.batch([origin.key, *keys], deadline):
        if item["sk"] == origin.key["sk"]:
            routed = validated(Routed, item)
        else:
            pointer = validated(Pointer, item)
            pointers[pointer.service_id, pointer.dedup_key] = pointer
    return Seen(routed, pointers)


@dataclass(frozen=True, slots=True)
class Remember:
    """Writes where the events of a dedup key go from now on, unless somebody else has done so."""

    table: str
    origin: Origin
    where: Where
    seen: Routed | None
    now: datetime

    def is_needed(self, incident_id: str) -> bool:
        known = self.seen
        if known is None or known.incident_id != incident_id:
            return True
        return self.now - known.at >= CONFIRMED_EVERY

    def leads_elsewhere(self, incident_id: str | None, rows: Rows, deadline: Deadline) -> bool:
        found = rows.get(Routed, self.origin.key, deadline)
        known = self.seen.incident_id if self.seen else None
        return found is not None and found.incident_id not in (known, incident_id)

    def write(self, incident_id: str) -> "Write":
        service_id, dedup_key = self.where
        routed = Routed(
            incident_id=incident_id, service_id=service_id, dedup_key=dedup_key, at=self.now
        )
        expires = {"expires_at": wire(int((self.now + KEPT).timestamp()))}
        item = self.origin.key | {"kind": wire("routed")} | attributes(routed) | expires
        # Itself, repeated after an unknown outcome, is no somebody else.
        condition = "attribute_not_exists(pk) OR incident_id = :mine"
        values: Item = {":mine": wire(incident_id)}
        if self.seen is not None:
            condition += " OR incident_id = :seen"
            values[":seen"] = wire(self.seen.incident_id)
        return {
            "Put": {
                "TableName": self.table,
                "Item": item,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }
