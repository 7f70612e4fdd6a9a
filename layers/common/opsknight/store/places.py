"""Where an event is settled, and what is written with it. `execute` and `groups` carry it out."""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.incident.decisions import Merged, Opened
from opsknight.incident.events import AT_ONCE, Opening
from opsknight.incident.lifecycle import begin_paging
from opsknight.incident.members import GroupDecision, Joined, OpenedGroup
from opsknight.incident.model import Alert, Event, Pointer, Status
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.incidents import IncidentRows
from opsknight.store.rows import Rows

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


class Remembering(Protocol):
    """Writes to which incident a sender's events go, together with the first of them."""

    def is_needed(self, incident_id: str) -> bool: ...

    def write(self, incident_id: str) -> "Write": ...

    def leads_elsewhere(self, incident_id: str | None, rows: Rows, deadline: Deadline) -> bool:
        """Whether somebody else has written meanwhile that they go to another incident."""


class Moved(Exception):
    """Where an event goes was decided before somebody else wrote that its sender's go elsewhere.
    Nothing is written: read and place it anew.
    """


@dataclass(frozen=True, slots=True)
class Place:
    event: Event
    service: Service
    current: Pointer | None
    """The active incident of the event's dedup key."""
    opening: Opening = AT_ONCE
    remember: Remembering | None = None
    pages_with: int | None = None
    """With so many alerts an incident pages that waits, as it may resolve itself."""


def remembered(remember: Remembering | None, decision: GroupDecision) -> "list[Write]":
    """What is to be written of it together with the decision, if anything."""
    match decision:
        case OpenedGroup(Opened(incident)) | Opened(incident):
            incident_id = incident.id
        case Joined(before) | Merged(before):
            incident_id = before.id
        case _:
            return []
    if remember is None or not remember.is_needed(incident_id):
        return []
    return [remember.write(incident_id)]


def let_out(
    table: IncidentRows, alert: Alert, wanted: int, now: datetime, deadline: Deadline
) -> None:
    """Begins the paging of an incident that nobody has heard of, once it has so many alerts. If
    this is never done, its time comes.
    """

    def attempt(number: int) -> None:
        incident = table.incident(alert.incident_id, deadline)
        if incident is None or incident.status is not Status.OPEN or incident.announced_from:
            return
        if incident.alert_count >= wanted:
            decision = begin_paging(incident, alert.actor, now, incident.alert_count)
            table.apply(decision, f"{alert.id}-p{number}", deadline, yields=True)

    decide_again(deadline, attempt)
