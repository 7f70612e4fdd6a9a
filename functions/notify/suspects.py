"""What changed on a service shortly before its incident, for whoever looks for the cause."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from opsknight.directory.receivers import IncidentEvent
from opsknight.incident.canary import is_canary
from opsknight.notification.message import PageReason
from opsknight.runtime.lenient import readable
from opsknight.store.calls import Deadline
from opsknight.store.rollouts import Rollouts
from opsknight.store.table import Table
from opsknight.views.sentences import rolled_out

if TYPE_CHECKING:
    from notify.composing import DeliveryContext

# Whoever hears that somebody else has it, or that it is over, looks for nothing.
TELLS: Final = frozenset(
    {
        PageReason.PAGED,
        PageReason.ASSIGNED,
        PageReason.ALSO_PAGED,
        IncidentEvent.TRIGGERED,
        IncidentEvent.REOPENED,
        IncidentEvent.EXHAUSTED,
    }
)


def suspects(carried: "Sequence[DeliveryContext]", table: Table, deadline: Deadline) -> str:
    """As a sentence about the one incident of a message; empty for several. One query."""
    match carried:
        case [one] if one.incident and one.delivery.about in TELLS:
            incident = one.incident
        case _:
            return ""
    if is_canary(incident.id):
        return ""
    where = incident.service_id, incident.created_at
    found = readable(lambda: Rollouts(table).before(*where, deadline))
    return rolled_out(found or [], incident.created_at)
