"""What is fetched from AWS for a request: the certificates of SNS, and the confirmation of its
subscriptions. Nothing else is ever fetched, and no redirect is followed.
"""

import re
import ssl
from collections.abc import Callable
from dataclasses import field
from datetime import datetime, timedelta
from http.client import HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from opsknight.classes import dataclass

REMEMBERED: Final = timedelta(hours=1)
MOST_REMEMBERED: Final = 20
LARGEST: Final = 64 * 1024
TIMEOUT_SECONDS: Final = 4
_HOST: Final = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?")


class NotOfSns(ValueError):
    """The address is none of SNS."""


class Unfetched(Exception):
    """No answer, or another one than a 200. It may come later."""


def checked(url: str) -> SplitResult:
    """The parts of an address of SNS: one rule for all of them. Raises NotOfSns."""
    try:
        parts = urlsplit(url)
        host, port, user = parts.hostname or "", parts.port, parts.username
    except ValueError:
        raise NotOfSns("it is no address") from None
    plain = parts.scheme == "https" and port is None and user is None and not parts.fragment
    # The name as it is written: what a parser makes of it may be another.
    if not plain or parts.netloc != host or not _HOST.fullmatch(host):
        raise NotOfSns("it is no https address of SNS")
    if not url.isascii() or any(each <= " " for each in url):
        raise NotOfSns("it has strange characters")
    return parts


def fetched(parts: SplitResult) -> bytes:
    """Raises Unfetched."""
    connection = HTTPSConnection(
        parts.netloc, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
    )
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        answer = connection.getresponse()
        if answer.status != 200:
            raise Unfetched(f"SNS answered {answer.status}")
        return answer.read(LARGEST)
    except (OSError, HTTPException) as error:
        raise Unfetched(type(error).__name__) from error
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Web:
    fetch: Callable[[SplitResult], bytes] = fetched
    _known: dict[str, tuple[datetime, str]] = field(default_factory=dict[str, tuple[datetime, str]])

    def certificate(self, url: str, now: datetime) -> str:
        """Raises NotOfSns, Unfetched."""
        parts = checked(url)
        if not parts.path.endswith(".pem") or parts.query:
            raise NotOfSns("it is no certificate of SNS")
        known = self._known.get(url)
        if known is not None and timedelta(0) <= now - known[0] < REMEMBERED:
            return known[1]
        text = self.fetch(parts).decode("ascii", "replace")
        while len(self._known) >= MOST_REMEMBERED:
            self._known.pop(next(iter(self._known.copy())), None)
        self._known[url] = (now, text)
        return text

    def visit(self, url: str) -> None:
        """Confirms a subscription. Raises NotOfSns, Unfetched."""
        self.fetch(checked(url))
