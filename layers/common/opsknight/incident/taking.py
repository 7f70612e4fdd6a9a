"""Who has an incident: whoever acknowledged it, or was given it, until it pages on.

To be paged first makes somebody the assignee, too, and is not to have it. So an incident says
whether it is `taken`, as of `taken_as_of`. A version of the code that knows neither leaves both
behind when somebody acknowledges or is given it: what happened later than that counts.
"""

from datetime import datetime

from opsknight.incident.changes import NOTHING, Changes
from opsknight.incident.model import Incident, Pointer, Status


def taken_on_by(incident: Incident) -> str | None:
    """Who has it; once it is resolved, who had it last."""
    taken = _taken(incident)
    over = incident.status is Status.RESOLVED
    return incident.assignee_id if taken or (over and taken is not None) else None


def was_taken_on(incident: Incident) -> bool:
    """Whether anybody has it, or had it: then its assignee need not be whom it paged first."""
    return _taken(incident) is not None


def _taken(incident: Incident) -> bool | None:
    """True if its assignee has it, False if they had it, None if nobody ever took it on."""
    acted = [at for at in (incident.acknowledged_at, incident.reassigned_at) if at]
    since = incident.taken_as_of
    if acted and (since is None or max(acted) > since):
        return True
    return incident.taken


def taken(now: datetime) -> Changes:
    return Changes(taken=True, taken_as_of=now)


def acknowledged_by_none(before: Pointer, now: datetime) -> Changes:
    """By a tool: an open incident is nobody's then, whomever it pages. Any other stays whose it is:
    a tool takes nothing away.
    """
    if before.status is Status.OPEN:
        return Changes(taken=None, taken_as_of=now)
    return Changes(taken_as_of=now)


def pages_on(incident: Incident, now: datetime) -> Changes:
    """Opened again or escalated it is anybody's, whoever had it."""
    if not _taken(incident):
        return NOTHING
    return Changes(taken=None if incident.assignee_id is None else False, taken_as_of=now)
