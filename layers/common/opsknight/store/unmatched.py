"""The rules of the configuration for events of AWS, and what came in that none of them names:
counted by name, for a month, so that operators see what pages nobody.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.directory.aws import AwsRule, AwsRules, Unmatched
from opsknight.integrations.aws import Told
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.rows import Rows, readable_parts
from opsknight.store.wire import expiry, plain

KEPT: Final = timedelta(days=30)


def aws_rules(table: Rows, deadline: Deadline) -> AwsRules:
    """After a rollback, without those that only a newer version understands."""
    item = table.item(items.AWS_RULES_KEY, deadline)
    fields = plain(item or {})
    try:
        return AwsRules.model_validate(fields)
    except ValidationError as error:
        rules = readable_parts(AwsRule, fields.get("rules", []))
        found = AwsRules.model_validate(fields | {"rules": rules, "unread": True})
        table.skipped(error)
        return found


@dataclass(frozen=True, slots=True)
class UnmatchedRows:
    table: Rows

    def note(self, told: Told, now: datetime, deadline: Deadline) -> None:
        """Raises Unavailable."""
        sets = {
            "kind": "unmatched",
            "source": told.source.value,
            "name": told.name,
            "account": told.account,
            "region": told.region,
            "last_at": now,
        }
        changed = transactions.update(sets, {"first_at": now})
        changed["UpdateExpression"] = changed["UpdateExpression"].replace(
            "SET ", "SET #expires = :expires, ", 1
        )
        changed["UpdateExpression"] += " ADD #count :one"
        changed["ExpressionAttributeNames"] |= {"#expires": "expires_at", "#count": "count"}
        changed["ExpressionAttributeValues"] |= {
            ":expires": expiry(now, KEPT),
            ":one": {"N": "1"},
        }
        thing = "\n".join((told.source.value, told.account, told.region, told.name))
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.unmatched_key(thing),
            **changed,
        )

    def all(self, now: datetime, deadline: Deadline) -> list[Unmatched]:
        """The most frequent first, of the last month: DynamoDB removes late."""
        pk = items.unmatched_key("")["pk"]
        found = self.table.readable(Unmatched, self.table.under(pk, None, deadline))
        fresh = [each for each in found if now - each.last_at < KEPT]
        return sorted(fresh, key=lambda each: (-each.count, each.source, each.name))
