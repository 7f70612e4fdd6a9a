"""The rate counters. They have a table of their own, so that counting never wakes a reader of the
stream or waits for an incident.
"""

from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from opsknight.classes import dataclass
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.store.calls import NO_ANSWER, REFUSED, THROTTLED, codes, is_passing

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# TTL deletes late, when nobody asks about the window any more.
KEPT_SECONDS: Final = 3600


class NotCounted(Enum):
    REFUSED = auto()
    """The key has used up the window."""
    THROTTLED = auto()
    """This counter gets more requests than DynamoDB serves."""
    UNKNOWN = auto()
    """No answer in time."""


@dataclass(frozen=True, slots=True)
class Counters:
    """`client` has short timeouts and one attempt (`calls.RATES_CONFIG`)."""

    client: "DynamoDBClient"
    name: str

    def count(self, key_id: str, minute: Minute) -> int | NotCounted:
        """Counts one request of the key; returns how many there are now in this window.

        Raises ClientError for a lasting failure, such as a missing permission.
        """
        return self._add(f"{key_id}#{minute.number}", LIMIT, minute.end)

    def spends(self, name: str, most: int, until: datetime) -> bool:
        """Counts one use of something that may be used `most` times until then; False when that is
        used up. What cannot be counted is allowed.
        """
        counted = self._add(f"{name}#{int(until.timestamp())}", most, until)
        return counted is not NotCounted.REFUSED

    def _add(self, pk: str, limit: int, end: datetime) -> int | NotCounted:
        try:
            answer = self.client.update_item(
                TableName=self.name,
                Key={"pk": {"S": pk}},
                UpdateExpression="SET expires_at = :expires ADD requests :one",
                ConditionExpression="attribute_not_exists(requests) OR requests < :limit",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":limit": {"N": str(limit)},
                    ":expires": {"N": str(int(end.timestamp()) + KEPT_SECONDS)},
                },
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            found = codes(error)
            if found & REFUSED:
                return NotCounted.REFUSED
            if found & THROTTLED:
                return NotCounted.THROTTLED
            if not is_passing(error):
                raise
            return NotCounted.UNKNOWN
        except NO_ANSWER:
            return NotCounted.UNKNOWN
        return int(answer["Attributes"]["requests"]["N"])
