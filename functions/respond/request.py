"""One call of the HTTP API, and the reader of its query."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from enum import StrEnum
from secrets import token_hex
from typing import Final

from pydantic import TypeAdapter, ValidationError

from opsknight.classes import dataclass
from opsknight.directory.audit_log import PREFIX, Act, AuditEntry
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.escalation.hold import Hold
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, Failure, Issue, Request
from opsknight.http.idempotency import Once
from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.runtime.addresses import Reach
from opsknight.runtime.queues import Queue
from opsknight.runtime.renders import Renders
from opsknight.runtime.ssm_secrets import LinkKeys
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.listings import Place
from opsknight.store.resolved import ResolvedPlace, Spot
from opsknight.store.table import Table
from opsknight.views.names import Named, Names
from respond.body import MOST_LISTED, Time
from respond.callers import Caller
from respond.names import NameCache
from respond.whole_directory import WholeDirectory

_SPOT: Final = r"(-|\.|\d{4}-\d\d-\d\dT[\d:.]{8,15}Z/[a-z]+_[0-9a-f]{28})"
_BY_TIME: Final = re.compile(f"resolved {_SPOT} {_SPOT}")
_CURSOR: Final = re.compile(
    r"(active|resolved#[0-9A-Za-z_-]{1,100}#\d{4}-\d\d) (inc_[0-9a-f]{28}|)"
)
_TIME: Final = TypeAdapter[datetime](Time)
DEFAULT_LIMIT: Final = 50


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request, and all that its handler needs."""

    request: Request
    ids: tuple[str, ...]
    """Those in its path."""
    caller: Caller
    now: datetime
    deadline: Deadline
    table: Table
    directory: WholeDirectory
    name_cache: NameCache
    workers: Executor
    """For what is done to many incidents at once."""
    make_id: Callable[[str, datetime], str]
    link_keys: LinkKeys | None
    """None where nothing signs links."""
    pages: Queue | None
    """None where nothing is sent."""
    counters: Counters
    hold: Callable[[], Hold]
    renders: Renders | None = None
    """Asks for status pages to be rendered."""
    new_secret: Callable[[], str] = lambda: token_hex(16)
    """A new integration key."""
    once: Once | None = None
    """The record of the request, where its caller may send it again."""
    reach: Reach = Reach.PRIVATE
    """Where messages may go that a configuration names."""

    @property
    def links(self) -> LinkKeys:
        if self.link_keys is None:
            raise AssertionError("this function signs no links")
        return self.link_keys

    @property
    def queue(self) -> Queue:
        """Of pages."""
        if self.pages is None:
            raise AssertionError("this function sends nothing")
        return self.pages

    def new_id(self, prefix: str) -> str:
        return self.make_id(prefix, self.now)

    def audit(self, act: Act, entry_id: str | None = None) -> AuditEntry:
        """The audit log's entry of what the caller does."""
        author = self.caller.author(self.request.source)
        return author.entry(act, entry_id or self.new_id(PREFIX), self.now)

    def names(self, wanted: Iterable[Named], most: int | None = None) -> Names:
        """Of these, or of the first `most` that are not remembered; the next call knows more."""
        return self.name_cache.read(wanted, self.now, self.deadline, most)

    def user_issues(self, user_id: str | None, path: str) -> list[Issue]:
        """An issue, if the user whom a field of the body names is disabled or does not exist."""
        if user_id is None or self.directory.user(user_id, self.now, self.deadline):
            return []
        return [Issue(path=path, message="must be a user who exists and is not disabled")]


def over_the_limit(now: datetime) -> Answer:
    reset = str(Minute.of(now).seconds_left(now))
    headers = {
        "RateLimit-Limit": str(LIMIT),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": reset,
        "Retry-After": reset,
    }
    return Answer(429, Failure(error="Rate limit exceeded."), headers)


class Query:
    """Reads the parameters of a query, and collects the issues with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._issues: list[Issue] = []

    def check(self) -> None:
        """Raises HttpError."""
        if self._issues:
            raise invalid(*self._issues)

    def wrong(self, name: str, message: str) -> None:
        self._issues.append(Issue(path=name, message=message))

    def text(self, name: str) -> str | None:
        return self._given.get(name, "").strip() or None

    def one_of[E: StrEnum](self, name: str, kind: type[E]) -> frozenset[E]:
        """The words of a list with commas, in any case."""
        found = set()
        for word in (self.text(name) or "").split(","):
            if not word.strip():
                continue
            try:
                found.add(kind(word.strip().upper()))
            except ValueError:
                self.wrong(name, f"must be one or several of {', '.join(kind)}")
                break
        return frozenset(found)

    def statuses(self) -> frozenset[Status]:
        """All active ones by default."""
        found = self.one_of("status", Status) or ACTIVE
        if Status.RESOLVED in found and len(found) > 1:
            self.wrong(
                "status", "RESOLVED stands alone: resolved incidents are a list of their own"
            )
        return found

    def urgencies(self) -> frozenset[Urgency]:
        return self.one_of("urgency", Urgency) or frozenset(Urgency)

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            # A plus in a query is a space.
            return _TIME.validate_python(text.replace(" ", "+"))
        except ValidationError as error:
            [issue, *_] = error.errors()
            if issue["type"] == "value_error":
                self.wrong(name, str(issue["ctx"]["error"]))
            else:
                self.wrong(name, "must be a time such as 2026-11-23T03:00:00Z")
            return None

    def limit(self) -> int:
        return self.number("limit", DEFAULT_LIMIT, MOST_LISTED)

    def number(self, name: str, default: int, most: int) -> int:
        """From 1 to `most`."""
        text = self.text(name) or str(default)
        if text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most:
            return int(text)
        self.wrong(name, f"must be a number from 1 to {most}")
        return default

    def flag(self, name: str) -> bool:
        text = self.text(name) or "false"
        if text not in ("true", "false"):
            self.wrong(name, "must be true or false")
        return text == "true"

    def cursor(self) -> Place | None:
        """Where the last batch ended. It grants nothing: each batch is checked by itself."""
        found = self.position(_CURSOR)
        return None if found is None else Place(found[1], found[2])

    def resolved_cursor(self) -> ResolvedPlace | None:
        """The same in a list by time of resolution."""
        found = self.position(_BY_TIME)
        if found is None:
            return None
        spots = tuple(_spot(each) for each in found.groups())
        return ResolvedPlace(spots, tuple(each == "." for each in found.groups()))

    def position(self, kind: re.Pattern[str]) -> re.Match[str] | None:
        text = self.text("cursor")
        if text is None:
            return None
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
            found = kind.fullmatch(raw)
        except ValueError:
            found = None
        if found is None:
            self.wrong("cursor", "must be the cursor of an earlier answer")
        return found


def _spot(text: str) -> Spot | None:
    at, slash, incident_id = text.partition("/")
    return Spot(at, incident_id) if slash else None


def cursor(place: Place) -> str:
    return opaque(f"{place.partition} {place.id}")


def resolved_cursor(place: ResolvedPlace) -> str:
    shown = (
        "." if over else "-" if spot is None else f"{spot.at}/{spot.id}"
        for spot, over in zip(place.spots, place.over, strict=True)
    )
    return opaque(f"resolved {' '.join(shown)}")


def opaque(position: str) -> str:
    """A cursor. Nobody is to make one up, or read it."""
    return urlsafe_b64encode(position.encode()).decode().rstrip("=")
