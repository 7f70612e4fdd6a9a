"""What a step of an escalation leaves behind: its row on the timeline, and a page for each user.

Pure. Which step is taken, and whom it reaches, is in `steps` and `policy`; how a page becomes
messages is in `opsknight.notification`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Model, Urgency

# DynamoDB takes 100 writes in a transaction; the incident and its timeline are among them.
PAGES_AT_ONCE: Final = 90


class Why(StrEnum):
    """Why a step was taken, as the timeline and its pages say."""

    DUE = "due"
    AGAIN = "again"
    ASKED = "asked"
    REASSIGNED = "reassigned"
    EXHAUSTED = "exhausted"
    """No step was taken: all rounds are over."""


class PageState(StrEnum):
    """How far a page is; a page without a state has no deliveries planned yet."""

    PLANNED = "PLANNED"
    REACHED = "REACHED"
    """A provider took one of its messages."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Page(Model):
    """Notify this user of the incident, by the user's own notification rules."""

    incident_id: str
    page_no: int
    user_id: str
    step: int | None = None
    """None when the incident was reassigned to the user."""
    epoch: int
    """The incident's epoch when the page was created."""
    at: datetime
    reason: Why
    urgency: Urgency | None = None
    """The incident's when the page was created; None where a version before this created it."""
    state: PageState | None = None
    reach_deadline: AwareDatetime | None = None
    """The page has failed if no provider has taken one of its messages by then."""
    reached_at: AwareDatetime | None = None
    """When a provider took the first of its messages; None where a version before this saw it."""
    delivery_ids: tuple[str, ...] | None = None
    """Its deliveries, once they are planned; None where a version before this planned them."""
    due_at: AwareDatetime | None = None
    """When something must look at it again: first to plan it, then to judge it."""


class StepTaken(Model):
    """A step on the timeline; without users, it reached nobody."""

    incident_id: str
    page_no: int
    at: datetime
    step: int | None = None
    round: int
    user_ids: tuple[str, ...] = ()
    reason: Why


@dataclass(frozen=True, slots=True)
class Taken:
    """When a provider takes the first message of a round."""

    at: datetime
    held: bool = False
    """Until then it had to wait for somebody's quiet hours."""


def pages_of(taken: StepTaken, epoch: int, urgency: Urgency, written: int) -> tuple[Page, ...]:
    """The next pages of a step, as many as one transaction takes; `written` exist already."""
    return tuple(
        Page(
            incident_id=taken.incident_id,
            page_no=taken.page_no,
            user_id=user_id,
            step=taken.step,
            epoch=epoch,
            at=taken.at,
            reason=taken.reason,
            urgency=urgency,
            due_at=taken.at,
        )
        for user_id in taken.user_ids[written : written + PAGES_AT_ONCE]
    )
