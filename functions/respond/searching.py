"""What people look for among incidents: words, and what was resolved by when."""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.incident.model import Status
from opsknight.store.listings import Listed, Wanted, Word
from opsknight.store.resolved import Resolved, ResolvedPlace
from respond.request import ApiCall, Query, resolved_cursor

ORDERS: Final = ("newest", "oldest")
# A longer text is no search.
MOST_WORDS: Final = 10


@dataclass(frozen=True, slots=True)
class ByResolution:
    """A list of resolved incidents by when they were resolved."""

    oldest_first: bool
    since: datetime | None
    until: datetime | None
    place: ResolvedPlace | None

    @classmethod
    def read(
        cls, query: Query, statuses: Set[Status], service_id: str | None
    ) -> "ByResolution | None":
        """None for any other list: one service's are kept by when they were opened."""
        sort = query.text("sort")
        since, until = query.time("resolvedSince"), query.time("resolvedUntil")
        asked = sort is not None or since is not None or until is not None
        if sort not in (None, *ORDERS):
            query.wrong("sort", f"must be {' or '.join(ORDERS)}")
        if statuses != {Status.RESOLVED}:
            if asked:
                query.wrong("status", "must be RESOLVED for sort, resolvedSince and resolvedUntil")
            return None
        if service_id is not None and not asked:
            return None
        return cls(sort == "oldest", since, until, query.resolved_cursor())

    def page(self, wanted: Wanted, limit: int, call: ApiCall) -> tuple[list[Listed], str | None]:
        wanted = replace(wanted, resolved_since=self.since, resolved_until=self.until)
        if wanted.service_ids is not None and not wanted.service_ids:
            return [], None
        found, following = Resolved(call.table, call.workers).page(
            wanted, self.place, limit, call.deadline, oldest_first=self.oldest_first
        )
        return found, None if following is None else resolved_cursor(following)


def searched(text: str, call: ApiCall) -> tuple[Word, ...]:
    words = dict.fromkeys(text.casefold().split()[:MOST_WORDS])
    services = call.directory.services(call.now, call.deadline)
    return tuple(
        Word(word, frozenset(each.id for each in services if word in each.name.casefold()))
        for word in words
    )


def of_key(found: list[Listed], dedup_key: str | None, call: ApiCall) -> list[Listed]:
    """Those of a dedup key. No list has keys: the incidents are read, which is a second trip."""
    if dedup_key is None or not found:
        return found
    whole = call.table.incidents((each.id for each in found), call.deadline)
    return [each for each in found if each.id in whole and whole[each.id].dedup_key == dedup_key]
