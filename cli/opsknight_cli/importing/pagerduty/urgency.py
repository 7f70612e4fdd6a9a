"""PagerDuty's urgency rules as support hours and routes of ours.

There an urgency is high or low. What is high is paged by a user's high rules, which are those of
HIGH and MEDIUM here; what is low by those of LOW. A severity of critical, error, warning or info is
HIGH, MEDIUM, MEDIUM or LOW here: a route changes it where that is the wrong side.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import ValidationError

from opsknight.directory.routing import Route
from opsknight.directory.support_hours import SupportHours
from opsknight.incident.model import URGENCY, Severity, Urgency
from opsknight.oncall.wall_clock import DAY, Weekday
from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.expressions import both
from opsknight_cli.importing.pagerduty.shapes import Service
from opsknight_cli.importing.pagerduty.shapes import Urgency as Rule
from opsknight_cli.importing.restrictions import into_day, merged, spanning
from opsknight_cli.importing.zones import known_zone

NAME: Final = "urgency"
_DAYS: Final = tuple(Weekday)
_SEVERE: Final = frozenset({Severity.CRITICAL, Severity.ERROR})

type Sides = tuple[bool, bool]
"""Whether it is high within the support hours, and outside."""


def hours_and_changes(
    service: Service, where: str, draft: Draft
) -> tuple[SupportHours | None, Mapping[Severity, Severity]]:
    """The support hours, and which severities become which others."""
    rule, hours = service.incident_urgency_rule, None
    during = outside = rule
    if rule.type == "use_support_hours":
        during, outside = rule.during_support_hours or Rule(), rule.outside_support_hours or Rule()
        hours = _hours(service, where, draft)
        if hours is None:
            outside = during
    wanted = {each: (_is_high(during, each), _is_high(outside, each)) for each in Severity}
    if any(sides == (False, True) for sides in wanted.values()):
        draft.page_more(
            where, "What is urgent outside its support hours only is urgent at any hour."
        )
        wanted = {each: (True, True) if o else (d, o) for each, (d, o) in wanted.items()}
    if any(not d for d, _ in wanted.values()):
        draft.page_more(
            where,
            "Incidents of low urgency are escalated here as others are, by the rules for LOW.",
        )
    sides = set(wanted.values())
    both = {(True, True), (True, False)} <= sides
    changed = {
        severity: becomes
        for severity, side in wanted.items()
        if (becomes := _becomes(severity, side, both)) is not severity
    }
    if hours is None or (True, False) not in sides:
        return None, changed
    if not service.scheduled_actions:
        draft.page_more(
            where, "What opens outside its support hours pages anew when they begin, if it is open."
        )
    lowered = (Urgency.MEDIUM,) if both else (Urgency.HIGH, Urgency.MEDIUM)
    return hours.model_copy(update={"outside": dict.fromkeys(lowered, Urgency.LOW)}), changed


def _is_high(rule: Rule, severity: Severity) -> bool:
    if rule.type == "constant" and rule.urgency in ("high", "low"):
        return rule.urgency == "high"
    return severity in _SEVERE if rule.urgency == "severity_based" else True


def _becomes(severity: Severity, sides: Sides, both: bool) -> Severity:
    """The severity whose urgency is on the right side. With `both`, what is high at any hour is
    HIGH, and what is high within the hours only is MEDIUM.
    """
    urgency = URGENCY[severity]
    match sides:
        case (False, _):
            return severity if urgency is Urgency.LOW else Severity.INFO
        case (True, True) if both:
            return severity if urgency is Urgency.HIGH else Severity.CRITICAL
        case (True, False) if both and urgency is Urgency.HIGH:
            return Severity.ERROR
        case _:
            return Severity.WARNING if urgency is Urgency.LOW else severity


def _hours(service: Service, where: str, draft: Draft) -> SupportHours | None:
    """None where they last all week, or make no sense."""
    given = service.support_hours
    try:
        if given is None:
            raise ValueError("there are none")
        start, end = into_day(given.start_time), into_day(given.end_time)
        times = merged(
            spanning(_DAYS[day - 1], start, (end - start) % DAY or DAY)
            for day in given.days_of_week
        )
        zone = known_zone(given.time_zone)
        if not times or zone is None or (set(times[0].days) == set(_DAYS) and start == end):
            raise ValueError("they are all week, or their zone is unknown")
        return SupportHours(zone=zone, times=times)
    except (ValueError, IndexError, ValidationError):
        draft.page_more(where, "Its support hours cannot be told: all hours count as such.")
        return None


def routes(changed: Mapping[Severity, Severity], rules: Iterable[Route] = ()) -> tuple[Route, ...]:
    """The rules, and then the changes of severity for what none of them takes."""
    return (*(each for rule in rules for each in expanded(rule, changed)), *_plain(changed))


def expanded(rule: Route, changed: Mapping[Severity, Severity]) -> list[Route]:
    """The rule with the changes of severity that it would otherwise hide."""
    if rule.drop or rule.suppress:
        return [rule]
    if rule.severity is not None:
        return [rule.model_copy(update={"severity": changed.get(rule.severity, rule.severity)})]
    return [
        *(
            rule.model_copy(update={"when": both(rule.when, each.when), "severity": each.severity})
            for each in _plain(changed)
        ),
        rule,
    ]


def _plain(changed: Mapping[Severity, Severity]) -> list[Route]:
    return [
        Route(name=NAME, when=_any(before), severity=after)
        for after in Severity
        if (before := [one for one, other in changed.items() if other is after])
    ]


def _any(severities: Iterable[Severity]) -> str:
    return " || ".join(f"payload.severity == '{each}'" for each in severities)
