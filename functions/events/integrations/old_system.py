"""The webhook of the system that a service's mirror leads to. Whom it paged is noted for a report;
what people acknowledge or resolve there is acknowledged or resolved here, in shadow.

It never opens anything: it would tell us of what we have told it.
"""

from typing import Final

from events.call import Call, Sender
from events.integrations.batch import Sent
from events.reception import Reception, at_limit
from opsknight.directory.mirror import System
from opsknight.directory.passing_on import Heard, HeardKind
from opsknight.http.gateway import Answer, Failure
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.commands import Acknowledge, Command, Resolve
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Actor, ActorKind
from opsknight.integrations.drafts import shortened
from opsknight.integrations.elsewhere import read
from opsknight.store.execute import perform
from opsknight.store.mirrors import Mirrors
from opsknight.views.wire import Shape

_NAMES: Final = {System.PAGERDUTY: "PagerDuty", System.OPSGENIE: "Opsgenie"}


class Noted(Shape):
    status: str
    action: str


def answer(sent: Sent, sender: Sender, reception: Reception, call: Call) -> Answer:
    """202 whatever it says: none of it means more when it comes again. Raises Unavailable, after
    which it does.
    """
    mirror = sender.service.mirror
    heard = read(mirror.to, sent.document, call.now) if mirror else None
    try:
        headers = reception.admit_signed(sender, call)
    except LimitReached:
        failure = Failure(error="Rate limit exceeded.", message="Nothing is stored. Send it again.")
        return Answer(503, failure, at_limit(call), throttled=True)
    if heard is None or mirror is None:
        return Answer(202, Noted(status="success", action="left"), headers)
    Mirrors(reception.intake.table).hear(sender.service.id, heard, call.deadline)
    action = _act(heard, mirror.to, sender, reception, call)
    call.log(heard=heard.what, result=action)
    return Answer(202, Noted(status="success", action=action), headers)


def _act(heard: Heard, system: System, sender: Sender, reception: Reception, call: Call) -> str:
    """What became of it here."""
    if heard.what is HeardKind.PAGED:
        return "noted"
    table, service = reception.intake.table, sender.service
    pointer = table.pointer(service.id, shortened(heard.key), call.deadline)
    if pointer is None or pointer.created_at > heard.at:
        # Over, or about an earlier incident of the same key.
        return "ignored"
    incident = table.incident(pointer.id, call.deadline)
    if incident is None or not incident.shadow:
        # Ours pages: nobody stops that from elsewhere.
        return "ignored"
    command: Command = Resolve() if heard.what is HeardKind.RESOLVED else Acknowledge()
    name = f"{_NAMES.get(system, system)}: {heard.by}" if heard.by else _NAMES.get(system, system)
    decision = perform(
        table,
        incident.id,
        command,
        actor=Actor(kind=ActorKind.INTEGRATION, id=sender.key.actor.id, name=name),
        now=call.now,
        token=reception.intake.new_id("old", call.now),
        deadline=call.deadline,
        timeouts=service.timeouts,
    )
    return decision.change.what if isinstance(decision, Transitioned) else "ignored"
