"""Sessions of people in the console, and the one-time links that begin them. Pure.

Both are known by the hash of a secret, as keys are: the cookie and the link are nowhere stored.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from opsknight.incident.model import Model

COOKIE: Final = "__Host-opsknight"
SESSION_LIFE: Final = timedelta(hours=12)
LOGIN_LIFE: Final = timedelta(minutes=10)


class Way(StrEnum):
    """How a session began."""

    LINK = "link"
    """A one-time link that an operator made with AWS credentials (`opsknight login`)."""


class Login(Model):
    """A one-time link: whoever opens it first is logged in as this user."""

    user_id: str
    ends_at: datetime


class Session(Model):
    id: str
    """Names it in lists, and to end it; it opens nothing."""
    user_id: str
    way: Way
    agent: Annotated[str, StringConstraints(max_length=200)] = ""
    """What the browser says it is."""
    created_at: datetime
    ends_at: datetime

    def live_at(self, now: datetime) -> bool:
        return now < self.ends_at
