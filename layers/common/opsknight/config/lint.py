"""Problems that would show up at night: references that lead nowhere, policies that page nobody,
hours in which nobody is on call.

Pure: the time is an argument. A configuration with errors must not be applied; a warning may be
intended.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Final, assert_never

from opsknight.config import zones
from opsknight.config.configuration import Configuration, Kind, Path, path_of, references, slug_of
from opsknight.config.coverage import AHEAD, schedule_findings
from opsknight.config.finding import Finding, Severity, warning
from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import Never, Role, User
from opsknight.escalation.policy import Policy, Target, TargetKind
from opsknight.oncall.schedules import shifts

# Whoever rehearses for longer has forgotten it.
LONGEST_SHADOW: Final = timedelta(days=60)


def dangling_reference(kind: Kind, entry_id: str, known: Set[str], path: Path) -> Finding | None:
    """The finding on a reference that leads to none of the known ids; None if it leads to one."""
    if entry_id in known:
        return None
    slug = slug_of(entry_id)
    hint = did_you_mean(slug, map(slug_of, known)) or f" Add it, or name another {kind}."
    said = f'There is no {kind} "{slug}".{hint}'
    return Finding(Severity.ERROR, path, said, refers_to=kind)


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
        # Their own ones do not count without their method, and are no mistake of a file.
        if isinstance(entry, User) and not (entry.own and entry.own.rules):
            yield from _rules(entry)


def _rules(user: User) -> Iterator[Finding]:
    known = [method.id for method in user.contact_methods]
    numbers: dict[str, int] = {}
    for rule in user.rules:
        number = numbers[rule.urgency] = numbers.get(rule.urgency, -1) + 1
        if rule.method_id not in known:
            path = (*path_of(user), "rules", rule.urgency.value, number, "method")
            names = [slug_of(each) for each in known]
            yield no_such_method(slug_of(rule.method_id), names, path)


def no_such_method(name: str, known: Sequence[str], path: Path) -> Finding:
    """The finding on a rule that names none of its user's contact methods."""
    hint = did_you_mean(name, known) or (
        f" Use one of {', '.join(known)}, or add it to `contact_methods`."
        if known
        else " Add it to `contact_methods`."
    )
    return Finding(Severity.ERROR, path, f'There is no contact method "{name}".{hint}')


def findings(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """All other findings, for a configuration without dangling references."""
    disabled = frozenset(user.id for user in configuration.users.values() if user.disabled)
    planned = {
        schedule.id: shifts(schedule, (), now, now + AHEAD, disabled=disabled)
        for schedule in configuration.schedules.values()
    }
    yield from _users(configuration)
    yield from zones.findings(configuration)
    for schedule in configuration.schedules.values():
        yield from schedule_findings(schedule, planned[schedule.id], disabled, now)
    never = frozenset(schedule_id for schedule_id, found in planned.items() if not found)
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
    yield from _shadows(configuration, now)
    yield from _reports(configuration, disabled)
    for service in configuration.services.values():
        if service.disabled or service.policy_id is not None:
            continue
        team = slug_of(service.team_id)
        target = Target(kind=TargetKind.TEAM, id=service.team_id)
        if why := unreached(target, configuration, disabled, never):
            said = f"Can never page anyone: it has no policy, and {why}."
            yield Finding(Severity.ERROR, path_of(service), said)
        else:
            said = f"Has no policy, so all of team {team} is paged at once: add a `policy`."
            yield warning(service, said)


def _reports(configuration: Configuration, disabled: Set[str]) -> Iterator[Finding]:
    for report in configuration.reports.values():
        for number, user_id in enumerate(report.user_ids):
            if user_id in disabled:
                path = (*path_of(report), "users", number)
                said = f'"{slug_of(user_id)}" is disabled, and gets no report.'
                yield Finding(Severity.WARNING, path, said)


def _shadows(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    for service in configuration.services.values():
        until = service.shadow_until
        if until is None or service.disabled:
            continue
        path = (*path_of(service), "until")
        if until <= now:
            said = (
                f"The shadow ended on {until:%Y-%m-%d %H:%M} UTC: it pages. Remove `mode` and this."
            )
            yield Finding(Severity.WARNING, path, said)
        elif until > now + LONGEST_SHADOW:
            most = now + LONGEST_SHADOW
            said = (
                f"Is more than {LONGEST_SHADOW.days} days ahead: give {most:%Y-%m-%d} or before. A "
                "shadow can be made longer later."
            )
            yield Finding(Severity.ERROR, path, said)


def _users(configuration: Configuration) -> Iterator[Finding]:
    """Only those whom something pages: nothing is missing from a person who takes no pages."""
    reached = paged(configuration)
    members = {each.user_id for team in configuration.teams.values() for each in team.members}
    for user in configuration.users.values():
        if user.disabled:
            continue
        if user.id in reached and not user.contact_methods:
            yield warning(
                user, f"Can be paged only by e-mail, at {user.email}: add `contact_methods`."
            )
        if user.id in members:
            continue
        if user.role is Role.USER:
            yield warning(
                user,
                "Is in no team, and role USER sees only what belongs to their teams: add them to "
                "the `members` of a team.",
            )
        elif user.id in reached:
            yield warning(
                user,
                "Is paged but in no team, so no page to a team reaches them: add them to the "
                "`members` of a team.",
            )


def paged(configuration: Configuration) -> Set[str]:
    """The users whom a schedule, a policy, or a service without a policy can page. A reference that
    leads nowhere reaches nobody.
    """
    found = {
        user_id
        for schedule in configuration.schedules.values()
        for layer in schedule.layers
        for user_id in layer.users
    }
    targets = [
        target
        for policy in configuration.policies.values()
        for step in policy.steps
        for target in step.targets
    ]
    targets += (
        Target(kind=TargetKind.TEAM, id=service.team_id)
        for service in configuration.services.values()
        if service.policy_id is None
    )
    for target in targets:
        team = configuration.teams.get(target.id)
        members = team.members if team else ()
        match target.kind:
            case TargetKind.USER:
                found.add(target.id)
            case TargetKind.TEAM:
                found |= {each.user_id for each in members if each.pages}
            case TargetKind.TEAM_LEADS:
                found |= {each.user_id for each in members if each.lead}
            case TargetKind.SCHEDULE:
                pass
    return found


def _policy(
    policy: Policy, configuration: Configuration, disabled: Set[str], never: Set[str]
) -> Iterator[Finding]:
    idle = {
        number: " and ".join(dict.fromkeys(why for why in reasons if why))
        for number, step in enumerate(policy.steps)
        for reasons in [[unreached(it, configuration, disabled, never) for it in step.targets]]
        if all(reasons)
    }
    if len(idle) == len(policy.steps):
        why = " and ".join(dict.fromkeys(idle.values()))
        yield Finding(Severity.ERROR, path_of(policy), f"Can never page anyone: {why}.")
        return
    for number, why in idle.items():
        path = (*path_of(policy), "steps", number)
        yield Finding(Severity.WARNING, path, f"This step reaches nobody: {why}.")
    if policy.steps[0].delay:
        path = (*path_of(policy), "steps", 0, "after")
        said = "Nobody is paged before this time is over: remove `after` to page at once."
        yield Finding(Severity.WARNING, path, said)


def unreached(
    target: Target, configuration: Configuration, disabled: Set[str], never: Set[str]
) -> str | None:
    """Why the target reaches nobody within the next four weeks; None if it reaches somebody.
    `never` are the schedules by which nobody is on call.
    """
    slug = slug_of(target.id)
    match target.kind:
        case TargetKind.USER:
            return f"user {slug} is disabled" if target.id in disabled else None
        case TargetKind.SCHEDULE:
            return f"nobody is on call by schedule {slug}" if target.id in never else None
        case TargetKind.TEAM:
            members = configuration.teams[target.id].members
            wanted = [each.user_id for each in members if each.pages]
            none = (
                f"nobody in team {slug} takes pages" if members else f"team {slug} has no members"
            )
        case TargetKind.TEAM_LEADS:
            wanted = [each.user_id for each in configuration.teams[target.id].members if each.lead]
            none = f"team {slug} has no lead"
        case _:
            assert_never(target.kind)
    if not wanted:
        return none
    if not set(wanted) <= disabled:
        return None
    if target.kind is TargetKind.TEAM_LEADS:
        return f"every lead of team {slug} is disabled"
    return f"everybody in team {slug} who takes pages is disabled"
