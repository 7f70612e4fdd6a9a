"""A login at the provider that is under way, as the browser that began it remembers it: for ten
minutes, in a cookie of its own. Pure.

State, nonce and PKCE verifier are made from one secret, so a code that somebody else's browser was
given opens nothing here. Several tabs may be at it at once: each attempt has its own cookie.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from opsknight.classes import dataclass

HOME: Final = "/console/incidents"
LIFE: Final = timedelta(minutes=10)
# More in one browser is no person; the oldest ones make room.
MOST: Final = 5
_NAME: Final = "__Host-opsknight-login-"
_COOKIE: Final = f"{_NAME}{{}}={{}}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={{}}"
_NEXT: Final = re.compile(r"/console/[0-9A-Za-z_.~/?&=%+,:-]{0,500}")
_VALUE: Final = re.compile(r"([0-9A-Za-z_-]{43})\.([a-z]+)\.([0-9]{1,11})\.(\S*)")


class Kind(StrEnum):
    LOGIN = "login"
    RENEWAL = "renewal"
    """The provider is to answer at once, and ask nobody anything."""
    ANEW = "anew"
    """The person has to prove again who they are."""


def destination(asked: str) -> str:
    """Where to go after a login: a page of the console, whatever was asked for."""
    return asked if _NEXT.fullmatch(asked) else HOME


@dataclass(frozen=True, slots=True)
class Attempt:
    secret: str
    """43 letters and digits, from 32 random bytes."""
    kind: Kind
    at: datetime
    then: str
    """The page of the console that it leads to."""

    @property
    def state(self) -> str:
        return self._made("state")

    @property
    def nonce(self) -> str:
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        return _encoded(sha256(self.verifier.encode()).digest())

    @property
    def cookie(self) -> str:
        value = f"{self.secret}.{self.kind}.{int(self.at.timestamp())}.{self.then}"
        return _COOKIE.format(self.state[:8], value, int(LIFE.total_seconds()))

    def _made(self, what: str) -> str:
        return _encoded(sha256(f"{what} {self.secret}".encode()).digest())


def of(cookies: Mapping[str, str], state: str, now: datetime) -> Attempt | None:
    """The attempt of this browser that the state belongs to."""
    found = _VALUE.fullmatch(cookies.get(f"{_NAME}{state[:8]}", ""))
    if found is None or found[2] not in tuple(Kind):
        return None
    at = datetime.fromtimestamp(int(found[3]), UTC)
    attempt = Attempt(found[1], Kind(found[2]), at, destination(found[4]))
    known = compare_digest(attempt.state.encode(), state.encode("utf-8", "surrogatepass"))
    return attempt if known and timedelta(minutes=-1) <= now - at < LIFE else None


def over(state: str) -> str:
    """The cookie that ends an attempt."""
    return _COOKIE.format(state[:8], "", 0)


def crowd(cookies: Mapping[str, str]) -> list[str]:
    """The cookies that end earlier attempts, where there are too many: a browser that sends too
    much is answered by nobody.
    """
    states = [name.removeprefix(_NAME) for name in cookies if name.startswith(_NAME)]
    if len(states) < MOST:
        return []
    return [over(state) for state in states if re.fullmatch(r"[0-9A-Za-z_-]{8}", state)]


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
