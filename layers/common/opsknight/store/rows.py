"""How items are read: one by its key, many by theirs, a partition in its order. And how many are
written that stand for themselves.

What the items are is for the classes that build on it to say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from opsknight.classes import dataclass
from opsknight.store.calls import Deadline, Unavailable, retrying
from opsknight.store.wire import Item, Wire, plain

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

# DynamoDB reads at most this many keys at once.
LARGEST_BATCH: Final = 100
# And writes at most this many items, with 16 MB.
LARGEST_WRITE: Final = 25


def validated[M: BaseModel](model: type[M], item: Item) -> M:
    """Raises ValidationError, with a note that names the item."""
    try:
        return model.model_validate(plain(item))
    except ValidationError as error:
        error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
        raise


type Read[T] = T | ValidationError
"""An item that was read with others, or why it cannot be. That is no item that is not there."""


def sound[T](read: Read[T] | None) -> T | None:
    """Raises what is wrong with it."""
    if isinstance(read, ValidationError):
        raise read
    return read


def readable_part(model: type[BaseModel], stored: object) -> object:
    """What is stored, if it is a part of this kind; else None."""
    try:
        model.model_validate(stored)
    except ValidationError:
        return None
    return stored


def readable_parts(model: type[BaseModel], stored: object) -> object:
    """Those of a list that are parts of this kind. What is no list stays as it is."""
    if not isinstance(stored, list):
        return stored
    return [each for each in stored if readable_part(model, each) is not None]


def _unheard(_: ValueError) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Rows:
    client: "DynamoDBClient"
    name: str
    retention: timedelta
    """How long to keep alerts, timelines and resolved incidents."""
    skipped: Callable[[ValueError], None] = _unheard
    """Hears of each item that a list leaves out."""
    audit_retention: timedelta = timedelta(days=365)
    """How long to keep the audit log."""

    def seen_as[T: Rows](self, kind: type[T]) -> T:
        """The same table, by a class that knows another part of it."""
        return kind(self.client, self.name, self.retention, self.skipped, self.audit_retention)

    def readable[M: BaseModel](self, model: type[M], found: Iterable[Item]) -> Iterator[M]:
        """For lists that are shown, sent or judged: an item that fails validation takes no other
        down. Where the absence of one would delete or permit something, validate each.
        """
        for item in found:
            try:
                read = validated(model, item)
            except ValidationError as error:
                self.skipped(error)
            else:
                yield read

    def read[M: BaseModel](self, model: type[M], item: Item) -> Read[M]:
        """For what is read in one with others, and on which more rests than a list: `sound` is
        asked where it matters, so that one damaged item fails what is about it, and nothing else.
        """
        try:
            return validated(model, item)
        except ValidationError as error:
            self.skipped(error)
            return error

    def get[M: BaseModel](self, model: type[M], key: Item, deadline: Deadline) -> M | None:
        """Raises ValidationError for an item that is not what it should be."""
        item = self.item(key, deadline)
        return None if item is None else validated(model, item)

    def item(self, key: Item, deadline: Deadline) -> Item | None:
        # All reads are strongly consistent: a pointer decides, and a key read stale outlives its
        # revocation.
        answer = retrying(
            deadline, self.client.get_item, TableName=self.name, Key=key, ConsistentRead=True
        )
        return answer.get("Item")

    def write_all(self, requests: "Sequence[WriteRequestTypeDef]", deadline: Deadline) -> None:
        """Puts and deletes without conditions, of items that differ, 25 in a request. Each is done
        by itself and perhaps twice; when it returns all are done. Raises Unavailable.
        """
        for chunk in batched(requests, LARGEST_WRITE, strict=False):
            left: Any = list(chunk)
            attempt = 0
            while left:
                answer = retrying(
                    deadline, self.client.batch_write_item, RequestItems={self.name: left}
                )
                left = answer.get("UnprocessedItems", {}).get(self.name)
                if left:
                    deadline.pause(attempt, Unavailable("items were left unprocessed"))
                    attempt += 1

    def batch(
        self, keys: Iterable[Item], deadline: Deadline, *, consistent: bool = True
    ) -> Iterator[Item]:
        """The items with these keys, those that exist, once each and in any order. One that is not
        `consistent` may be a moment old, and costs half.
        """
        # DynamoDB refuses a request that names an item twice, as a whole and for ever.
        wanted = {(key["pk"]["S"], key["sk"]["S"]): key for key in keys}
        for chunk in batched(wanted.values(), LARGEST_BATCH, strict=False):
            unread: list[Item] = list(chunk)
            attempt = 0
            while unread:
                answer = retrying(
                    deadline,
                    self.client.batch_get_item,
                    RequestItems={self.name: {"Keys": unread, "ConsistentRead": consistent}},
                )
                yield from answer["Responses"].get(self.name, [])
                left = answer.get("UnprocessedKeys", {}).get(self.name)
                unread = [dict(key) for key in left["Keys"]] if left else []
                if unread:
                    # Throttled in part, or over 16 MB.
                    deadline.pause(attempt, Unavailable("keys were left unprocessed"))
                    attempt += 1

    def named[K](self, keys: Mapping[K, Item], deadline: Deadline) -> Iterator[tuple[K, Item]]:
        """The items with these keys, those that exist, each with the key's name among them."""
        names = {(key["pk"]["S"], key["sk"]["S"]): name for name, key in keys.items()}
        for item in self.batch(keys.values(), deadline):
            yield names[item["pk"]["S"], item["sk"]["S"]], item

    def under(self, pk: Wire, prefix: str | None, deadline: Deadline) -> Iterator[Item]:
        """The items of a partition, in the order of their sort keys."""
        if prefix is None:
            return self.query("pk = :pk", {":pk": pk}, deadline)
        condition = "pk = :pk AND begins_with(sk, :prefix)"
        return self.query(condition, {":pk": pk, ":prefix": {"S": prefix}}, deadline)

    def newest(self, pk: Wire, prefix: str, most: int, deadline: Deadline) -> list[Item]:
        """The last items of a partition, the last first."""
        page = retrying(
            deadline,
            self.client.query,
            TableName=self.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": pk, ":prefix": {"S": prefix}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=most,
        )
        return page["Items"]

    def query(self, condition: str, values: Item, deadline: Deadline) -> Iterator[Item]:
        for found in self.parts(condition, values, deadline):
            yield from found

    def parts(
        self, condition: str, values: Item, deadline: Deadline, **how: Any
    ) -> Iterator[list[Item]]:
        """What a query finds, one part after the other: whoever stops reads no more. `how`: its
        `Limit` for a part, and `ScanIndexForward`.
        """
        while True:
            page = retrying(
                deadline,
                self.client.query,
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **how,
            )
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            how["ExclusiveStartKey"] = page["LastEvaluatedKey"]
