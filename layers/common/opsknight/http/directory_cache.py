"""Remembers parts of the directory in a warm function: keys, and their users and services.

An entry is remembered for 30 seconds at most, so a revoked key is dead everywhere by then. A key
that is not found is not remembered: a new one works at once. Who may do what is in `auth`.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from opsknight.classes import dataclass
from opsknight.directory.entries import ApiKey, IntegrationKey, Service, User
from opsknight.incident import canary
from opsknight.runtime.telemetry import logger
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Deadline

if TYPE_CHECKING:
    from opsknight.directory.integrations import Integration

REMEMBERED: Final = timedelta(seconds=30)
MOST_REMEMBERED: Final = 1000
RECORDING_SECONDS: Final = 1

_SERVICE_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,100}")


class TtlCache[V]:
    """Remembers, by id, what was found in the table. Its age is wall-clock time: the monotonic
    clock of a frozen function stands still.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[datetime, V]] = {}

    def knows(self, name: str, now: datetime) -> bool:
        known = self._found.get(name)
        return known is not None and timedelta(0) <= now - known[0] < REMEMBERED

    def get(self, name: str, now: datetime, find: Callable[[], V | None]) -> V | None:
        """Calls `find` when nothing fresh is known. The age counts from before that call."""
        known = self._found.get(name)
        if known is not None and self.knows(name, now):
            return known[1]
        self._found.pop(name, None)
        value = find()
        if value is not None:
            if len(self._found) >= MOST_REMEMBERED:
                # The oldest; another thread may be doing the same.
                oldest, *_ = self._found.copy()
                self._found.pop(oldest, None)
            self._found[name] = (now, value)
        return value

    def amend(self, name: str, value: V) -> None:
        """Replaces a remembered value; its age stays."""
        if known := self._found.get(name):
            self._found[name] = (known[0], value)


def _log_failure(recording: "Future[None]") -> None:
    if error := recording.exception():
        logger.warning("the use of a key could not be recorded", cause=repr(error))


@dataclass(frozen=True, slots=True)
class DirectoryCache:
    table: CallerRows
    background: ThreadPoolExecutor
    """Runs a call while the request goes on."""
    _integration_keys: TtlCache[IntegrationKey] = field(default_factory=TtlCache)
    _api_keys: TtlCache[ApiKey] = field(default_factory=TtlCache)
    _services: TtlCache[Service] = field(default_factory=TtlCache)
    _integrations: "TtlCache[Integration]" = field(default_factory=TtlCache)
    _others: TtlCache[Any] = field(default_factory=TtlCache)
    _users: TtlCache[User] = field(default_factory=TtlCache)

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

    def note_use(
        self, hashed: str, key: IntegrationKey | ApiKey, now: datetime, deadline: Deadline
    ) -> None:
        """Records the first use of a key on a day, in the background.

        A function that is frozen before the write makes it later, or never; the next function that
        reads the key then records its use.
        """
        today = now.date()
        if key.used_on == today:
            return
        used = {"used_on": today}
        match key:
            case IntegrationKey():
                self._integration_keys.amend(hashed, key.model_copy(update=used))
            case ApiKey():
                self._api_keys.amend(hashed, key.model_copy(update=used))
        deadline = deadline.within(RECORDING_SECONDS)
        recording = self.background.submit(self.table.record_use, hashed, key, today, deadline)
        recording.add_done_callback(_log_failure)

    def service(self, service_id: str, now: datetime, deadline: Deadline) -> Service | None:
        found = self.any_service(service_id, now, deadline)
        return found if found and not found.disabled else None

    def any_service(self, service_id: str, now: datetime, deadline: Deadline) -> Service | None:
        """Finds a disabled one too: its incidents are still there."""
        # A text that cannot be an id makes no call: DynamoDB has bounds for keys of its own.
        if not _SERVICE_ID.fullmatch(service_id):
            return None
        return self._services.get(service_id, now, lambda: self.table.service(service_id, deadline))

    def settings_of(
        self, key: IntegrationKey | ApiKey, service: Service, now: datetime, deadline: Deadline
    ) -> "Integration | None":
        """The integration of a key, if it is not plain: those of all others cost no read."""
        if not isinstance(key, IntegrationKey) or not service.looked_up:
            return None
        if key.integration_id not in service.looked_up:
            return None
        return self._integration(service.id, key.integration_id, now, deadline)

    def _integration(
        self, service_id: str, integration_id: str, now: datetime, deadline: Deadline
    ) -> "Integration | None":
        where = service_id, integration_id
        return self._integrations.get(
            "/".join(where), now, lambda: self.table.integration(*where, deadline)
        )

    def heartbeat_named(
        self, name: str, service: Service, now: datetime, deadline: Deadline
    ) -> "Integration | None":
        """The integration of the service that has a heartbeat, by its key in the file or its name
        in any case.
        """
        wanted = name.strip().casefold()
        for integration_id in service.looked_up or ():
            found = self._integration(service.id, integration_id, now, deadline)
            if found is not None and found.beats:
                slug = integration_id.partition("_")[2]
                if wanted in (slug.casefold(), found.name.strip().casefold()):
                    return found
        return None

    def remembered[M](self, what: str, now: datetime, find: Callable[[], M | None]) -> M | None:
        """Whatever else of the directory a request needs, by a name of its own."""
        return self._others.get(what, now, find)

    def owner(
        self, key: ApiKey, service_id: str | None, now: datetime, deadline: Deadline
    ) -> User | None:
        """The key's owner. While a call looks up the owner, another one looks up the service, which
        is then remembered when its turn comes.
        """
        if self._users.knows(key.user_id, now) or service_id is None:
            return self.user(key.user_id, now, deadline)
        ahead = self.background.submit(self.service, service_id, now, deadline)
        try:
            return self.user(key.user_id, now, deadline)
        finally:
            ahead.result()

    def user(self, user_id: str, now: datetime, deadline: Deadline) -> User | None:
        """None for one who is disabled, and for the canary, who is nobody."""
        if user_id == canary.USER_ID:
            return None
        found = self._users.get(user_id, now, lambda: self.table.user(user_id, deadline))
        return found if found and not found.disabled else None

    def service_name(self, service_id: str, now: datetime, deadline: Deadline) -> str:
        """The name that people know; the id where the service is gone."""
        found = self.any_service(service_id, now, deadline)
        return found.name if found else service_id

    def user_name(self, user_id: str, now: datetime, deadline: Deadline) -> str:
        found = self._users.get(user_id, now, lambda: self.table.user(user_id, deadline))
        return found.name if found else user_id
