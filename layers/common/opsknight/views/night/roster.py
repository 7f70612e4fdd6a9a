"""The roster of one service: everything that decides who is paged. Reads a deployment or uses a
file, and writes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from pydantic import BaseModel, ValidationError

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration
from opsknight.directory.entries import Service
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy, Rota, Target, TargetKind, implicit, named
from opsknight.incident.model import Incident
from opsknight.simulation import Roster
from opsknight.store.calls import Deadline
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain


def roster_of(configuration: Configuration, service_id: str) -> Roster:
    """The roster that a file describes, which has no overrides and no maintenance windows."""
    return Roster(
        services=configuration.services,
        policies=configuration.policies,
        known_teams=configuration.teams,
        known_rotas={each.id: Rota(each) for each in configuration.schedules.values()},
        known_users=configuration.users,
        receivers=tuple(
            each for each in configuration.receivers.values() if each.service_id == service_id
        ),
        status_pages=tuple(configuration.status_pages.values()),
    )


@dataclass(slots=True)
class Loading:
    """Reads only what the incidents of one service need."""

    table: Table
    deadline: Deadline
    unreadable: list[str] = field(default_factory=list[str])
    """Entries in the table that fail validation. The engine ignores them, and so does this."""

    def roster(self, service: Service, incident: Incident | None) -> Roster:
        """`incident` is the active one, which may follow an older version of its policy."""
        current = None
        policies: list[Policy] = []
        if service.policy_id is not None:
            policy_id = service.policy_id
            current = self._one(f"policy {policy_id}", lambda: self._policy(policy_id, None))
        begun = self._begun(incident)
        policies += [each for each in (current, begun) if each is not None]
        targets = {
            target
            for policy in [*policies, implicit(service.team_id)]
            for step in policy.steps
            for target in step.targets
        }
        teams = self._each(
            targets,
            {TargetKind.TEAM, TargetKind.TEAM_LEADS},
            lambda one: self.table.team(one, self.deadline),
        )
        rotas = self._each(
            targets, {TargetKind.SCHEDULE}, lambda one: self.table.rota(one, self.deadline)
        )
        people = named(targets, teams, rotas)
        assignee = None if incident is None else incident.assignee_id
        users = self._found(
            people | ({assignee} if assignee else set()),
            "user",
            lambda one: self.table.user(one, self.deadline),
        )
        return Roster(
            services={service.id: service},
            policies={} if current is None else {current.id: current},
            versions={(each.id, each.version): each for each in policies},
            known_teams=teams,
            known_rotas=rotas,
            known_users=users,
            receivers=self._items(
                ServiceReceiver, self.table.receivers(service.id, self.deadline), "receiver"
            ),
            status_pages=self._items(
                StatusPage, self.table.status_pages(self.deadline), "status page"
            ),
        )

    def _begun(self, incident: Incident | None) -> Policy | None:
        if incident is None or incident.policy_id is None or not incident.policy_version:
            return None
        begun, version = incident.policy_id, incident.policy_version
        return self._one(f"policy {begun}", lambda: self._policy(begun, version))

    def _policy(self, policy_id: str, version: int | None) -> Policy | None:
        return self.table.policy(policy_id, self.deadline, version)

    def _each[T](
        self, targets: Iterable[Target], kinds: set[TargetKind], read: Callable[[str], T | None]
    ) -> Mapping[str, T]:
        kind = "schedule" if TargetKind.SCHEDULE in kinds else "team"
        return self._found({each.id for each in targets if each.kind in kinds}, kind, read)

    def _found[T](
        self, ids: Iterable[str], kind: str, read: Callable[[str], T | None]
    ) -> Mapping[str, T]:
        found = {
            each: self._one(f"{kind} {each}", lambda each=each: read(each))  # type: ignore[misc]
            for each in sorted(ids)
        }
        return {each: it for each, it in found.items() if it is not None}

    def _one[T](self, name: str, read: Callable[[], T | None]) -> T | None:
        try:
            return read()
        except ValidationError:
            self.unreadable.append(name)
            return None

    def _items[M: BaseModel](
        self, model: type[M], found: Iterable[Item], kind: str
    ) -> tuple[M, ...]:
        known = []
        for item in found:
            try:
                known.append(model.model_validate(plain(item)))
            except ValidationError:
                self.unreadable.append(f"{kind} {item['id']['S']}")
        return tuple(known)
