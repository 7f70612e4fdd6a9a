"""The wire between a client and DynamoDB: hears every call, and fails those that a test names.

By botocore's own events, so that all our code and all of botocore's stays as it is.
"""

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.exceptions import ReadTimeoutError

from harness import embedded

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

type Fault = Callable[[], AWSResponse | None]

ALWAYS: Final = 1_000_000


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, body: bytes) -> AWSResponse:
    headers: Any = HeadersDict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse("https://dynamodb", status, headers, _Raw(body))


def refusing(code: str, *reasons: str, status: int = 400) -> Fault:
    """DynamoDB answers with an error; `reasons` are those of a cancelled transaction."""
    body: dict[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}
    if reasons:
        body["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return lambda: answer(status, json.dumps(body).encode())


def raising(error: Exception) -> Fault:
    """No answer comes."""

    def fault() -> AWSResponse | None:
        raise error

    return fault


def doing(what: Callable[[], object]) -> Fault:
    """Something else happens first; then the call goes its way."""

    def fault() -> AWSResponse | None:
        what()
        return None

    return fault


TIMES_OUT: Final = raising(ReadTimeoutError(endpoint_url="https://dynamodb"))
THROTTLES: Final = refusing("ProvisionedThroughputExceededException")
CONFLICTS: Final = refusing("TransactionCanceledException", "TransactionConflict", "None", "None")


class Wire:
    def __init__(self, client: "DynamoDBClient") -> None:
        self.calls: list[str] = []
        """Operations in the order of their sending."""
        self.sent: list[dict[str, Any]] = []
        """What was sent with each."""
        self._faults: dict[str, list[tuple[Fault, int]]] = defaultdict(list)
        # The stubs say that a handler answers nothing; one of this event may, for the server.
        handler: Any = self._send
        client.meta.events.register_first("before-send.dynamodb", handler)
        embedded.over_http(client)

    def fail(self, operation: str, fault: Fault, times: int = 1) -> None:
        """The next calls of the operation meet the fault."""
        self._faults[operation].append((fault, times))

    def mend(self) -> None:
        self._faults.clear()

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.calls.append(operation)
        assert isinstance(request.body, bytes)
        self.sent.append(json.loads(request.body))
        if not self._faults[operation]:
            return None
        fault, times = self._faults[operation].pop(0)
        if times > 1:
            self._faults[operation].insert(0, (fault, times - 1))
        met = fault()
        if met is not None:
            # moto hears the event after us, and must not take it for a call of its own.
            request.url = "https://nowhere.invalid"
        return met
