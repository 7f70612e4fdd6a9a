"""The configuration in the table: read whole, and changed by numbered transactions.

One item, the head, lists all entries and carries the revision. Every transaction that writes any
part of the configuration increases the revision by one, on the condition that it is still the one
from which the plan was made. So of two simultaneous writers one is refused, and an interrupted
write leaves a revision like any other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration, Entry, Kind, key_of, kind_of
from opsknight.config.diff import InUse, Step
from opsknight.config.ownership import Applied, Owner, Revision, owner_of
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.presets import Preset
from opsknight.directory.receivers import ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.policy import Policy
from opsknight.oncall.schedules import Schedule
from opsknight.store import items
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import (
    Conflict,
    Deadline,
    Unavailable,
    decide_again,
    once,
    retrying,
)
from opsknight.store.configuration_size import check_size
from opsknight.store.configuration_writes import (
    LISTS,
    head,
    note,
    noted_by,
    of_step,
    packed,
    revision_key,
    revision_number,
    take,
)
from opsknight.store.due import DueIndex, Place
from opsknight.store.half_applied import Interrupted, Overtaken, Refused, Transaction
from opsknight.store.last_applies import KEY as LINES_KEY
from opsknight.store.names import entry_key
from opsknight.store.rows import validated
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# DynamoDB takes 100; head, revision, lines of a file and entry of the audit log come besides.
MOST_WRITES: Final = 96
# Ten digits, so that they sort.
LAST: Final = 9_999_999_999
_PAGE: Final = 100
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
    owner: Owner | None = None
    """None while there is nothing to own."""

    @property
    def unlisted(self) -> tuple[Entry, ...]:
        """Entries that a file names, but that no configuration has created."""
        return tuple(
            entry
            for entry in self.configuration.entries()
            if key_of(entry) not in self.listed[kind_of(entry)]
        )


@dataclass(frozen=True, slots=True)
class _Head:
    revision: int
    listed: Listed
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class Configurations:
    table: Table
    most_writes: int = MOST_WRITES
    """How many writes one transaction holds at most."""

    def read(self, deadline: Deadline, named: Iterable[Entry] = ()) -> Seen:
        """All entries of one revision, and those of the `named` ones that exist besides."""
        also = {(kind_of(entry), key_of(entry)) for entry in named}

        def attempt(_: int) -> tuple[_Head, Configuration]:
            head = self._head(deadline)
            listed = head.listed
            wanted = {(kind, key) for kind in Kind for key in listed[kind]} | also
            keys = [entry_key(kind, key) for kind, key in sorted(wanted)]
            found = Configuration.of(map(_entry, self.table.batch(keys, deadline)))
            # Many reads are no snapshot; between two equal revisions nothing was written.
            if self._head(deadline).revision != head.revision:
                raise Conflict("the configuration is being changed")
            return head, found

        head, found = decide_again(deadline, attempt)
        new = {key for kind, key in also if kind is Kind.POLICY} - found.policies.keys()
        # Most of them never existed, and one request answers that for a hundred.
        firsts = [items.policy_key(policy_id, 1) for policy_id in sorted(new)]
        gone = [item["id"]["S"] for item in self.table.batch(firsts, deadline)]
        versions = {policy_id: self._newest_version(policy_id, deadline) for policy_id in gone}
        return Seen(head.revision, found, head.listed, versions, head.owner)

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
        return self._head(deadline).listed[kind]

    def _of_kind[E: (Service, Schedule, Team, User, Policy)](
        self, kind: Kind, model: type[E], deadline: Deadline
    ) -> list[E]:
        keys = [entry_key(kind, key) for key in sorted(self.ids(kind, deadline))]
        found = self.table.batch(keys, deadline)
        entries = [validated(model, item) for item in found]
        return sorted(entries, key=lambda entry: entry.id)

    def write(
        self,
        seen: Seen,
        steps: Sequence[Step],
        now: datetime,
        token: str,
        deadline: Deadline,
        ended: Mapping[str, Sequence[str]] | None = None,
        applied: Applied | None = None,
        *,
        audit: Callable[[int, int], AuditEntry],
    ) -> int:
        """Writes the steps in their order; returns the revision after them.

        `ended` holds hashes of live keys that end with their user or integration, by its `key_of`.
        `token` names this call. `applied` becomes the owner, and each revision notes it; without,
        the owner stays and nothing is noted. `audit` makes one and the same entry for each
        transaction, with the number of steps and the revision that it reaches.
        Raises Overtaken, Interrupted, Refused, ConfigurationTooLarge.
        """
        ending, name = ended or {}, self.table.name
        listed = {kind: set(keys) for kind, keys in seen.listed.items()}
        for entry in seen.unlisted:
            listed[kind_of(entry)].add(key_of(entry))
        check_size(listed, steps)
        revision, done = seen.revision, 0
        groups = [of_step(step, name, seen.revision, seen.versions, now, ending) for step in steps]
        for number, count in enumerate(packed(steps, groups, ending, self.most_writes)):
            taken = steps[done : done + count]
            for step in taken:
                take(step, listed)
            writes = [write for group in groups[done : done + count] for write in group]
            noted = (
                None if applied is None else noted_by(applied, seen.owner, revision + 1, taken, now)
            )
            writes.append(head(revision, listed, None if noted is None else noted[0], name))
            writes.append(AuditLog(self.table).writing(audit(done + count, revision + 1)))
            if noted is not None:
                writes.append(note(noted[1], name, self.table.retention))
                if noted[1].took_over:
                    # The lines of a file that owns nothing any more.
                    writes.append(cast("Write", {"Delete": {"TableName": name, "Key": LINES_KEY}}))
            sent = Transaction(self.table.client)
            try:
                retrying(
                    deadline,
                    sent.send,
                    TransactItems=writes,
                    ClientRequestToken=once(f"{token}-{number}"),
                )
            except Conflict:
                raise Overtaken(done) from None
            except Unavailable as unavailable:
                raise Interrupted(done, unavailable, unsure=sent.unsure) from unavailable
            except (BotoCoreError, ClientError) as error:
                if done or sent.unsure:
                    raise Refused(done, error, unsure=sent.unsure) from error
                raise
            revision += 1
            done += count
        return revision

    def revisions(
        self, most: int, before: int | None, deadline: Deadline
    ) -> tuple[list[Revision], int | None]:
        """The newest that applies made, the newest first; `before` this number, if any. And before
        which number the list goes on; None at its end. There may be few, and such a number.
        """
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": items.HEAD_KEY["pk"],
                ":first": revision_key(0)["sk"],
                ":last": revision_key(LAST if before is None else before - 1)["sk"],
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=most,
        )
        ended = page.get("LastEvaluatedKey")
        more = None if ended is None else revision_number(ended)
        return list(self.table.readable(Revision, page["Items"])), more

    def owner(self, deadline: Deadline) -> tuple[int, Owner | None]:
        """The revision, and whoever owns it."""
        found = self._head(deadline)
        return found.revision, found.owner

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

    def _head(self, deadline: Deadline) -> "_Head":
        found = plain(self.table.item(items.HEAD_KEY, deadline) or {})
        listed = {kind: frozenset(found.get(name, ())) for kind, name in LISTS.items()}
        stored = Owner.model_validate(found["owner"]) if "owner" in found else None
        owner = owner_of(stored, holds_anything=any(listed.values()))
        return _Head(found.get("revision", 0), listed, owner)

    def _newest_version(self, policy_id: str, deadline: Deadline) -> int:
        versions = self.table.newest(items.policy_key(policy_id)["pk"], "version#", 1, deadline)
        return int(versions[0]["version"]["N"]) if versions else 0


def _entry(item: Item) -> Entry:
    # Left out, it would count as removed.
    return validated(_MODELS[item["kind"]["S"]], item)
