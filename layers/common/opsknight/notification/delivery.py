"""What becomes of a page or a change: one delivery for each receiver that is told, and how it ends.

Pure: instants, chance and what the store holds are arguments. What a message looks like is each
channel's own; whom a step pages is in `escalations`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, assert_never

from pydantic import AwareDatetime, Field

from opsknight.directory.receivers import Channel, IncidentEvent, Owner, OwnerKind, StatusPageEvent
from opsknight.escalation.steps import PageState
from opsknight.incident.model import Incident, Model, Status
from opsknight.notification.message import PageReason

# A receiver of notices is tried for so long; a page until its incident does not want it any more.
TRIED_FOR: Final = timedelta(hours=48)
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=15)
# Somebody is waiting to be woken.
LONGEST_PAUSE_OF_A_PAGE: Final = timedelta(minutes=1)
# Longer than a receiver may ask us to stay away.
LONGEST_ASKED: Final = timedelta(hours=1)
# A page that no provider has taken by then has failed.
REACHED_WITHIN: Final = timedelta(minutes=2)
# Afterwards a page is tried as seldom as a notice.
URGENT_FOR: Final = timedelta(hours=1)
# Whoever asked for a test has gone by then, and a message out of the blue would alarm.
TESTED_FOR: Final = timedelta(minutes=10)
# Of a delivery that is tried for long, the newest attempts are kept.
ATTEMPTS_KEPT: Final = 20


class State(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    """A provider took it."""
    FAILED = "FAILED"
    """It would not work however often it was tried."""
    GIVEN_UP = "GIVEN_UP"
    """It was tried for 48 hours."""
    CANCELLED = "CANCELLED"
    """Nobody wanted it any more when its time had come."""
    COLLAPSED = "COLLAPSED"
    """A newer notice of the incident went to the same receiver instead."""
    BOUNCED = "BOUNCED"
    """The provider took it, and could not deliver it."""


class AttemptOutcome(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    """It failed in a way that may pass; there may be another attempt."""
    FAILED = "failed"
    """It failed for good."""


class Attempt(Model):
    at: AwareDatetime
    outcome: Annotated[AttemptOutcome | str, Field(union_mode="left_to_right")]
    """A word that only a newer version knows is kept as it is."""
    why: str | None = None
    ms: int = 0
    provider_id: str | None = None


class Delivery(Model):
    """One message to one receiver, with its attempts."""

    id: str
    incident_id: str
    """Of a test the test's own id: no incident has it."""
    service_id: str
    alert_id: str
    """The first alert of the incident, for what the message tells of it."""
    owner: Owner
    receiver_id: str
    channel: Channel
    about: PageReason | IncidentEvent | StatusPageEvent
    at: AwareDatetime
    """When what it tells happened."""
    epoch: int = 0
    """Of the incident when it was paged."""
    page_no: int | None = None
    """Of the page that it belongs to; None where nobody waits for an answer."""
    step: int | None = None
    sequence: int = 0
    """Number of the change that it tells."""
    by: str | None = None
    note: str | None = None
    """What somebody wrote for everybody to read, where that is what it tells."""
    not_before: AwareDatetime
    state: State = State.PENDING
    why: str | None = None
    """How it came to its end, where the state does not say it all."""
    ended_at: AwareDatetime | None = None
    bundle: str | None = None
    """The delivery whose message told this one as well."""
    attempts: tuple[Attempt, ...] = ()
    tries: int = 0
    reported: str | None = None
    """What the provider reported later (`Report`)."""
    claim: str | None = None
    due_at: AwareDatetime | None = None
    """When it is to be looked at again; None once it is over."""

    @property
    def pages(self) -> bool:
        """Whether it goes to a person, and not to a receiver of a service or a status page."""
        return self.owner.kind is OwnerKind.USER

    @property
    def user_id(self) -> str:
        return self.owner.id

    @property
    def destination(self) -> str:
        return self.owner.destination(self.receiver_id)


class Bundled(Model):
    """An incident that the message of another delivery told as well, with its own delivery."""

    incident_id: str
    delivery_id: str


def delivery_id(kind: str, *parts: object) -> str:
    """The same for the same delivery, whoever plans it and however often. `kind` is p or n."""
    text = "\0".join(str(part) for part in parts)
    return kind + sha256(text.encode()).hexdigest()[:20]


def is_wanted(delivery: Delivery, incident: Incident | None, now: datetime) -> bool:
    """Whether a person is still to be told; notices are wanted while there is the incident."""
    if delivery.about is PageReason.TEST:
        return now < delivery.at + TESTED_FOR
    if incident is None:
        return False
    match delivery.about:
        case PageReason.PAGED:
            return incident.status is Status.OPEN and incident.epoch == delivery.epoch
        case PageReason.ASSIGNED:
            assigned = delivery.pages and delivery.user_id == incident.assignee_id
            return assigned and incident.status is Status.ACKNOWLEDGED
        case _:
            return True


def is_superseded(delivery: Delivery, others: Iterable[Delivery]) -> bool:
    """Whether its receiver is told, or was told, of a newer change of the same incident."""
    return any(
        other.destination == delivery.destination and other.sequence > delivery.sequence
        for other in others
        if not other.pages and other.state not in (State.FAILED, State.CANCELLED)
    )


def attempted(
    delivery: Delivery, attempt: Attempt, after: timedelta | None, chance: float
) -> dict[str, object]:
    """The attributes to set after an attempt: how the delivery ended, or when to try again.

    `after` is how long the receiver asked us to stay away; `chance` is from 0 to 1. Raises
    ValueError for an outcome of a newer version: this version makes no such attempt.
    """
    tries = delivery.tries + 1
    outcome = AttemptOutcome(attempt.outcome)
    sets: dict[str, object] = {
        "attempts": (*delivery.attempts, attempt)[-ATTEMPTS_KEPT:],
        "tries": tries,
        "claim": None,
        "due_at": None,
    }
    match outcome:
        case AttemptOutcome.SENT:
            return sets | {"state": State.SENT, "ended_at": attempt.at}
        case AttemptOutcome.FAILED:
            return sets | {"state": State.FAILED, "why": attempt.why, "ended_at": attempt.at}
        case AttemptOutcome.RETRY if _is_given_up(delivery, attempt.at):
            return sets | {"state": State.GIVEN_UP, "why": attempt.why, "ended_at": attempt.at}
        case AttemptOutcome.RETRY:
            pause = _pause(delivery, tries, attempt.at, after, chance)
            return sets | {"due_at": attempt.at + pause}
        case unknown:
            assert_never(unknown)


def _is_given_up(delivery: Delivery, now: datetime) -> bool:
    return not delivery.pages and now - delivery.not_before >= TRIED_FOR


def _pause(
    delivery: Delivery, tries: int, now: datetime, after: timedelta | None, chance: float
) -> timedelta:
    urgent = delivery.pages and now - delivery.not_before < URGENT_FOR
    longest = LONGEST_PAUSE_OF_A_PAGE if urgent else LONGEST_PAUSE
    # No number of doublings beyond 16 matters, and 2 ** 200 seconds is no timedelta.
    doubled: int = 2 ** min(tries - 1, 16)
    pause = min(longest, FIRST_PAUSE * doubled) * (0.5 + chance / 2)
    return max(pause, min(after or timedelta(0), LONGEST_ASKED))


def ended(state: State, why: str, at: datetime) -> dict[str, object]:
    """What to set when it is over without an attempt."""
    return {"state": state, "why": why, "ended_at": at, "claim": None, "due_at": None}


def page_state(
    deliveries: Iterable[Delivery], reach_deadline: datetime, now: datetime
) -> PageState | None:
    """How a page ended, by its deliveries; None while that is open."""
    states = {delivery.state for delivery in deliveries}
    if State.SENT in states:
        return PageState.REACHED
    if State.CANCELLED in states:
        return PageState.CANCELLED
    if State.PENDING in states and now < reach_deadline:
        return None
    return PageState.FAILED


def reach_deadline(deliveries: Iterable[Delivery]) -> datetime | None:
    """When a provider must have taken one of a page's messages; None without deliveries."""
    first = min((delivery.not_before for delivery in deliveries), default=None)
    return None if first is None else first + REACHED_WITHIN


class Report(StrEnum):
    """What a provider says later of a message that it took. Accepted is not delivered."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    """It reached somebody, who called it spam."""
    FAILED = "failed"
    """It bounced, was blocked, or nobody answered."""


def reported(delivery: Delivery, report: Report, why: str) -> dict[str, object]:
    """What to set when a provider reports what became of it. A bounce is a failed method."""
    sets: dict[str, object] = {"reported": report}
    if report is Report.FAILED and delivery.state is State.SENT:
        sets |= {"state": State.BOUNCED, "why": why}
    return sets
