"""Teams, users, services, and the keys that speak for them. Every event needs these; what only
some integrations have is in `integrations`.

Pure models and small rules about them. No secret is ever here: a key is known by its hash.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, assert_never
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from opsknight.directory.mirror import Mirror
from opsknight.directory.receivers import NotificationRule, Own, Receiver
from opsknight.directory.support_hours import SupportHours
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.model import Actor, ActorKind, Model, OutOfHours, Timeouts, Urgency
from opsknight.incident.quiet import SHADOW, Window
from opsknight.oncall.hours import WeeklyHours, zone_or_utc

EVENTS_WRITE: Final = "events:write"
INCIDENTS_READ: Final = "incidents:read"
INCIDENTS_WRITE: Final = "incidents:write"
SERVICES_READ: Final = "services:read"
SERVICES_WRITE: Final = "services:write"
"""Maintenance windows; only the configuration changes anything else of a service."""
SCHEDULES_READ: Final = "schedules:read"
SCHEDULES_WRITE: Final = "schedules:write"
"""Overrides; only the configuration changes anything else of a schedule."""
USERS_READ: Final = "users:read"
"""Users and teams by name, without addresses; and everything about oneself."""
POLICIES_READ: Final = "policies:read"
HEALTH_READ: Final = "health:read"
AUDIT_READ: Final = "audit:read"
"""The audit log; for responders and administrators."""
STATUS_READ: Final = "status:read"
STATUS_WRITE: Final = "status:write"
"""Posts on public status pages; only the configuration changes the pages."""
ME_WRITE: Final = "me:write"
"""One's own contact methods, notification rules and keys, as far as they are not the file's."""
KEYS_WRITE: Final = "keys:write"
"""Integrations that people add, and the keys of integrations; for responders and administrators."""
CONFIGURATION_READ: Final = "configuration:read"
CONFIGURATION_WRITE: Final = "configuration:write"
"""All that a file can say, keys of users apart; for administrators."""
SCOPES: Final = (
    EVENTS_WRITE,
    INCIDENTS_READ,
    INCIDENTS_WRITE,
    SERVICES_READ,
    SERVICES_WRITE,
    SCHEDULES_READ,
    SCHEDULES_WRITE,
    USERS_READ,
    POLICIES_READ,
    HEALTH_READ,
    AUDIT_READ,
    STATUS_READ,
    STATUS_WRITE,
    ME_WRITE,
    KEYS_WRITE,
    CONFIGURATION_READ,
    CONFIGURATION_WRITE,
)


class Role(StrEnum):
    ADMIN = "ADMIN"
    RESPONDER = "RESPONDER"
    USER = "USER"


class ShiftNotice(StrEnum):
    """What somebody wants to hear of their time on call."""

    DAY = "day"
    """A day before it begins."""
    HOUR = "hour"
    """An hour before it begins."""
    CHANGES = "changes"
    """When somebody changes it."""


class User(Model):
    id: str
    name: str
    email: str
    role: Role
    team_ids: tuple[str, ...] = ()
    """Repeats the teams' members, so that access can be checked without reading a team."""
    disabled: bool = False
    zone: str | None = None
    """The IANA zone in which the user reads times; None for UTC. `clock` has it to work with."""
    contact_methods: tuple[Receiver, ...] = ()
    rules: tuple[NotificationRule, ...] = ()
    own: Own | None = None
    """What of these two the file does not name; None for nothing."""
    quiet_hours: WeeklyHours | None = None
    """While they last, what is LOW waits for their end."""
    shift_notices: tuple[ShiftNotice, ...] = tuple(ShiftNotice)
    since: int | None = None
    """The revision that made them, which tells them from whoever had this id before them. What
    names a user for later names this as well, or it would be the next one's (ADR 98). None where
    an older version made them.
    """

    @property
    def clock(self) -> ZoneInfo:
        """The time zone of the user's clock."""
        return zone_or_utc(self.zone)


class Member(Model):
    user_id: str
    lead: bool = False
    pages: bool = True
    """Whether the member takes the pages sent to the team."""


class Team(Model):
    id: str
    name: str
    members: tuple[Member, ...] = ()


# A shorter one would end before anybody could have a look.
type Timeout = Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=30))]


class Never(StrEnum):
    NEVER = "never"


class Remind(Model):
    """How often the fallback address is reminded of an incident that nobody takes, by urgency."""

    high: Timeout | Never = timedelta(hours=1)
    medium: Timeout | Never = timedelta(hours=4)
    low: Timeout | Never = timedelta(hours=24)

    def every(self, urgency: Urgency) -> timedelta | None:
        """None for never."""
        match urgency:
            case Urgency.HIGH:
                every = self.high
            case Urgency.MEDIUM:
                every = self.medium
            case Urgency.LOW:
                every = self.low
            case _:
                assert_never(urgency)
        return None if isinstance(every, Never) else every


DEFAULT_REMIND: Final = Remind()


class Service(Model):
    id: str
    name: str
    team_id: str
    disabled: bool = False
    raises_urgency: bool = False
    """Whether a more urgent trigger raises the urgency of its active incident."""
    windows: tuple[MaintenanceWindow, ...] = ()
    policy_id: str | None = None
    """The escalation policy; None pages all of its team at once."""
    acknowledgement_timeout: Timeout | None = None
    auto_resolve: Timeout | None = None
    remind: Remind = DEFAULT_REMIND
    support_hours: SupportHours | None = None
    """None for always."""
    shadow_until: AwareDatetime | None = None
    """Until then it pages nobody, because another system still does; None for a service that is
    live.
    """
    runbook: str | None = None
    """The address of what to do when one of its incidents opens."""
    dashboard: str | None = None
    """The address of how it is doing."""
    mirror: Mirror | None = None
    """Where its events are passed on to; None for nowhere."""
    looked_up: tuple[str, ...] | None = None
    """The ids of its integrations that are not plain. Repeats what they say, so that the events of
    all others need no further read.
    """

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(self.acknowledgement_timeout, self.auto_resolve)

    def out_of_hours(self, now: datetime) -> OutOfHours | None:
        """None within its support hours."""
        return None if self.support_hours is None else self.support_hours.at(now)

    def in_shadow(self, now: datetime) -> bool:
        return self.shadow_until is not None and now < self.shadow_until

    def maintenance_at(self, now: datetime) -> Window | None:
        """The same without the shadow, in which all but paging goes on."""
        window = self.window_at(now)
        return window if window and window.is_silent else None

    def window_at(self, now: datetime) -> Window | None:
        """What suppresses incidents opened now: of several maintenance windows, the one that ends
        last; without any, the shadow.
        """
        shadow = self.in_shadow(now)
        in_force = ((each.id, each.in_force(now)) for each in self.windows)
        found = [Window(name, each.end, shadow) for name, each in in_force if each]
        if shadow and self.shadow_until is not None and not found:
            return Window(SHADOW, self.shadow_until, shadow)
        return max(found, key=lambda each: each.end, default=None)


class _Key(Model):
    """A key as it is stored, under the hash of its secret."""

    id: str
    name: str
    created_at: datetime
    disabled: bool = False
    ends_at: AwareDatetime | None = None
    """When it stops working: revoking sets this to now, rotating to a chosen time."""
    used_on: date | None = None
    """The last day (UTC) on which it was used."""

    def live_at(self, now: datetime) -> bool:
        return not self.disabled and (self.ends_at is None or now < self.ends_at)


class IntegrationKey(_Key):
    """Routes events to its service. `name` is that of its integration."""

    service_id: str
    integration_id: str

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.INTEGRATION, id=self.integration_id, name=self.name)


class ApiKey(_Key):
    """Speaks for a user, within its scopes."""

    user_id: str
    scopes: tuple[str, ...] = ()

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.API_KEY, id=self.id, name=self.name)


def key_hash(secret: str) -> str:
    """SHA-256, hexadecimal. Keys are random, so a slow hash would protect nothing."""
    return sha256(secret.encode()).hexdigest()


def has_access(user: User, service: Service) -> bool:
    """Whether the owner of an API key may send events for the service."""
    return user.role in (Role.ADMIN, Role.RESPONDER) or service.team_id in user.team_ids
