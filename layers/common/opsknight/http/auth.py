"""Who calls an HTTP function, what for, and how often.

Keys and what they stand for are remembered for 30 seconds at most, so a revoked key is dead
everywhere by then. A key that is not found is not remembered: a new one works at once.
"""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.entries import (
    ApiKey,
    IntegrationKey,
    Service,
    User,
    has_access,
    key_hash,
)
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.gateway import HttpError
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.counters import Counters, NotCounted
from opsknight.store.table import Table

REMEMBERED: Final = timedelta(seconds=30)
MOST_REMEMBERED: Final = 1000
RECORDING_SECONDS: Final = 1

_INTEGRATION_KEY: Final = re.compile(r"""token=(["']?)([0-9a-f]{32})\1""", re.IGNORECASE)
_API_KEY: Final = re.compile(r"opsk_[0-9A-Za-z_-]{43}")
_SERVICE_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,100}")


class TtlCache[V]:
    """What was found in the table, by id, for at most 30 seconds. Wall clock: a frozen function's
    own clock stands.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[datetime, V]] = {}

    def knows(self, name: str, now: datetime) -> bool:
        known = self._found.get(name)
        return known is not None and timedelta(0) <= now - known[0] < REMEMBERED

    def get(self, name: str, now: datetime, find: Callable[[], V | None]) -> V | None:
        """Asks `find` when nothing fresh is known. Age counts from before the question."""
        if self.knows(name, now):
            return self._found[name][1]
        self._found.pop(name, None)
        value = find()
        if value is not None:
            if len(self._found) >= MOST_REMEMBERED:
                self._found.pop(next(iter(self._found)))
            self._found[name] = (now, value)
        return value

    def amend(self, name: str, value: V) -> None:
        """Puts another value in the place of what is known; its age stays."""
        if name in self._found:
            self._found[name] = (self._found[name][0], value)


def _log_failure(recording: "Future[None]") -> None:
    if error := recording.exception():
        logger.warning("the use of a key could not be recorded", cause=repr(error))


@dataclass(frozen=True, slots=True)
class DirectoryCache:
    """The directory as this function remembers it."""

    table: Table
    beside: ThreadPoolExecutor
    """Runs the one call that goes on beside another."""
    _integration_keys: TtlCache[IntegrationKey] = field(default_factory=TtlCache)
    _api_keys: TtlCache[ApiKey] = field(default_factory=TtlCache)
    _services: TtlCache[Service] = field(default_factory=TtlCache)
    _users: TtlCache[User] = field(default_factory=TtlCache)
    _listed: TtlCache[list[Service]] = field(default_factory=TtlCache)

    def integration_key(
        self, hashed: str, now: datetime, deadline: Deadline
    ) -> IntegrationKey | None:
        found = self._integration_keys.get(
            hashed, now, lambda: self.table.integration_key(hashed, deadline)
        )
        return found if found and found.live_at(now) else None

    def api_key(self, hashed: str, now: datetime, deadline: Deadline) -> ApiKey | None:
        found = self._api_keys.get(hashed, now, lambda: self.table.api_key(hashed, deadline))
        return found if found and found.live_at(now) else None

    def note_use(self, caller: "ByIntegration | ByUser", now: datetime, deadline: Deadline) -> None:
        """Records the first use of a key on a day beside the request, which does not wait for it.

        A function that is frozen before it is written writes it later or not at all; what is not
        there is noted again when the key is read anew.
        """
        today = now.date()
        if caller.key.used_on == today:
            return
        used = {"used_on": today}
        match caller:
            case ByIntegration(hashed=hashed, key=key):
                self._integration_keys.amend(hashed, key.model_copy(update=used))
            case ByUser(hashed=hashed, key=key):
                self._api_keys.amend(hashed, key.model_copy(update=used))
        deadline = deadline.within(RECORDING_SECONDS)
        recording = self.beside.submit(
            self.table.record_use, caller.hashed, caller.key, today, deadline
        )
        recording.add_done_callback(_log_failure)

    def service(self, service_id: str, now: datetime, deadline: Deadline) -> Service | None:
        found = self.any_service(service_id, now, deadline)
        return found if found and not found.disabled else None

    def any_service(self, service_id: str, now: datetime, deadline: Deadline) -> Service | None:
        """Disabled or not: its incidents are still there."""
        # What cannot be an id is not asked for: DynamoDB has bounds for keys of its own.
        if not _SERVICE_ID.fullmatch(service_id):
            return None
        return self._services.get(service_id, now, lambda: self.table.service(service_id, deadline))

    def owner(
        self, key: ApiKey, service_id: str | None, now: datetime, deadline: Deadline
    ) -> User | None:
        """The key's owner. When that takes a call, the service is looked up beside it, so that it
        is remembered when its turn comes.
        """
        if self._users.knows(key.user_id, now) or service_id is None:
            return self.user(key.user_id, now, deadline)
        ahead = self.beside.submit(self.service, service_id, now, deadline)
        try:
            return self.user(key.user_id, now, deadline)
        finally:
            ahead.result()

    def user(self, user_id: str, now: datetime, deadline: Deadline) -> User | None:
        found = self._users.get(user_id, now, lambda: self.table.user(user_id, deadline))
        return found if found and not found.disabled else None

    def services(self, now: datetime, deadline: Deadline) -> list[Service]:
        """All of the configuration, by id, disabled ones too."""
        find = Configurations(self.table).services
        return self._listed.get("services", now, lambda: find(deadline)) or []

    def service_name(self, service_id: str, now: datetime, deadline: Deadline) -> str:
        """What people call it; its id where it is gone."""
        found = self.any_service(service_id, now, deadline)
        return found.name if found else service_id

    def user_name(self, user_id: str, now: datetime, deadline: Deadline) -> str:
        found = self._users.get(user_id, now, lambda: self.table.user(user_id, deadline))
        return found.name if found else user_id


@dataclass(frozen=True, slots=True)
class ByIntegration:
    hashed: str
    key: IntegrationKey
    service: Service


@dataclass(frozen=True, slots=True)
class ByUser:
    hashed: str
    key: ApiKey
    user: User


def authenticate(
    headers: Mapping[str, str],
    service_id: str | None,
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> ByIntegration | ByUser:
    """Raises HttpError: 403 for an integration key that is not live, 401 for anything else that
    is no live key.

    `headers` have lower-case names. `service_id` is what the body seems to name: a hint at what
    will be asked next.
    """
    scheme, *rest = headers.get("authorization", "").split(None, 1) or [""]
    credentials = "".join(rest).strip()
    match scheme.lower():
        case "token":
            return _by_integration(credentials, directory, now, deadline)
        case "bearer" | "api-key":
            return _by_user(credentials, service_id, directory, now, deadline)
        case "":
            secret = headers.get("x-api-key", "").strip()
            return _by_user(secret, service_id, directory, now, deadline)
        case _:
            raise unauthorized()


def _by_integration(
    credentials: str, directory: DirectoryCache, now: datetime, deadline: Deadline
) -> ByIntegration:
    written = _INTEGRATION_KEY.fullmatch(credentials)
    if written:
        hashed = key_hash(written[2].lower())
        key = directory.integration_key(hashed, now, deadline)
        service = key and directory.service(key.service_id, now, deadline)
        if key and service:
            return ByIntegration(hashed, key, service)
    expected = "Expected `Authorization: Token token=<the 32 hexadecimal digits of a live key>`."
    raise HttpError(403, "Invalid Integration Key", message=expected)


def _by_user(
    secret: str,
    service_id: str | None,
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> ByUser:
    if _API_KEY.fullmatch(secret):
        hashed = key_hash(secret)
        key = directory.api_key(hashed, now, deadline)
        user = key and directory.owner(key, service_id, now, deadline)
        if key and user:
            return ByUser(hashed, key, user)
    raise unauthorized()


def unauthorized() -> HttpError:
    expected = (
        "Expected `Authorization: Token token=<integration key>`, "
        "or a live API key as `Authorization: Bearer <API key>`."
    )
    return HttpError(401, "Unauthorized", message=expected)


def service_of(
    caller: ByIntegration | ByUser,
    service_id: object,
    scope: str,
    directory: DirectoryCache,
    now: datetime,
    deadline: Deadline,
) -> Service:
    """The service that something is sent for; with an API key that takes `scope`.

    Raises HttpError: with an API key 403, 400, 404 or 403, in this order.
    """
    if isinstance(caller, ByIntegration):
        return caller.service
    if scope not in caller.key.scopes:
        raise HttpError(403, "API key missing scope")
    if not isinstance(service_id, str) or not service_id.strip():
        issue = {"path": "service_id", "message": "is required with an API key, as a string"}
        raise HttpError(400, "Invalid request body", issues=[issue])
    service = directory.service(service_id.strip(), now, deadline)
    if service is None:
        raise HttpError(404, "Service not found")
    if not has_access(caller.user, service):
        raise HttpError(403, "Service access denied")
    return service


class Limiter:
    """120 requests a minute for each key. A key seen at its limit is refused from memory until the
    window ends.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._full: dict[str, Minute] = {}

    def is_full(self, key_id: str, minute: Minute) -> bool:
        return self._full.get(key_id) == minute

    def count(self, key_id: str, minute: Minute) -> int | None:
        """How many requests the window has left after this one; None when the limiter cannot tell.

        Raises LimitReached.
        """
        try:
            counted = self._counters.count(key_id, minute)
        except Exception:
            # Whatever is wrong with the counting must be seen, and must not cost a page.
            logger.exception("requests cannot be counted", key_id=key_id)
            return None
        match counted:
            case NotCounted.REFUSED:
                if len(self._full) >= MOST_REMEMBERED:
                    self._full.clear()
                self._full[key_id] = minute
                raise LimitReached
            case NotCounted.THROTTLED:
                # A flood. Of a key that was at its limit a minute ago it is more of the same.
                seen = self._full.get(key_id)
                if seen is not None and minute.number - seen.number <= 1:
                    raise LimitReached
                return None
            case NotCounted.UNKNOWN:
                return None
            case used:
                return LIMIT - used


class LimitReached(Exception):
    """The key has used up its window."""
