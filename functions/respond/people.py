"""Whom an incident can be handed on to, and whom somebody can page beside those who have it.

People, teams and schedules by name, never by number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from opsknight.directory.entries import Service, Team, User
from opsknight.escalation.policy import Rota, Target, TargetKind, implicit, named, reach
from opsknight.incident.model import Incident
from opsknight.store.configurations import Configurations
from respond.visit import Visit

# Each costs a call to find out who is on call.
MOST_SCHEDULES: Final = 30
_KINDS: Final = {"user": TargetKind.USER, "team": TargetKind.TEAM, "schedule": TargetKind.SCHEDULE}


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    name: str
    why: str
    """`on call: Web`, `team Web`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody to page: a form's value, a name, and who that is now."""

    value: str
    name: str
    who: str = ""


def colleagues(visit: Visit, incident: Incident) -> list[Person]:
    """Whoever its policy may reach, and the service's team, without the reader: those on call
    first.
    """
    service = visit.directory.any_service(incident.service_id, visit.now, visit.deadline)
    targets = _targets(visit, service)
    teams, rotas, users = _read(visit, targets)
    found: dict[str, Person] = {}
    ranked = sorted(targets, key=lambda each: each.kind is not TargetKind.SCHEDULE)
    for target in ranked:
        why = _why(target, teams, rotas)
        for user_id in reach([target], users, teams, rotas, visit.now):
            if user_id != visit.reader.id:
                found.setdefault(user_id, Person(user_id, users[user_id].name, why))
    return list(found.values())


def choices(visit: Visit) -> list[Choice]:
    """All schedules with whoever is on call, and all teams."""
    configurations = Configurations(visit.table)
    found: list[Choice] = []
    schedules = configurations.schedules(visit.deadline)
    targets = [Target(kind=TargetKind.SCHEDULE, id=each.id) for each in schedules]
    teams, rotas, users = _read(visit, targets[:MOST_SCHEDULES])
    for schedule, target in zip(schedules, targets, strict=True):
        holders = reach([target], users, teams, rotas, visit.now)
        who = ", ".join(users[each].name for each in holders)
        if target.id not in rotas or holders:
            found.append(Choice(f"schedule:{schedule.id}", schedule.name, who))
    for team in configurations.teams(visit.deadline):
        paged = sum(member.pages for member in team.members)
        if paged:
            who = "1 person" if paged == 1 else f"{paged} people"
            found.append(Choice(f"team:{team.id}", team.name, who))
    return found


@dataclass(frozen=True, slots=True)
class Called:
    """What a form's choice stands for."""

    name: str
    user_ids: tuple[str, ...]


def called(visit: Visit, value: str) -> Called | None:
    """None for a value that no form of ours has. Nobody may be reached by it just now."""
    word, _, name = value.partition(":")
    kind = _KINDS.get(word)
    if kind is None or not name or len(name) > 100:
        return None
    target = Target(kind=kind, id=name)
    teams, rotas, users = _read(visit, [target])
    found = tuple(
        each for each in reach([target], users, teams, rotas, visit.now) if each != visit.reader.id
    )
    match kind:
        case TargetKind.USER:
            known = users.get(name)
            return Called(known.name, found) if known else None
        case TargetKind.TEAM:
            return Called(teams[name].name, found) if name in teams else None
        case _:
            return Called(rotas[name].schedule.name, found) if name in rotas else None


def _targets(visit: Visit, service: Service | None) -> list[Target]:
    if service is None:
        return []
    policy = None
    if service.policy_id is not None:
        policy = visit.table.policy(service.policy_id, visit.deadline)
    steps = (policy or implicit(service.team_id)).steps
    team = Target(kind=TargetKind.TEAM, id=service.team_id)
    return list(dict.fromkeys([target for step in steps for target in step.targets] + [team]))


def _read(
    visit: Visit, targets: Iterable[Target]
) -> tuple[dict[str, Team], dict[str, Rota], dict[str, User]]:
    targets = list(targets)
    table, deadline = visit.table, visit.deadline
    teams: dict[str, Team] = {}
    rotas: dict[str, Rota] = {}
    for target in targets:
        if target.kind in (TargetKind.TEAM, TargetKind.TEAM_LEADS) and target.id not in teams:
            team = table.team(target.id, deadline)
            teams |= {target.id: team} if team else {}
        elif target.kind is TargetKind.SCHEDULE and target.id not in rotas:
            rota = table.rota(target.id, deadline)
            rotas |= {target.id: rota} if rota else {}
    return teams, rotas, table.users(named(targets, teams, rotas), deadline)


def _why(target: Target, teams: dict[str, Team], rotas: dict[str, Rota]) -> str:
    match target.kind:
        case TargetKind.SCHEDULE:
            rota = rotas.get(target.id)
            return f"on call: {rota.schedule.name}" if rota else ""
        case TargetKind.USER:
            return "in the escalation policy"
        case _:
            team = teams.get(target.id)
            return f"team {team.name}" if team else ""
