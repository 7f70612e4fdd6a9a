"""What people change of themselves, in the item of their user, beside what the file has of it.

Each change is a revision of the configuration: a plan from before does not know it, and is
overtaken.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.config.lint import paged
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import User
from opsknight.directory.profile import Refusal
from opsknight.store import items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.configurations import Configurations
from opsknight.store.table import Table
from opsknight.store.wire import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

_THEIRS: Final = ("contact_methods", "rules", "own")


@dataclass(slots=True)
class Reached:
    """Whether anything pages a user, as of one revision, which is read when it is asked for."""

    table: Table
    user_id: str
    deadline: Deadline
    revision: int | None = None

    def __call__(self) -> bool:
        seen = Configurations(self.table).read(self.deadline)
        self.revision = seen.revision
        return self.user_id in paged(seen.configuration)


@dataclass(frozen=True, slots=True)
class Profiles:
    table: Table

    def change(
        self,
        user_id: str,
        decide: Callable[[User, Reached], User | Refusal],
        token: str,
        deadline: Deadline,
        beside: "Callable[[User], Sequence[Write]]" = lambda _: (),
        *,
        audit: Callable[[User, User], AuditEntry],
    ) -> User | Refusal:
        """Writes what is decided, if nothing of it has changed meanwhile; else decides again. If it
        was asked whether anything pages them, nothing of the configuration has changed either.

        What `beside` makes of the decision is written in the same transaction, and `audit` of the
        user before and after.
        """

        def attempt(number: int) -> User | Refusal:
            item = self.table.item(items.user_key(user_id), deadline)
            if item is None:
                return Refusal.UNKNOWN
            before, reached = self.table.user_in(item), Reached(self.table, user_id, deadline)
            if self._is_newer(item, before):
                return Refusal.FILE
            after = decide(before, reached)
            if isinstance(after, User) and after != before:
                writes = [*self._writes(item, after, reached.revision), *beside(after)]
                writes.append(AuditLog(self.table).writing(audit(before, after)))
                self.table.transact(writes, f"{token}-{number}", deadline, yields=False)
            return after

        return decide_again(deadline, attempt)

    @staticmethod
    def _is_newer(item: Item, read: User) -> bool:
        """After a rollback some of them may be such as only a newer version understands: they were
        left out, and must not be written away.
        """
        stored = item.get("contact_methods", {"L": []})["L"], item.get("rules", {"L": []})["L"]
        return [*map(len, stored)] != [len(read.contact_methods), len(read.rules)]

    def _writes(self, item: Item, after: User, revision: int | None) -> "list[Write]":
        changed = transactions.update({name: getattr(after, name) for name in _THEIRS})
        terms = ["attribute_exists(pk)"]
        for name in _THEIRS:
            if name in item:
                changed["ExpressionAttributeValues"][f":was_{name}"] = item[name]
                terms.append(f"#{name} = :was_{name}")
            else:
                terms.append(f"attribute_not_exists(#{name})")
        key = items.user_key(item["id"]["S"])
        head: Any = {
            "TableName": self.table.name,
            "Key": items.HEAD_KEY,
            "UpdateExpression": "ADD revision :one",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        if revision is not None:
            head["ConditionExpression"] = "revision = :seen"
            head["ExpressionAttributeValues"][":seen"] = {"N": str(revision)}
        user = transactions.updating(self.table.name, key, " AND ".join(terms), changed)
        return [user, {"Update": head}]
