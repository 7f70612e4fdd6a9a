"""Events of services with a mirror: noted for the other system, whatever became of them here, as
that may know of more, or of less, than we do. Passing them on is for the notify functions.
"""

from collections.abc import Iterable

from events.call import Call
from events.intake import IntakeResult
from opsknight.directory.mirror import Passed, is_marked
from opsknight.incident.event_request import parsed
from opsknight.incident.model import Event
from opsknight.integrations.drafts import words
from opsknight.store.incidents import IncidentRows
from opsknight.store.mirrors import Mirrors


def pass_on(
    table: IncidentRows, service_id: str, found: Iterable[tuple[Event, IntakeResult]], call: Call
) -> None:
    """Never what another paging system tells of, or we have passed on. Raises Unavailable."""
    passed = [
        _passed(event, result, service_id, call)
        for event, result in found
        if not (event.internal or event.echo or is_marked(event.body))
    ]
    if passed:
        Mirrors(table).note_all(passed, call.deadline)


def _passed(event: Event, result: IntakeResult, service_id: str, call: Call) -> Passed:
    sent = words(parsed(event.body).get("dedup_key"))
    return Passed(
        service_id=service_id,
        at=call.now,
        action=event.action,
        key=event.member or sent or event.dedup_key,
        opens=result.action in ("triggered", "joined"),
        body=event.body,
    )
