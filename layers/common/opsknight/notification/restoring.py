"""How an incident comes back from a copy of the table: it wakes nobody, and owes nothing.

Pure. What is read from the copy, and what is written where, is for `opsknight.store.restoring`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.escalation.pages import Page, PageState
from opsknight.incident.changes import Changes, applied
from opsknight.incident.commands import Resolve, Suppress
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import OPSKNIGHT, Incident, Status
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, State, ended

REASON: Final = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    after: Incident
    change: Change | None
    """The entry of its timeline that says so; None where nothing changed."""


def restored(incident: Incident, now: datetime, *, has_newer: bool) -> Restored:
    """As it was if it was resolved. An active one comes back SUPPRESSED, for a person to let out,
    or RESOLVED if its key has a newer incident by now (`has_newer`). Nobody is told of either.
    """
    if incident.status is Status.RESOLVED:
        return Restored(_at_rest(incident), None)
    command = Resolve() if has_newer else Suppress()
    decision = act(incident, command, actor=OPSKNIGHT, now=now)
    if not isinstance(decision, Transitioned):
        # It was suppressed already; a window that did so may be over.
        return Restored(_at_rest(incident), None)
    change = decision.change.model_copy(update={"detail": {"reason": REASON}})
    return Restored(_at_rest(applied(incident, decision.changes)), change)


def _at_rest(incident: Incident) -> Incident:
    told = Changes(announced=incident.changes, due_at=None, window_id=None, failures=None)
    return applied(incident, told).model_copy(update={"timers": {}})


def end_of_page(page: Page) -> Mapping[str, object]:
    """The attributes to set; None removes one."""
    is_over = page.state not in (None, PageState.PLANNED)
    return {"due_at": None} | ({} if is_over else {"state": PageState.CANCELLED})


def end_of_delivery(delivery: Delivery, now: datetime) -> Mapping[str, object]:
    if delivery.state is not State.PENDING:
        return {"due_at": None}
    return ended(State.CANCELLED, REASON, now) | {"bundle": None}
