"""What figures need to know of one incident that was resolved. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.escalation.pages import Page, StepTaken, Why
from opsknight.incident.model import ActorKind, Incident, Urgency
from opsknight.incident.timeline import Change, ChangeKind


@dataclass(frozen=True, slots=True)
class Paged:
    user_id: str
    hour: int
    """From 0 to 23, by the person's own clock."""


@dataclass(frozen=True, slots=True)
class Facts:
    service_id: str
    dedup_key: str
    title: str
    urgency: Urgency
    alerts: int
    acknowledged_after: int | None
    """Seconds from the opening to the first acknowledgement, whoever made it; None for none."""
    resolved_after: int
    paged: tuple[Paged, ...]
    """Each page, in the order in which they were made."""
    in_time: bool | None
    """Whether it was acknowledged, or resolved, before its escalation went on to somebody else.
    None for one that paged nobody.
    """
    answered: tuple[str, int] | None
    """Who acknowledged it first, and how many seconds after their own first page; None where that
    was no user, or one whom it had not paged.
    """


def facts(
    incident: Incident,
    changes: Iterable[Change],
    steps: Iterable[StepTaken],
    pages: Sequence[Page],
    clock: Callable[[str], ZoneInfo],
) -> Facts:
    """`clock` gives the zone of a user, by id. The incident must be resolved."""
    if incident.resolved_at is None:
        raise ValueError("only what is over has figures")
    first = next((each for each in changes if each.what == ChangeKind.ACKNOWLEDGED), None)
    settled = first.at if first else incident.resolved_at
    ordered = sorted(pages, key=lambda page: (page.at, page.page_no, page.user_id))
    return Facts(
        service_id=incident.service_id,
        dedup_key=incident.dedup_key,
        title=incident.title,
        urgency=incident.urgency,
        alerts=incident.alert_count,
        acknowledged_after=_seconds(incident.created_at, first.at) if first else None,
        resolved_after=_seconds(incident.created_at, incident.resolved_at),
        paged=tuple(
            Paged(page.user_id, page.at.astimezone(clock(page.user_id)).hour) for page in ordered
        ),
        in_time=_in_time(steps, settled) if pages else None,
        answered=_answered(first, ordered),
    )


def _in_time(steps: Iterable[StepTaken], settled: datetime) -> bool:
    """A step that a person asked for, or that reached nobody, says nothing about who was late."""
    own = [
        each
        for each in steps
        if each.at < settled and each.user_ids and each.reason in (Why.DUE, Why.EXHAUSTED)
    ]
    return len(own) <= 1


def _answered(first: Change | None, pages: Sequence[Page]) -> tuple[str, int] | None:
    if first is None or first.actor.kind is not ActorKind.USER:
        return None
    mine = [each.at for each in pages if each.user_id == first.actor.id and each.at <= first.at]
    return (first.actor.id, _seconds(mine[0], first.at)) if mine else None


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))
