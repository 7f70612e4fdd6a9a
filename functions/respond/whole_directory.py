"""The directory as people ask for it: also all services and all users at once."""

from dataclasses import field
from datetime import datetime

from opsknight.classes import dataclass
from opsknight.directory.entries import Service, User
from opsknight.http.directory_cache import DirectoryCache, TtlCache
from opsknight.store.calls import Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class WholeDirectory(DirectoryCache):
    table: Table
    _listed: TtlCache[list[Service]] = field(default_factory=TtlCache)
    _people: TtlCache[list[User]] = field(default_factory=TtlCache)

    def services(self, now: datetime, deadline: Deadline) -> list[Service]:
        """All in the configuration, by id, disabled ones too."""
        find = Configurations(self.table).services
        return self._listed.get("services", now, lambda: find(deadline)) or []

    def users(self, now: datetime, deadline: Deadline) -> list[User]:
        """All in the configuration, by id, disabled ones too."""
        find = Configurations(self.table).users
        return self._people.get("users", now, lambda: find(deadline)) or []
