"""Incident by incident: whom OpsKnight paged, or would have, and whom the old system did.

Pure. What OpsKnight would have done is played with the policies and schedules as they are now, so
that a mistake that was mended is a difference no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import User
from opsknight.directory.passing_on import Heard, HeardKind
from opsknight.escalation.pages import Page
from opsknight.incident.model import OPSKNIGHT, Action, Event, Incident, Severity, Urgency
from opsknight.simulation import Sent
from opsknight.views.night.play import Stage, play

# The old system hears a moment after us, and tells a moment later.
SLACK: Final = timedelta(minutes=2)
# Whoever is paged by so much later is paged at another time.
SAME_TIME: Final = timedelta(minutes=2)
_SEVERITIES: Final = {
    Urgency.HIGH: Severity.CRITICAL,
    Urgency.MEDIUM: Severity.ERROR,
    Urgency.LOW: Severity.INFO,
}

type Paged = Mapping[str, datetime]
"""When each was first paged, by name."""


@dataclass(frozen=True, slots=True)
class Compared:
    incident: Incident | None
    """None for what only the old system knows."""
    key: str
    at: datetime
    ours: Paged
    theirs: Paged
    played: bool
    """Whether ours is what would have been."""
    told: bool
    """Whether the old system has told of it at all."""
    differences: tuple[str, ...] = ()


def compared(
    incidents: Iterable[tuple[Incident, str, Sequence[Page]]],
    heard: Iterable[Heard],
    stage: Stage,
    users: Mapping[str, User],
    now: datetime,
) -> list[Compared]:
    """Compares what both systems did for one service, oldest first. `incidents`: each with its
    sender's dedup key, and its pages.
    """
    ordered = sorted(incidents, key=lambda each: each[0].created_at)
    told: dict[str, list[Heard]] = {}
    orphans: list[Heard] = []
    for each in heard:
        # The last incident of the key that was open by then.
        mine = [
            incident
            for incident, key, _ in ordered
            if key == each.key and incident.created_at <= each.at + SLACK
        ]
        if mine:
            told.setdefault(mine[-1].id, []).append(each)
        elif each.what is HeardKind.PAGED:
            orphans.append(each)
    found: list[Compared] = []
    for incident, key, pages in ordered:
        ours = _paged(pages, users) if pages else _would_page(incident, stage, now)
        said = told.get(incident.id, [])
        theirs = _named(said, users)
        row = Compared(
            incident, key, incident.created_at, ours, theirs, played=not pages, told=bool(said)
        )
        found.append(replace(row, differences=tuple(_differences(row))))
    return sorted([*found, *_only_there(orphans, users)], key=lambda each: each.at)


def _would_page(incident: Incident, stage: Stage, now: datetime) -> Paged:
    """Until somebody took it, here or by the old system's webhook."""
    service = stage.service.model_copy(update={"shadow_until": None})
    roster = replace(stage.roster, services={**stage.roster.services, service.id: service})
    urgency = incident.urgency_in_hours or incident.urgency
    event = Event(
        action=Action.TRIGGER,
        service_id=service.id,
        dedup_key=incident.dedup_key,
        summary=incident.title,
        severity=_SEVERITIES[urgency],
        body="{}",
        actor=OPSKNIGHT,
    )
    played = play(event, Stage(stage.place, service, roster), incident.created_at)
    until = min(filter(None, [incident.acknowledged_at, incident.resolved_at, now]))
    found: dict[str, datetime] = {}
    for each in played.simulation.happenings if played.simulation else ():
        if isinstance(each, Sent) and each.delivery.pages and each.at <= until:
            user = stage.roster.known_users[each.delivery.user_id]
            found.setdefault(user.name, each.at)
    return found


def _paged(pages: Iterable[Page], users: Mapping[str, User]) -> Paged:
    found: dict[str, datetime] = {}
    for page in pages:
        user = users.get(page.user_id)
        found.setdefault(user.name if user else slug_of(page.user_id), page.at)
    return found


def _named(said: Iterable[Heard], users: Mapping[str, User]) -> Paged:
    """By the names that we have, where we have one."""
    known: dict[str, str] = {}
    for user in users.values():
        for name in (user.name, user.email, slug_of(user.id)):
            known.setdefault(name.casefold(), user.name)
    found: dict[str, datetime] = {}
    for each in sorted(said, key=lambda one: one.at):
        for name in each.who if each.what is HeardKind.PAGED else ():
            found.setdefault(known.get(name.casefold(), name), each.at)
    return found


def _only_there(orphans: Iterable[Heard], users: Mapping[str, User]) -> Iterator[Compared]:
    by_key: dict[str, list[Heard]] = {}
    for each in orphans:
        by_key.setdefault(each.key, []).append(each)
    for key, said in by_key.items():
        first = min(each.at for each in said)
        why = "Only the old system knows of it: its sender has not been switched."
        yield Compared(None, key, first, {}, _named(said, users), False, True, (why,))


def _differences(each: Compared) -> Iterator[str]:
    if not each.told:
        yield "The old system told nothing of it."
        return
    if not each.theirs and not each.ours:
        return
    would = "would have paged" if each.played else "paged"
    if missing := [name for name in each.theirs if name not in each.ours]:
        yield f"Only the old system paged {', '.join(missing)}."
    if more := [name for name in each.ours if name not in each.theirs]:
        yield f"Only OpsKnight {would} {', '.join(more)}."
    first, other = next(iter(each.ours), None), next(iter(each.theirs), None)
    if first in each.theirs and other in each.ours and first != other:
        yield f"OpsKnight {would} {first} first, the old system {other}."
    for name, at in each.ours.items():
        theirs = each.theirs.get(name)
        if theirs is not None and abs(at - theirs) > SAME_TIME:
            yield f"{name}: {_words(at - each.at)} here, {_words(theirs - each.at)} there."


def _words(after: timedelta) -> str:
    minutes = round(after.total_seconds() / 60)
    return "at once" if minutes <= 0 else f"after {minutes} min"
