"""Events of services with a mirror: noted for the other system, whatever became of them here, as
that may know of more, or of less, than we do. Passing them on is for the notify functions.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from events.call import Call
from events.intake import IntakeResult
from opsknight.directory.mirror import is_marked
from opsknight.directory.passing_on import Passed
from opsknight.incident.event_request import parsed
from opsknight.incident.model import Event
from opsknight.integrations.drafts import words
from opsknight.store.calls import Unavailable
from opsknight.store.incidents import IncidentRows
from opsknight.store.mirrors import Mirrors

OPENS: Final = ("triggered", "joined")


def pass_on(
    table: IncidentRows, service_id: str, found: Iterable[tuple[Event, IntakeResult]], call: Call
) -> list[int]:
    """Never what another paging system tells of, or we have passed on. Returns the numbers of what
    waits now. Raises Unavailable.
    """
    passed = [
        _passed(event, result, service_id, call)
        for event, result in found
        if not (event.internal or event.echo or is_marked(event.body))
    ]
    return Mirrors(table).note_all(passed, call.deadline) if passed else []


def amend(
    table: IncidentRows, service_id: str, numbers: list[int], result: IntakeResult, call: Call
) -> None:
    """What was noted before the event was taken learns whether it opened an incident. Left as it
    is while the store does not answer: the event is taken, and would not be taken again.
    """
    if numbers and result.action in OPENS:
        with suppress(Unavailable):
            Mirrors(table).opens(service_id, numbers[0], call.deadline)


def _passed(event: Event, result: IntakeResult, service_id: str, call: Call) -> Passed:
    sent = words(parsed(event.body).get("dedup_key"))
    return Passed(
        service_id=service_id,
        at=call.now,
        action=event.action,
        key=event.member or sent or event.dedup_key,
        opens=result.action in OPENS,
        body=event.body,
    )
