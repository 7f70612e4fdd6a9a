"""The posts of status pages in the table, and when each page was last rendered."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.incident.model import Model
from opsknight.publishing.posts import Post
from opsknight.store import items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Conflict, Deadline, decide_again, once, retrying
from opsknight.store.rows import Rows
from opsknight.store.wire import attributes, expiry, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# A page is read as a whole: what is older than its newest posts is not on it.
MOST_POSTS: Final = 500


class Rendered(Model):
    page_id: str
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Posts:
    table: Rows

    def newest(self, page_id: str, deadline: Deadline, most: int = MOST_POSTS) -> list[Post]:
        """Newest first; those withdrawn are among them."""
        pk = items.post_key(page_id, "")["pk"]
        return list(self.table.readable(Post, self.table.newest(pk, "post#", most, deadline)))

    def find(self, page_id: str, post_id: str, deadline: Deadline) -> Post | None:
        return self.table.get(Post, items.post_key(page_id, post_id), deadline)

    def publish(
        self, post: Post, deadline: Deadline, *, audit: AuditEntry, beside: "Sequence[Write]" = ()
    ) -> None:
        """Stores what a person posts. Conflict when there is one with its id."""
        self._write([self._adding(post), *beside], audit, audit.id, deadline)

    def _adding(self, post: Post) -> "Write":
        # Its own `kind` has the name of the attribute that tells items apart (ADR 90).
        item = items.post_key(post.page_id, post.id) | attributes(post)
        if post.ends_at is not None:
            item["expires_at"] = expiry(post.ends_at, self.table.retention)
        return transactions.put_new(self.table.name, item)

    def add(self, post: Post, deadline: Deadline) -> bool:
        """Stores an automatic one. False when there is one with its id: somebody was faster."""
        try:
            retrying(deadline, self.table.client.put_item, **self._adding(post)["Put"])
        except Conflict:
            return False
        return True

    def change(
        self,
        page_id: str,
        post_id: str,
        decide: Callable[[Post], Post],
        deadline: Deadline,
        *,
        audit: Callable[[Post], AuditEntry],
    ) -> Post | None:
        """Reads, decides what a person changes, and writes on the condition that nobody else has;
        else all again. None where there is no such post.
        """

        def attempt(number: int) -> Post | None:
            before = self.find(page_id, post_id, deadline)
            if before is None:
                return None
            after = decide(before)
            if after.version != before.version:
                entry = audit(after)
                writes = [self._replacing(after)]
                self._write(writes, entry, f"{entry.id}-{number}", deadline)
            return after

        return decide_again(deadline, attempt)

    def put(self, post: Post, deadline: Deadline) -> None:
        """One that was changed once, by itself. Raises Conflict when somebody else has changed
        it.
        """
        update = self._replacing(post)["Update"]
        retrying(deadline, self.table.client.update_item, **update)

    def _replacing(self, post: Post) -> "Write":
        sets = {name: getattr(post, name) for name in Post.model_fields}
        if (end := post.withdrawn_at or post.ends_at) is not None:
            sets["expires_at"] = int((end + self.table.retention).timestamp())
        changed = transactions.update(sets)
        values = changed["ExpressionAttributeValues"]
        values |= {":seen": wire(post.version - 1), ":mine": wire(post.version)}
        values[":stamp"] = wire(post.changed_at)
        # Sent again after a lost answer, it meets itself.
        terms = "#version = :seen OR (#version = :mine AND #changed_at = :stamp)"
        key = items.post_key(post.page_id, post.id)
        return transactions.updating(self.table.name, key, terms, changed)

    def _write(
        self, writes: "list[Write]", audit: AuditEntry, token: str, deadline: Deadline
    ) -> None:
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=[*writes, AuditLog(self.table).writing(audit)],
            ClientRequestToken=once(token),
        )

    def rendered(self, page_ids: list[str], deadline: Deadline) -> dict[str, datetime]:
        """When they were rendered, by id."""
        found = self.table.batch([items.rendered_key(each) for each in page_ids], deadline)
        return {each.page_id: each.at for each in self.table.readable(Rendered, found)}

    def note_rendered(
        self, page_id: str, now: datetime, deadline: Deadline, *, first: bool = False
    ) -> None:
        """`first`: only if it never was, to count from."""
        changed = transactions.update({"kind": "rendered", "page_id": page_id, "at": now})
        changed["ExpressionAttributeNames"]["#at"] = "at"
        changed["ExpressionAttributeValues"][":now"] = wire(now)
        terms = "attribute_not_exists(#at)" + ("" if first else " OR #at < :now")
        if first:
            del changed["ExpressionAttributeValues"][":now"]
        key = items.rendered_key(page_id)
        update = transactions.updating(self.table.name, key, terms, changed)["Update"]
        try:
            retrying(deadline, self.table.client.update_item, **update)
        except Conflict:
            return
