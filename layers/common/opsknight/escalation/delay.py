"""A step that waits for the page before it. Pure; whether it has to is known by its deliveries."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from opsknight.escalation.steps import Advanced, Progress, settled
from opsknight.incident.changes import Changes
from opsknight.incident.model import OPSKNIGHT, Incident, Timer
from opsknight.incident.recording import record
from opsknight.incident.timeline import ChangeKind

LOOKED_AT_EVERY: Final = timedelta(seconds=15)


def delayed(incident: Incident, since: datetime | None, until: datetime, now: datetime) -> Advanced:
    """The next step waits until the page before it is tried, until `until` at most. `since` when it
    began to wait; None if it begins now, which the timeline says.
    """
    soon = Changes(timers={Timer.STEP: min(until, now + LOOKED_AT_EVERY)})
    if since is not None:
        return settled(incident, soon, Progress.DELAYED)
    detail = {"page": str(incident.page_no)}
    transition = record(incident, ChangeKind.DELAYED, OPSKNIGHT, now, soon, detail)
    return replace(settled(incident, transition.changes, Progress.DELAYED), transition=transition)
