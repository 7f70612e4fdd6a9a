"""The ids in Opsgenie's dialect that need no storage. Pure.

A request id says what became of the request: clients take it to `/v2/alerts/requests/ID`, and find
the alert by it. An alert's id is that of its incident; where a route has put several alerts into
one incident, it ends with a digest of the dedup key. A tiny id is the number that an incident's id
is.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Final

from opsknight.classes import dataclass

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INCIDENT: Final = re.compile(r"inc_([0-9a-f]{28})")
_TINY: Final = re.compile(r"[0-9]{1,34}")
_ALERT: Final = re.compile(r"(inc_[0-9a-f]{28})-([0-9a-f]{16})")
_REQUEST: Final = re.compile(
    r"([0-9a-f]{28})-([0-9a-f]{2})([0-9a-f]{2})-([0-9a-f]{12})(?:-([0-9a-f]{16}))?"
)
_NOBODY: Final = "0" * 28


class Act(IntEnum):
    """What was asked for. The numbers are in ids that clients keep."""

    CREATE = 1
    CLOSE = 2
    ACKNOWLEDGE = 3
    UNACKNOWLEDGE = 4
    SNOOZE = 5
    ADD_NOTE = 6
    UPDATE_MESSAGE = 7
    UPDATE_DESCRIPTION = 8
    UPDATE_PRIORITY = 9
    ADD_TAGS = 10
    REMOVE_TAGS = 11
    ADD_DETAILS = 12
    REMOVE_DETAILS = 13

    @property
    def word(self) -> str:
        """As Opsgenie writes it: `AddNote`."""
        return self.name.title().replace("_", "")


class Outcome(IntEnum):
    OPENED = 1
    COUNTED = 2
    DONE = 3
    UNCHANGED = 4
    NO_ALERT = 5
    REFUSED = 6
    DROPPED = 7

    @property
    def is_success(self) -> bool:
        return self not in (Outcome.NO_ALERT, Outcome.REFUSED)


SENTENCES: Final = {
    Outcome.OPENED: "Created alert",
    Outcome.COUNTED: "Added to the open alert with this alias",
    Outcome.DONE: "Done",
    Outcome.UNCHANGED: "It was so already",
    Outcome.NO_ALERT: "Alert does not exist",
    Outcome.REFUSED: "Not possible in this status of the alert",
    Outcome.DROPPED: "Taken, and dropped by a route",
}


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a request."""

    act: Act
    outcome: Outcome
    at: datetime
    """To the millisecond."""
    incident_id: str | None = None
    digest: str | None = None
    """Which alert of its incident it is, if that has several."""


def request_id(processed: Processed) -> str:
    found = _INCIDENT.fullmatch(processed.incident_id or "")
    at = (processed.at - _EPOCH) // timedelta(milliseconds=1)
    digits = found[1] if found else _NOBODY
    alone = f"-{processed.digest}" if processed.digest else ""
    return f"{digits}-{processed.act:02x}{processed.outcome:02x}-{at:012x}{alone}"


def processed_by(text: str) -> Processed | None:
    """None for an id that is none of ours."""
    found = _REQUEST.fullmatch(text)
    if found is None:
        return None
    try:
        act, outcome = Act(int(found[2], 16)), Outcome(int(found[3], 16))
        at = _EPOCH + timedelta(milliseconds=int(found[4], 16))
    except (ValueError, OverflowError):
        return None
    incident_id = None if found[1] == _NOBODY else f"inc_{found[1]}"
    return Processed(act, outcome, at, incident_id, found[5])


def digest(dedup_key: str) -> str:
    return sha256(dedup_key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def alert_id(incident_id: str, one: str | None) -> str:
    """`one` is the digest of the alert that is meant, if its incident has several."""
    return f"{incident_id}-{one}" if one else incident_id


def parts(text: str) -> tuple[str, str | None]:
    """Splits an alert's id into the incident's id and the digest."""
    found = _ALERT.fullmatch(text)
    return (found[1], found[2]) if found else (text, None)


def is_incident(text: str) -> bool:
    return _INCIDENT.fullmatch(text) is not None


def tiny(incident_id: str) -> str:
    """The digits of an incident's id."""
    return str(int(incident_id.removeprefix("inc_"), 16))


def of_tiny(text: str) -> str | None:
    """The incident's id; None for what are no such digits."""
    if not _TINY.fullmatch(text):
        return None
    found = f"inc_{int(text):028x}"
    return found if is_incident(found) else None
