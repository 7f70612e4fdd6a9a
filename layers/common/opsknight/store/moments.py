"""When what AWS's events are about last happened, by AWS's own clock: one item for each key. AWS
delivers more than once and not in order, so an event that is older than the last one changes
nothing. The item is written with what its event does, or not at all.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Action, Model
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, attributes, expiry, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# After it is over. What AWS delivers, it delivers within a day.
KEPT: Final = timedelta(days=1)
# While it lasts, and nothing is said of it.
LONGEST: Final = timedelta(days=365)


class Moment(Model):
    """The last event of a key that was taken."""

    key: str
    """The dedup key, as the sender knows it."""
    at: AwareDatetime
    identity: str
    action: Action
    late: int = 0
    """How many events came that were older."""
    late_at: AwareDatetime | None = None
    """When the last of them came."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events are compared: two integrations may hear of the same alarm."""

    table: Rows
    name: str
    thing: str
    """The ARN of what they are about. All its parts are in one partition."""

    def seen(self, key: str, deadline: Deadline) -> Moment | None:
        return self.table.get(Moment, self._key(key), deadline)

    def firing(self, deadline: Deadline) -> list[Moment]:
        """All parts whose last event was no resolve."""
        pk = items.moment_key(self.name, self.thing, "")["pk"]
        found = self.table.readable(Moment, self.table.under(pk, "key#", deadline))
        return [each for each in found if each.action is Action.TRIGGER]

    def write(self, seen: Moment | None, new: Moment, now: datetime) -> "Write":
        """On the condition that no other was taken in between."""
        kept = KEPT if new.action is Action.RESOLVE else LONGEST
        item = (
            self._key(new.key)
            | {"kind": wire("moment"), "expires_at": expiry(now, kept)}
            | attributes(new)
        )
        if seen is None:
            return transactions.put_new(self.table.name, item)
        names: dict[str, str] = {}
        values: Item = {}
        still = transactions.still({"at": seen.at, "identity": seen.identity}, names, values)
        return {
            "Put": {
                "TableName": self.table.name,
                "Item": item,
                "ConditionExpression": still,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        }

    def note(self, seen: Moment | None, new: Moment, now: datetime, deadline: Deadline) -> bool:
        """Where its event writes nothing else. False if another was taken in between."""
        put = self.write(seen, new, now)["Put"]
        try:
            retrying(deadline, self.table.client.put_item, **put)
        except Conflict:
            return False
        return True

    def note_late(self, seen: Moment, now: datetime, deadline: Deadline) -> None:
        """One that came too late for anything. Lost if a newer event is taken meanwhile."""
        changed = transactions.update({"late_at": now})
        changed["UpdateExpression"] += " ADD late :one"
        changed["ExpressionAttributeValues"][":one"] = {"N": "1"}
        key, exists = self._key(seen.key), "attribute_exists(pk)"
        update = transactions.updating(self.table.name, key, exists, changed)["Update"]
        try:
            retrying(deadline, self.table.client.update_item, **update)
        except Conflict:
            return

    def _key(self, key: str) -> Item:
        return items.moment_key(self.name, self.thing, key)
