"""Which route of an integration takes an event, and what it makes of it. Pure.

A condition that fails on an event does not match it. A service that is not there leaves the event
to the next place that may have it: no alert is lost for a misspelt label.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.config.configuration import Kind, id_of
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.incident.model import Severity
from opsknight.integrations.drafts import shortened, words
from opsknight.integrations.expressions import evaluated

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a route says of one event."""

    name: str
    """The route's, or `default`."""
    service_ids: tuple[str, ...]
    """Where it goes: the first of these that is there and not disabled."""
    drop: bool = False
    suppress: bool = False
    severity: Severity | None = None
    """None for its own."""
    dedup_key: str | None = None
    """That of a group; None for its own."""
    page_after: PageAfter | None = None
    problems: tuple[str, ...] = field(default=())
    """What could not be evaluated, and why."""


def verdict(routing: Routing, own_service_id: str, event: Mapping[str, Any]) -> Verdict:
    """`event` has the shape of `POST /api/events`, with whatever else the sender gave."""
    problems: list[str] = []
    last = tuple(each for each in (routing.default_service_id, own_service_id) if each)
    for route in routing.routes:
        if _is_true(_value(route, "when", route.when, event, problems)):
            return _taken(route, last, event, problems)
    return Verdict(DEFAULT, last, problems=tuple(problems))


def _taken(
    route: Route, last: tuple[str, ...], event: Mapping[str, Any], problems: list[str]
) -> Verdict:
    named = route.service_id
    if route.service_label is not None:
        label = words(_value(route, "service_label", route.service_label, event, problems))
        named = id_of(Kind.SERVICE, label.lower()) if label else None
    group = None
    if route.group is not None:
        group = words(_value(route, "group", route.group, event, problems))
    return Verdict(
        route.name,
        (named, *last) if named else last,
        drop=route.drop,
        suppress=route.suppress,
        severity=route.severity,
        dedup_key=shortened(group) if group else None,
        page_after=route.page_after,
        problems=tuple(problems),
    )


def _value(
    route: Route, name: str, text: str, event: Mapping[str, Any], problems: list[str]
) -> Any:
    def note(why: str) -> None:
        problems.append(f"{name} of {route.name}: {why}")

    return evaluated(text, event, note)


def _is_true(value: object) -> bool:
    """As JMESPath has it: 0 is true, and what is empty is false."""
    return value is not None and value is not False and value != "" and value != [] and value != {}
