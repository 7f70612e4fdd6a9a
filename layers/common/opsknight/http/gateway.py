"""One HTTP request of API Gateway (payload format 2.0), and the answer to it.

What every function that answers HTTP promises is kept here: whatever comes, it is answered with
`X-Request-Id`, logged in one line and counted.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from opsknight.runtime import clock
from opsknight.runtime.telemetry import logger

RETRY_UNAVAILABLE: Final = MappingProxyType({"Retry-After": "5"})
_SANE_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Request:
    """What is used of API Gateway's event. Header names are in lower case."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """Decoded; of a name that comes several times API Gateway joins the values with commas."""

    @classmethod
    def of(cls, event: Mapping[str, Any], new_id: Callable[[], str]) -> "Request":
        sent_headers = (event.get("headers") or {}).items()
        headers = {name.lower(): value for name, value in sent_headers if isinstance(value, str)}
        context = event.get("requestContext") or {}
        sent = headers.get("x-request-id", "")
        query = (event.get("queryStringParameters") or {}).items()
        return cls(
            # The sender's own id, so that both sides can find the request, if it cannot harm a log.
            id=sent if _SANE_REQUEST_ID.fullmatch(sent) else context.get("requestId") or new_id(),
            method=(context.get("http") or {}).get("method") or "",
            path=event.get("rawPath") or "",
            headers=headers,
            body=_body(event),
            query={name: value for name, value in query if isinstance(value, str)},
        )


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return b""
    # Half of a surrogate pair is not UTF-8, and is refused as such when the body is read.
    return str(text).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON; or, where the body is text, a page."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class HttpError(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(
        self,
        status: int,
        error: str,
        /,
        **more: Any,
    ) -> None:
        super().__init__(error)
        self.answer = Answer(status, {"error": error, **more})


class Door(Protocol):
    """What a function does with requests."""

    def answer(self, request: Request, told: dict[str, Any]) -> Answer:
        """`told` collects what the log line says of the request."""
        ...


def json_fault(_: Request) -> Answer:
    return Answer(500, {"error": "Internal Server Error"})


def respond(
    event: Mapping[str, Any],
    door: Callable[[], Door],
    fault: Callable[[Request], Answer] = json_fault,
) -> dict[str, Any]:
    """Answers whatever comes, says so in one log line, and counts it. `fault` is the answer for
    what is our own.
    """
    began = time.perf_counter()
    request = Request.of(event, lambda: clock.new_id("req", clock.now()))
    told: dict[str, Any] = {"request_id": request.id}
    try:
        answer = door().answer(request, told)
    # The one catch-all: the sender is promised an answer, and that it may try again.
    except Exception:
        logger.exception("request failed", **told)
        answer = fault(request)
    told |= {"status": answer.status, "ms": round((time.perf_counter() - began) * 1000, 1)}
    if not isinstance(answer.body, str) and "error" in answer.body:
        told["error"] = answer.body["error"]
    (logger.error if answer.status >= 500 else logger.info)("request answered", **told)
    _count(answer.status, told.get("result"))
    if isinstance(answer.body, str):
        kind, body = "text/html; charset=utf-8", answer.body
    else:
        kind, body = "application/json", json.dumps(answer.body, separators=(",", ":"))
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": kind, "X-Request-Id": request.id, **answer.headers},
        "body": body,
    }


def _count(status: int, result: str | None) -> None:
    names = {429: "RateLimited", 503: "StoreUnavailable", 500: "Failed"}
    name = result.title() if result else names.get(status)
    if name is not None:
        # By itself it shares nothing with another thread; its namespace is the template's.
        with single_metric(name=name, unit=MetricUnit.Count, value=1):
            pass
