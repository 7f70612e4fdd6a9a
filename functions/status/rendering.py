"""Renders one status page: reads it all, posts what it posts by itself, and writes what changed
into the bucket.

By what is stored, never by what happened: a page that was not rendered for a while is right with
the next time.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.hold import Hold
from opsknight.incident.model import Incident, Status
from opsknight.publishing import automatic
from opsknight.publishing.board import board
from opsknight.publishing.posts import Post, noted
from opsknight.runtime.telemetry import logger
from opsknight.store import items
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.listings import Listings, Place, Wanted
from opsknight.store.posts import Posts
from opsknight.store.table import Table
from status.bucket import Bucket
from status.documents import documents

# Enough for each of a page's services to have several; the most urgent and oldest count.
MOST_INCIDENTS: Final = 500


@dataclass(frozen=True, slots=True)
class Rendering:
    table: Table
    bucket: Bucket
    base: str
    """The address under which pages are served, without a slash at the end."""
    clock: Callable[[], datetime]
    hold: Callable[[], Hold]

    @property
    def posts(self) -> Posts:
        return Posts(self.table)

    def page(self, page_id: str, deadline: Deadline) -> None:
        """Raises Overtaken, Unavailable, and what boto3 raises."""
        path = page_id.partition("_")[2]
        tags = self.bucket.tags(path)
        now = self.clock()
        page = self.table.get(StatusPage, items.status_page_key(page_id), deadline)
        if page is None or page.public is None:
            removed = self.bucket.replace(tags, {})
            logger.info("status page removed", page_id=page_id, objects=removed)
            return
        services = self._services(page, deadline)
        names = {each.id: each.name for each in services}
        shown = names | {each: it for each, it in page.public.names.items() if each in names}
        posts = self.posts.newest(page_id, deadline)
        posts = self._with_notes(posts, now, deadline)
        posts = self._with_automatic(page, shown, posts, now, deadline)
        page = page.model_copy(
            update={"service_ids": tuple(it for it in page.service_ids if it in names)}
        )
        changed = self.bucket.replace(tags, documents(board(page, names, posts, now), self.base))
        self.posts.note_rendered(page_id, now, deadline)
        logger.info("status page rendered", page_id=page_id, posts=len(posts), objects=changed)

    def _services(self, page: StatusPage, deadline: Deadline) -> list[Service]:
        found = self.table.batch([items.service_key(each) for each in page.service_ids], deadline)
        return list(self.table.readable(Service, found))

    def _with_notes(self, posts: list[Post], now: datetime, deadline: Deadline) -> list[Post]:
        """With the public notes of their incidents, as long as they are current."""
        found = []
        for each in posts:
            known = each
            if each.incident_id is not None and not each.is_over(now):
                after = max(each.seen_changes, 1)
                changes = self.table.changes(each.incident_id, deadline, after=after)
                known = self._written(each, noted(each, changes, now), deadline)
            found.append(known)
        return found

    def _with_automatic(
        self,
        page: StatusPage,
        names: dict[str, str],
        posts: list[Post],
        now: datetime,
        deadline: Deadline,
    ) -> list[Post]:
        after = page.public.automatic_after if page.public else None
        if after is None or self.hold().is_on(now):
            # Nothing happens by itself under a hold.
            return posts
        lasting = automatic.troubles(self._active(names, deadline), after, now)
        known = {each.id: each for each in posts}
        for each in automatic.decide(page.id, names, posts, lasting, now):
            before = known.get(each.id)
            if before is not None:
                known[each.id] = self._written(before, each, deadline)
            elif self.posts.add(each, deadline):
                known[each.id] = each
        return list(known.values())

    def _active(self, service_ids: Iterable[str], deadline: Deadline) -> list[Incident]:
        """The index may be a moment behind: each is read again by its key."""
        wanted = Wanted(
            statuses=frozenset(automatic.COUNTING),
            service_ids=frozenset(service_ids),
            urgencies=frozenset(automatic.STATES),
        )
        ids: list[str] = []
        place: Place | None = None
        while len(ids) < MOST_INCIDENTS:
            more, place = Listings(self.table).page(wanted, place, 100, self.clock(), deadline)
            ids += [each.id for each in more]
            if place is None:
                break
        found = self.table.incidents(ids, deadline).values()
        return [each for each in found if each.status is not Status.RESOLVED]

    def _written(self, before: Post, after: Post, deadline: Deadline) -> Post:
        if after.version == before.version:
            return before
        try:
            self.posts.put(after, deadline)
        except Conflict:
            # Somebody changed it just now: the rendering that they ask for has both.
            return before
        return after
