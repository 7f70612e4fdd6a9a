"""Problems that would show up at night: references that lead nowhere, policies that page nobody,
hours in which nobody is on call.

Pure: the time is an argument. A configuration with errors must not be applied; a warning may be
intended.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.config.configuration import (
    Configuration,
    Entry,
    Kind,
    Path,
    path_of,
    references,
    slug_of,
)
from opsknight.directory.entries import Never, User
from opsknight.escalation.policy import Policy, Target, TargetKind
from opsknight.oncall.schedules import Schedule, shifts

AHEAD: Final = timedelta(weeks=4)
# A schedule for office hours has dozens.
MOST_GAPS: Final = 4


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    severity: Severity
    path: Path
    sentence: str
    """What is wrong, and how to fix it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from `start` until just before `end`."""

    start: datetime
    end: datetime


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "team"?` with the most similar known word; empty if none is similar."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f' Did you mean "{by_lower[near[0]]}"?' if near else ""


def dangling_reference(kind: Kind, entry_id: str, known: Set[str], path: Path) -> Finding | None:
    """The finding on a reference that leads to none of the known ids; None if it leads to one."""
    if entry_id in known:
        return None
    slug = slug_of(entry_id)
    hint = did_you_mean(slug, map(slug_of, known)) or f" Add it, or name another {kind}."
    return Finding(Severity.ERROR, path, f'There is no {kind} "{slug}".{hint}')


def dangling(
    configuration: Configuration, broken: Mapping[Kind, Set[str]] | None = None
) -> Iterator[Finding]:
    """References that lead nowhere.

    `broken` are the ids of entries that exist but could not be read: references to them are fine.
    """
    known = {
        kind: configuration.by_kind(kind).keys() | (broken or {}).get(kind, set()) for kind in Kind
    }
    for entry in configuration.entries():
        for each in references(entry):
            path = (*path_of(entry), *each.path)
            if found := dangling_reference(each.kind, each.id, known[each.kind], path):
                yield found
        if isinstance(entry, User):
            yield from _rules(entry)


def _rules(user: User) -> Iterator[Finding]:
    known = {method.id for method in user.contact_methods}
    numbers: dict[str, int] = {}
    for rule in user.rules:
        number = numbers[rule.urgency] = numbers.get(rule.urgency, -1) + 1
        if rule.method_id not in known:
            slug = slug_of(rule.method_id)
            path = (*path_of(user), "rules", rule.urgency.value, number, "method")
            hint = did_you_mean(slug, map(slug_of, known)) or " Add it to `contact_methods`."
            yield Finding(Severity.ERROR, path, f'There is no contact method "{slug}".{hint}')


def findings(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """All other findings, for a configuration without dangling references."""
    disabled = frozenset(user.id for user in configuration.users.values() if user.disabled)
    for user in configuration.users.values():
        if not user.disabled and not user.contact_methods:
            yield _warning(
                user, f"Can be paged only by e-mail, at {user.email}: add `contact_methods`."
            )
    gaps = {
        schedule.id: tuple(uncovered(schedule, now, disabled))
        for schedule in configuration.schedules.values()
    }
    for schedule in configuration.schedules.values():
        yield from _schedule(schedule, gaps[schedule.id], disabled, now)
    never = frozenset(
        schedule_id
        for schedule_id, found in gaps.items()
        if found and found[0] == Gap(now, now + AHEAD)
    )
    for policy in configuration.policies.values():
        yield from _policy(policy, configuration, disabled, never)
    for service in configuration.services.values():
        for name, every in service.remind:
            if isinstance(every, Never) and not service.disabled:
                said = (
                    f"Nobody is reminded of a {name.upper()} incident that everybody has missed: "
                    "give an interval."
                )
                path = (*path_of(service), "remind", name.upper())
                yield Finding(Severity.WARNING, path, said)
    for service in configuration.services.values():
        if service.disabled or service.policy_id is not None:
            continue
        team = slug_of(service.team_id)
        target = Target(kind=TargetKind.TEAM, id=service.team_id)
        if _reaches(target, configuration, disabled, never):
            said = f"Has no policy, so all of team {team} is paged at once: add a `policy`."
            yield _warning(service, said)
        else:
            said = (
                f"Can never page anyone: it has no policy, and nobody in team {team} takes pages."
            )
            yield Finding(Severity.ERROR, path_of(service), said)


def uncovered(schedule: Schedule, now: datetime, disabled: Set[str]) -> Iterator[Gap]:
    """The gaps of a schedule in the next four weeks, without its overrides."""
    until = now + AHEAD
    last = now
    for shift in shifts(schedule, (), now, until, disabled=disabled):
        if shift.start > last:
            yield Gap(last, shift.start)
        last = shift.end
    if last < until:
        yield Gap(last, until)


def _schedule(
    schedule: Schedule, gaps: tuple[Gap, ...], disabled: Set[str], now: datetime
) -> Iterator[Finding]:
    for layer in schedule.layers:
        for number, user_id in enumerate(layer.users):
            if user_id in disabled:
                path = (*path_of(schedule), "layers", slug_of(layer.id), "users", number)
                said = f"User {slug_of(user_id)} is disabled but still has turns: remove the user."
                yield Finding(Severity.WARNING, path, said)
    if not gaps:
        return
    if gaps[0] == Gap(now, now + AHEAD):
        yield _warning(schedule, "Nobody is on call in the next four weeks: check its layers.")
        return
    zone = ZoneInfo(schedule.zone)
    shown = ", ".join(_span(gap, zone) for gap in gaps[:MOST_GAPS])
    more = f", and {len(gaps) - MOST_GAPS} more times" if len(gaps) > MOST_GAPS else ""
    hours = sum((gap.end - gap.start for gap in gaps), timedelta(0)) / timedelta(hours=1)
    yield _warning(
        schedule,
        f"Nobody is on call for {hours:.4g} hours of the next four weeks: {shown}{more}. "
        "Add a layer for these times, or another step to its policies.",
    )


def _span(gap: Gap, zone: ZoneInfo) -> str:
    start, end = gap.start.astimezone(zone), gap.end.astimezone(zone)
    # When the clocks change in between, the two abbreviations differ, and both are shown.
    same = start.tzname() == end.tzname()
    begins = f"{start:%a %d %b %H:%M}" + ("" if same else f" {start.tzname()}")
    ends = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a %d %b %H:%M}"
    return f"{begins} to {ends} {end.tzname()}"


def _policy(
    policy: Policy, configuration: Configuration, disabled: Set[str], never: Set[str]
) -> Iterator[Finding]:
    idle = [
        number
        for number, step in enumerate(policy.steps)
        if not any(_reaches(each, configuration, disabled, never) for each in step.targets)
    ]
    if len(idle) == len(policy.steps):
        said = "Can never page anyone: all targets of its steps are empty or disabled."
        yield Finding(Severity.ERROR, path_of(policy), said)
        return
    for number in idle:
        said = "This step reaches nobody: all its targets are empty or disabled."
        yield Finding(Severity.WARNING, (*path_of(policy), "steps", number), said)


def _reaches(
    target: Target, configuration: Configuration, disabled: Set[str], never: Set[str]
) -> bool:
    """Whether the target can reach anybody within the next four weeks."""
    match target.kind:
        case TargetKind.USER:
            return target.id not in disabled
        case TargetKind.SCHEDULE:
            return target.id not in never
        case TargetKind.TEAM:
            members = configuration.teams[target.id].members
            return any(each.pages and each.user_id not in disabled for each in members)
        case TargetKind.TEAM_LEADS:
            members = configuration.teams[target.id].members
            return any(each.lead and each.user_id not in disabled for each in members)


def _warning(entry: Entry, sentence: str) -> Finding:
    return Finding(Severity.WARNING, path_of(entry), sentence)
