"""Woken by API Gateway (payload format 2.0) when somebody acts: by the page behind a link, by a
button in Slack, by a text message or a key that Twilio brings, or by a program that speaks the HTTP
API.
"""

import json
from collections.abc import Callable, Collection, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from opsknight.classes import dataclass
from opsknight.http import conventions
from opsknight.http.gateway import Answer, Request, json_fault, respond
from opsknight.http.rate_limiter import Limiter
from opsknight.http.routes import Router
from opsknight.notification.calendar_link import PATH as CALENDARS
from opsknight.runtime import clients, clock
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.queues import Queue
from opsknight.runtime.renders import Renders
from opsknight.runtime.settings import RespondSettings, read_settings
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions
from opsknight.store.table import Table
from respond import addressed, linked, slack
from respond.addressed import Addressed
from respond.api import Api, Handler
from respond.callers import Callers
from respond.linked import Linked
from respond.names import NameCache
from respond.pages import sentence_page
from respond.routes import ROUTES
from respond.slack import Slack
from respond.texts import Inbound, Texts
from respond.whole_directory import WholeDirectory

TWILIO: Final = "/twilio/"
ON_CALLS: Final = "/oncalls"
# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8


def begin() -> Deadline:
    """The time of a request that begins now."""
    return Deadline.after(PATIENCE_SECONDS)


class Hears(Protocol):
    """Answers what one provider posts."""

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Responder:
    linked: Linked
    slack: Slack
    addressed: Addressed
    texts: Texts
    api: Api
    clock: Callable[[], datetime]
    begin: Callable[[], Deadline]
    origins: Set[str] = frozenset()
    """Origins whose pages may read the answers under /api/."""
    twilio: Hears | None = None
    """Where text messages or calls go by Twilio."""

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        now, deadline = self.clock(), self.begin()
        if request.path.startswith(linked.PREFIX):
            return self.linked.answer(request, log_fields, now, deadline)
        if request.path.startswith(addressed.PREFIX):
            return self.addressed.answer(request, log_fields, now, deadline)
        if request.path == slack.PATH:
            return self.slack.answer(request, log_fields, now, deadline)
        if request.path.removesuffix("/") == ON_CALLS:
            return self._on_calls(request, log_fields, now, deadline)
        if request.path.startswith(f"{CALENDARS}/"):
            return self._calendar(request, log_fields, now, deadline)
        if self.twilio is not None and request.path.startswith(TWILIO):
            return self.twilio.answer(request, log_fields, now, deadline)
        return self.api.answer(request, log_fields, now, deadline)

    def _calendar(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        # Imported by the first calendar that asks.
        module = import_module("respond.calendars")
        asked: Hears = module.Calendars(self.api.table, self.api.link_keys)
        return asked.answer(request, log_fields, now, deadline)

    def _on_calls(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        # Imported by the first bot that asks.
        module = import_module("respond.oncalls")
        asked: Hears = module.OnCalls(self.api.table, self.api.callers)
        return asked.answer(request, log_fields, now, deadline)


def make(
    table: Table,
    counters: Counters,
    link_keys: LinkKeys,
    slack_secret: Secret,
    pages: Queue,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    begin: Callable[[], Deadline] = begin,
    workspaces: Collection[str] = (),
    origins: Set[str] = frozenset(),
    twilio_name: str = "",
    renders: Renders | None = None,
) -> Responder:
    """One warm function."""
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    # A list of 250 incidents is acknowledged within the patience of its reader.
    workers = ThreadPoolExecutor(max_workers=10, thread_name_prefix="acts")
    directory = WholeDirectory(table, background)
    texts = Texts(table, directory, pages, new_id)
    twilio: Hears | None = None
    if twilio_name:
        # Nothing of Twilio is loaded where nothing goes by it.
        module, reader = import_module("respond.twilio"), link_keys.secret.reader
        calls = module.Calls(table, directory, new_id, workers)
        twilio = module.Twilio(reader, twilio_name, pages, texts, calls)
    hold = HoldMemory(table, clock)
    callers = Callers(directory, Sessions(table), Limiter(counters))
    return Responder(
        linked=Linked(table, directory, link_keys, hold, new_id, workers),
        slack=Slack(table, directory, slack_secret, new_id, frozenset(workspaces)),
        addressed=Addressed(table, directory, pages, counters),
        texts=texts,
        api=Api(
            table,
            directory,
            NameCache(table),
            workers,
            callers,
            new_id,
            link_keys,
            pages,
            counters,
            hold,
            router=router,
            renders=renders,
        ),
        clock=clock,
        begin=begin,
        origins=origins,
        twilio=twilio,
    )


@cache
def router() -> Router[Handler]:
    return Router(ROUTES)


@cache
def responder() -> Responder:
    """Made by the first request: nothing is connected at import."""
    settings = read_settings(RespondSettings)
    reader = SecretReader(clients.ssm())
    return make(
        clients.audited_table(Table),
        clients.counters(),
        LinkKeys(Secret(reader, settings.link_key_name)),
        Secret(reader, settings.slack_signing_secret_name),
        Queue(clients.sqs(), settings.pages_url),
        clock.new_id,
        clock.now,
        workspaces=[each for each in settings.slack_workspaces.split(",") if each],
        origins=conventions.origins(settings.cors_origins),
        twilio_name=settings.twilio_name,
        renders=Renders(clients.sns(), settings.renders_arn),
    )


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Whichever of the two it is: a function has one entry point."""
    if "Records" in event:
        on_messages(event, responder())
        return {}
    return respond(event, responder, fault)


def on_messages(event: Mapping[str, Any], responder: Responder) -> None:
    """Text messages that SNS brings. Raises Unavailable: Lambda brings them again."""
    for record in event["Records"]:
        inbound = inbound_text(record.get("Sns") or {})
        if inbound is None:
            logger.warning("not a text message", kind=str(record.get("EventSource"))[:100])
            continue
        log_fields: dict[str, Any] = {"inbound_id": inbound.id}
        deadline = responder.begin()
        responder.texts.take(inbound, log_fields, responder.clock(), deadline)
        logger.info("text message answered", **log_fields)


def inbound_text(sns: Mapping[str, Any]) -> Inbound | None:
    """https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html"""
    try:
        sent = json.loads(sns.get("Message", ""))
        names = ("inboundMessageId", "originationNumber", "destinationNumber", "messageBody")
        values = [sent[name] for name in names]
    except (ValueError, TypeError, KeyError):
        return None
    if not all(isinstance(value, str) and len(value) <= 2000 for value in values):
        return None
    return Inbound(*values) if all(values[:3]) else None


def fault(request: Request) -> Answer:
    if request.path.startswith((linked.PREFIX, addressed.PREFIX)):
        return sentence_page(500, *linked.FAULT)
    return json_fault(request)
