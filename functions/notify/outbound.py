"""One HTTP call to somebody else's server: bounded in time, and only to an address that is allowed.

It connects to the very address that was checked, follows no redirect, asks no proxy and keeps no
connection. URLs, headers and bodies appear in no log and in no outcome.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError

from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from opsknight.classes import dataclass
from opsknight.notification.delivery import LONGEST_ASKED
from opsknight.runtime.addresses import NotAllowed, Reach, Resolve, Target, find, read

LONGEST_ANSWER: Final = 16 * 1024
_PASSING: Final = frozenset({408, 425, 429})
_ADDRESSES_TRIED: Final = 3
_LONGEST_DATE: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds. `total` bounds everything for one message, the name lookup included."""

    connect: float = 3.0
    read: float = 6.0
    total: float = 8.0


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    status: int
    body: bytes = b""
    """At most 16 KB: as much as came in time."""
    after: timedelta | None = None
    """Its Retry-After."""

    def outcome(self) -> Outcome:
        """The outcome by the status alone."""
        if 200 <= self.status < 300:
            return Sent()
        if self.status in _PASSING or self.status >= 500:
            return TemporaryFailure(f"answered {self.status}", self.after)
        if 300 <= self.status < 400:
            return PermanentFailure(f"answered {self.status}: redirects are not followed")
        return PermanentFailure(f"answered {self.status}")


def by_name_service(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver knows, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@cache
def system_certificates() -> ssl.SSLContext:
    """Reading them takes longer than most calls: once a process, and only if a call needs them."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Outbound:
    """`now` reads the wall clock, for a Retry-After that is a date."""

    now: Callable[[], datetime]
    reach: Reach = Reach.PUBLIC
    resolve: Resolve = by_name_service
    limits: Limits = field(default_factory=Limits)
    trust: Callable[[], ssl.SSLContext] = field(default=system_certificates, repr=False)
    monotonic: Callable[[], float] = time.monotonic
    until: float | None = None
    instead: str = ""
    """On a developer's machine, where calls to other machines go instead; `{host}` is the original
    host.
    """

    def bounded(self) -> "Outbound":
        """The same with one time limit for all calls from now on, as a message may take several."""
        return replace(self, until=self.monotonic() + self.limits.total)

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | TemporaryFailure | PermanentFailure:
        """An Answer for any HTTP status. Whatever the other side does, this raises nothing."""
        return self._call("POST", url, body, headers)

    def get(
        self, url: str, headers: Mapping[str, str]
    ) -> Answer | TemporaryFailure | PermanentFailure:
        """The same for a question."""
        return self._call("GET", url, b"", headers)

    def _call(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | TemporaryFailure | PermanentFailure:
        remaining = self.limits.total
        if self.until is not None:
            remaining = min(remaining, self.until - self.monotonic())
        if remaining <= 0:
            return TemporaryFailure("no time left for the call")
        try:
            target = self._diverted(read(url, self.reach))
        except NotAllowed as reason:
            return PermanentFailure(str(reason))
        call = _Call(self, method, target, body, {"User-Agent": "OpsKnight", **headers})
        # A thread, because only a thread can be left behind: there is no way to bound a name
        # lookup, or a header that comes letter by letter, from inside.
        executor = ThreadPoolExecutor(1)
        try:
            running = executor.submit(call.run)
            if wait([running], timeout=remaining).done:
                return running.result()
        finally:
            executor.shutdown(wait=False)
        return call.leave()

    def _diverted(self, target: Target) -> Target:
        if not self.instead or target.is_this_machine:
            return target
        return read(self.instead.format(host=target.host) + target.path, Reach.LOCAL)


class _Call:
    def __init__(
        self,
        outbound: Outbound,
        method: str,
        target: Target,
        body: bytes,
        headers: dict[str, str],
    ) -> None:
        self.outbound = outbound
        self.method = method
        self.target = target
        self.body = body
        self.headers = headers
        self.connection: urllib3.connection.HTTPConnection | None = None
        self.answer: Answer | None = None

    def run(self) -> Answer | TemporaryFailure | PermanentFailure:
        try:
            connection = self.connect()
        except NotAllowed as reason:
            return PermanentFailure(str(reason))
        except ssl.SSLCertVerificationError:
            return TemporaryFailure("the certificate is not valid for the host")
        except (OSError, HTTPError, ValueError) as error:
            return TemporaryFailure(_failure(error, "no connection"))
        try:
            body = self.body if self.method == "POST" else None
            connection.request(self.method, self.target.path, body=body, headers=self.headers)
            # Not urllib3's own: it logs the URL when a header cannot be parsed.
            response = HTTPConnection.getresponse(connection)
            # The status is the answer, whatever is wrong with the rest: a receiver that took a
            # message must not get it again.
            self.answer = Answer(response.status)
            self.answer = replace(self.answer, after=self.pause(response))
            self.answer = replace(self.answer, body=_some_of(response))
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            return self.answer or TemporaryFailure(_failure(error, "no valid HTTP answer"))
        finally:
            connection.close()
        return self.answer

    def connect(self) -> urllib3.connection.HTTPConnection:
        outbound, target = self.outbound, self.target
        addresses = find(target, outbound.resolve, outbound.reach)
        self.headers = {"Host": target.authority, **self.headers}
        for left, address in reversed(list(enumerate(reversed(addresses[:_ADDRESSES_TRIED])))):
            connection = self.connection = self.to(address)
            try:
                connection.connect()
            except (OSError, HTTPError) as error:
                connection.close()
                if isinstance(cause := error.__cause__ or error, ssl.SSLCertVerificationError):
                    raise cause from None
                if not left:
                    raise
                continue
            connection.timeout = outbound.limits.read
            return connection
        raise OSError("no address")

    def to(self, address: str) -> urllib3.connection.HTTPConnection:
        port, seconds = self.target.port, self.outbound.limits.connect
        made: urllib3.connection.HTTPConnection
        if self.target.scheme == "http":
            made = urllib3.connection.HTTPConnection(address, port, timeout=seconds)
        else:
            made = urllib3.connection.HTTPSConnection(
                address,
                port,
                timeout=seconds,
                ssl_context=self.outbound.trust(),
                server_hostname=self.target.host,
            )
        made.response_class = _Response
        return made

    def leave(self) -> Answer | TemporaryFailure:
        """Time is up: returns what is known of the answer, and ends the thread's connection."""
        # Before the shutdown: headers that it cuts off would look complete.
        known = self.answer
        sock = self.connection.sock if self.connection else None
        if sock is not None:
            # It fails when the connection has just ended by itself.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        return known or TemporaryFailure("no complete answer in time")

    def pause(self, response: HTTPResponse) -> timedelta | None:
        asked = (response.getheader("Retry-After") or "").strip()[:_LONGEST_DATE]
        if asked.isascii() and asked.isdigit():
            # Longer numbers are as good as infinite, and timedelta cannot hold them.
            return min(timedelta(seconds=int(asked[:9])), LONGEST_ASKED)
        try:
            date = parsedate_to_datetime(asked)
            date = date if date.tzinfo else date.replace(tzinfo=UTC)
            pause = date - self.outbound.now()
        except (ValueError, OverflowError):
            return None
        return min(max(pause, timedelta(0)), LONGEST_ASKED)


class _Response(HTTPResponse):
    def _read_next_chunk_size(self) -> int:
        """`http.client` reads a chunk of negative size to the end of the stream."""
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("negative chunk size")
        return size


def _some_of(response: HTTPResponse) -> bytes:
    """Reads only the beginning: a receiver that sends more sends it in vain."""
    return response.read(LONGEST_ANSWER)


def _failure(error: Exception, otherwise: str) -> str:
    """The reason in our own words: those of the exceptions repeat hosts and addresses."""
    cause = error.__cause__ or error
    match cause:
        case TimeoutError() | urllib3.exceptions.TimeoutError():
            return "timed out"
        case socket.gaierror():
            return "the host name was not found"
        case ConnectionRefusedError():
            return "connection refused"
        case ssl.SSLError() | urllib3.exceptions.SSLError():
            return "no TLS connection"
        case ConnectionError():
            return "connection closed"
        case _:
            return otherwise
