"""Making a plan, which is what applying a file would change, and carrying it out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration, key_of
from opsknight.config.diff import Desired, Remove, Step, Update, desired, steps
from opsknight.config.ownership import Applied, check
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import ApiKey, IntegrationKey, Service, User
from opsknight.directory.integrations import Integration
from opsknight.store.calls import Deadline
from opsknight.store.configurations import Configurations, Seen
from opsknight.store.key_items import AnyKey
from opsknight.store.keys import Held, Keys

# Somebody who removes more at once has most likely given the wrong file.
MOST_REMOVED: Final = 1 / 5
# A key that was used this recently is taken to belong to a monitor at work.
RECENT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Silenced:
    """A key in use that would stop working."""

    entry: User | Service | Integration
    """What is removed or disabled."""
    key: AnyKey


@dataclass(frozen=True, slots=True)
class Plan:
    seen: Seen
    desired: Desired
    steps: tuple[Step, ...]
    ended: Mapping[str, Sequence[str]]
    """Hashes of the live keys that end with a user or an integration, by the owner's key."""
    silenced: tuple[Silenced, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.steps or self.seen.unlisted)

    @property
    def removed(self) -> int:
        return sum(isinstance(step, Remove) for step in self.steps)

    @property
    def removes_much(self) -> bool:
        return self.removed > MOST_REMOVED * self.before

    @property
    def before(self) -> int:
        """How many entries there are now."""
        return sum(1 for _ in self.seen.configuration.entries())

    @property
    def needs_force(self) -> bool:
        return bool(self.silenced) or self.removes_much


def plan(
    configurations: Configurations,
    file: Configuration,
    *,
    prune: bool,
    now: datetime,
    deadline: Deadline,
) -> Plan:
    """Reads the deployment, and compares it with the file."""
    # Read incidents before the configuration: an incident that opens in between is newer than the
    # plan that removes its service.
    in_use = configurations.in_use(deadline) if prune else ()
    seen = configurations.read(deadline, file.entries())
    target = desired(seen.configuration, file, prune=prune, in_use=in_use)
    wanted = steps(seen.configuration, target.configuration)
    held = Keys(configurations.table).held(deadline) if any(map(_ends_keys, wanted)) else []
    live = [each for each in held if each.key.live_at(now)]
    return Plan(
        seen,
        target,
        wanted,
        ended={
            key_of(step.entry): [each.hashed for each in live if _owner(each) == key_of(step.entry)]
            for step in wanted
            if isinstance(step, Remove)
        },
        silenced=tuple(_silenced(wanted, live, now)),
    )


def carry_out(
    configurations: Configurations,
    plan: Plan,
    applied: Applied,
    now: datetime,
    token: str,
    deadline: Deadline,
    *,
    audit: Callable[[int, int], AuditEntry],
) -> int:
    """Writes the plan, and returns the new revision. Raises OwnedElsewhere, and what `write` does;
    `audit` as there.
    """
    check(plan.seen.owner, applied)
    return configurations.write(
        plan.seen, plan.steps, now, token, deadline, plan.ended, applied, audit=audit
    )


def _owner(held: Held) -> str:
    key = held.key
    if isinstance(key, ApiKey):
        return key.user_id
    return f"{key.service_id}/{key.integration_id}"


def _ends_keys(step: Step) -> bool:
    return isinstance(step, Remove) or _disables(step)


def _disables(step: Step) -> bool:
    match step:
        case Update(User() | Service() as before, User() | Service() as after):
            return after.disabled and not before.disabled
        case Remove(User() | Integration()):
            return True
        case _:
            return False


def _silenced(wanted: Sequence[Step], live: Sequence[Held], now: datetime) -> Iterator[Silenced]:
    since = (now - RECENT).date()
    for step in wanted:
        entry = step.entry
        if not _disables(step) or not isinstance(entry, User | Service | Integration):
            continue
        for held in live:
            used = held.key.used_on
            if used is not None and used >= since and _speaks_for(held.key, entry):
                yield Silenced(entry, held.key)


def _speaks_for(key: AnyKey, entry: User | Service | Integration) -> bool:
    match entry, key:
        case User(), ApiKey():
            return key.user_id == entry.id
        case Service(), IntegrationKey():
            return key.service_id == entry.id
        case Integration(), IntegrationKey():
            return (key.service_id, key.integration_id) == (entry.service_id, entry.id)
        case _:
            return False
