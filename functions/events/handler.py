"""Woken by API Gateway with one HTTP request (payload format 2.0); every answer is JSON and carries
`X-Request-Id`.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from events.answers import Answer, Refusal
from events.contract import LARGEST_BODY, EventRequest, InvalidBody, InvalidJson, accepted, parse
from events.guard import Directory, Limiter, LimitReached, authenticate, service_of
from events.intake import Intake
from opsknight import runtime
from opsknight.incidents import Event
from opsknight.rates import LIMIT, Minute
from opsknight.runtime import logger
from opsknight.store.calls import Deadline, Unavailable

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8
RETRY_UNAVAILABLE_SECONDS: Final = 5

_SANE_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_OPENAPI: Final = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, slots=True)
class Request:
    """What is used of API Gateway's event. Header names are in lower case."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, event: Mapping[str, Any], new_id: Callable[[], str]) -> "Request":
        sent_headers = (event.get("headers") or {}).items()
        headers = {name.lower(): value for name, value in sent_headers if isinstance(value, str)}
        context = event.get("requestContext") or {}
        sent = headers.get("x-request-id", "")
        return cls(
            # The sender's own id, so that both sides can find the request, if it cannot harm a log.
            id=sent if _SANE_REQUEST_ID.fullmatch(sent) else context.get("requestId") or new_id(),
            method=(context.get("http") or {}).get("method") or "",
            path=event.get("rawPath") or "",
            headers=headers,
            body=_body(event),
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
class Api:
    directory: Directory
    intake: Intake
    clock: Callable[[], datetime]
    patience: float = PATIENCE_SECONDS

    def answer(self, request: Request, told: dict[str, Any]) -> Answer:
        """`told` collects what the log line says of the request."""
        routes: Mapping[str, Mapping[str, Callable[[Request, dict[str, Any]], Answer]]] = {
            "/api/events": {"POST": self.post_event},
            "/health": {"GET": lambda *_: Answer(200, {"status": "ok"})},
            "/openapi.json": {"GET": lambda *_: Answer(200, json.loads(_OPENAPI.read_text()))},
        }
        methods = routes.get(request.path)
        if methods is None:
            return Answer(404, {"error": "Not found"})
        if request.method not in methods:
            return Answer(405, {"error": "Method not allowed"}, {"Allow": ", ".join(methods)})
        try:
            return methods[request.method](request, told)
        except Refusal as refusal:
            return refusal.answer
        except Unavailable as unavailable:
            told["cause"] = str(unavailable)
            retry = {"Retry-After": str(RETRY_UNAVAILABLE_SECONDS)}
            return Answer(503, {"error": "Service unavailable"}, retry)

    def post_event(self, request: Request, told: dict[str, Any]) -> Answer:
        """The order of the checks is that of docs/events-api.md."""
        now = self.clock()
        deadline = Deadline.after(self.patience)
        # Reading costs no call and says what to look up; what is wrong with it waits its turn.
        wanted = _read(request.body)
        named = None if isinstance(wanted, Refusal) else wanted.service_id
        hint = named if isinstance(named, str) else None
        caller = authenticate(request.headers, hint, self.directory, now, deadline)
        told["key_id"] = caller.key.id
        if isinstance(wanted, Refusal):
            raise wanted
        service = service_of(caller, named, self.directory, now, deadline)
        told |= {"service_id": service.id, "event_action": wanted.event_action}
        event = Event(
            action=wanted.event_action,
            service_id=service.id,
            dedup_key=wanted.dedup_key,
            summary=wanted.payload.summary,
            severity=wanted.payload.severity,
            body=request.body.decode("utf-8-sig"),
            actor=caller.key.actor,
        )
        minute = Minute.of(now)
        reset = str(minute.seconds_left(now))
        limits = {"RateLimit-Limit": str(LIMIT), "RateLimit-Reset": reset}
        self.directory.note_use(caller, now, deadline)
        try:
            taken = self.intake.take(event, caller.key, service, now, deadline)
        except LimitReached:
            used_up = limits | {"RateLimit-Remaining": "0", "Retry-After": reset}
            return Answer(429, {"error": "Rate limit exceeded."}, used_up)
        if taken.remaining is not None:
            limits["RateLimit-Remaining"] = str(taken.remaining)
        told["result"] = taken.action
        if taken.incident is None:
            reason = "No active incident of this service has this dedup_key."
            return Answer(202, accepted(taken.action, None, reason), limits)
        told["incident_id"] = taken.incident.id
        return Answer(202, accepted(taken.action, taken.incident), limits)


def _read(body: bytes) -> EventRequest | Refusal:
    if len(body) > LARGEST_BODY:
        return Refusal(413, "Payload too large", maximum_bytes=LARGEST_BODY)
    try:
        return parse(body)
    except InvalidJson as error:
        return Refusal(400, "Invalid JSON", message=str(error))
    except InvalidBody as error:
        issues = [issue.model_dump() for issue in error.issues]
        return Refusal(400, "Invalid request body", issues=issues)


@cache
def api() -> Api:
    """Made by the first request: nothing is connected at import."""
    table = runtime.table()
    beside = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beside")
    intake = Intake(table, Limiter(runtime.counters()), runtime.new_id, beside)
    return Api(Directory(table, beside), intake, runtime.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, api)


def respond(event: Mapping[str, Any], api: Callable[[], Api]) -> dict[str, Any]:
    """Answers whatever comes, says so in one log line, and counts it."""
    began = time.perf_counter()
    request = Request.of(event, lambda: runtime.new_id("req", runtime.now()))
    told: dict[str, Any] = {"request_id": request.id}
    try:
        answer = api().answer(request, told)
    # The one catch-all: the sender is promised JSON, and that it may try again.
    except Exception:
        logger.exception("request failed", **told)
        answer = Answer(500, {"error": "Internal Server Error"})
    told |= {"status": answer.status, "ms": round((time.perf_counter() - began) * 1000, 1)}
    if "error" in answer.body:
        told["error"] = answer.body["error"]
    (logger.error if answer.status >= 500 else logger.info)("request answered", **told)
    _count(answer.status, told.get("result"))
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": "application/json",
            "X-Request-Id": request.id,
            **answer.headers,
        },
        "body": json.dumps(answer.body, separators=(",", ":")),
    }


def _count(status: int, result: str | None) -> None:
    names = {429: "RateLimited", 503: "StoreUnavailable", 500: "Failed"}
    name = result.title() if result else names.get(status)
    if name is not None:
        # By itself it shares nothing with another thread; its namespace is the template's.
        with single_metric(name=name, unit=MetricUnit.Count, value=1):
            pass
