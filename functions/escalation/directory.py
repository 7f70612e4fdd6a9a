"""What the engine asks of the directory: services, policies, and whom a step reaches right now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from opsknight.directory import Service, User
from opsknight.incidents import Incident
from opsknight.policies import Policy, Target, TargetKind, implicit, named, reach
from opsknight.reading import readable
from opsknight.store.calls import Deadline
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Directory:
    table: Table

    def service(self, service_id: str, deadline: Deadline) -> Service | None:
        return readable(lambda: self.table.service(service_id, deadline))

    def policy(self, incident: Incident, deadline: Deadline) -> Policy:
        """The version that it began by, as long as that is there; else what its service has now."""
        begun, version = incident.policy_id, incident.policy_version
        if version == 0:
            return implicit(begun or None)
        if begun is not None and version is not None:
            own = readable(lambda: self.table.policy(begun, deadline, version))
            if own is not None:
                return own
        service = self.service(incident.service_id, deadline)
        if service is None:
            return implicit(None)
        policy_id = service.policy_id
        if policy_id is not None:
            current = readable(lambda: self.table.policy(policy_id, deadline))
            if current is not None:
                return current
        return implicit(service.team_id)

    def reached(
        self, targets: tuple[Target, ...], now: datetime, deadline: Deadline
    ) -> tuple[str, ...]:
        """Who is asked at the time of the step: edits of teams and schedules count at once."""
        ids = {kind: {each.id for each in targets if each.kind is kind} for kind in TargetKind}
        team_ids = ids[TargetKind.TEAM] | ids[TargetKind.TEAM_LEADS]
        teams = _found(team_ids, lambda one: self.table.team(one, deadline))
        rotas = _found(ids[TargetKind.SCHEDULE], lambda one: self.table.rota(one, deadline))
        users = self._users(named(targets, teams, rotas), deadline)
        return reach(targets, users, teams, rotas, now)

    def _users(self, user_ids: set[str], deadline: Deadline) -> dict[str, User]:
        try:
            return self.table.users(user_ids, deadline)
        except ValidationError:
            # One by one they tell which of them it is, and the others are reached.
            return _found(user_ids, lambda one: self.table.user(one, deadline))


def _found[T](ids: Iterable[str], read: Callable[[str], T | None]) -> dict[str, T]:
    found = ((each, readable(lambda each=each: read(each))) for each in sorted(ids))  # type: ignore[misc]
    return {name: it for name, it in found if it is not None}
