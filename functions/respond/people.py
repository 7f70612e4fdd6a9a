"""Whom an incident can be handed on to, and whom somebody can page beside those who have it.

People, teams and schedules by name, never by number.
"""

from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.escalation.policy import Target, TargetKind, implicit
from opsknight.incident.model import Incident
from opsknight.store.called import Targets
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
    known = Targets.read(visit.table, targets, visit.deadline)
    found: dict[str, Person] = {}
    ranked = sorted(targets, key=lambda each: each.kind is not TargetKind.SCHEDULE)
    for target in ranked:
        why = _why(target, known)
        for user_id in known.reached(target, visit.now):
            if user_id != visit.reader.id:
                found.setdefault(user_id, Person(user_id, known.users[user_id].name, why))
    return list(found.values())


def choices(visit: Visit) -> list[Choice]:
    """All schedules with whoever is on call, and all teams, without those who are the reader alone:
    nobody pages themselves.
    """
    configurations = Configurations(visit.table)
    found: list[Choice] = []
    schedules = configurations.schedules(visit.deadline)
    targets = [Target(kind=TargetKind.SCHEDULE, id=each.id) for each in schedules]
    known = Targets.read(visit.table, targets[:MOST_SCHEDULES], visit.deadline)
    for schedule, target in zip(schedules, targets, strict=True):
        holders = known.reached(target, visit.now)
        if set(holders) == {visit.reader.id}:
            continue
        who = ", ".join(known.users[each].name for each in holders)
        who = f"on call: {who}" if who else "schedule"
        if target.id not in known.rotas or holders:
            found.append(Choice(f"schedule:{schedule.id}", schedule.name, who))
    for team in configurations.teams(visit.deadline):
        paged = {member.user_id for member in team.members if member.pages}
        if paged and paged != {visit.reader.id}:
            who = "team, 1 person" if len(paged) == 1 else f"team, {len(paged)} people"
            found.append(Choice(f"team:{team.id}", team.name, who))
    return found


def target_of(value: str) -> Target | None:
    """What a form's choice stands for; None for a value that no form of ours has."""
    word, _, name = value.partition(":")
    kind = _KINDS.get(word)
    return Target(kind=kind, id=name) if kind and name and len(name) <= 100 else None


def _targets(visit: Visit, service: Service | None) -> list[Target]:
    if service is None:
        return []
    policy = None
    if service.policy_id is not None:
        policy = visit.table.policy(service.policy_id, visit.deadline)
    steps = (policy or implicit(service.team_id)).steps
    team = Target(kind=TargetKind.TEAM, id=service.team_id)
    return list(dict.fromkeys([target for step in steps for target in step.targets] + [team]))


def _why(target: Target, known: Targets) -> str:
    match target.kind:
        case TargetKind.SCHEDULE:
            rota = known.rotas.get(target.id)
            return f"on call: {rota.schedule.name}" if rota else ""
        case TargetKind.USER:
            return "in the escalation policy"
        case _:
            team = known.teams.get(target.id)
            return f"team {team.name}" if team else ""
