"""Transactions and plain writes that get in each other's way, which MiniStack's never do.

Hooks into clients keep the items of a transaction locked for some milliseconds around the real
call, and answer whoever comes meanwhile as DynamoDB does. There are two kinds of conflict besides
that of two transactions, each with a switch, as nobody here has measured them on AWS:

- A plain write to an item that a transaction holds is refused.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
- A transaction is ordered by a stamp that it gets when it sets out. If one of its items carries a
  later write when it is to be held, the transaction is cancelled ("Distributed Transactions at
  Scale in Amazon DynamoDB", USENIX ATC 2023, section 4).
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.awsrequest import AWSResponse
from botocore.parsers import create_parser

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_ERROR: Final = "com.amazonaws.dynamodb.v20120810#"
_SINGLE: Final = ("PutItem", "UpdateItem", "DeleteItem")
_KEY_NAMES: Final = ("pk", "sk")
_ONGOING: Final = "Transaction is ongoing for the item"

type Key = tuple[str, ...]


@dataclass
class Conflicts:
    """Plays the server: clients that share it get in each other's way."""

    hold: float | Callable[[], float] = 0.005
    """Seconds a transaction holds its items before it is carried out."""
    refuses_plain_writes: bool = True
    sets_out: float | None = None
    """Seconds between a transaction's stamp and the moment at which it is to hold its items; None
    for no stamps.
    """
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    raised: Counter[str] = field(default_factory=Counter)
    """How many answers had each error."""
    _held: set[Key] = field(default_factory=set)
    _written: dict[Key, float] = field(default_factory=dict)
    """When each item was written last."""
    _tokens: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def watch(self, client: "DynamoDBClient") -> "DynamoDBClient":
        """Puts the client in the way of the others; returns it."""
        # The stubs know no hook that answers: `before-call` may, in place of the server.
        events: Any = client.meta.events
        for operation in ("TransactWriteItems", *_SINGLE):
            events.register(f"before-call.dynamodb.{operation}", self._before)
        for moment in ("after-call", "after-call-error"):
            events.register(f"{moment}.dynamodb.TransactWriteItems", self._after)
        return client

    def _before(
        self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: object
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        sent = json.loads(params["body"])
        if model.name in _SINGLE:
            key = _key(sent)
            with self._lock:
                busy = self.refuses_plain_writes and key in self._held
                if not busy:
                    self._written[key] = self.monotonic()
            if busy:
                return self._answer(model, "TransactionConflictException", _ONGOING)
            return None
        keys = [_key(action) for [action] in (each.values() for each in sent["TransactItems"])]
        token = sent["ClientRequestToken"]
        stamp = self.monotonic()
        if self.sets_out is not None:
            self.sleep(self.sets_out)
        with self._lock:
            if token in self._tokens:
                message = "The transaction with the given request token is already in progress."
                return self._answer(model, "TransactionInProgressException", message)
            busy_keys = self._held & set(keys)
            if self.sets_out is not None:
                busy_keys |= {key for key in keys if self._written.get(key, stamp) > stamp}
            if not busy_keys:
                self._held |= set(keys)
                self._tokens.add(token)
        if busy_keys:
            return self._cancel(model, [key in busy_keys for key in keys])
        context["held"] = (keys, token)
        self.sleep(self.hold() if callable(self.hold) else self.hold)
        return None

    def _after(self, context: dict[str, Any], **_: object) -> None:
        keys, token = context.pop("held", ((), None))
        with self._lock:
            self._held.difference_update(keys)
            self._written |= dict.fromkeys(keys, self.monotonic())
            self._tokens.discard(token)

    def _cancel(self, model: Any, busy: list[bool]) -> tuple[AWSResponse, dict[str, Any]]:
        conflict = {"Code": "TransactionConflict", "Message": _ONGOING}
        reasons = [conflict if each else {"Code": "None"} for each in busy]
        listed = ", ".join(reason["Code"] for reason in reasons)
        message = (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            f"[{listed}]"
        )
        error = "TransactionCanceledException"
        return self._answer(model, error, message, CancellationReasons=reasons)

    def _answer(
        self, model: Any, error: str, message: str, **more: Any
    ) -> tuple[AWSResponse, dict[str, Any]]:
        self.raised[error] += 1
        return answer(model, error, message, **more)


def answer(
    model: Any, error: str, message: str, status: int = HTTPStatus.BAD_REQUEST, **more: Any
) -> tuple[AWSResponse, dict[str, Any]]:
    """An error of DynamoDB as a `before-call` hook may return it: through botocore's own parser.

    Without the name of an error, a bare status with a text that is not JSON.
    """
    content = {"__type": _ERROR + error, "message": message, **more}
    body = json.dumps(content).encode() if error else f"<p>{message}</p>".encode()
    headers: Any = {"x-amzn-RequestId": "HOOK", "Content-Type": "application/x-amz-json-1.0"}
    wire: Any = {"status_code": int(status), "headers": headers, "body": body}
    parser = create_parser("json")
    parsed = parser.parse(wire, model.output_shape)
    # As botocore does it: adds the fields of the error's own shape, such as cancellation reasons.
    for shape in model.error_shapes:
        if shape.name == error:
            parsed |= {k: v for k, v in parser.parse(wire, shape).items() if k not in parsed}
    raw: Any = None
    return AWSResponse("http://hook/", int(status), headers, raw), parsed


def _key(action: Mapping[str, Any]) -> Key:
    place = action.get("Key") or action["Item"]
    return (action["TableName"], *(place[name]["S"] for name in _KEY_NAMES if name in place))
