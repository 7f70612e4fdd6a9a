"""Remembers names for 30 seconds, so that a list which is asked for again reads none."""

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime
from functools import partial

from opsknight.classes import dataclass
from opsknight.http.directory_cache import TtlCache
from opsknight.store.calls import Deadline
from opsknight.store.names import read_names
from opsknight.store.table import Table
from opsknight.views.names import Named, Names


@dataclass(frozen=True, slots=True)
class NameCache:
    table: Table
    _known: TtlCache[str] = field(default_factory=TtlCache)

    def read(
        self, wanted: Iterable[Named], now: datetime, deadline: Deadline, most: int | None = None
    ) -> Names:
        """One call to the table for those that are not remembered, or for the first `most` of
        them.
        """
        asked = list(dict.fromkeys(wanted))
        unknown = [each for each in asked if not self._known.knows("#".join(each), now)]
        read = read_names(self.table, unknown[:most], deadline)
        found = {}
        for each in asked:
            name = self._known.get("#".join(each), now, partial(read.get, each))
            if name is not None:
                found[each] = name
        return Names(found)
