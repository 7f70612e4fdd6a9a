"""What a deployment is to hold after a file is applied to it, and the steps that lead there.

Pure. The steps are taken by `store.configurations`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsknight.config.configuration import Configuration, Entry, Kind, key_of, kind_of, references
from opsknight.directory.entries import Integration, Service, Team, User
from opsknight.directory.receivers import ServiceReceiver
from opsknight.escalation.policy import Policy


@dataclass(frozen=True, slots=True)
class Busy:
    """An active incident, and what is needed for as long as it is."""

    incident_id: str
    service_id: str
    policy_id: str | None = None
    """By which it escalates: not always its service's any more."""
    assignee_id: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What is not in the file and stays nevertheless."""

    entry: Entry
    incident_id: str | None
    """The active incident that needs it; None when nobody asked to remove it."""


@dataclass(frozen=True, slots=True)
class Aim:
    configuration: Configuration
    left: tuple[Left, ...] = ()


def aim(live: Configuration, file: Configuration, *, prune: bool, busy: Iterable[Busy] = ()) -> Aim:
    """What the deployment is to hold after `file` is applied to it.

    What the file does not name stays, and with `prune` only if an active incident needs it.
    Receivers belong to what a service says of itself: they go without being asked for, with a
    service that the file names.
    """
    needed = _needed(live, busy) if prune else {}
    left: list[Left] = []
    for entry in live.entries():
        kind, key = kind_of(entry), key_of(entry)
        if key in file.by_kind(kind):
            continue
        if isinstance(entry, ServiceReceiver) and entry.service_id in file.services:
            continue
        if not prune or (kind, key) in needed:
            left.append(Left(entry, needed.get((kind, key))))
    kept = [each.entry for each in left]
    entries = [_as_now(entry, live) for entry in file.entries()]
    return Aim(Configuration.of(_with_teams([*kept, *entries])), tuple(left))


def _as_now(entry: Entry, live: Configuration) -> Entry:
    """With what the file does not say of it."""
    match entry:
        case Service() if known := live.services.get(entry.id):
            return entry.model_copy(update={"windows": known.windows})
        case Policy() if before := live.policies.get(entry.id):
            same = entry.model_copy(update={"version": before.version})
            return (
                same if same == before else entry.model_copy(update={"version": before.version + 1})
            )
        case _:
            return entry


def _with_teams(entries: list[Entry]) -> Iterator[Entry]:
    """Users with the teams that name them, of which they repeat the ids."""
    of_user: dict[str, list[str]] = {}
    for team in entries:
        if isinstance(team, Team):
            for member in team.members:
                of_user.setdefault(member.user_id, []).append(team.id)
    for entry in entries:
        if isinstance(entry, User):
            teams = tuple(sorted(of_user.get(entry.id, ())))
            yield entry.model_copy(update={"team_ids": teams})
        else:
            yield entry


def _needed(live: Configuration, busy: Iterable[Busy]) -> dict[tuple[Kind, str], str]:
    """What active incidents need, by the first that does: their services with all that events and
    notices go through, their policies, and whatever these refer to.
    """
    needed: dict[tuple[Kind, str], str] = {}
    of_service: dict[str, list[Entry]] = {}
    parts: Iterable[Integration | ServiceReceiver] = (
        *live.integrations.values(),
        *live.receivers.values(),
    )
    for part in parts:
        of_service.setdefault(part.service_id, []).append(part)
    for incident in busy:
        roots: list[tuple[Kind, str | None]] = [
            (Kind.SERVICE, incident.service_id),
            (Kind.POLICY, incident.policy_id),
            (Kind.USER, incident.assignee_id),
        ]
        waiting = [(kind, key) for kind, key in roots if key is not None]
        while waiting:
            kind, key = waiting.pop()
            entry = live.by_kind(kind).get(key)
            if entry is None or (kind, key) in needed:
                continue
            needed[kind, key] = incident.incident_id
            waiting += ((each.kind, each.id) for each in references(entry))
            if kind is Kind.SERVICE:
                waiting += ((kind_of(each), key_of(each)) for each in of_service.get(key, ()))
    return needed


@dataclass(frozen=True, slots=True)
class Create:
    entry: Entry


@dataclass(frozen=True, slots=True)
class Update:
    before: Entry
    entry: Entry


@dataclass(frozen=True, slots=True)
class Remove:
    entry: Entry


type Step = Create | Update | Remove


def steps(live: Configuration, wanted: Configuration) -> tuple[Step, ...]:
    """What turns one into the other, in an order in which no reference dangles at any time."""
    found: list[Step] = []
    gone: list[Step] = []
    for entry in wanted.entries():
        before = live.by_kind(kind_of(entry)).get(key_of(entry))
        if before is None:
            found.append(Create(entry))
        elif before != entry:
            found.append(Update(before, entry))
    for entry in live.entries():
        if key_of(entry) not in wanted.by_kind(kind_of(entry)):
            gone.append(Remove(entry))
    return (*found, *reversed(gone))
