"""The configuration of a deployment as one value: its entries, and the references between them.

Pure. Maintenance windows and overrides are not part of it: operators make them at run time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from itertools import chain
from typing import Final, assert_never

from opsknight.classes import dataclass
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy, TargetKind
from opsknight.oncall.schedules import Schedule


class Kind(StrEnum):
    """In the order of writing: an entry refers only to kinds above its own."""

    USER = "user"
    SCHEDULE = "schedule"
    TEAM = "team"
    POLICY = "policy"
    SERVICE = "service"
    INTEGRATION = "integration"
    RECEIVER = "receiver"
    STATUS_PAGE = "status page"
    PRESET = "preset"
    AWS = "aws rules"
    REPORT = "report"


type Entry = (
    Preset
    | AwsRules
    | User
    | Schedule
    | Team
    | Policy
    | Service
    | Integration
    | ServiceReceiver
    | StatusPage
    | DailyReport
)
type Path = tuple[str | int, ...]
"""Where something stands in the file."""

# An id is made from the name once, and never changes.
PREFIX: Final = {
    Kind.PRESET: "preset",
    Kind.AWS: "aws",
    Kind.USER: "user",
    Kind.SCHEDULE: "sch",
    Kind.TEAM: "team",
    Kind.POLICY: "pol",
    Kind.SERVICE: "svc",
    Kind.INTEGRATION: "int",
    Kind.RECEIVER: "rcv",
    Kind.STATUS_PAGE: "page",
    Kind.REPORT: "rep",
}
_SECTION: Final = {
    Kind.PRESET: "presets",
    Kind.USER: "users",
    Kind.SCHEDULE: "schedules",
    Kind.TEAM: "teams",
    Kind.POLICY: "policies",
    Kind.SERVICE: "services",
    Kind.STATUS_PAGE: "status_pages",
    Kind.REPORT: "reports",
}
# It is no mapping of names: the section itself is the entry.
AWS_SECTION: Final = "aws"
_TARGETS: Final = {
    TargetKind.USER: Kind.USER,
    TargetKind.TEAM: Kind.TEAM,
    TargetKind.TEAM_LEADS: Kind.TEAM,
    TargetKind.SCHEDULE: Kind.SCHEDULE,
}


def id_of(kind: Kind, slug: str) -> str:
    return f"{PREFIX[kind]}_{slug}"


def slug_of(entry_id: str) -> str:
    """The name that an id was made from, whatever its kind."""
    return entry_id.partition("_")[2]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Entries of each kind, by their keys (`key_of`)."""

    presets: Mapping[str, Preset] = field(default_factory=dict[str, Preset])
    aws: Mapping[str, AwsRules] = field(default_factory=dict[str, AwsRules])
    """One list at most."""
    users: Mapping[str, User] = field(default_factory=dict[str, User])
    schedules: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    teams: Mapping[str, Team] = field(default_factory=dict[str, Team])
    policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    services: Mapping[str, Service] = field(default_factory=dict[str, Service])
    integrations: Mapping[str, Integration] = field(default_factory=dict[str, Integration])
    receivers: Mapping[str, ServiceReceiver] = field(default_factory=dict[str, ServiceReceiver])
    status_pages: Mapping[str, StatusPage] = field(default_factory=dict[str, StatusPage])
    reports: Mapping[str, DailyReport] = field(default_factory=dict[str, DailyReport])

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Configuration":
        """Sorts the entries by key. Of several with one key, the last counts."""
        ordered = sorted(entries, key=key_of)
        return cls(
            presets={key_of(it): it for it in ordered if isinstance(it, Preset)},
            aws={key_of(it): it for it in ordered if isinstance(it, AwsRules)},
            users={key_of(it): it for it in ordered if isinstance(it, User)},
            schedules={key_of(it): it for it in ordered if isinstance(it, Schedule)},
            teams={key_of(it): it for it in ordered if isinstance(it, Team)},
            policies={key_of(it): it for it in ordered if isinstance(it, Policy)},
            services={key_of(it): it for it in ordered if isinstance(it, Service)},
            integrations={key_of(it): it for it in ordered if isinstance(it, Integration)},
            receivers={key_of(it): it for it in ordered if isinstance(it, ServiceReceiver)},
            status_pages={key_of(it): it for it in ordered if isinstance(it, StatusPage)},
            reports={key_of(it): it for it in ordered if isinstance(it, DailyReport)},
        )

    def by_kind(self, kind: Kind) -> Mapping[str, Entry]:
        match kind:
            case Kind.PRESET:
                return self.presets
            case Kind.AWS:
                return self.aws
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
            case Kind.REPORT:
                return self.reports
            case _:
                assert_never(kind)

    def entries(self) -> Iterator[Entry]:
        """All entries, in the order of writing."""
        return chain.from_iterable(self.by_kind(kind).values() for kind in Kind)


def kind_of(entry: Entry) -> Kind:
    match entry:
        case Preset():
            return Kind.PRESET
        case AwsRules():
            return Kind.AWS
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
        case DailyReport():
            return Kind.REPORT
        case _:
            assert_never(entry)


def key_of(entry: Entry) -> str:
    """The entry's id, after the service's id if it belongs to a service."""
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
        case AwsRules():
            return (AWS_SECTION,)
        case _:
            return _SECTION[kind_of(entry)], slug_of(entry.id)
    return "services", slug_of(entry.service_id), within, slug_of(entry.id)


@dataclass(frozen=True, slots=True)
class Reference:
    kind: Kind
    id: str
    path: Path
    """Where the reference stands, relative to the entry."""


def references(entry: Entry) -> Iterator[Reference]:
    """The entries that this entry needs."""
    match entry:
        case Preset():
            return
        case AwsRules():
            for number, rule in enumerate(entry.rules):
                if rule.service_id is not None:
                    yield Reference(Kind.SERVICE, rule.service_id, ("rules", number, "service"))
            if entry.default_service_id is not None:
                yield Reference(Kind.SERVICE, entry.default_service_id, ("default",))
        case User():
            # A user's team ids are copies: teams refer to users.
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
        case Integration():
            yield Reference(Kind.SERVICE, entry.service_id, ())
            if entry.routing is not None:
                for number, route in enumerate(entry.routing.routes):
                    if route.service_id is not None:
                        yield Reference(
                            Kind.SERVICE, route.service_id, ("routes", number, "service")
                        )
                if (default := entry.routing.default_service_id) is not None:
                    yield Reference(Kind.SERVICE, default, ("default",))
        case ServiceReceiver():
            yield Reference(Kind.SERVICE, entry.service_id, ())
        case StatusPage():
            for number, service_id in enumerate(entry.service_ids):
                yield Reference(Kind.SERVICE, service_id, ("services", number))
            for service_id in entry.public.names if entry.public else ():
                yield Reference(Kind.SERVICE, service_id, ("public", "names", slug_of(service_id)))
        case DailyReport():
            for number, user_id in enumerate(entry.user_ids):
                yield Reference(Kind.USER, user_id, ("users", number))
        case _:
            assert_never(entry)
