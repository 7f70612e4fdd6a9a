"""The faults that can strike a process at each of its DynamoDB calls: it dies, or the call fails.

Hooks into the clients of one process first list the calls of an uninterrupted run, then strike at
one of them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock
from typing import Any, Literal

from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from harness.conflicts import answer
from harness.dynamodb import connect
from harness.world import World
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.counters import Counters


class Died(BaseException):
    """The process is dead. Nothing of it may run on, so nothing catches this."""


@dataclass(frozen=True)
class Point:
    """The `number`th call of this operation on this table, from 1."""

    operation: str
    table: Literal["main", "rates", "sqs", "sns", "outside"]
    """The table, or another service; `outside` stands for receivers and providers."""
    number: int


@dataclass(frozen=True)
class Fault:
    """`moment` says whether DynamoDB carries out the request first. Raises `error`, or answers with
    `code`.
    """

    name: str
    moment: Literal["before", "after"]
    error: Callable[[], BaseException] | None = None
    code: str = ""
    status: int = HTTPStatus.BAD_REQUEST
    reason: str = ""
    """The code of a cancelled transaction's first item."""
    writes_only: bool = False
    """Whether only transactions can have it."""

    def __str__(self) -> str:
        return f"{self.name}, {self.moment} the call"


@dataclass
class Process:
    """The hooks in all clients of one process. Lists calls, and strikes at `at`."""

    fault: Fault | None = None
    at: Point | None = None
    lasting: bool = False
    """Whether to strike all later calls of that operation on that table, too."""
    calls: list[Point] = field(default_factory=list)
    watching: bool = False
    _dead: bool = False
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def runs(self, world: World, endpoint: str) -> World:
        """The same tables for a new process, with clients of its own and nothing in memory."""
        main = connect(endpoint, TABLE_CONFIG)
        # With the limiter's own 300 ms a busy machine would add faults to ours.
        rates = connect(endpoint, TABLE_CONFIG.merge(Config(read_timeout=10)))
        for client, which in ((main, "main"), (rates, "rates")):
            events: Any = client.meta.events
            events.register("before-call.dynamodb", self._before(which))
            events.register("after-call.dynamodb", self._after)
        table = replace(world.table, client=main)
        return replace(world, table=table, counters=Counters(rates, world.counters.name), apis=[])

    def watch(self, client: Any) -> Any:
        """Adds another client of the process, of SQS or SNS."""
        service = client.meta.service_model.service_name
        client.meta.events.register_first(f"before-call.{service}", self._before(service))
        client.meta.events.register(f"after-call.{service}", self._after)
        return client

    def around[T](self, operation: str, work: Callable[[], T]) -> T:
        """Work of the process outside of AWS; it can die before and after."""
        point = self._reached(operation, "outside")
        struck = point is not None and self.fault is not None and self._struck(point)
        if struck and self.fault and self.fault.moment == "before":
            self._dead = True
            raise Died
        done = work()
        if struck:
            self._dead = True
            raise Died
        return done

    def _reached(self, operation: str, table: Any) -> Point | None:
        if self._dead:
            raise Died
        if not self.watching:
            return None
        with self._lock:
            self._counts[operation, table] += 1
            point = Point(operation, table, self._counts[operation, table])
            self.calls.append(point)
        return point

    def _before(self, table: Any) -> Callable[..., Any]:
        def before(model: Any, context: dict[str, Any], **_: object) -> Any:
            point = self._reached(model.name, table)
            if point is None or self.fault is None or not self._struck(point):
                return None
            if self.fault.moment == "after":
                context["struck"] = True
                return None
            return self._strike(self.fault, model)

        return before

    def _struck(self, point: Point) -> bool:
        if self.at is None or not self.lasting:
            return point == self.at
        same = (point.operation, point.table) == (self.at.operation, self.at.table)
        return same and point.number >= self.at.number

    def _after(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_: object
    ) -> None:
        if self.fault is not None and context.pop("struck", False):
            http, failed = self._strike(self.fault, model)
            http_response.status_code = http.status_code
            parsed.clear()
            parsed |= failed

    def _strike(self, fault: Fault, model: Any) -> tuple[Any, dict[str, Any]]:
        if fault.error is not None:
            error = fault.error()
            self._dead = isinstance(error, Died)
            raise error
        more: dict[str, Any] = {}
        if fault.reason:
            more["CancellationReasons"] = [{"Code": fault.reason, "Message": "?"}, {"Code": "None"}]
        return answer(model, fault.code, "by the test", fault.status, **more)


DEATHS = (Fault("dies", "before", Died), Fault("dies", "after", Died))

URL = "http://dynamodb.invalid/"
_AWAY = {
    "connection refused": lambda: EndpointConnectionError(endpoint_url=URL),
    "connect timeout": lambda: ConnectTimeoutError(endpoint_url=URL),
}
_LOST = {
    "read timeout": lambda: ReadTimeoutError(endpoint_url=URL),
    "connection closed": lambda: ConnectionClosedError(endpoint_url=URL),
}
_THROTTLED = (
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
)
_PASSING_REASONS = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
FAULTS = (
    *(Fault(name, "before", error) for name, error in (_AWAY | _LOST).items()),
    *(Fault(name, "after", error) for name, error in _LOST.items()),
    *(
        Fault(f"{code or 'a status'} {int(status)}", moment, None, code, status)
        for code, status in (
            ("InternalServerError", HTTPStatus.INTERNAL_SERVER_ERROR),
            ("ServiceUnavailable", HTTPStatus.SERVICE_UNAVAILABLE),
            # From a load balancer on the way, which knows no error codes.
            ("", HTTPStatus.BAD_GATEWAY),
        )
        for moment in ("before", "after")
    ),
    *(Fault(code, "before", None, code) for code in _THROTTLED),
    *(
        Fault(
            f"cancelled by {reason}",
            "before",
            None,
            "TransactionCanceledException",
            reason=reason,
            writes_only=True,
        )
        for reason in _PASSING_REASONS
    ),
    Fault("in progress", "before", None, "TransactionInProgressException", writes_only=True),
    # The first request got lost on its way back, the second comes while the first is carried out.
    Fault("in progress", "after", None, "TransactionInProgressException", writes_only=True),
)
# One of each kind, where there is no time for all.
DISTINCT = tuple(
    fault
    for fault in FAULTS
    if (fault.name, fault.moment)
    in {
        ("connection refused", "before"),
        ("read timeout", "after"),
        ("InternalServerError 500", "after"),
        ("a status 502", "before"),
        ("cancelled by TransactionConflict", "before"),
        ("in progress", "after"),
    }
)
