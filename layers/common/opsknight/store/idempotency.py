"""The records of requests that their caller may send again: one for each key that a caller gave.

A record is begun before anything is done, and gets the answer in the transaction that does it. What
a request is, and what is answered, is for `opsknight.http.idempotency` to say.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Model
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.rows import Rows
from opsknight.store.wire import attributes, expiry, stamp

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

KEPT: Final = timedelta(days=1)
# Longer than a function may run, so that of two none begins while the other is still at work.
RUNS: Final = timedelta(seconds=20)


class Record(Model):
    body: str
    """The digest of the request's body."""
    token: str
    """Which of the requests with this key has begun it."""
    until: AwareDatetime
    """When it counts as dead, if it has no answer by then."""
    status: int | None = None
    """With `answer` and `location`, what was answered."""
    answer: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    rows: Rows

    def begin(self, name: str, mine: Record, now: datetime, deadline: Deadline) -> Record:
        """The record as it is then: `mine`, or another's. A record whose request died, or that is
        a day old, is begun anew.
        """
        item = (
            items.idempotency_key(name)
            | {"kind": {"S": "idempotency"}, "expires_at": expiry(now, KEPT)}
            | attributes(mine)
        )
        while True:
            with suppress(Conflict):
                retrying(
                    deadline,
                    self.rows.client.put_item,
                    TableName=self.rows.name,
                    Item=item,
                    # Expired by value: DynamoDB deletes late.
                    ConditionExpression=(
                        "attribute_not_exists(pk) OR expires_at <= :now OR"
                        " (attribute_not_exists(answer) AND #until <= :then AND body = :body)"
                    ),
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={
                        ":now": {"N": str(int(now.timestamp()))},
                        ":then": {"S": stamp(now)},
                        ":body": {"S": mine.body},
                    },
                )
                return mine
            if found := self.rows.get(Record, items.idempotency_key(name), deadline):
                return found
            # It was released in between.
            deadline.pause_for_conflict(Conflict("released"))

    def completion(self, name: str, done: Record) -> "Write":
        """The answer, to be written with what it answers."""
        sets = {"status": done.status, "answer": done.answer, "location": done.location}
        changed = transactions.update({key: each for key, each in sets.items() if each is not None})
        changed["ExpressionAttributeNames"] |= {"#token": "token"}
        changed["ExpressionAttributeValues"] |= {":token": {"S": done.token}}
        key = items.idempotency_key(name)
        return transactions.updating(self.rows.name, key, _OPEN, changed)

    def complete(self, name: str, done: Record, deadline: Deadline) -> None:
        """The same where nothing else is written. Raises Conflict when another has begun it."""
        update = self.completion(name, done)["Update"]
        retrying(deadline, self.rows.client.update_item, **update)

    def release(self, name: str, token: str, deadline: Deadline) -> None:
        """Nothing was done, and the next request may. Leaves a record that has an answer."""
        with suppress(Conflict):
            retrying(
                deadline,
                self.rows.client.delete_item,
                TableName=self.rows.name,
                Key=items.idempotency_key(name),
                ConditionExpression=_OPEN,
                ExpressionAttributeNames={"#token": "token", "#answer": "answer"},
                ExpressionAttributeValues={":token": {"S": token}},
            )


# Begun by whoever writes, and without an answer.
_OPEN: Final = "#token = :token AND attribute_not_exists(#answer)"
