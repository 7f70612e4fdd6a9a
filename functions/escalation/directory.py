"""The directory as the table has it now, for one incident at one time.

Skips entries that fail validation, and logs each one: `opsknight.runtime.lenient` says why.
"""

from collections.abc import Callable, Iterable, Set
from datetime import datetime

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.directory.entries import Service, Team, User
from opsknight.escalation.pages import Taken
from opsknight.escalation.policy import Policy, Rota
from opsknight.incident.model import Incident
from opsknight.runtime.lenient import readable
from opsknight.store.calls import Deadline
from opsknight.store.rounds import taken_at
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Directory:
    """Implements `opsknight.escalation.timers.Directory`."""

    table: Table
    deadline: Deadline

    def service(self, service_id: str) -> Service | None:
        return readable(lambda: self.table.service(service_id, self.deadline))

    def policy(self, policy_id: str, version: int | None) -> Policy | None:
        return readable(lambda: self.table.policy(policy_id, self.deadline, version))

    def teams(self, team_ids: Set[str]) -> dict[str, Team]:
        return _found(team_ids, lambda one: self.table.team(one, self.deadline))

    def rotas(self, schedule_ids: Set[str]) -> dict[str, Rota]:
        return _found(schedule_ids, lambda one: self.table.rota(one, self.deadline))

    def users(self, user_ids: Set[str]) -> dict[str, User]:
        try:
            return self.table.users(user_ids, self.deadline)
        except ValidationError:
            # Read one by one, they show which of them it is, and the others are paged.
            return _found(user_ids, lambda one: self.table.user(one, self.deadline))

    def taken_at(self, incident: Incident, since: int, now: datetime) -> Taken | None:
        return taken_at(self.table, incident, since, now, self.deadline)


def _found[T](ids: Iterable[str], read: Callable[[str], T | None]) -> dict[str, T]:
    found = ((each, readable(lambda each=each: read(each))) for each in sorted(ids))  # type: ignore[misc]
    return {name: it for name, it in found if it is not None}
