"""The desired configuration of a deployment after a file is applied, and the steps that lead there.

Pure: `store.configurations` takes the steps.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration, Entry, Kind, key_of, kind_of, references
from opsknight.directory import profile
from opsknight.directory.entries import Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import ServiceReceiver
from opsknight.escalation.policy import Policy


@dataclass(frozen=True, slots=True)
class InUse:
    """An active incident, and the entries that it needs while it is active."""

    incident_id: str
    service_id: str
    policy_id: str | None = None
    """The policy by which it escalates. The service may have another one by now."""
    assignee_id: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry that is not in the file, and stays nevertheless."""

    entry: Entry
    incident_id: str | None
    """The active incident that needs it; None when nobody asked to remove it."""


@dataclass(frozen=True, slots=True)
class Desired:
    configuration: Configuration
    kept: tuple[Kept, ...] = ()


def desired(
    live: Configuration, file: Configuration, *, prune: bool, in_use: Iterable[InUse] = ()
) -> Desired:
    """The configuration of the deployment after `file` is applied to it.

    Entries that the file does not name stay; with `prune` they stay only if an active incident
    needs them, or if people added them to a service of the file. Receivers are part of their
    service: if the file names the service but not the receiver, the receiver goes even without
    `prune`.
    """
    needed = _needed(live, in_use) if prune else {}
    kept: list[Kept] = []
    for entry in live.entries():
        kind, key = kind_of(entry), key_of(entry)
        if key in file.by_kind(kind):
            continue
        if isinstance(entry, ServiceReceiver) and entry.service_id in file.services:
            continue
        if not prune or (kind, key) in needed or _is_of_the_console(entry, file):
            kept.append(Kept(entry, needed.get((kind, key))))
    entries = [_completed(entry, live) for entry in file.entries()]
    everything = [*(each.entry for each in kept), *entries]
    copied = _with_integrations([*_with_teams(everything)])
    return Desired(Configuration.of(copied), tuple(kept))


def _is_of_the_console(entry: Entry, file: Configuration) -> bool:
    """Whether people added it to a service of the file: no file names it, so none removes it."""
    match entry:
        case Integration(made_by=str(), service_id=service_id):
            return service_id in file.services
        case _:
            return False


def _completed(entry: Entry, live: Configuration) -> Entry:
    """Adds to an entry what no file says: windows of a service, the version of a policy, and
    what people have themselves.
    """
    match entry:
        case Service() if known := live.services.get(entry.id):
            return entry.model_copy(update={"windows": known.windows})
        case Integration():
            # Once it has had routes, incidents of its senders may be anywhere.
            had = live.integrations.get(key_of(entry))
            routed = entry.routing is not None or (had is not None and had.remembers)
            return entry.model_copy(update={"remembers": routed or None})
        case Policy() if before := live.policies.get(entry.id):
            same = entry.model_copy(update={"version": before.version})
            return (
                same if same == before else entry.model_copy(update={"version": before.version + 1})
            )
        case User() if who := live.users.get(entry.id):
            return profile.completed(entry, who)
        case _:
            return entry


def _with_teams(entries: list[Entry]) -> Iterator[Entry]:
    """Copies the ids of the teams that name a user into that user."""
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


def _with_integrations(entries: list[Entry]) -> Iterator[Entry]:
    """Copies the ids of integrations that are not plain into their service."""
    of_service: dict[str, list[str]] = {}
    for each in entries:
        if isinstance(each, Integration) and not each.is_plain:
            of_service.setdefault(each.service_id, []).append(each.id)
    for entry in entries:
        if isinstance(entry, Service):
            ids = tuple(sorted(of_service.get(entry.id, ()))) or None
            yield entry.model_copy(update={"looked_up": ids})
        else:
            yield entry


def _needed(live: Configuration, in_use: Iterable[InUse]) -> dict[tuple[Kind, str], str]:
    """The entries that active incidents need, each with the first incident that needs it: services
    with their integrations and receivers, policies, assignees, and what these refer to.
    """
    needed: dict[tuple[Kind, str], str] = {}
    of_service: dict[str, list[Entry]] = {}
    parts: Iterable[Integration | ServiceReceiver] = (
        *live.integrations.values(),
        *live.receivers.values(),
    )
    for part in parts:
        of_service.setdefault(part.service_id, []).append(part)
    for incident in in_use:
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
    """The steps from `live` to `wanted`, in an order in which no reference ever dangles."""
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


def taken(live: Configuration, done: Iterable[Step]) -> Configuration:
    """What `live` becomes by these steps alone."""
    entries = {(kind_of(entry), key_of(entry)): entry for entry in live.entries()}
    for step in done:
        place = kind_of(step.entry), key_of(step.entry)
        match step:
            case Create(entry) | Update(_, entry):
                entries[place] = entry
            case Remove():
                entries.pop(place, None)
            case _:
                assert_never(step)
    return Configuration.of(entries.values())
