"""Opsgenie's escalations. The delay of a rule there counts from the alert; the wait of a step here,
from the step before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight_cli.importing.draft import Draft, title
from opsknight_cli.importing.opsgenie.people import Known
from opsknight_cli.importing.opsgenie.schedules import Schedules
from opsknight_cli.importing.opsgenie.shapes import (
    Escalation,
    EscalationRule,
    Export,
    ForwardingRule,
    Named,
    Team,
)
from opsknight_cli.importing.wire import understood

LONGEST: Final = timedelta(days=7)
SHORTEST: Final = timedelta(minutes=1)
MOST_REPEATS: Final = 9
MOST_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Directory:
    """What the file has by now, and what teams and escalations there say."""

    users: Known
    teams: Known
    schedules: Schedules
    theirs: Mapping[str, Team]
    """By id and by name."""
    escalations: Mapping[str, Escalation]


def directory(
    export: Export, users: Known, teams: Known, schedules: Schedules, draft: Draft
) -> Directory:
    theirs = understood(Team, export.teams, "team", Draft(draft.system))
    escalations = understood(Escalation, export.escalations, "escalation", draft)
    return Directory(
        users,
        teams,
        schedules,
        {name: each for each in theirs for name in (each.id, each.name)},
        {name: each for each in escalations for name in (each.id, each.name)},
    )


def add_escalations(known: Directory, draft: Draft) -> Known:
    found: dict[str, str] = {}
    for each in dict.fromkeys(known.escalations.values()):
        where = f"escalation {each.name}"
        steps = [*_steps(each, where, known, draft)]
        if len(steps) > MOST_STEPS:
            draft.lose_page(where, f"Only its first {MOST_STEPS} steps are in the file.")
        if not steps:
            draft.lose_page(where, "Is not in the file: none of those whom it notifies is.")
            continue
        policy_id = draft.name(Kind.POLICY, each.name, each.id)
        found |= dict.fromkeys((each.id, each.name), policy_id)
        repeats = each.repeat.count if each.repeat else 0
        if repeats > MOST_REPEATS:
            draft.lose_page(where, f"Is repeated {MOST_REPEATS} times, not {repeats}.")
        if each.repeat and each.repeat.close_alert_after_all:
            draft.page_more(where, "Does not close its alerts: the fallback address hears of them.")
        pause = None
        if each.repeat and repeats:
            pause = min(max(timedelta(minutes=each.repeat.wait_interval), SHORTEST), LONGEST)
        draft.add(
            Policy(
                id=policy_id,
                name=title(each.name, each.id),
                version=1,
                steps=tuple(steps[:MOST_STEPS]),
                repeat=min(max(repeats, 0), MOST_REPEATS),
                repeat_after=pause,
            )
        )
    return Known(found)


def _steps(each: Escalation, where: str, known: Directory, draft: Draft) -> Iterator[Step]:
    before = timedelta(0)
    rules = sorted(each.rules, key=lambda rule: rule.delay.lasts)
    for delay, together in groupby(rules, key=lambda rule: rule.delay.lasts):
        targets: dict[Target, None] = {}
        for rule in together:
            targets |= dict.fromkeys(_targets(rule, where, known, draft))
            if rule.condition == "if-not-closed":
                draft.lose_page(
                    where,
                    f"Does not notify {rule.recipient.called} of what is acknowledged: an "
                    "acknowledgement ends the escalation here.",
                )
        if targets:
            yield Step(delay=min(delay - before, LONGEST), targets=tuple(targets))
            before = delay


def _targets(
    rule: EscalationRule, where: str, known: Directory, draft: Draft
) -> tuple[Target, ...]:
    found = whom(rule.recipient, rule.notify_type, where, known, draft)
    if not found:
        draft.lose_page(
            where,
            f"Does not notify {rule.recipient.type} {rule.recipient.called}, which is not "
            "in the file.",
        )
    return found


def whom(named: Named, how: str, where: str, known: Directory, draft: Draft) -> tuple[Target, ...]:
    """The targets that a recipient becomes; none if it is not in the file."""
    match named.type:
        case "user":
            user_id = known.users.find(named)
            return (Target(kind=TargetKind.USER, id=user_id),) if user_id else ()
        case "schedule":
            if how in ("next", "previous"):
                draft.lose_page(
                    where,
                    f"Notifies whoever is on call by {named.called}, not whoever is {how}: give "
                    "those who back them up a schedule of their own.",
                )
            return _of_schedules(known.schedules.find(named))
        case "team":
            return _of_team(named, how, where, known, draft)
        case _:
            return ()


def _of_schedules(ids: tuple[str, ...]) -> tuple[Target, ...]:
    return tuple(Target(kind=TargetKind.SCHEDULE, id=each) for each in ids)


def _of_team(
    named: Named, how: str, where: str, known: Directory, draft: Draft
) -> tuple[Target, ...]:
    team_id = known.teams.find(named)
    team = known.theirs.get(named.id) or known.theirs.get(named.name or "")
    if team_id is None or team is None:
        return ()
    everybody = (Target(kind=TargetKind.TEAM, id=team_id),)
    if how == "admins" and any(each.role == "admin" for each in team.members):
        return (Target(kind=TargetKind.TEAM_LEADS, id=team_id),)
    if how in ("users", "random", "admins"):
        draft.page_more(where, f"Notifies all of team {named.called}, not only {how} of it.")
        return everybody
    if how == "all":
        return everybody
    # A team as such is notified by its routing rules.
    default = next((each for each in team.team_routing_rules or () if each.is_default), None)
    if default is not None and default.notify.type == "schedule":
        return _of_schedules(known.schedules.find(default.notify)) or everybody
    inner = default and known.escalations.get(default.notify.id or default.notify.name or "")
    if inner and inner.rules:
        first = min(each.delay.lasts for each in inner.rules)
        draft.page_otherwise(
            where,
            f"Notifies those whom team {named.called} notifies first, and not by the rest of its "
            "escalation.",
        )
        found = [
            target
            for each in inner.rules
            # A team within a team would go round in circles.
            if each.delay.lasts == first and each.recipient.type != "team"
            for target in whom(each.recipient, each.notify_type, where, known, draft)
        ]
        if found:
            return tuple(dict.fromkeys(found))
    return everybody


def say_who_is_paged_directly(
    export: Export, known: Directory, draft: Draft, now: datetime
) -> None:
    """A forwarding is an override here, and an override is of a schedule."""
    found = draft.so_far()
    direct = {
        target.id
        for policy in found.policies.values()
        for step in policy.steps
        for target in step.targets
        if target.kind is TargetKind.USER
    }
    for rule in understood(ForwardingRule, export.forwardings, "forwarding", Draft("")):
        user_id = known.users.find(rule.from_user)
        if rule.end_date > max(now, rule.start_date) and user_id in direct:
            draft.lose_page(
                f"forwarding of {rule.from_user.called}",
                f"{rule.to_user.called} stands in by schedules alone: where an escalation notifies "
                f"{rule.from_user.called} as a person, nobody stands in from "
                f"{rule.start_date:%d %b %H:%M %Z} to {rule.end_date:%d %b %H:%M %Z}.",
            )
