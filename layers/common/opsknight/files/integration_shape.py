"""The shape of an integration in a configuration file: a name, or its routes and settings."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.heartbeats import DEFAULT_GRACE, CronText, Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.files.preset_shape import ExpressionText
from opsknight.files.values import (
    Duration,
    Flag,
    Number,
    Parameter,
    Shape,
    Slug,
    Title,
    between,
)
from opsknight.incident.model import Severity
from opsknight.oncall.cron import cron
from opsknight.oncall.schedules import Zone
from opsknight.views.lengths import in_words

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
YEAR: Final = timedelta(days=366)
# Nobody waits longer than this for alerts that do not come.
LONGEST_WAIT: Final = timedelta(hours=1)


_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("a topic is an ARN such as arn:aws:sns:eu-central-1:111122223333:alarms")
    return value


Topic = Annotated[str, AfterValidator(_topic)]


def named(value: object) -> object:
    """`prometheus: Prometheus` is a name, and no settings."""
    return {"name": value} if isinstance(value, str) else value


class PageAfterShape(Shape):
    time: Annotated[Duration, between(SECOND, DAY)] | None = Field(
        None, description="Page when it is still open after this time; with `alerts` by default 1h."
    )
    alerts: Annotated[Number, Field(ge=2, le=1000)] | None = Field(
        None, description="Page sooner, with so many alerts of the incident."
    )
    high: Flag = Field(False, description="Whether HIGH incidents wait, too.")

    @model_validator(mode="after")
    def _waits_for_something(self) -> Self:
        if self.time is None and self.alerts is None:
            raise ValueError("needs `time`, `alerts`, or both: what paging waits for")
        return self


class HeartbeatShape(Shape):
    every: Annotated[Duration, between(MINUTE, YEAR)] | None = Field(
        None, description="How often it beats; 1m to 366d."
    )
    cron: CronText | None = Field(
        None,
        description="When it beats, instead of `every`: minute, hour, day of the month, month, day "
        'of the week, such as "30 2 * * 1-5".',
    )
    zone: Zone | None = Field(
        None, description="The time zone of `cron`, such as Europe/Berlin; by default UTC."
    )
    grace: Annotated[Duration, between(timedelta(0), 7 * DAY)] = Field(
        DEFAULT_GRACE, description="How much later than that it may be; by default 1m, at most 7d."
    )
    runs_at_most: Annotated[Duration, between(MINUTE, 30 * DAY)] | None = Field(
        None, description="How long after /start its end must come; by default runs may take long."
    )
    severity: Severity = Field(
        Severity.CRITICAL, description="That of its incident; by default critical."
    )

    @model_validator(mode="after")
    def _says_when_it_beats(self) -> Self:
        if (self.every is None) is (self.cron is None):
            raise ValueError("needs either `every` or `cron`: when it beats")
        if self.zone is not None and self.cron is None:
            raise ValueError("has a `zone`, which says nothing without `cron`")
        return self


class RouteShape(Shape):
    name: Title | None = Field(None, description="What people read; by default its number.")
    when: ExpressionText = Field(description="The condition: a JMESPath expression on the event.")
    service: Slug | None = Field(None, description="The service that gets the event.")
    service_label: ExpressionText | None = Field(
        None, description="What in the event says the service's key."
    )
    severity: Severity | None = Field(None, description="Instead of the event's own severity.")
    suppress: Flag = Field(False, description="Its incidents open suppressed and page nobody.")
    drop: Flag = Field(False, description="Its triggers open nothing; they are counted.")
    group: ExpressionText | None = Field(
        None, description="The dedup key: events with the same one share an incident."
    )
    page_after: PageAfterShape | None = Field(
        None, description="How long paging waits, in case it resolves itself."
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.service is not None and self.service_label is not None:
            raise ValueError("has `service` and `service_label`: leave one")
        rest = (self.service, self.service_label, self.severity, self.group, self.page_after)
        if self.drop and (self.suppress or any(each is not None for each in rest)):
            raise ValueError("a route that drops does nothing else: leave `when` and `drop`")
        return self


class IntegrationShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    secret: Parameter | None = Field(
        None,
        description="The name of the SSM SecureString parameter with which the tool signs its "
        "requests: unsigned ones are refused.",
    )
    next_secret: Parameter | None = Field(
        None, description="A second one during a rotation: either will do."
    )
    routes: Annotated[tuple[RouteShape, ...], Field(max_length=100)] = Field(
        (), description="Where its events go: the first route that matches counts."
    )
    default: Slug | None = Field(
        None, description="The service of events that no route matches; by default this one."
    )
    page_after: PageAfterShape | None = Field(
        None, description="How long paging waits, in case it resolves itself."
    )

    heartbeat: HeartbeatShape | None = Field(
        None, description="How often its sender says that it lives, at /heartbeat/KEY."
    )
    topics: Annotated[tuple[Topic, ...], Field(max_length=100)] = Field(
        (), description="ARNs of the topics of SNS whose messages it takes at .../sns."
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.next_secret is not None and self.secret is None:
            raise ValueError("`next_secret` needs a `secret`, which it is to replace")
        if self.secret is not None and self.topics:
            raise ValueError(
                "has `secret` and `topics`, and SNS signs with a key of its own: leave one"
            )
        if self.secret is not None and self.heartbeat is not None:
            raise ValueError(
                "has `secret` and `heartbeat`, and beats are not signed: give the heartbeat an "
                "integration of its own"
            )
        return self


def integration(service_id: str, slug: str, shape: IntegrationShape) -> Integration:
    routing = None
    if shape.routes or shape.default is not None:
        routing = Routing(
            routes=tuple(_route(n, each) for n, each in enumerate(shape.routes, 1)),
            default_service_id=_service_id(shape.default),
        )
    return Integration(
        id=id_of(Kind.INTEGRATION, slug),
        service_id=service_id,
        name=shape.name or slug,
        secret=shape.secret,
        next_secret=shape.next_secret,
        routing=routing,
        page_after=_page_after(shape.page_after),
        heartbeat=_heartbeat(shape.heartbeat),
        topics=shape.topics or None,
    )


def _route(number: int, shape: RouteShape) -> Route:
    return Route(
        name=shape.name or _numbered(number),
        when=shape.when,
        service_id=_service_id(shape.service),
        service_label=shape.service_label,
        severity=shape.severity,
        suppress=shape.suppress,
        drop=shape.drop,
        group=shape.group,
        page_after=_page_after(shape.page_after),
    )


def _numbered(number: int) -> str:
    return f"route {number}"


def _service_id(slug: str | None) -> str | None:
    return None if slug is None else id_of(Kind.SERVICE, slug)


def _page_after(shape: PageAfterShape | None) -> PageAfter | None:
    if shape is None:
        return None
    return PageAfter(time=shape.time or LONGEST_WAIT, alerts=shape.alerts, high=shape.high)


def _heartbeat(shape: HeartbeatShape | None) -> Heartbeat | None:
    if shape is None:
        return None
    every = shape.every
    if shape.cron is not None:
        every = cron(shape.cron).longest(ZoneInfo(shape.zone or "UTC"))
    return Heartbeat(
        every=every or YEAR,
        cron=shape.cron,
        zone=shape.zone,
        grace=shape.grace,
        runs_at_most=shape.runs_at_most,
        severity=shape.severity,
    )


def described_integration(entry: Integration) -> dict[str, Any] | str:
    """As the file has it: only a name where there is nothing else."""
    routing = entry.routing or Routing()
    default = routing.default_service_id
    settings = {
        "secret": entry.secret,
        "next_secret": entry.next_secret,
        "routes": [_described(n, each) for n, each in enumerate(routing.routes, 1)] or None,
        "default": default and slug_of(default),
        "page_after": _waits(entry.page_after),
        "heartbeat": _beats(entry.heartbeat),
        "topics": list(entry.topics) if entry.topics else None,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    if not given:
        return entry.name
    return ({} if entry.name == slug_of(entry.id) else {"name": entry.name}) | given


def _described(number: int, route: Route) -> dict[str, Any]:
    fields = {
        "name": None if route.name == _numbered(number) else route.name,
        "when": route.when,
        "service": route.service_id and slug_of(route.service_id),
        "service_label": route.service_label,
        "severity": route.severity and route.severity.value,
        "suppress": route.suppress or None,
        "drop": route.drop or None,
        "group": route.group,
        "page_after": _waits(route.page_after),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _beats(beats: Heartbeat | None) -> dict[str, Any] | None:
    if beats is None:
        return None
    fields = {
        "every": None if beats.cron else in_words(beats.every),
        "cron": beats.cron,
        "zone": beats.zone,
        "grace": None if beats.grace == DEFAULT_GRACE else in_words(beats.grace),
        "runs_at_most": beats.runs_at_most and in_words(beats.runs_at_most),
        "severity": None if beats.severity is Severity.CRITICAL else beats.severity.value,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _waits(waits: PageAfter | None) -> dict[str, Any] | None:
    if waits is None:
        return None
    fields = {
        "time": in_words(waits.time),
        "alerts": waits.alerts,
        "high": waits.high or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
