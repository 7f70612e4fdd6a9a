"""Whom a person, a team or a schedule stands for at this moment, for those who ask for help beside
whoever has the incident. What a step of a policy reaches is in `escalation.steps`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import Team, User
from opsknight.escalation.policy import Rota, Target, TargetKind, named, reach
from opsknight.incident import canary
from opsknight.notification.recipients import asked_to_help
from opsknight.store.calls import Deadline
from opsknight.store.table import Table

# Somebody asked to help is asked again after so long.
AGAIN_AFTER: Final = timedelta(minutes=2)
_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Called:
    name: str
    user_ids: tuple[str, ...]
    """Those who take pages just now; empty for a schedule that nobody is on call by."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What some targets of policies name, as it is stored."""

    teams: dict[str, Team]
    rotas: dict[str, Rota]
    users: dict[str, User]

    @classmethod
    def read(cls, table: Table, targets: Iterable[Target], deadline: Deadline) -> "Targets":
        """What does not exist is left out."""
        targets = list(targets)
        teams: dict[str, Team] = {}
        rotas: dict[str, Rota] = {}
        for target in targets:
            if target.kind in (TargetKind.TEAM, TargetKind.TEAM_LEADS) and target.id not in teams:
                team = table.team(target.id, deadline)
                teams |= {target.id: team} if team else {}
            elif target.kind is TargetKind.SCHEDULE and target.id not in rotas:
                rota = table.rota(target.id, deadline)
                rotas |= {target.id: rota} if rota else {}
        return cls(teams, rotas, table.users(named(targets, teams, rotas), deadline))

    def reached(self, target: Target, now: datetime) -> tuple[str, ...]:
        return tuple(reach([target], self.users, self.teams, self.rotas, now))


def called(table: Table, target: Target, now: datetime, deadline: Deadline) -> Called | None:
    """None where there is no such person, team or schedule. The canary is no person."""
    if target.id == canary.USER_ID:
        return None
    found = Targets.read(table, [target], deadline)
    reached = found.reached(target, now)
    match target.kind:
        case TargetKind.USER:
            user = found.users.get(target.id)
            return Called(user.name, reached) if user else None
        case TargetKind.SCHEDULE:
            rota = found.rotas.get(target.id)
            return Called(rota.schedule.name, reached) if rota else None
        case _:
            team = found.teams.get(target.id)
            return Called(team.name, reached) if team else None


def just_called(
    table: Table, incident_id: str, user_ids: Iterable[str], now: datetime, deadline: Deadline
) -> bool:
    """Whether all of them were asked to help a moment ago: a form or a request that is sent again,
    by a double tap or by a program, sends them no second message.
    """
    changes = table.latest_changes(incident_id, _LOOKED_AT, deadline)
    latest = (each for each in changes if now - each.at < AGAIN_AFTER)
    return set(user_ids) <= {user_id for each in latest for user_id in asked_to_help(each)}
