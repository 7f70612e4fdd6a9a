"""One HTTP request of API Gateway (payload format 2.0), and the answer to it.

Keeps what every function behind HTTP promises: each request, whatever is in it, gets an answer with
`X-Request-Id`, one line in the log, and a count. Knows no route.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import field
from types import MappingProxyType
from typing import Annotated, Any, Final, Protocol

from pydantic import ConfigDict, Field

from opsknight.classes import dataclass
from opsknight.http import conventions
from opsknight.incident import canary
from opsknight.runtime import clock
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.views.wire import Absent, Shape, to_json

# No answer is for a cache, or to be taken for what its type does not say.
_GUARDED: Final = MappingProxyType(
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
)
RETRY_UNAVAILABLE: Final = MappingProxyType({"Retry-After": "5"})
_SANE_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of API Gateway's event that we use. Header names are in lower case."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """Decoded. API Gateway joins the values of a repeated name with commas."""
    cookies: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str = ""
    """The IP address that the request came from, as API Gateway saw it."""

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
            cookies=_cookies(event, headers),
            source=str((context.get("http") or {}).get("sourceIp") or ""),
        )


def _cookies(event: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """API Gateway takes them out of the headers and into a list of their own; MiniStack leaves them
    there.
    """
    listed = [each for each in event.get("cookies") or [] if isinstance(each, str)]
    sent = listed or headers.get("cookie", "").split(";")
    pairs = (each.strip().partition("=") for each in sent)
    return {name: value for name, equals, value in pairs if equals}


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return b""
    # Half of a surrogate pair is not UTF-8, and is refused as such when the body is read.
    return str(text).encode("utf-8", "surrogatepass")


class Issue(Shape):
    """One thing that is wrong with a body or a query."""

    path: str
    message: str


class Failure(Shape):
    """The body of every answer that reports an error."""

    # The owner's document has `maximum_bytes`.
    __pydantic_config__ = ConfigDict()

    error: str
    code: Annotated[str | Absent, Field(description="Stable, unlike the words of `error`.")] = None
    type: Annotated[str | Absent, Field(description="RFC 9457: the code as a URN.")] = None
    title: Annotated[str | Absent, Field(description="RFC 9457.")] = None
    status: Annotated[int | Absent, Field(description="RFC 9457: the status of the answer.")] = None
    detail: Annotated[str | Absent, Field(description="RFC 9457: the same as `message`.")] = None
    message: Annotated[
        str | Absent, Field(description="What was expected, or where the JSON ends.")
    ] = None
    maximum_bytes: Annotated[
        int | Absent, Field(description="With a 413: the most that a body may have.")
    ] = None
    issues: Annotated[
        Sequence[Issue] | Absent, Field(description="What is wrong, field by field.")
    ] = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Shape | Mapping[str, Any] | str | bytes
    """JSON, or HTML where it is text, or a file as it is."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    throttled: bool = False
    """Whether the sender is over its limit, where its dialect has another status for that."""
    expected: bool = False
    """Whether a 5xx only asks to wait, and is no fault."""
    cookies: Sequence[str] = ()
    """Each with its attributes. API Gateway takes one header of a name, and cookies apart."""


class HttpError(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, status: int, body: str | Shape, /, **headers: str) -> None:
        """A text is the `error` of a Failure."""
        super().__init__(status, body)
        failure = Failure(error=body) if isinstance(body, str) else body
        self.answer = Answer(status, failure, headers)


class Door(Protocol):
    """A function behind HTTP."""

    @property
    def origins(self) -> Set[str]:
        """Origins whose pages may read the answers under /api/."""
        ...

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        """Adds what it learns about the request to `log_fields`: they go into the log line."""
        ...


def json_fault(_: Request) -> Answer:
    return Answer(500, Failure(error="Internal Server Error"))


def unavailable(log_fields: dict[str, Any], cause: Exception) -> Answer:
    """For a store that does not answer: senders repeat a 503."""
    log_fields["cause"] = str(cause)
    return Answer(503, Failure(error="Service unavailable"), RETRY_UNAVAILABLE)


def respond(
    event: Mapping[str, Any],
    door: Callable[[], Door],
    fault: Callable[[Request], Answer] = json_fault,
) -> dict[str, Any]:
    """Answers every request, and logs and counts it. `fault` makes the answer to an error of
    ours.
    """
    began = time.perf_counter()
    request = Request.of(event, lambda: clock.new_id("req", clock.now()))
    log_fields: dict[str, Any] = {"request_id": request.id}
    shared: dict[str, str] = {}
    try:
        allowed = door().origins
        asked = conventions.preflight(request.method, request.path, request.headers, allowed)
        if asked is not None:
            return {"statusCode": 204, "headers": {"X-Request-Id": request.id, **asked}, "body": ""}
        shared = conventions.cross_origin(request.path, request.headers, allowed)
        answer = door().answer(request, log_fields)
    # The one catch-all: the sender is promised an answer that says it may try again.
    except Exception:
        logger.exception("request failed", **log_fields)
        answer = fault(request)
    kind, body, error = _written(answer.status, answer.body)
    shared |= conventions.headers(answer.status, answer.headers)
    log_fields |= {"status": answer.status, "ms": round((time.perf_counter() - began) * 1000, 1)}
    if error is not None:
        log_fields["error"] = error
    is_fault = answer.status >= 500 and not (answer.throttled or answer.expected)
    (logger.error if is_fault else logger.info)("request answered", **log_fields)
    # The canary is no event of anybody's.
    is_ours = log_fields.get("service_id") == canary.SERVICE_ID
    counted = 429 if answer.throttled else 0 if answer.expected else answer.status
    _count(counted, None if is_ours else log_fields.get("result"))
    always = {"Content-Type": kind, "X-Request-Id": request.id, **_GUARDED, **shared}
    return {
        "statusCode": answer.status,
        "headers": always | dict(answer.headers),
        "body": body,
        **({"isBase64Encoded": True} if isinstance(answer.body, bytes) else {}),
        **({"cookies": [*answer.cookies]} if answer.cookies else {}),
    }


def _written(status: int, body: Shape | Mapping[str, Any] | str | bytes) -> tuple[str, str, object]:
    """Content type, text, and the `error` in it, if any."""
    if isinstance(body, bytes):
        # Whoever answers with a file says what it is.
        return "application/octet-stream", base64.b64encode(body).decode("ascii"), None
    if status == 304:
        return "application/json", "", None
    if isinstance(body, str):
        return "text/html; charset=utf-8", body, None
    document = to_json(body) if isinstance(body, Shape) else body
    document = conventions.problem(status, document)
    return "application/json", json.dumps(document, separators=(",", ":")), document.get("error")


def _count(status: int, result: str | None) -> None:
    names = {429: "RateLimited", 503: "StoreUnavailable", 500: "Failures"}
    if result:
        count(result.title())
    elif name := names.get(status):
        signal(name)
