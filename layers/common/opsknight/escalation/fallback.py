"""When the fallback address is notified, and of which incidents: paced and bundled like a person.

Pure. One item holds the pace, and a row for each incident says that the address has heard of it, or
is about to; how a message reads is up to the escalation function.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import AwareDatetime

from opsknight.incident.model import Incident, Model, Status, Timer

# The least time between two messages to the address.
MIN_INTERVAL: Final = timedelta(minutes=5)
# Longer than any message takes: after that its sender is dead.
LEASE: Final = timedelta(seconds=60)
AGAIN_AFTER: Final = timedelta(minutes=1)
# A tick looks each minute. One that comes a moment before the time would leave it to the next.
EARLY: Final = timedelta(seconds=3)
# A row may be there so long after its own time: whoever asks takes the time, may have to repeat the
# write for as long as a message of the engine has (10 s), and clocks of two functions differ.
ROW_TAKES: Final = timedelta(seconds=15)


class FallbackState(Model):
    asked: bool = False
    """Whether an incident waits for the next message."""
    next_at: AwareDatetime | None = None
    """No message before then."""
    told_at: AwareDatetime | None = None
    """When the last message was put together."""
    token: str | None = None
    lease_until: AwareDatetime | None = None
    """While somebody sends. One that is over belongs to a sender that died."""

    def due_at(self, now: datetime) -> datetime | None:
        """When the next message is due; None for nothing to say."""
        if self.lease_until is not None:
            return self.lease_until
        if not self.asked:
            return None
        return now if self.next_at is None else max(self.next_at - EARLY, now)


class FallbackRow(Model):
    """The address hears of this incident in every message, until somebody acts."""

    incident_id: str
    at: AwareDatetime
    """When its escalation ended, the last time, by the clock of the function that saw it."""
    once: bool = False
    """Whether its service wants no reminders. The message that names it removes the row."""


def names(row: FallbackRow, incident: Incident | None, state: FallbackState, now: datetime) -> bool:
    """Whether the next message names the incident. If not, somebody has acted."""
    if incident is None or incident.status is not Status.OPEN:
        return False
    timers = incident.timers
    if Timer.REMINDER in timers:
        return True
    if Timer.FALLBACK in timers:
        # Later, it is reassigned, and the assignee's turn. Who asked was right even where our clock
        # is behind theirs.
        return timers[Timer.FALLBACK] <= max(now, row.at)
    # Of an older one the row was left behind. One of just now may have come after the message; if
    # it did not, it is named once more.
    return row.once and (state.told_at is None or row.at > state.told_at - ROW_TAKES)
