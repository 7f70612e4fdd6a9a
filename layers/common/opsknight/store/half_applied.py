"""How an apply ends that stopped half way, and how far it came. Whoever hears of one tells those
whose time on call the written part has changed: the rest may never come.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from opsknight.classes import dataclass
from opsknight.store.calls import NO_ANSWER, Unavailable, may_be_done

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Overtaken(Exception):
    """Somebody else has changed the configuration since it was read. The first `done` steps were
    written; no reference dangles.
    """

    unsure = False

    def __init__(self, done: int) -> None:
        super().__init__(f"overtaken after {done} steps")
        self.done = done


class Interrupted(Unavailable):
    """DynamoDB took no more in time. The first `done` steps were written; so may be those that were
    under way, if it is `unsure`. No reference dangles.
    """

    def __init__(self, done: int, cause: Unavailable, *, unsure: bool) -> None:
        super().__init__(str(cause))
        self.done = done
        self.unsure = unsure


class Refused(Exception):
    """DynamoDB took a part, and refuses the rest for good: credentials that expired meanwhile, a
    right that is missing. The first `done` steps were written; so may be those that were under way,
    if it is `unsure`: an answer was lost, and the next try refused. No reference dangles. What it
    refuses from the start passes untouched.
    """

    def __init__(self, done: int, cause: Exception, *, unsure: bool) -> None:
        super().__init__(f"AWS answered with an error: {cause}")
        self.done = done
        self.unsure = unsure


@dataclass(slots=True)
class Transaction:
    """One that may be sent several times."""

    client: "DynamoDBClient"
    unsure: bool = False
    """Whether it may have been carried out, as the answer to one of them was lost."""

    def send(self, **arguments: Any) -> None:
        try:
            self.client.transact_write_items(**arguments)
        except NO_ANSWER:
            self.unsure = True
            raise
        except ClientError as error:
            self.unsure = self.unsure or may_be_done(error)
            raise
