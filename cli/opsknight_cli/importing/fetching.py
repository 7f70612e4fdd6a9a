"""Another system's API, read and never written: pages, rate limits, and failures that pass.

The token goes to the one host that was named, and nowhere else: redirects are refused. It stands in
no message.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from opsknight_cli.session import CommandError, UsageError

SECONDS: Final = 30
MOST_TRIES: Final = 8
MOST_NAMED: Final = 3
LONGEST_WAIT: Final = 60.0
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
# The plan of the account, or the rights of the token, do not have it; or there is no such thing.
_REFUSED: Final = frozenset({402, 403})
_ABSENT: Final = 404
_WRONG: Final = frozenset({400, 422})
# How many seconds to wait, as either system or a proxy says it.
_WAITS: Final = ("retry-after", "ratelimit-reset", "x-ratelimit-period-in-sec")
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})

type Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Api:
    url: str
    """`https://api.pagerduty.com`."""
    headers: Mapping[str, str]
    variable: str
    """Where the token comes from, for people."""
    sleep: Callable[[float], None]
    refused: list[str] = field(default_factory=list)
    """What the token may not read, by path."""

    @property
    def refused_places(self) -> list[str]:
        """The addresses that refused the token. Many of one kind are a single line."""
        kinds = Counter(_kind(path) for path in self.refused)
        found = (f"{self.url}{path}" for path in self.refused if kinds[_kind(path)] <= MOST_NAMED)
        several = (
            f"{self.url}{kind} ({count} times)"
            for kind, count in kinds.items()
            if count > MOST_NAMED
        )
        return [*several, *dict.fromkeys(found)]

    def get(self, path: str, query: Query = (), *, optional: bool = False) -> dict[str, Any] | None:
        """The JSON of the answer; None for what is not there or may not be read, which `refused`
        tells apart; with `optional` for what it cannot be asked, too. Raises CommandError.
        """
        wanted = f"{path}?{urlencode(query)}" if query else path
        for number in range(1, MOST_TRIES + 1):
            try:
                status, headers, body = self._once(wanted)
            except (OSError, HTTPException) as error:
                status, headers, body = 0, {}, b""
                why = f"{type(error).__name__}"
            else:
                why = f"{status}"
            if status == 200:
                return _read(body, path)
            if status == _ABSENT:
                return None
            if status == 401:
                raise CommandError(f"{self._host} does not accept the token in {self.variable}.")
            if status in _REFUSED:
                self.refused.append(path)
                return None
            if optional and status in _WRONG:
                return None
            if status and status not in _PASSING:
                raise CommandError(f"{self._host} answered {status} to {path}.")
            if number < MOST_TRIES:
                self.sleep(_wait(headers, number))
        raise CommandError(
            f"{self._host} did not answer {path} in {MOST_TRIES} tries; the last one: {why}. "
            "Run the command again."
        )

    @property
    def _host(self) -> str:
        return str(urlsplit(self.url).hostname)

    def _once(self, wanted: str) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(self.url)
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = connect(self._host, parts.port, timeout=SECONDS)
        try:
            connection.request("GET", parts.path.rstrip("/") + wanted, headers=dict(self.headers))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read()
        finally:
            connection.close()


def address(text: str) -> str:
    """The address of an API. Raises UsageError for one to which no token should go."""
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f'"{text}" is not an address of an API, such as https://api.example.com.')
    return text


def in_path(part: str) -> str:
    return quote(part, safe="")


def _wait(headers: Mapping[str, str], number: int) -> float:
    for name in _WAITS:
        try:
            told = float(headers.get(name, ""))
        except ValueError:
            continue
        if told >= 0:
            return min(max(told, 1.0), LONGEST_WAIT)
    return float(min(2 ** (number - 1), LONGEST_WAIT))


def _read(body: bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CommandError(f"The answer to {path} is no object of JSON: is --api right?")
    return found


def _kind(path: str) -> str:
    """`/v2/users` of `/v2/users/ID/notification-rules`."""
    parts = path.split("/")
    return "/".join(parts[: 3 if parts[1].startswith("v") else 2])
