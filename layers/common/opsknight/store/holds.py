"""The hold in the table: one item, changed on the condition that it is as it was read."""

from collections.abc import Callable

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.escalation.hold import Hold
from opsknight.store import items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Holds:
    table: Table

    def read(self, deadline: Deadline) -> Hold:
        """Raises ValidationError for an item that is not what it should be."""
        return self.table.get(Hold, items.HOLD_KEY, deadline) or Hold()

    def change(
        self,
        decide: Callable[[Hold], Hold],
        deadline: Deadline,
        *,
        audit: Callable[[Hold], AuditEntry],
    ) -> Hold:
        """Writes what `decide` makes of the hold, and returns it. `audit` is of what is decided."""

        def attempt(number: int) -> Hold:
            seen = self.read(deadline)
            wanted = decide(seen)
            if wanted == seen:
                return wanted
            update = transactions.update({"kind": "hold", "spells": wanted.spells})
            condition = transactions.still(
                {"spells": seen.spells or None},
                update["ExpressionAttributeNames"],
                update["ExpressionAttributeValues"],
            )
            entry = audit(wanted)
            writes = [
                transactions.updating(self.table.name, items.HOLD_KEY, condition, update),
                AuditLog(self.table).writing(entry),
            ]
            self.table.transact(writes, f"{entry.id}-{number}", deadline, yields=False)
            return wanted

        return decide_again(deadline, attempt)
