"""What entries of the directory are called, beside their ids. Pure; `store.names` reads them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opsknight.classes import dataclass
from opsknight.config.configuration import Kind
from opsknight.directory.entries import Service
from opsknight.directory.receivers import OwnerKind
from opsknight.escalation.policy import Target, TargetKind
from opsknight.notification.delivery import Delivery
from opsknight.store.listings import Listed
from opsknight.views.incident_records import IncidentRecords

type Named = tuple[Kind, str]

_TARGETS: Final = {
    TargetKind.USER: Kind.USER,
    TargetKind.TEAM: Kind.TEAM,
    TargetKind.TEAM_LEADS: Kind.TEAM,
    TargetKind.SCHEDULE: Kind.SCHEDULE,
}
_OWNERS: Final = {
    OwnerKind.USER: Kind.USER,
    OwnerKind.SERVICE: Kind.SERVICE,
    OwnerKind.STATUS_PAGE: Kind.STATUS_PAGE,
    OwnerKind.SCHEDULE: Kind.SCHEDULE,
    OwnerKind.REPORT: Kind.REPORT,
}


@dataclass(frozen=True, slots=True)
class Names:
    """Those that exist; an answer leaves out the name of what is gone."""

    found: Mapping[Named, str]

    def user(self, user_id: str | None) -> str | None:
        return None if user_id is None else self.found.get((Kind.USER, user_id))

    def service(self, service_id: str | None) -> str | None:
        return None if service_id is None else self.found.get((Kind.SERVICE, service_id))

    def team(self, team_id: str) -> str | None:
        return self.found.get((Kind.TEAM, team_id))

    def policy(self, policy_id: str | None) -> str | None:
        return None if policy_id is None else self.found.get((Kind.POLICY, policy_id))

    def target(self, target: Target) -> str | None:
        return self.found.get(of_target(target))

    def owner(self, delivery: Delivery) -> str | None:
        return self.found.get(of_owner(delivery))


UNKNOWN: Final = Names({})


def of_target(target: Target) -> Named:
    return _TARGETS[target.kind], target.id


def of_owner(delivery: Delivery) -> Named:
    return _OWNERS[delivery.owner.kind], delivery.owner.id


def of_incident(records: IncidentRecords) -> Iterator[Named]:
    """All whom an answer about an incident names."""
    incident = records.incident
    yield Kind.SERVICE, incident.service_id
    if incident.policy_id:
        yield Kind.POLICY, incident.policy_id
    users: set[str | None] = {incident.assignee_id}
    users |= {user_id for step in records.steps for user_id in step.user_ids}
    yield from of_users(users)
    yield from (of_owner(each) for each in records.deliveries)


def of_listed(listed: Iterable[Listed]) -> Iterator[Named]:
    for each in listed:
        yield Kind.SERVICE, each.service_id
        yield from of_users((each.assignee_id,))


def of_service(service: Service) -> Iterator[Named]:
    yield Kind.TEAM, service.team_id
    if service.policy_id:
        yield Kind.POLICY, service.policy_id


def of_users(user_ids: Iterable[str | None]) -> Iterator[Named]:
    yield from ((Kind.USER, each) for each in user_ids if each)
