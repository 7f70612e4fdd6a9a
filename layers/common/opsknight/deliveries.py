"""What becomes of a page or a change: one delivery for each receiver that is told, and how it ends.

Pure: instants, chance and what the store holds are arguments. What a message looks like is each
channel's own; whom a step pages is in `escalations`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from pydantic import AwareDatetime

from opsknight.contacts import Channel, NotificationRule, PageEvent, Receiver, Told
from opsknight.incidents import Incident, Model, Status, Urgency
from opsknight.messages import PageReason

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
# The newest attempts that are kept; the first one is kept as well.
ATTEMPTS_KEPT: Final = 20


class State(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    """A provider took it."""
    REFUSED = "REFUSED"
    """It would not work however often it was tried."""
    GIVEN_UP = "GIVEN_UP"
    """It was tried for 48 hours."""
    CANCELLED = "CANCELLED"
    """Nobody wanted it any more when its time had come."""
    COLLAPSED = "COLLAPSED"
    """A newer notice of the incident went to the same receiver instead."""
    BOUNCED = "BOUNCED"
    """The provider took it, and could not deliver it."""


class Attempt(Model):
    at: AwareDatetime
    outcome: str
    """sent, retry or refused."""
    why: str | None = None
    ms: int = 0
    provider_id: str | None = None


class Delivery(Model):
    """One message to one receiver, with its attempts."""

    id: str
    incident_id: str
    service_id: str
    alert_id: str
    """The first alert of the incident, for what the message tells of it."""
    owner: str
    """Whose receiver it is: `user#<id>`, `service#<id>` or `page#<id>` of a status page."""
    receiver_id: str
    channel: Channel
    about: PageReason | Told | PageEvent
    at: AwareDatetime
    """When what it tells happened."""
    epoch: int = 0
    """Of the incident when it was paged."""
    page_no: int | None = None
    """Of the page that it belongs to; None for a notice."""
    step: int | None = None
    sequence: int = 0
    """Number of the change that it tells."""
    by: str | None = None
    not_before: AwareDatetime
    state: State = State.PENDING
    why: str | None = None
    """How it came to its end, where the state does not say it all."""
    bundle: str | None = None
    """The delivery whose message told this one as well."""
    attempts: tuple[Attempt, ...] = ()
    tries: int = 0
    reported: str | None = None
    """What the provider reported later: delivered, bounced, complaint, ..."""
    claim: str | None = None
    due_at: AwareDatetime | None = None
    """When it is to be looked at again; None once it is over."""

    @property
    def pages(self) -> bool:
        """Whether it is to get a person to act, not only to inform."""
        return self.page_no is not None

    @property
    def destination(self) -> str:
        """The receiver, as paces, places and health are kept for it."""
        return f"{self.owner}#{self.receiver_id}"


class Bundled(Model):
    """An incident that the message of another delivery told as well, with its own delivery."""

    incident_id: str
    delivery_id: str


def delivery_id(kind: str, *parts: object) -> str:
    """The same for the same delivery, whoever plans it and however often. `kind` is p or n."""
    text = "\0".join(str(part) for part in parts)
    return kind + sha256(text.encode()).hexdigest()[:20]


def is_wanted(delivery: Delivery, incident: Incident) -> bool:
    """Whether a person is still to be told; notices are always wanted."""
    match delivery.about:
        case PageReason.PAGED:
            return incident.status is Status.OPEN and incident.epoch == delivery.epoch
        case PageReason.ASSIGNED:
            assigned = delivery.owner == f"user#{incident.assignee_id}"
            return assigned and incident.status is Status.ACKNOWLEDGED
        case _:
            return True
