"""Receivers: the places that messages to people, services and status pages go to, and the events
that each of them wants.

Pure models. A secret never stands here: it is an SSM parameter, and a receiver only names it.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from opsknight.incident.model import Model, Urgency


class Channel(StrEnum):
    """How messages get to a receiver."""

    # With each, the meaning of `Receiver.to` and `Receiver.secret`.

    EMAIL = "email"
    """`to`: the address."""
    SMS = "sms"
    """`to`: the number in E.164, such as +4915112345678."""
    VOICE = "voice"
    """`to`: the number in E.164. A call reads the message aloud."""
    SLACK = "slack"
    """`to`: a channel's or a user's id; `secret`: the bot token."""
    SLACK_WEBHOOK = "slack_webhook"
    """`secret`: the URL of an incoming webhook."""
    WEBHOOK = "webhook"
    """`to`: the URL; `secret`: the key that signs bodies, with `next_secret` during a rotation;
    `login`: how the receiver knows who posts.
    """
    TEAMS = "teams"
    """`secret`: the URL of a Workflows webhook."""
    DISCORD = "discord"
    """`secret`: the URL of the webhook."""
    GOOGLE_CHAT = "google_chat"
    """`secret`: the URL of the webhook."""
    TELEGRAM = "telegram"
    """`to`: the chat's id, and behind a colon that of a topic in it; `secret`: the bot token."""
    NTFY = "ntfy"
    """`to`: the URL of the topic; `secret`: an access token, if it needs one."""
    PUSHOVER = "pushover"
    """`to`: the user's key; `secret`: the application's token."""


class OwnerKind(StrEnum):
    USER = "user"
    SERVICE = "service"
    STATUS_PAGE = "status_page"
    SCHEDULE = "schedule"
    REPORT = "report"


class Owner(Model):
    """Whose receiver it is."""

    kind: OwnerKind
    id: str

    def __str__(self) -> str:
        """For keys and logs: `user#<id>`, `service#<id>`, `status_page#<id>`, `schedule#<id>`,
        `report#<id>`."""
        return f"{self.kind}#{self.id}"

    @classmethod
    def user(cls, user_id: str) -> "Owner":
        return cls(kind=OwnerKind.USER, id=user_id)

    @classmethod
    def service(cls, service_id: str) -> "Owner":
        return cls(kind=OwnerKind.SERVICE, id=service_id)

    @classmethod
    def status_page(cls, page_id: str) -> "Owner":
        return cls(kind=OwnerKind.STATUS_PAGE, id=page_id)

    @classmethod
    def schedule(cls, schedule_id: str) -> "Owner":
        return cls(kind=OwnerKind.SCHEDULE, id=schedule_id)

    @classmethod
    def report(cls, report_id: str) -> "Owner":
        return cls(kind=OwnerKind.REPORT, id=report_id)

    def destination(self, receiver_id: str) -> str:
        """Names one receiver among those of all owners. Throttling and health are kept under it."""
        return f"{self}#{receiver_id}"


class LoginKind(StrEnum):
    """How a request says who sends it. With each, what the secret holds."""

    BASIC = "basic"
    """`user:password`."""
    BEARER = "bearer"
    """The token."""
    HEADER = "header"
    """The value of the header that the login names."""


class Login(Model):
    """What a webhook's receiver asks for before it looks at a body."""

    kind: LoginKind
    secret: str
    """Name of an SSM SecureString parameter."""
    header: str = ""
    """For HEADER alone: its name."""


class Receiver(Model):
    """One place that messages go to: a user's contact method, a service's receiver, a status page's
    webhook.
    """

    id: str
    name: str
    channel: Channel
    to: str = ""
    secret: str | None = None
    """Name of an SSM SecureString parameter."""
    next_secret: str | None = None
    """Name of a second one during a rotation: bodies are signed with both."""
    login: Login | None = None
    """For webhooks alone."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all parameters that a message to it may need."""
        login = self.login.secret if self.login else None
        return tuple(name for name in (self.secret, self.next_secret, login) if name)


def masked_number(number: str) -> str:
    """Enough of a telephone number to tell two apart, and too little to call."""
    return f"{number[:3]}…{number[-2:]}"


class NotificationRule(Model):
    """For incidents of this urgency, notify the user through this method `delay` after the page."""

    urgency: Urgency
    method_id: str
    delay: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=24))] = timedelta(0)


class Unconfirmed(Receiver):
    """A contact method that its owner asked for. Only a code is sent to it; once that is typed, it
    is theirs under another id. So no code ever stands for another address.
    """

    replaces: str | None = None
    """The id of the contact method whose address it takes; None for one more."""
    until: AwareDatetime


class Own(Model):
    """What people have and change themselves, as the configuration file does not name it."""

    contact_methods: bool = False
    rules: bool = False
    unconfirmed: tuple[Unconfirmed, ...] = ()


class IncidentEvent(StrEnum):
    """The events of an incident that a service's receiver can subscribe to."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    SNOOZED = "snoozed"
    EXHAUSTED = "exhausted"


DEFAULT_EVENTS: Final = (
    IncidentEvent.TRIGGERED,
    IncidentEvent.ACKNOWLEDGED,
    IncidentEvent.RESOLVED,
)


class ServiceReceiver(Receiver):
    service_id: str
    events: tuple[IncidentEvent, ...] = DEFAULT_EVENTS
