"""Sessions of people in the console, and the one-time links that begin them. Pure.

Both are known by the hash of a secret, as keys are: the cookie and the link are nowhere stored.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints

from opsknight.incident.model import Model

if TYPE_CHECKING:
    from opsknight.directory.entries import User

COOKIE: Final = "__Host-opsknight"
SESSION_LIFE: Final = timedelta(hours=12)
LOGIN_LIFE: Final = timedelta(minutes=10)
# So long after its end, a session that began at a provider may begin again there, without a word.
RENEWABLE: Final = timedelta(days=7)
# What writes keys and the configuration asks for somebody who has logged in this recently.
RECENT: Final = timedelta(hours=1)


class Way(StrEnum):
    """How a session began."""

    LINK = "link"
    """A one-time link that an operator made with AWS credentials (`opsknight login`)."""
    MAIL = "mail"
    """A code, or the link beside it, that came to their e-mail address."""
    OIDC = "oidc"
    """The deployment's identity provider."""


class _OfUser(Model):
    user_id: str
    user_since: int | None = None
    """The user's `since`."""

    def is_of(self, user: "User") -> bool:
        """Not of somebody who had the same id before, and was removed."""
        return (self.user_id, self.user_since) == (user.id, user.since)


class Login(_OfUser):
    """A one-time link: whoever opens it first is logged in as this user."""

    ends_at: datetime
    code: str | None = None
    """The hash of the code's login that the same mail brings: one of them is used."""
    address: str | None = None
    """Where the link went by e-mail: it counts as long as the user has this address. None for one
    that came another way.
    """


class CodeLogin(Model):
    """A login by a code that came by e-mail, for the browser that asked for it."""

    user_id: str
    """Empty where nobody has the address: whoever asks must not learn that."""
    delivery_id: str
    """The code is made from it (`opsknight.notification.codes`)."""
    link: str
    """The hash of the link in the same mail."""
    then: str
    """The page of the console that it leads to."""
    address: str | None = None
    """Where the code was asked for to: it counts as long as the user has this address. None for
    one of an older version, whose codes were made without.
    """
    ends_at: datetime
    tries_left: int


class Identity(Model):
    """Who a user is at an identity provider, as of their first login by it."""

    issuer: str
    subject: str


class Session(_OfUser):
    id: str
    """Names it in lists, and to end it; it opens nothing."""
    way: Way
    agent: Annotated[str, StringConstraints(max_length=200)] = ""
    """What the browser says it is."""
    created_at: datetime
    ends_at: datetime
    authenticated_at: datetime | None = None
    """When the provider last asked them who they are; None where it did not say."""

    def live_at(self, now: datetime) -> bool:
        return now < self.ends_at

    def renewable_at(self, now: datetime) -> bool:
        """Whether it may begin again without anybody doing anything: an ended one is not there."""
        return self.way is Way.OIDC and now < self.ends_at + RENEWABLE

    def is_recent(self, now: datetime) -> bool:
        """Whether somebody proved who they are a short time ago, and not a browser alone."""
        proved = self.authenticated_at if self.way is Way.OIDC else self.created_at
        return proved is not None and now - proved < RECENT
