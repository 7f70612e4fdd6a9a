"""Woken by API Gateway with one HTTP request (payload format 2.0); takes events. Every answer is
JSON and carries `X-Request-Id`. A queue brings AWS's own events (`events.cloud`).
"""

import json
from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from events.call import Call, Sender
from events.contract import Accepted, accepted
from events.hook_secrets import HookSecrets
from events.intake import Intake
from events.integrations import wires
from events.reception import Reception, at_limit
from events.web import Web
from opsknight.classes import dataclass
from opsknight.directory.entries import EVENTS_WRITE
from opsknight.http import conventions
from opsknight.http.auth import authenticate, service_of
from opsknight.http.body import read
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Answer, Failure, HttpError, Request, respond, unavailable
from opsknight.http.rate_limiter import Limiter, LimitReached
from opsknight.http.routes import LIMITS, RETRY_AFTER, Reply, Route, Router
from opsknight.incident.event_request import LARGEST_BODY, EventRequest
from opsknight.runtime import clients, clock
from opsknight.runtime.settings import EventsSettings, read_settings
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.incidents import IncidentRows

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8

OPENAPI: Final = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, slots=True)
class Api:
    directory: DirectoryCache
    intake: Intake
    secrets: HookSecrets
    clock: Callable[[], datetime]
    begin: Callable[[], Deadline] = partial(Deadline.after, PATIENCE_SECONDS)
    """The time of a request that begins now."""
    web: Web = field(default_factory=Web)
    origins: Set[str] = frozenset()
    """Origins whose pages may read the answers under /api/."""

    @property
    def reception(self) -> Reception:
        return Reception(self.directory, self.intake, self.secrets, self.web)

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        try:
            wire = wires.find(request)
            if "content-encoding" in request.headers:
                unpacking = import_module("events.unpacking")
                most = LARGEST_BODY if wire is None else unpacking.LARGEST_BATCH
                request = unpacking.unpacked(request, most)
            call = Call(request, self.clock(), self.begin(), log_fields)
            if wire is not None:
                return wire.answer(call, self.reception)
            route, _ = router().find(request)
            return route.handler(self, call)
        except HttpError as error:
            return error.answer
        except Unavailable as cause:
            return unavailable(log_fields, cause)

    def health(self, _call: Call) -> Answer:
        return Answer(200, {"status": "ok"})

    def openapi(self, _call: Call) -> Answer:
        return Answer(200, json.loads(OPENAPI.read_text()))

    def post_event(self, call: Call) -> Answer:
        """Checks in the order that docs/events-api.md promises."""
        request, asking = call.request, (self.directory, call.now, call.deadline)
        body = _Body(request.body)
        caller = authenticate(request.headers, body.hint, *asking)
        call.log(key_id=caller.key.id)
        wanted = body.read()
        service = service_of(caller, wanted.service_id, EVENTS_WRITE, *asking)
        call.log(service_id=service.id, event_action=wanted.event_action)
        event = wanted.event(service.id, request.body.decode("utf-8-sig"), caller.key.actor)
        sender = Sender(caller.hashed, caller.key, service)
        reception = self.reception

        def receive(call: Call) -> Answer:
            received = reception.receive(event, sender, call)
            result = received.result
            if result is None:
                return _at_limit(received.headers)
            body = accepted(result.action, result.incident, result.dropped_by)
            return Answer(202, body, received.headers)

        if conventions.IDEMPOTENCY_KEY not in request.headers:
            return receive(call)
        once = import_module("events.receiving_once")
        try:
            answer: Answer = once.receive_once(event, sender, call, reception, receive)
        except LimitReached:
            return _at_limit(at_limit(call))
        return answer


def _at_limit(headers: Mapping[str, str]) -> Answer:
    return Answer(429, Failure(error="Rate limit exceeded."), headers)


class _Body:
    """Reads the body once, and not before there is a key: 512 KB of a stranger's cost nothing."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._read: EventRequest | HttpError | None = None

    def hint(self) -> str | None:
        """The service to look up; what is wrong with the body waits its turn."""
        named = None if isinstance(found := self._once(), HttpError) else found.service_id
        return named if isinstance(named, str) else None

    def read(self) -> EventRequest:
        """Raises HttpError."""
        found = self._once()
        if isinstance(found, HttpError):
            raise found
        return found

    def _once(self) -> EventRequest | HttpError:
        if self._read is None:
            try:
                self._read = read(EventRequest, self._body, LARGEST_BODY)
            except HttpError as error:
                self._read = error
        return self._read


type OnMessages = Callable[[Mapping[str, Any], object], dict[str, Any]]
type Handler = Callable[[Api, Call], Answer]

ROUTES: Final[tuple[Route[Handler], ...]] = (
    Route(
        method="POST",
        path="/api/events",
        name="sendEvent",
        scope=EVENTS_WRITE,
        integration_key=True,
        handler=Api.post_event,
        summary="Send an event.",
        body=EventRequest,
        example={
            "event_action": "trigger",
            "dedup_key": "server-cpu-high-web01",
            "payload": {
                "summary": "CPU usage above 90% on web-01",
                "source": "prometheus",
                "severity": "critical",
                "custom_details": {"cpu_percent": 95.5, "host": "web-01"},
            },
        },
        replies=(
            Reply(202, "The event is accepted.", Accepted, LIMITS),
            Reply(400, "Invalid JSON, or Invalid request body with its issues."),
            Reply(401, "Unauthorized: no live API key.", headers=("WWW-Authenticate",)),
            Reply(403, "Invalid Integration Key; API key missing scope; Service access denied."),
            Reply(404, "Service not found."),
            Reply(413, f"Payload too large: over {LARGEST_BODY} bytes."),
            Reply(422, "Idempotency-Key reused: it came with another body before.", headers=LIMITS),
            Reply(429, "Rate limit exceeded.", headers=LIMITS + RETRY_AFTER),
            Reply(500, "Internal Server Error: our fault. Send it again."),
            Reply(
                503,
                "The store does not answer, or the first request with this Idempotency-Key is under"
                " way. Send it again.",
                headers=RETRY_AFTER,
            ),
        ),
    ),
    Route(
        method="GET",
        path="/health",
        name="health",
        handler=Api.health,
        summary="Answers when the API does.",
        replies=(Reply(200, "Answers when the API does.", None),),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="openapi",
        handler=Api.openapi,
        summary="This description.",
        replies=(Reply(200, "This description.", None),),
    ),
)


@cache
def router() -> Router[Handler]:
    return Router(ROUTES)


@cache
def api() -> Api:
    """Made by the first request: nothing is connected at import."""
    table = clients.table(IncidentRows)
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    intake = Intake(table, Limiter(clients.counters()), clock.new_id, background)
    settings = read_settings(EventsSettings)
    secrets = HookSecrets(lambda: SecretReader(clients.ssm()), settings.secrets_prefix)
    origins = conventions.origins(settings.cors_origins)
    return Api(DirectoryCache(table, background), intake, secrets, clock.now, origins=origins)


def on_request(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Whichever of the two it is: a function has one entry point."""
    if "Records" in event:
        on_messages: OnMessages = import_module("events.cloud.queue").on_messages
        return on_messages(event, context)
    return respond(event, api)
