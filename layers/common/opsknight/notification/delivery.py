"""A delivery, one message to one receiver: its states, when to try again, and how it ends.

Pure: instants, chance and stored items are arguments. Who gets a delivery is in `recipients`, and
whom a step pages in `escalation.steps`; how a message looks is up to each channel.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, assert_never

from pydantic import AwareDatetime, Field

from opsknight.directory.receivers import Channel, IncidentEvent, Owner, OwnerKind
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.escalation.hold import NO_HOLD, Hold
from opsknight.incident.model import Incident, Model, Status, Urgency
from opsknight.notification.message import ASKED_FOR, PageReason

# For how long to try a notice. A page is tried until its incident does not want it any more.
TRIED_FOR: Final = timedelta(hours=48)
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=15)
# Somebody is waiting to be woken.
LONGEST_PAUSE_OF_A_PAGE: Final = timedelta(minutes=1)
# A receiver may ask us to stay away for this long at most.
LONGEST_ASKED: Final = timedelta(hours=1)
# For how long to retry a page more often than a notice.
URGENT_FOR: Final = timedelta(hours=1)
# After this time whoever asked for the test has gone, and a message out of the blue would alarm.
TESTED_FOR: Final = timedelta(minutes=10)
# A delivery that is tried for long keeps only its newest attempts.
ATTEMPTS_KEPT: Final = 20


class State(StrEnum):
    """Where a delivery stands. Every state but PENDING is final; only SENT may become BOUNCED."""

    # What follows the colon is the same for a letter.
    PENDING = "PENDING"
    """It waits for its time, its receiver or another attempt: the letter is on the desk."""
    SENT = "SENT"
    """A provider took it: the letter is in the post."""
    FAILED = "FAILED"
    """No further attempt could work: there is no such street."""
    GIVEN_UP = "GIVEN_UP"
    """Every attempt failed for 48 hours: the post office never opened."""
    CANCELLED = "CANCELLED"
    """Nobody wanted it any more when its time came: it was old news before it was posted."""
    COLLAPSED = "COLLAPSED"
    """A newer notice went to the same receiver instead: a later letter says all of it."""
    BOUNCED = "BOUNCED"
    """The provider took it but could not deliver it: return to sender."""


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
    """For a contact-method test, the test's own id (there is no incident)."""
    service_id: str
    alert_id: str
    """The incident's first alert, for its details."""
    owner: Owner
    receiver_id: str
    channel: Channel
    about: PageReason | IncidentEvent | StatusPageEvent
    at: AwareDatetime
    """When that happened."""
    epoch: int = 0
    """The incident's epoch when the page was created."""
    page_no: int | None = None
    """The page that it belongs to; None where nobody waits for an answer."""
    step: int | None = None
    sequence: int = 0
    """Number of the change that it is about."""
    by: str | None = None
    note: str | None = None
    """The text of a public note, if it is about one."""
    urgency: Urgency | None = None
    """The incident's when it was planned, which says how its wakeups travel; HIGH for a test. None
    where a version before this planned it.
    """
    not_before: AwareDatetime
    wanted_until: AwareDatetime | None = None
    """Nobody wants it from then on; None where its incident says that."""
    quiet_until: AwareDatetime | None = None
    """The end of its user's quiet hours, if it waits for that."""
    state: State = State.PENDING
    why: str | None = None
    """Why it ended, where the state does not say it all."""
    ended_at: AwareDatetime | None = None
    user_since: int | None = None
    """Its user's `since`: the link in it is of nobody who has their id later."""
    bundle: str | None = None
    """The delivery whose message carried this one, too."""
    tried_at: AwareDatetime | None = None
    """When a message about several first told it in vain. The attempts are its leader's."""
    rang: tuple[str, ...] | None = None
    """The names of earlier messages that may ring for it still: each may have been taken without an
    answer (`ringing.rang_before`).
    """
    attempts: tuple[Attempt, ...] = ()
    tries: int = 0
    reported: str | None = None
    """The provider's later report (`Report`)."""
    opened_at: AwareDatetime | None = None
    """When a browser first went to its link."""
    fetched_at: AwareDatetime | None = None
    """When its link was first asked for by something else: mail scanners and previews do that."""
    stops_ringing: bool = False
    """Whether its provider is to stop repeating it; while it has `due_at`, that is still to do."""
    claim: str | None = None
    due_at: AwareDatetime | None = None
    """When to look at it again; None once it is over, and while it is held: then its receiver is
    due.
    """

    @property
    def pages(self) -> bool:
        """Whether it goes to a person, not to a receiver of a service or of a status page."""
        return self.owner.kind is OwnerKind.USER

    @property
    def user_id(self) -> str:
        return self.owner.id

    @property
    def destination(self) -> str:
        return self.owner.destination(self.receiver_id)


def delivery_id(kind: str, *parts: object) -> str:
    """The same whoever plans the delivery and however often. `kind`: p to a person, n otherwise."""
    text = "\0".join(str(part) for part in parts)
    return kind + sha256(text.encode()).hexdigest()[:20]


def is_wanted(delivery: Delivery, incident: Incident | None, now: datetime) -> bool:
    """Whether to send it still. Notices are wanted as long as their incident exists."""
    if delivery.wanted_until is not None:
        return now < delivery.wanted_until
    if delivery.about in ASKED_FOR:
        return now < delivery.at + TESTED_FOR
    if incident is None:
        return False
    match delivery.about:
        case PageReason.PAGED:
            return incident.status is Status.OPEN and incident.epoch == delivery.epoch
        case PageReason.JOINED:
            return incident.status in (Status.ACKNOWLEDGED, Status.SNOOZED)
        case PageReason.ALSO_PAGED:
            return incident.status in (Status.OPEN, Status.ACKNOWLEDGED)
        case PageReason.ASSIGNED:
            assigned = delivery.pages and delivery.user_id == incident.assignee_id
            return assigned and incident.status is Status.ACKNOWLEDGED
        case _:
            return True


def is_superseded(delivery: Delivery, others: Iterable[Delivery]) -> bool:
    """Whether a notice of a newer change of the incident has gone, or will go, to its receiver."""
    return any(
        other.destination == delivery.destination and other.sequence > delivery.sequence
        for other in others
        if not other.pages and other.state not in (State.FAILED, State.CANCELLED)
    )


def attempted(
    delivery: Delivery,
    attempt: Attempt,
    after: timedelta | None,
    chance: float,
    hold: Hold = NO_HOLD,
) -> dict[str, object]:
    """The attributes to set after an attempt: how the delivery ended, or when to try again.

    `after` is how long the receiver asked us to stay away; `chance` is from 0 to 1. Raises
    ValueError for an outcome of a newer version: this version makes no such attempt.
    """
    tries = delivery.tries + 1
    outcome = AttemptOutcome(attempt.outcome)
    changes: dict[str, object] = {
        "attempts": (*delivery.attempts, attempt)[-ATTEMPTS_KEPT:],
        "tries": tries,
        "claim": None,
        "due_at": None,
    }
    match outcome:
        case AttemptOutcome.SENT:
            return changes | {"state": State.SENT, "ended_at": attempt.at}
        case AttemptOutcome.FAILED:
            return changes | {"state": State.FAILED, "why": attempt.why, "ended_at": attempt.at}
        case AttemptOutcome.RETRY if _is_given_up(delivery, attempt.at, hold):
            return changes | {"state": State.GIVEN_UP, "why": attempt.why, "ended_at": attempt.at}
        case AttemptOutcome.RETRY:
            pause = _pause(delivery, tries, attempt.at, after, chance)
            return changes | {"due_at": attempt.at + pause}
        case unknown:
            assert_never(unknown)


def _is_given_up(delivery: Delivery, now: datetime, hold: Hold) -> bool:
    return not delivery.pages and now >= hold.counted(delivery.not_before, TRIED_FOR)


def _pause(
    delivery: Delivery, tries: int, now: datetime, after: timedelta | None, chance: float
) -> timedelta:
    urgent = delivery.pages and now - delivery.not_before < URGENT_FOR
    longest = LONGEST_PAUSE_OF_A_PAGE if urgent else LONGEST_PAUSE
    # More than 16 doublings change nothing, and 2 ** 200 seconds do not fit into a timedelta.
    doubled: int = 2 ** min(tries - 1, 16)
    pause = min(longest, FIRST_PAUSE * doubled) * (0.5 + chance / 2)
    return max(pause, min(after or timedelta(0), LONGEST_ASKED))


def ended(state: State, why: str, at: datetime) -> dict[str, object]:
    """The attributes to set when the delivery is over without an attempt."""
    return {"state": state, "why": why, "ended_at": at, "claim": None, "due_at": None}


class Report(StrEnum):
    """A provider's later report on a message that it took. Accepted is not delivered."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    """It reached somebody who called it spam."""
    FAILED = "failed"
    """It bounced, was blocked, or nobody answered."""


def reported(delivery: Delivery, report: Report, why: str) -> dict[str, object]:
    """The attributes to set when a provider reports. A failure after all makes a SENT delivery
    BOUNCED.
    """
    changes: dict[str, object] = {"reported": report}
    if report is Report.FAILED and delivery.state is State.SENT:
        changes |= {"state": State.BOUNCED, "why": why}
    return changes
