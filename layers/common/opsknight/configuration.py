"""The configuration of a deployment as one value: what it holds, how it hangs together, and what
has to be written to turn one into another.

Pure. Maintenance windows and overrides are no part of it: they are made while it runs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Final, assert_never, cast

from opsknight.contacts import ServiceReceiver, StatusPage
from opsknight.directory import Integration, Service, Team, User
from opsknight.policies import Policy, TargetKind
from opsknight.schedules import Schedule


class Kind(StrEnum):
    """In the order of writing: nothing refers to what comes after it."""

    USER = "user"
    SCHEDULE = "schedule"
    TEAM = "team"
    POLICY = "policy"
    SERVICE = "service"
    INTEGRATION = "integration"
    RECEIVER = "receiver"
    STATUS_PAGE = "status page"


type Entry = User | Schedule | Team | Policy | Service | Integration | ServiceReceiver | StatusPage
type Path = tuple[str | int, ...]
"""Where something stands in the file."""

# Ids are made of names once, and never change.
PREFIX: Final = {
    Kind.USER: "user",
    Kind.SCHEDULE: "sch",
    Kind.TEAM: "team",
    Kind.POLICY: "pol",
    Kind.SERVICE: "svc",
    Kind.INTEGRATION: "int",
    Kind.RECEIVER: "rcv",
    Kind.STATUS_PAGE: "page",
}
_SECTION: Final = {
    Kind.USER: "users",
    Kind.SCHEDULE: "schedules",
    Kind.TEAM: "teams",
    Kind.POLICY: "policies",
    Kind.SERVICE: "services",
    Kind.STATUS_PAGE: "status_pages",
}
_TARGETS: Final = {
    TargetKind.USER: Kind.USER,
    TargetKind.TEAM: Kind.TEAM,
    TargetKind.TEAM_LEADS: Kind.TEAM,
    TargetKind.SCHEDULE: Kind.SCHEDULE,
}


def id_of(kind: Kind, slug: str) -> str:
    return f"{PREFIX[kind]}_{slug}"


def slug_of(entry_id: str) -> str:
    """The name that an id was made of, whatever it is the id of."""
    return entry_id.partition("_")[2]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Entries by their keys (`key_of`)."""

    users: Mapping[str, User] = field(default_factory=dict[str, User])
    schedules: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    teams: Mapping[str, Team] = field(default_factory=dict[str, Team])
    policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    services: Mapping[str, Service] = field(default_factory=dict[str, Service])
    integrations: Mapping[str, Integration] = field(default_factory=dict[str, Integration])
    receivers: Mapping[str, ServiceReceiver] = field(default_factory=dict[str, ServiceReceiver])
    status_pages: Mapping[str, StatusPage] = field(default_factory=dict[str, StatusPage])

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Configuration":
        """In the order of their keys; of one key the last counts."""
        found: dict[Kind, dict[str, Entry]] = {kind: {} for kind in Kind}
        for entry in entries:
            found[kind_of(entry)][key_of(entry)] = entry
        ordered = [dict(sorted(found[kind].items())) for kind in Kind]
        # The fields stand in the order of the kinds.
        return cls(*cast("list[dict[str, User]]", ordered))  # type: ignore[arg-type]

    def by_kind(self, kind: Kind) -> Mapping[str, Entry]:
        match kind:
            case Kind.USER:
                return self.users
            case Kind.SCHEDULE:
                return self.schedules
            case Kind.TEAM:
                return self.teams
            case Kind.POLICY:
                return self.policies
            case Kind.SERVICE:
                return self.services
            case Kind.INTEGRATION:
                return self.integrations
            case Kind.RECEIVER:
                return self.receivers
            case Kind.STATUS_PAGE:
                return self.status_pages
            case _:
                assert_never(kind)

    def entries(self) -> Iterator[Entry]:
        """All of them, in the order of writing."""
        return chain.from_iterable(self.by_kind(kind).values() for kind in Kind)


def kind_of(entry: Entry) -> Kind:
    match entry:
        case User():
            return Kind.USER
        case Schedule():
            return Kind.SCHEDULE
        case Team():
            return Kind.TEAM
        case Policy():
            return Kind.POLICY
        case Service():
            return Kind.SERVICE
        case Integration():
            return Kind.INTEGRATION
        case ServiceReceiver():
            return Kind.RECEIVER
        case StatusPage():
            return Kind.STATUS_PAGE
        case _:
            assert_never(entry)


def key_of(entry: Entry) -> str:
    """Its id; of what belongs to a service, with the service's in front."""
    match entry:
        case Integration() | ServiceReceiver():
            return f"{entry.service_id}/{entry.id}"
        case _:
            return entry.id


def path_of(entry: Entry) -> Path:
    match entry:
        case Integration():
            within = "integrations"
        case ServiceReceiver():
            within = "receivers"
        case _:
            return _SECTION[kind_of(entry)], slug_of(entry.id)
    return "services", slug_of(entry.service_id), within, slug_of(entry.id)


@dataclass(frozen=True, slots=True)
class Reference:
    kind: Kind
    id: str
    path: Path
    """Where it stands, from the entry on."""


def references(entry: Entry) -> Iterator[Reference]:
    """What has to be there for the entry to make sense."""
    match entry:
        case User():
            # Its teams are repeated from the teams, which refer to it.
            return
        case Schedule():
            for layer in entry.layers:
                for number, user_id in enumerate(layer.users):
                    yield Reference(
                        Kind.USER, user_id, ("layers", slug_of(layer.id), "users", number)
                    )
        case Team():
            for member in entry.members:
                yield Reference(Kind.USER, member.user_id, ("members", slug_of(member.user_id)))
        case Policy():
            for step_number, step in enumerate(entry.steps):
                for number, target in enumerate(step.targets):
                    within = ("steps", step_number, "targets", number, target.kind.value)
                    yield Reference(_TARGETS[target.kind], target.id, within)
        case Service():
            yield Reference(Kind.TEAM, entry.team_id, ("team",))
            if entry.policy_id is not None:
                yield Reference(Kind.POLICY, entry.policy_id, ("policy",))
        case Integration() | ServiceReceiver():
            yield Reference(Kind.SERVICE, entry.service_id, ())
        case StatusPage():
            for number, service_id in enumerate(entry.service_ids):
                yield Reference(Kind.SERVICE, service_id, ("services", number))
        case _:
            assert_never(entry)


@dataclass(frozen=True, slots=True)
class Busy:
    """An active incident, and what is needed for as long as it is."""

    incident_id: str
    service_id: str
    policy_id: str | None = None
    """By which it escalates: not always its service's any more."""
    assignee_id: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What is not in the file and stays nevertheless."""

    entry: Entry
    incident_id: str | None
    """The active incident that needs it; None when nobody asked to remove it."""


@dataclass(frozen=True, slots=True)
class Aim:
    configuration: Configuration
    left: tuple[Left, ...] = ()


def aim(live: Configuration, file: Configuration, *, prune: bool, busy: Iterable[Busy] = ()) -> Aim:
    """What the deployment is to hold after `file` is applied to it.

    What the file does not name stays, and with `prune` only if an active incident needs it.
    Receivers belong to what a service says of itself: they go without being asked for, with a
    service that the file names.
    """
    needed = _needed(live, busy) if prune else {}
    left: list[Left] = []
    for entry in live.entries():
        kind, key = kind_of(entry), key_of(entry)
        if key in file.by_kind(kind):
            continue
        if isinstance(entry, ServiceReceiver) and entry.service_id in file.services:
            continue
        if not prune or (kind, key) in needed:
            left.append(Left(entry, needed.get((kind, key))))
    kept = [each.entry for each in left]
    entries = [_as_now(entry, live) for entry in file.entries()]
    return Aim(Configuration.of(_with_teams([*kept, *entries])), tuple(left))


def _as_now(entry: Entry, live: Configuration) -> Entry:
    """With what the file does not say of it."""
    match entry:
        case Service() if known := live.services.get(entry.id):
            return entry.model_copy(update={"windows": known.windows})
        case Policy() if before := live.policies.get(entry.id):
            same = entry.model_copy(update={"version": before.version})
            return (
                same if same == before else entry.model_copy(update={"version": before.version + 1})
            )
        case _:
            return entry


def _with_teams(entries: list[Entry]) -> Iterator[Entry]:
    """Users with the teams that name them, of which they repeat the ids."""
    of_user: dict[str, list[str]] = {}
    for team in entries:
        if isinstance(team, Team):
            for member in team.members:
                of_user.setdefault(member.user_id, []).append(team.id)
    for entry in entries:
        if isinstance(entry, User):
            teams = tuple(sorted(of_user.get(entry.id, ())))
            yield entry.model_copy(update={"team_ids": teams})
        else:
            yield entry


def _needed(live: Configuration, busy: Iterable[Busy]) -> dict[tuple[Kind, str], str]:
    """What active incidents need, by the first that does: their services with all that events and
    notices go through, their policies, and whatever these refer to.
    """
    needed: dict[tuple[Kind, str], str] = {}
    of_service: dict[str, list[Entry]] = {}
    parts: Iterable[Integration | ServiceReceiver] = (
        *live.integrations.values(),
        *live.receivers.values(),
    )
    for part in parts:
        of_service.setdefault(part.service_id, []).append(part)
    for incident in busy:
        roots: list[tuple[Kind, str | None]] = [
            (Kind.SERVICE, incident.service_id),
            (Kind.POLICY, incident.policy_id),
            (Kind.USER, incident.assignee_id),
        ]
        waiting = [(kind, key) for kind, key in roots if key is not None]
        while waiting:
            kind, key = waiting.pop()
            entry = live.by_kind(kind).get(key)
            if entry is None or (kind, key) in needed:
                continue
            needed[kind, key] = incident.incident_id
            waiting += ((each.kind, each.id) for each in references(entry))
            if kind is Kind.SERVICE:
                waiting += ((kind_of(each), key_of(each)) for each in of_service.get(key, ()))
    return needed


@dataclass(frozen=True, slots=True)
class Create:
    entry: Entry


@dataclass(frozen=True, slots=True)
class Update:
    before: Entry
    entry: Entry


@dataclass(frozen=True, slots=True)
class Remove:
    entry: Entry


type Step = Create | Update | Remove


def steps(live: Configuration, wanted: Configuration) -> tuple[Step, ...]:
    """What turns one into the other, in an order in which no reference dangles at any time."""
    found: list[Step] = []
    gone: list[Step] = []
    for entry in wanted.entries():
        before = live.by_kind(kind_of(entry)).get(key_of(entry))
        if before is None:
            found.append(Create(entry))
        elif before != entry:
            found.append(Update(before, entry))
    for entry in live.entries():
        if key_of(entry) not in wanted.by_kind(kind_of(entry)):
            gone.append(Remove(entry))
    return (*found, *reversed(gone))
