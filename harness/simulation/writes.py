"""One write of DynamoDB: whether its condition holds, what the item becomes, and how it fails."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from harness.simulation import expressions, updates
from harness.simulation.capacity import Stored, size
from harness.simulation.expressions import Invalid, Item

LARGEST_ITEM: Final = 400 * 1024
# Of all writes in one request together.
LARGEST_TRANSACTION: Final = 4 * 1024 * 1024
LARGEST_PUTS: Final = 16 * 1024 * 1024


def failure(
    code: str, message: str = "", reasons: list[dict[str, Any]] | None = None
) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": 500 if code.startswith("Internal") else 400},
    }
    if reasons is not None:
        answer["CancellationReasons"] = reasons
    return ClientError(answer, "simulated")


def cancelled(reasons: Iterable[str | None]) -> ClientError:
    """A transaction that is not made. A reason for each of its actions, None for one without."""
    told: list[dict[str, Any]] = [
        {"Code": "None"} if each is None else {"Code": each, "Message": each} for each in reasons
    ]
    return failure("TransactionCanceledException", "Transaction cancelled", told)


def after(operation: str, asked: Mapping[str, Any], before: Item | None) -> Stored | None:
    """The item as it would be; None for none. Raises Invalid."""
    check_used(asked)
    if operation == "put_item":
        found: Stored | None = Stored(asked["Item"])
    elif operation == "update_item":
        base = asked["Key"] if before is None else before
        names = asked.get("ExpressionAttributeNames", {})
        values = asked.get("ExpressionAttributeValues", {})
        for _, target, _ in updates.actions(asked["UpdateExpression"]):
            if names.get(target[0], target[0]) in asked["Key"]:
                raise Invalid("Cannot update attribute: this attribute is part of the key")
        if not holds(asked, before):
            # Not carried out, so what it would do to the item that is there is not asked.
            return Stored(base)
        found = Stored(updates.updated(base, asked["UpdateExpression"], names, values))
    else:
        found = None
    if found is not None and size(found) > LARGEST_ITEM:
        raise Invalid("Item size has exceeded the maximum allowed size")
    return found


def check_size(requests: Iterable[Mapping[str, Any]], most: int) -> None:
    """Of several writes at once, each under its verb. Raises Invalid."""
    actions = (action for each in requests for action in each.values())
    if sum(size(each.get("Item") or each["Key"]) for each in actions) > most:
        raise Invalid("Collection size has exceeded the maximum")


def check_used(asked: Mapping[str, Any]) -> None:
    texts = [asked[each] for each in ("ConditionExpression", "UpdateExpression") if each in asked]
    names, values = expressions.used(*texts)
    for given, needed in (
        (asked.get("ExpressionAttributeNames"), names),
        (asked.get("ExpressionAttributeValues"), values),
    ):
        if given is not None and (not given or set(given) != needed):
            raise Invalid("What is given for an expression is empty, unused or missing")
        if given is None and needed:
            raise Invalid("An expression uses what is not given")


def holds(asked: Mapping[str, Any], before: Item | None) -> bool:
    text = asked.get("ConditionExpression")
    if text is None:
        return True
    names = asked.get("ExpressionAttributeNames", {})
    values = asked.get("ExpressionAttributeValues", {})
    return expressions.condition(text)(before or {}, names, values)


def changed_by(asked: Mapping[str, Any], item: Item) -> dict[str, Any]:
    """The attributes that UPDATED_NEW shows."""
    names = asked.get("ExpressionAttributeNames", {})
    paths = (path[0] for _, path, _ in updates.actions(asked["UpdateExpression"]))
    shown = {names.get(each, each) for each in paths}
    return {name: value for name, value in item.items() if name in shown}
