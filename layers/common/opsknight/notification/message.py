"""The facts in a message, whatever the channel.

Pure models. Words and layout belong to the channels (functions/notify/channels).
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Final

from opsknight.classes import dataclass
from opsknight.directory.receivers import IncidentEvent
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Status, Urgency
from opsknight.incident.references import Reference


class PageReason(StrEnum):
    """Why a person gets a message."""

    PAGED = "paged"
    """The incident is theirs to act on."""
    ASSIGNED = "assigned"
    """Somebody gave them an incident that is acknowledged already."""
    ALSO_PAGED = "also_paged"
    """Somebody asks them to help with an incident that others have."""
    JOINED = "joined"
    """They have an incident that one more alert of its group has joined. The note names it."""
    ANSWER = "answer"
    """What became of a reply of theirs by text message. The note says it."""
    REQUESTED = "requested"
    """They asked for a link of their own, at the incident's address."""
    ON_CALL = "on_call"
    """When they are on call, or what has changed of that; also to a schedule's channel. The note
    says it: a title, and lines of `name: value`.
    """
    CHANGED = "changed"
    """The contact method that it goes to is to be replaced. The note says by what, as above."""
    CODE = "code"
    """They show that a message reaches them: by the code in it they log in, or confirm the contact
    method.
    """
    REPORT = "report"
    """The daily report. The note has it, as JSON (`opsknight.health.report.Report`)."""
    TEST = "test"
    """An operator tries out the contact method; there is no incident behind it."""


# Whoever asked waits for it, and no incident says how long it is wanted.
ASKED_FOR: Final = frozenset(
    {PageReason.TEST, PageReason.ANSWER, PageReason.REQUESTED, PageReason.CODE}
)
# These ask somebody to act; all others only inform.
ASKS_TO_ACT: Final = frozenset(
    {
        PageReason.PAGED,
        PageReason.ASSIGNED,
        PageReason.ALSO_PAGED,
        IncidentEvent.EXHAUSTED,
        IncidentEvent.REOPENED,
    }
)


@dataclass(frozen=True, slots=True)
class Brief:
    """An incident as a message shows it."""

    id: str
    number_of_alerts: int
    title: str
    service_id: str
    service_name: str
    urgency: Urgency
    status: Status
    created_at: datetime
    dedup_key: str
    source: str | None = None
    """Which integration or key opened it."""
    description: str | None = None
    """The custom details of the first alert as indented JSON, at most 10,000 characters."""
    assignee: str | None = None
    """The name of its assignee."""
    taken_on: bool = False
    """Whether its assignee has it; once it is resolved, whether they had it."""
    paged_first: bool = False
    """Whether its assignee is only whom it paged first."""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    by: str | None = None
    """Who or what caused the event; None for the opening."""
    link: str | None = None
    """Where to act on it: signed, and only for the reader of this message; in a channel, the
    incident's address, which is the same for everybody.
    """
    details: str | None = None
    """The custom details as lines of `key: value`."""
    event: IncidentEvent | None = None
    """What a channel is told of it; in a digest each has its own."""
    references: tuple[Reference, ...] = ()
    """Runbooks, dashboards and whatever else the event or the service links to."""
    rolled_out: str = ""
    """What changed on the service shortly before, as a sentence."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a message has told before an update, without the incidents that it still names."""

    told: Mapping[str, int]
    """How many incidents, by urgency."""
    services: tuple[str, ...]
    """The ids of their services; at most one more than `continued.MOST_SERVICES`."""

    @property
    def incidents(self) -> int:
        return sum(self.told.values())


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one receiver."""

    delivery_id: str
    """The same for each attempt."""
    about: PageReason | IncidentEvent | StatusPageEvent
    at: datetime
    """When the event happened."""
    incidents: tuple[Brief, ...]
    """One; or several that were held for the same receiver, the most urgent first."""
    sequence: int = 0
    """Number of the incident's change; grows."""
    step: int | None = None
    """Step of the escalation policy, from 0, that pages."""
    note: str | None = None
    """The text of a public note, or of an answer, if that is the event."""
    code: str | None = None
    """What its reader types to show that it came (`PageReason.CODE`)."""
    reply_code: str | None = None
    """By text message: what to reply to acknowledge the incident, or the first of several."""
    coded: int = 0
    """How many of its incidents have a code, so that `all` means them."""
    link: str | None = None
    """Where all incidents of a bundle are listed."""
    earlier: Earlier | None = None
    """Of an update: what the message has told before, beside `incidents`."""
    zone: tzinfo = UTC
    """The time zone of the reader's clock."""
    remembered: dict[str, str] = field(default_factory=dict[str, str])
    """What an earlier message about this incident left for this receiver (`Sent.remember`)."""
