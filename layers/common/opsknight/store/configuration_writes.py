"""The steps of a plan as the writes of numbered transactions, with what each notes of itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, assert_never, cast

from opsknight.config.configuration import Entry, Kind, key_of, kind_of, path_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.config.ownership import Applied, ChangedEntry, Owner, Revision
from opsknight.directory.entries import User
from opsknight.escalation.policy import Policy
from opsknight.store import directory_items, items, transactions
from opsknight.store.names import entry_key
from opsknight.store.wire import Item

if TYPE_CHECKING:
    from datetime import timedelta

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# On a key that nobody has revoked: it comes back with its owner (`restoring`).
ENDED_WITH_OWNER: Final = "ended_with_owner"
LISTS: Final = {
    Kind.USER: "users",
    Kind.SCHEDULE: "schedules",
    Kind.TEAM: "teams",
    Kind.POLICY: "policies",
    Kind.SERVICE: "services",
    Kind.INTEGRATION: "integrations",
    Kind.RECEIVER: "receivers",
    Kind.STATUS_PAGE: "status_pages",
    Kind.PRESET: "presets",
    Kind.AWS: "aws",
    Kind.REPORT: "reports",
}


def packed(
    steps: Sequence[Step],
    groups: "Sequence[Sequence[Write]]",
    ended: Mapping[str, Sequence[str]],
    most: int,
) -> Iterator[int]:
    """How many steps go into each transaction.

    The first that ends keys begins one: what follows are removals, so that no transaction that
    touches a key creates anything (ADR 81).
    """
    ends = (n for n, it in enumerate(steps) if isinstance(it, Remove) and _ends(it, ended))
    first = next(ends, len(steps))
    if first or not steps:
        yield from transactions.packed(groups[:first], most)
    if first < len(steps):
        yield from transactions.packed(groups[first:], most)


def _ends(step: Remove, ended: Mapping[str, Sequence[str]]) -> bool:
    return bool(ended.get(key_of(step.entry)))


def of_step(
    step: Step,
    table: str,
    seen: int,
    versions: Mapping[str, int],
    now: datetime,
    ended: Mapping[str, Sequence[str]],
) -> "list[Write]":
    """`seen`: the revision from which the plan was made."""
    match step:
        case Create(Policy() as policy):
            version = versions.get(policy.id, 0) + 1
            current, kept = directory_items.policy_items(
                policy.model_copy(update={"version": version})
            )
            return [transactions.put_new(table, kept), transactions.put_new(table, current)]
        case Create(User() as user):
            made = user.model_copy(update={"since": seen + 1})
            # An address that somebody had who was removed is not that of the next one.
            return [_created(made, table), transactions.ending_calendar(user.id, table)]
        case Create(entry):
            return [_created(entry, table)]
        case Update(_, Policy() as policy):
            current, kept = directory_items.policy_items(policy)
            return [transactions.put_new(table, kept), transactions.put(table, current)]
        case Update(before, entry):
            was = _fields(before)
            sets = {f: value for f, value in _fields(entry).items() if value != was[f]}
            key = entry_key(kind_of(entry), key_of(entry))
            changed = transactions.update(sets)
            return [transactions.updating(table, key, "attribute_exists(pk)", changed)]
        case Remove(entry):
            key = entry_key(kind_of(entry), key_of(entry))
            deleted = cast("Write", {"Delete": {"TableName": table, "Key": key}})
            hashes = ended.get(key_of(entry), ())
            kind = "api" if isinstance(entry, User) else "integration"
            return [*(_ended(kind, hashed, table, now) for hashed in hashes), deleted]
        case _:
            assert_never(step)


def _created(entry: Entry, table: str) -> "Write":
    sets = {"kind": kind_of(entry).replace(" ", "_")} | _fields(entry)
    key = entry_key(kind_of(entry), key_of(entry))
    given = {field: value for field, value in sets.items() if value is not None}
    changed = transactions.update(given)
    return transactions.updating(table, key, "attribute_not_exists(pk)", changed)


def head(
    revision: int, listed: Mapping[Kind, set[str]], owner: Owner | None, table: str
) -> "Write":
    """Moves the head on from the revision. Without an owner it keeps the one that it has."""
    sets: dict[str, object] = {"kind": "configuration", "revision": revision + 1}
    sets |= {name: sorted(listed[kind]) or None for kind, name in LISTS.items()}
    if owner is not None:
        sets["owner"] = owner
    changed = transactions.update(sets)
    condition = "attribute_not_exists(pk)"
    if revision:
        condition = "#revision = :seen"
        changed["ExpressionAttributeValues"][":seen"] = {"N": str(revision)}
    return transactions.updating(table, items.HEAD_KEY, condition, changed)


def revision_key(number: int) -> Item:
    """In the head's partition, which few roles may write."""
    return items.HEAD_KEY | {"sk": {"S": f"revision#{number:010}"}}


def revision_number(key: Item) -> int:
    return int(key["sk"]["S"].partition("#")[2])


def note(revision: Revision, table: str, retention: "timedelta") -> "Write":
    """An update, as nothing is put where keys end (ADR 81). The head's condition guards it."""
    sets = {name: getattr(revision, name) for name in Revision.model_fields}
    ends = int((revision.at + retention).timestamp())
    changed = transactions.update({"kind": "revision", "expires_at": ends} | sets)
    key = revision_key(revision.number)
    return cast("Write", {"Update": {"TableName": table, "Key": key, **changed}})


def noted_by(
    applied: Applied, before: Owner | None, number: int, taken: Sequence[Step], now: datetime
) -> tuple[Owner, Revision]:
    """The owner and the revision, of this number, that a transaction leaves."""
    known = {"by": applied.by, "who": applied.who, "at": now, "source": applied.source}
    changes = tuple(map(changed_entry, taken))
    took_over = (before is not None and before.by != applied.by) or None
    return (
        Owner.model_validate(known | {"revision": number}),
        Revision.model_validate(
            known | {"number": number, "took_over": took_over, "changes": changes}
        ),
    )


def changed_entry(step: Step) -> ChangedEntry:
    match step:
        case Create():
            action = "create"
        case Update():
            action = "update"
        case Remove():
            action = "remove"
        case _:
            assert_never(step)
    # Paths of entries have no numbers.
    path = ".".join(map(str, path_of(step.entry)))
    return ChangedEntry(action=action, kind=kind_of(step.entry), path=path)


def take(step: Step, listed: Mapping[Kind, set[str]]) -> None:
    """Into the list of what there is, or out of it."""
    match step:
        case Create(entry) | Update(_, entry):
            listed[kind_of(entry)].add(key_of(entry))
        case Remove(entry):
            listed[kind_of(entry)].discard(key_of(entry))
        case _:
            assert_never(step)


def _ended(kind: str, hashed: str, table: str, now: datetime) -> "Write":
    secret_key = items.api_key_item_key if kind == "api" else items.integration_key_item_key
    changed = transactions.update({"ends_at": now, ENDED_WITH_OWNER: True})
    exists = "attribute_exists(pk)"
    return transactions.updating(table, secret_key(hashed), exists, changed)


def _fields(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in type(entry).model_fields}
