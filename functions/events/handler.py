"""Woken by API Gateway with one HTTP request (payload format 2.0); every answer is JSON and carries
`X-Request-Id`.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from events.contract import accepted
from events.intake import Intake
from opsknight.directory.entries import EVENTS_WRITE
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.auth import DirectoryCache, Limiter, LimitReached, authenticate, service_of
from opsknight.http.body import read
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, HttpError, Request, respond
from opsknight.incident.event_request import LARGEST_BODY, EventRequest
from opsknight.runtime import clients, clock
from opsknight.store.calls import Deadline, Unavailable

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8

OPENAPI: Final = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, slots=True)
class Api:
    directory: DirectoryCache
    intake: Intake
    clock: Callable[[], datetime]
    patience: float = PATIENCE_SECONDS

    def answer(self, request: Request, told: dict[str, Any]) -> Answer:
        """`told` collects what the log line says of the request."""
        routes: Mapping[str, Mapping[str, Callable[[Request, dict[str, Any]], Answer]]] = {
            "/api/events": {"POST": self.post_event},
            "/health": {"GET": lambda *_: Answer(200, {"status": "ok"})},
            "/openapi.json": {"GET": lambda *_: Answer(200, json.loads(OPENAPI.read_text()))},
        }
        methods = routes.get(request.path)
        if methods is None:
            return Answer(404, {"error": "Not found"})
        if request.method not in methods:
            return Answer(405, {"error": "Method not allowed"}, {"Allow": ", ".join(methods)})
        try:
            return methods[request.method](request, told)
        except HttpError as refusal:
            return refusal.answer
        except Unavailable as unavailable:
            told["cause"] = str(unavailable)
            return Answer(503, {"error": "Service unavailable"}, RETRY_UNAVAILABLE)

    def post_event(self, request: Request, told: dict[str, Any]) -> Answer:
        """The order of the checks is that of docs/events-api.md."""
        now = self.clock()
        deadline = Deadline.after(self.patience)
        # Reading costs no call and says what to look up; what is wrong with it waits its turn.
        wanted = _read(request.body)
        named = None if isinstance(wanted, HttpError) else wanted.service_id
        hint = named if isinstance(named, str) else None
        caller = authenticate(request.headers, hint, self.directory, now, deadline)
        told["key_id"] = caller.key.id
        if isinstance(wanted, HttpError):
            raise wanted
        service = service_of(caller, named, EVENTS_WRITE, self.directory, now, deadline)
        told |= {"service_id": service.id, "event_action": wanted.event_action}
        event = wanted.event(service.id, request.body.decode("utf-8-sig"), caller.key.actor)
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


def _read(body: bytes) -> EventRequest | HttpError:
    try:
        return read(EventRequest, body, LARGEST_BODY)
    except HttpError as refusal:
        return refusal


@cache
def api() -> Api:
    """Made by the first request: nothing is connected at import."""
    table = clients.table()
    beside = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beside")
    intake = Intake(table, Limiter(clients.counters()), clock.new_id, beside)
    return Api(DirectoryCache(table, beside), intake, clock.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, api)
