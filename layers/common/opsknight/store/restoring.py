"""Brings items back from a copy of the table, into the one in use, beside running functions.

Every item that comes back carries `restored`, the time of that. What the streams' filters would let
through by its kind gets a kind of its own, so that it wakes nobody. How an incident comes back is
decided in `opsknight.notification.restoring`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from pydantic import ValidationError

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.escalation.pages import Page
from opsknight.incident.model import Incident, Status
from opsknight.notification.delivery import Delivery
from opsknight.notification.restoring import end_of_delivery, end_of_page, restored
from opsknight.store import incident_items, items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Conflict, Deadline, decide_again, retrying
from opsknight.store.configuration_writes import ENDED_WITH_OWNER, LISTS
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain, wire

# In the order in which they refer to each other, keys first: a key is of no use before its owner is
# back.
DIRECTORY: Final = (
    *("integration_key", "api_key", "key_listing"),
    *("user", "schedule", "override", "team", "policy", "service"),
    *("integration", "receiver", "status_page", "preset", "aws_rules", "report"),
)
# What of an incident's partition comes back as it was. Its pages and deliveries end first.
_PARTS: Final = frozenset({"alert", "change", "member", "step", "page", "delivery", "remembered"})
_MARK: Final = "restored"
_WAKING: Final = frozenset({"incident", "change", "page"})
"""The kinds of new items that wake a function (the filters of template.yaml)."""


class Audit(Protocol):
    """Makes one and the same entry: with the revision, and whether all is written by then."""

    def __call__(self, revision: int, /, *, is_done: bool) -> AuditEntry: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the directory that is not as it was in the copy."""

    item: Item
    is_missing: bool

    @property
    def kind(self) -> str:
        return str(self.item["kind"]["S"])

    @property
    def name(self) -> str:
        return str(self.item.get("name", self.item.get("id", self.item["sk"]))["S"])


@dataclass(slots=True)
class Incidents:
    """What became of the incidents of the copy."""

    suppressed: list[str] = field(default_factory=list[str])
    """Active ones, for a person to let out."""
    counts: Counter[str] = field(default_factory=Counter[str])
    """`resolved`, `superseded`, `known`, `unreadable`."""


@dataclass(frozen=True, slots=True)
class Restoring:
    live: Table
    copy: Table
    now: datetime

    def changed(self, deadline: Deadline) -> list[Entry]:
        """What is missing or different in the table in use, in the order in which to write it."""
        found: dict[str, list[Entry]] = {kind: [] for kind in DIRECTORY}
        batch: list[Item] = []
        for item in self._scan(DIRECTORY, deadline):
            batch.append(item)
            if len(batch) == 100:
                self._compare(batch, found, deadline)
                batch = []
        self._compare(batch, found, deadline)
        return [entry for kind in DIRECTORY for entry in found[kind]]

    def _compare(
        self, copied: list[Item], found: dict[str, list[Entry]], deadline: Deadline
    ) -> None:
        stored = {_place(each): each for each in self.live.batch(map(_key, copied), deadline)}
        for item in copied:
            kind, now = str(item["kind"]["S"]), stored.get(_place(item))
            if now is not None and _stays(item, now):
                continue
            if not self._is_over(item):
                found[kind].append(Entry(item, now is None))

    def _is_over(self, item: Item) -> bool:
        return "expires_at" in item and int(item["expires_at"]["N"]) <= self.now.timestamp()

    def bring_back(self, entries: Iterable[Entry], audit: Audit, deadline: Deadline) -> int:
        """Writes the entries, and returns the revision after them. Interrupted, it can be repeated.

        Whoever applies a configuration meanwhile is refused: the revision moves on first and last.
        """
        self._move_on(lambda _: {}, partial(audit, is_done=False), deadline)
        for entry in entries:
            for item in self._numbered(entry.item, deadline):
                self._put(item, deadline)
        lists = plain(self.copy.item(items.HEAD_KEY, deadline) or {})
        return self._move_on(
            lambda head: {
                name: sorted({*head.get(name, ()), *lists.get(name, ())}) or None
                for name in LISTS.values()
            },
            partial(audit, is_done=True),
            deadline,
        )

    def _numbered(self, item: Item, deadline: Deadline) -> list[Item]:
        """A policy comes back as its next version: those since then belong to incidents."""
        if item["kind"]["S"] != "policy" or item["sk"]["S"] != "policy":
            return [item]
        newest = self.live.newest(item["pk"], "version#", 1, deadline)
        mine, last = int(item["version"]["N"]), int(newest[0]["version"]["N"]) if newest else 0
        number = mine if last < mine else last + 1
        numbered = item | {"version": {"N": str(number)}}
        key = items.policy_key(str(item["id"]["S"]), number)
        return [numbered | key, numbered]

    def _move_on(self, lists: Any, audit: "partial[AuditEntry]", deadline: Deadline) -> int:
        def attempt(_: int) -> int:
            head = plain(self.live.item(items.HEAD_KEY, deadline) or {})
            seen = head.get("revision", 0)
            sets = {"kind": "configuration", "revision": seen + 1, **lists(head)}
            changed = transactions.update(sets)
            names, values = (changed[f"ExpressionAttribute{it}"] for it in ("Names", "Values"))
            condition = transactions.still({"revision": seen or None}, names, values)
            moved = transactions.updating(self.live.name, items.HEAD_KEY, condition, changed)
            entry = audit(int(seen) + 1)
            writes = [moved, AuditLog(self.live).writing(entry)]
            self.live.transact(writes, f"{entry.id}-{seen}", deadline, yields=False)
            return int(seen) + 1

        return decide_again(deadline, attempt)

    def incidents(self, deadline: Deadline) -> Incidents:
        """Brings back all incidents that the table in use does not have."""
        found = Incidents()
        for item in self._scan(("incident", quiet("incident")), deadline):
            if not items.is_incident(item):
                continue
            try:
                self._incident(item, found, deadline)
            except ValidationError:
                found.counts["unreadable"] += 1
        return found

    def _incident(self, item: Item, found: Incidents, deadline: Deadline) -> None:
        incident = Incident.model_validate(plain(item))
        if self._is_over(item):
            return
        if self.live.item(_key(item), deadline) is not None:
            found.counts["known"] += 1
            return
        for part in self._parts(item, deadline):
            self._put_new(part, deadline)
        where = incident.service_id, incident.dedup_key
        internal = bool(incident.internal)

        def attempt(_: int) -> Incident:
            newer = self.live.pointer(*where, deadline, internal=internal)
            has_newer = newer is not None and newer.id != incident.id
            outcome = restored(incident, self.now, has_newer=has_newer)
            after = outcome.after
            known = set(Incident.model_fields)
            rest = {name: value for name, value in item.items() if name not in known}
            back = rest | incident_items.incident_item(after)
            writes: list[Any] = []
            if after.status is Status.RESOLVED:
                ended = after.resolved_at or self.now
                back["listing"] = {"S": items.listing(after, ended)}
                # From now on, so that there is time to look at it.
                back["expires_at"] = {"N": str(int((self.now + self.live.retention).timestamp()))}
            else:
                writes.append(self._pointer(after))
            if outcome.change is not None:
                change = incident_items.change_item(outcome.change, self.live.retention)
                writes.append(self._new(change))
            retrying(
                deadline,
                self.live.client.transact_write_items,
                TransactItems=[self._new(back), *writes],
            )
            return after

        after = decide_again(deadline, attempt)
        if after.status is not Status.RESOLVED:
            found.suppressed.append(after.id)
        elif incident.status is Status.RESOLVED:
            found.counts["resolved"] += 1
        else:
            found.counts["superseded"] += 1

    def _parts(self, incident: Item, deadline: Deadline) -> Iterator[Item]:
        for item in self.copy.under(incident["pk"], None, deadline):
            kind = str(item["kind"]["S"]).removeprefix(quiet(""))
            if kind not in _PARTS:
                continue
            if kind == "alert" and "chunks" in item:
                chunks = items.chunk_key(str(item["id"]["S"]), 0)["pk"]
                yield from self.copy.under(chunks, "chunk#", deadline)
            sets: Mapping[str, object] = {}
            if kind == "page":
                sets = end_of_page(Page.model_validate(plain(item)))
            elif kind == "delivery":
                sets = end_of_delivery(Delivery.model_validate(plain(item)), self.now)
            kept = {name: value for name, value in item.items() if name not in sets}
            yield kept | {name: wire(value) for name, value in sets.items() if value is not None}

    def _scan(self, kinds: Iterable[str], deadline: Deadline) -> Iterator[Item]:
        values = {f":kind_{number}": wire(kind) for number, kind in enumerate(kinds)}
        start: dict[str, Any] = {}
        while True:
            wanted: Any = {
                "TableName": self.copy.name,
                "ExpressionAttributeValues": values,
                **start,
            }
            wanted["FilterExpression"] = f"kind IN ({', '.join(values)})"
            page = retrying(deadline, self.copy.client.scan, **wanted)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _marked(self, item: Item) -> Item:
        kind = str(item["kind"]["S"])
        return item | {"kind": wire(quiet(kind)), _MARK: wire(self.now)}

    def _new(self, item: Item) -> Any:
        return transactions.put_new(self.live.name, self._marked(item))

    def _pointer(self, incident: Incident) -> Any:
        """Its own may be there still: somebody deleted the incident alone."""
        write = self._new(incident_items.pointer_item(incident))
        put = write["Put"]
        put["ConditionExpression"] += " OR id = :mine"
        put["ExpressionAttributeValues"] = {":mine": wire(incident.id)}
        return write

    def _put(self, item: Item, deadline: Deadline) -> None:
        self.live.put_all([self._marked(item)], deadline)

    def _put_new(self, item: Item, deadline: Deadline) -> None:
        with suppress(Conflict):
            retrying(deadline, self.live.client.put_item, **self._new(item)["Put"])


def quiet(kind: str) -> str:
    """The kind of an item that has come back."""
    return f"{_MARK}_{kind}" if kind in {*_WAKING, ""} else kind


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _place(item: Item) -> tuple[str, str]:
    return str(item["pk"]["S"]), str(item["sk"]["S"])


def _stays(item: Item, now: Item) -> bool:
    """Whether what is there now stays as it is."""
    if item["kind"]["S"] in ("integration_key", "api_key"):
        # One that somebody revoked stays revoked; one that ended with its owner lives again.
        return ENDED_WITH_OWNER not in now
    # A version of a policy never changes: incidents under way keep to it.
    never_changes = item["sk"]["S"].startswith("version#")
    return never_changes or item["kind"]["S"] == "key_listing" or _same(now, item)


def _same(now: Item, then: Item) -> bool:
    """Whether both say the same, whatever number a policy has, and whenever it came back."""
    leave = {_MARK, "version", "used_on"}
    return {k: v for k, v in now.items() if k not in leave} == {
        k: v for k, v in then.items() if k not in leave
    }
