"""The configuration in the table: read whole, and changed by numbered transactions.

One item, the head, lists all entries and carries the revision. Every transaction that writes any
part of the configuration increases the revision by one, on the condition that it is still the one
from which the plan was made. So of two simultaneous writers one is refused, and an interrupted
write leaves a revision like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, assert_never, cast

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration, Entry, Kind, key_of, kind_of
from opsknight.config.diff import Create, InUse, Remove, Step, Update
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy
from opsknight.oncall.schedules import Schedule
from opsknight.store import directory_items, items, transactions
from opsknight.store.calls import Conflict, Deadline, decide_again, retrying
from opsknight.store.configuration_size import check_size
from opsknight.store.due import DueIndex, Place
from opsknight.store.names import entry_key
from opsknight.store.rows import validated
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# DynamoDB takes 100 writes in a transaction; the head is among them.
MOST_WRITES: Final = 99
# On a key that nobody has revoked: it comes back with its owner (`restoring`).
ENDED_WITH_OWNER: Final = "ended_with_owner"
_PAGE: Final = 100
_LISTS: Final = {
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
_MODELS: Final[Mapping[str, type[Entry]]] = {
    "user": User,
    "schedule": Schedule,
    "team": Team,
    "policy": Policy,
    "service": Service,
    "integration": Integration,
    "receiver": ServiceReceiver,
    "status_page": StatusPage,
    "preset": Preset,
    "aws_rules": AwsRules,
    "report": DailyReport,
}

type Listed = Mapping[Kind, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """The configuration as it was at one revision; 0 before the first."""

    revision: int
    configuration: Configuration
    listed: Listed
    versions: Mapping[str, int]
    """The newest version of each policy that existed once and does not now."""

    @property
    def unlisted(self) -> tuple[Entry, ...]:
        """Entries that a file names, but that no configuration has created."""
        return tuple(
            entry
            for entry in self.configuration.entries()
            if key_of(entry) not in self.listed[kind_of(entry)]
        )


class Overtaken(Exception):
    """Somebody else has changed the configuration since it was read. The first `done` steps were
    written; no reference dangles.
    """

    def __init__(self, done: int) -> None:
        super().__init__(f"overtaken after {done} steps")
        self.done = done


@dataclass(frozen=True, slots=True)
class Configurations:
    table: Table
    most_writes: int = MOST_WRITES
    """How many writes one transaction holds at most."""

    def read(self, deadline: Deadline, named: Iterable[Entry] = ()) -> Seen:
        """All entries of one revision, and those of the `named` ones that exist besides."""
        also = {(kind_of(entry), key_of(entry)) for entry in named}

        def attempt(_: int) -> tuple[int, Configuration, Listed]:
            revision, listed = self._head(deadline)
            wanted = {(kind, key) for kind in Kind for key in listed[kind]} | also
            keys = [entry_key(kind, key) for kind, key in sorted(wanted)]
            found = Configuration.of(map(_entry, self.table.batch(keys, deadline)))
            # Many reads are no snapshot; between two equal revisions nothing was written.
            if self._head(deadline)[0] != revision:
                raise Conflict("the configuration is being changed")
            return revision, found, listed

        revision, found, listed = decide_again(deadline, attempt)
        new = {key for kind, key in also if kind is Kind.POLICY} - found.policies.keys()
        # Most of them never existed, and one request answers that for a hundred.
        firsts = [items.policy_key(policy_id, 1) for policy_id in sorted(new)]
        gone = [item["id"]["S"] for item in self.table.batch(firsts, deadline)]
        versions = {policy_id: self._newest_version(policy_id, deadline) for policy_id in gone}
        return Seen(revision, found, listed, versions)

    def services(self, deadline: Deadline) -> list[Service]:
        """All services, by id."""
        return self._of_kind(Kind.SERVICE, Service, deadline)

    def schedules(self, deadline: Deadline) -> list[Schedule]:
        """All schedules, by id, without their overrides."""
        return self._of_kind(Kind.SCHEDULE, Schedule, deadline)

    def teams(self, deadline: Deadline) -> list[Team]:
        """All teams, by id."""
        return self._of_kind(Kind.TEAM, Team, deadline)

    def users(self, deadline: Deadline) -> list[User]:
        """All users, by id."""
        return self._of_kind(Kind.USER, User, deadline)

    def policies(self, deadline: Deadline) -> list[Policy]:
        """All policies, by id, each in the version by which new escalations begin."""
        return self._of_kind(Kind.POLICY, Policy, deadline)

    def ids(self, kind: Kind, deadline: Deadline) -> frozenset[str]:
        """Of all entries, of those that cannot be read, too."""
        _, listed = self._head(deadline)
        return listed[kind]

    def _of_kind[E: (Service, Schedule, Team, User, Policy)](
        self, kind: Kind, model: type[E], deadline: Deadline
    ) -> list[E]:
        _, listed = self._head(deadline)
        found = self.table.batch([entry_key(kind, key) for key in sorted(listed[kind])], deadline)
        entries = [model.model_validate(plain(item)) for item in found]
        return sorted(entries, key=lambda entry: entry.id)

    def write(
        self,
        seen: Seen,
        steps: Sequence[Step],
        now: datetime,
        token: str,
        deadline: Deadline,
        ended: Mapping[str, Sequence[str]] | None = None,
    ) -> int:
        """Writes the steps in their order; returns the revision after them.

        `ended` holds hashes of live keys that end with their user or integration, by its `key_of`.
        `token` names this call, in at most 30 characters. Raises Overtaken, ConfigurationTooLarge.
        """
        listed = {kind: set(keys) for kind, keys in seen.listed.items()}
        for entry in seen.unlisted:
            listed[kind_of(entry)].add(key_of(entry))
        check_size(listed, steps)
        revision, done = seen.revision, 0
        groups = [self._writes(step, seen, now, ended or {}) for step in steps]
        for number, count in enumerate(transactions.packed(groups, self.most_writes)):
            writes: list[Write] = []
            for step, group in list(zip(steps, groups, strict=True))[done : done + count]:
                _list(step, listed)
                writes += group
            writes.append(self._moved_on(revision, listed))
            try:
                retrying(
                    deadline,
                    self.table.client.transact_write_items,
                    TransactItems=writes,
                    ClientRequestToken=f"{token}-{number}",
                )
            except Conflict:
                raise Overtaken(done) from None
            revision += 1
            done += count
        return revision

    def in_use(self, deadline: Deadline) -> list[InUse]:
        """All active incidents."""
        found: list[InUse] = []
        place: Place | None = None
        while True:
            stored, place = DueIndex(self.table).active(place, _PAGE, deadline)
            for item in stored:
                # Not by the whole model: an incident that fails validation needs its policy, too.
                each = plain(item)
                found.append(
                    InUse(
                        incident_id=each["id"],
                        service_id=each["service_id"],
                        policy_id=each.get("policy_id"),
                        assignee_id=each.get("assignee_id"),
                    )
                )
            if place is None:
                return found

    def _head(self, deadline: Deadline) -> tuple[int, dict[Kind, frozenset[str]]]:
        head = plain(self.table.item(items.HEAD_KEY, deadline) or {})
        listed = {kind: frozenset(head.get(name, ())) for kind, name in _LISTS.items()}
        return head.get("revision", 0), listed

    def _moved_on(self, revision: int, listed: Mapping[Kind, set[str]]) -> "Write":
        sets: dict[str, object] = {"kind": "configuration", "revision": revision + 1}
        sets |= {name: sorted(listed[kind]) or None for kind, name in _LISTS.items()}
        changed = transactions.update(sets)
        condition = "attribute_not_exists(pk)"
        if revision:
            condition = "#revision = :seen"
            changed["ExpressionAttributeValues"][":seen"] = {"N": str(revision)}
        return transactions.updating(self.table.name, items.HEAD_KEY, condition, changed)

    def _writes(
        self, step: Step, seen: Seen, now: datetime, ended: Mapping[str, Sequence[str]]
    ) -> "list[Write]":
        name = self.table.name
        match step:
            case Create(Policy() as policy):
                version = seen.versions.get(policy.id, 0) + 1
                current, kept = directory_items.policy_items(
                    policy.model_copy(update={"version": version})
                )
                return [transactions.put_new(name, kept), transactions.put_new(name, current)]
            case Create(entry):
                sets = {"kind": kind_of(entry).replace(" ", "_")} | _fields(entry)
                key = entry_key(kind_of(entry), key_of(entry))
                given = {field: value for field, value in sets.items() if value is not None}
                changed = transactions.update(given)
                return [transactions.updating(name, key, "attribute_not_exists(pk)", changed)]
            case Update(_, Policy() as policy):
                current, kept = directory_items.policy_items(policy)
                return [transactions.put_new(name, kept), transactions.put(name, current)]
            case Update(before, entry):
                was = _fields(before)
                sets = {f: value for f, value in _fields(entry).items() if value != was[f]}
                key = entry_key(kind_of(entry), key_of(entry))
                changed = transactions.update(sets)
                return [transactions.updating(name, key, "attribute_exists(pk)", changed)]
            case Remove(entry):
                key = entry_key(kind_of(entry), key_of(entry))
                deleted = cast("Write", {"Delete": {"TableName": name, "Key": key}})
                hashes = ended.get(key_of(entry), ())
                kind = "api" if isinstance(entry, User) else "integration"
                return [*(self._ended(kind, hashed, now) for hashed in hashes), deleted]
            case _:
                assert_never(step)

    def _ended(self, kind: str, hashed: str, now: datetime) -> "Write":
        secret_key = items.api_key_item_key if kind == "api" else items.integration_key_item_key
        changed = transactions.update({"ends_at": now, ENDED_WITH_OWNER: True})
        exists = "attribute_exists(pk)"
        return transactions.updating(self.table.name, secret_key(hashed), exists, changed)

    def _newest_version(self, policy_id: str, deadline: Deadline) -> int:
        versions = self.table.newest(items.policy_key(policy_id)["pk"], "version#", 1, deadline)
        return int(versions[0]["version"]["N"]) if versions else 0


def _entry(item: Item) -> Entry:
    # Left out, it would count as removed.
    return validated(_MODELS[item["kind"]["S"]], item)


def _fields(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in type(entry).model_fields}


def _list(step: Step, listed: Mapping[Kind, set[str]]) -> None:
    match step:
        case Create(entry) | Update(_, entry):
            listed[kind_of(entry)].add(key_of(entry))
        case Remove(entry):
            listed[kind_of(entry)].discard(key_of(entry))
        case _:
            assert_never(step)
