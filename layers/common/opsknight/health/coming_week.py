"""The coming week: when a policy would reach nobody, because all that it names are schedules and
nobody is on call by any of them. With overrides, unlike `validate`. Pure.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from opsknight.config.configuration import Configuration, slug_of
from opsknight.config.coverage import Gap, gaps
from opsknight.escalation.policy import Policy, Rota, TargetKind
from opsknight.health.findings import Finding, day_and_time, ok, warning
from opsknight.oncall.schedules import Shift, shifts

AHEAD: Final = timedelta(days=7)


def policies_in_use(known: Configuration) -> list[Policy]:
    used = {each.policy_id for each in known.services.values() if not each.disabled}
    return [each for each in known.policies.values() if each.id in used]


def schedules_of(policies: Iterable[Policy]) -> list[str]:
    """The ids of those that the policies name."""
    named = {
        target.id
        for policy in policies
        for step in policy.steps
        for target in step.targets
        if target.kind is TargetKind.SCHEDULE
    }
    return sorted(named)


def findings(
    policies: Iterable[Policy],
    rotas: Mapping[str, Rota],
    disabled: frozenset[str],
    now: datetime,
    zone: tzinfo = UTC,
) -> Iterable[Finding]:
    """`rotas` by schedule; `zone`: by whose clock times are told."""
    end, empty = now + AHEAD, False
    planned = {
        name: shifts(rota.schedule, rota.overrides, now, end, disabled=disabled)
        for name, rota in rotas.items()
    }
    for policy in sorted(policies, key=lambda each: each.id):
        targets = [target for step in policy.steps for target in step.targets]
        if not targets or any(each.kind is not TargetKind.SCHEDULE for each in targets):
            continue
        found = list(_uncovered([planned.get(each.id, ()) for each in targets], now, end))
        if not found:
            continue
        empty = True
        hours = sum((each.end - each.start for each in found), timedelta(0)) / timedelta(hours=1)
        first = found[0]
        when = "now" if first.start <= now else day_and_time(first.start, zone)
        yield warning(
            "shifts",
            f"Policy {slug_of(policy.id)} reaches nobody for {hours:.4g} hours of the next seven"
            f" days, first {when} to {day_and_time(first.end, zone)}.",
            "Fill them (`opsknight override add`), or add a person or a team to the policy.",
        )
    if not empty:
        yield ok("shifts", "Every policy reaches somebody at every hour of the next seven days.")


def _uncovered(every: Iterable[tuple[Shift, ...]], start: datetime, end: datetime) -> Iterable[Gap]:
    """The times that none of them covers."""
    merged: list[Shift] = []
    for shift in sorted((each for one in every for each in one), key=lambda each: each.start):
        # One inside of another would set the end back.
        if not merged or shift.end > merged[-1].end:
            merged.append(shift)
    return gaps(merged, start, end)
