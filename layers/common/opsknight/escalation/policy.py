"""Escalation policies, and whom their steps reach.

Pure: users, teams and schedules are arguments. How an incident goes through a policy is in `steps`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from opsknight.classes import dataclass
from opsknight.directory.entries import Team, User
from opsknight.incident.model import Model
from opsknight.oncall.schedules import Override, Schedule, on_call_at

SHORTEST_PAUSE: Final = timedelta(minutes=5)
# A round that does not count is repeated after this time, or the policy's pause if that is shorter;
# then doubling.
FIRST_REPEAT: Final = timedelta(minutes=5)
LONGEST_REPEAT: Final = timedelta(hours=1)


class TargetKind(StrEnum):
    USER = "user"
    TEAM = "team"
    """Its members who take pages."""
    TEAM_LEADS = "team_leads"
    SCHEDULE = "schedule"
    """Whoever is on call at the time of the step."""


class Target(Model):
    kind: TargetKind
    id: str


class Step(Model):
    delay: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=7))] = timedelta(0)
    """How long to wait before it; there is no wait if the step before it reached nobody."""
    targets: tuple[Target, ...] = ()


class Policy(Model):
    """One version of an escalation policy; versions never change."""

    id: str
    name: str
    version: Annotated[int, Field(ge=0)]
    """From 1; 0 is the implicit policy of the team `id`."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=50)]
    repeat: Annotated[int, Field(ge=0, le=9)] = 0
    """How many rounds follow the first."""
    repeat_after: (
        Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=7))] | None
    ) = None

    @property
    def pause(self) -> timedelta:
        """How long to wait after the last step of a round."""
        return self.repeat_after or max(SHORTEST_PAUSE, *(step.delay for step in self.steps))


def repeat_after(policy: Policy, repeats: int) -> timedelta:
    """How long after its last step a round that does not count is repeated."""
    # A few doublings are the longest; more would not fit into a timedelta.
    doubled: int = 2 ** min(repeats, 10)
    return min(min(policy.pause, FIRST_REPEAT) * doubled, LONGEST_REPEAT)


def implicit(team_id: str | None) -> Policy:
    """The policy of a service without one: page all of its team at once."""
    targets = () if team_id is None else (Target(kind=TargetKind.TEAM, id=team_id),)
    return Policy(id=team_id or "", name="", version=0, steps=(Step(targets=targets),))


@dataclass(frozen=True, slots=True)
class Rota:
    schedule: Schedule
    overrides: tuple[Override, ...] = ()

    @property
    def user_ids(self) -> set[str]:
        """Everybody whom it may put on call."""
        by_layers = {user for layer in self.schedule.layers for user in layer.users}
        return by_layers | {override.user_id for override in self.overrides}


def named(
    targets: Iterable[Target], teams: Mapping[str, Team], rotas: Mapping[str, Rota]
) -> set[str]:
    """Ids of all users who must be read to find out whom the targets reach."""
    found: set[str] = set()
    for target in targets:
        match target.kind:
            case TargetKind.USER:
                found.add(target.id)
            case TargetKind.TEAM | TargetKind.TEAM_LEADS:
                team = teams.get(target.id)
                found |= {member.user_id for member in team.members} if team else set()
            case TargetKind.SCHEDULE:
                rota = rotas.get(target.id)
                found |= rota.user_ids if rota else set()
    return found


def reach(
    targets: Iterable[Target],
    users: Mapping[str, User],
    teams: Mapping[str, Team],
    rotas: Mapping[str, Rota],
    at: datetime,
) -> tuple[str, ...]:
    """Ids of the users whom the targets reach at `at`: each once, in the order of the targets.

    Nothing reaches users who are disabled or do not exist; a team or schedule that does not exist
    reaches nobody.
    """
    found: dict[str, None] = {}
    for target in targets:
        for user_id in _members(target, users, teams, rotas, at):
            user = users.get(user_id)
            if user is not None and not user.disabled:
                found[user_id] = None
    return tuple(found)


def _members(
    target: Target,
    users: Mapping[str, User],
    teams: Mapping[str, Team],
    rotas: Mapping[str, Rota],
    at: datetime,
) -> Sequence[str]:
    match target.kind:
        case TargetKind.USER:
            return [target.id]
        case TargetKind.TEAM:
            team = teams.get(target.id)
            return [member.user_id for member in team.members if member.pages] if team else []
        case TargetKind.TEAM_LEADS:
            team = teams.get(target.id)
            return [member.user_id for member in team.members if member.lead] if team else []
        case TargetKind.SCHEDULE:
            rota = rotas.get(target.id)
            if rota is None:
                return []
            absent = {
                user_id
                for user_id in rota.user_ids
                if (user := users.get(user_id)) is None or user.disabled
            }
            holder = on_call_at(rota.schedule, rota.overrides, at, disabled=absent)
            return [] if holder is None else [holder]
