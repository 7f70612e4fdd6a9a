"""Brings what waits of services for other systems back to the senders, should their wakeup be lost,
and says when the other system does not take it while it is the one that pages.
"""

from collections.abc import Iterable

from escalation.budget import FIRST_WAKEUP
from escalation.engine import Engine
from opsknight.directory.passing_on import MirrorState
from opsknight.incident.model import Urgency
from opsknight.runtime.lanes import Lane
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import pass_on_wakeup
from opsknight.store.calls import RECORD_SECONDS, Deadline, Unavailable
from opsknight.store.due import Due
from opsknight.store.mirrors import Mirrors


def attend_all(engine: Engine, found: Iterable[Due], deadline: Deadline) -> None:
    """Raises nothing: what is wrong with one keeps no other waiting."""
    for due in found:
        try:
            attend(engine, due.mirror or "", deadline)
        except Unavailable:
            signal("StoreUnavailable")
            logger.error("left to the next tick", service_id=due.mirror)
        except Exception:
            signal("Failures")
            logger.exception("mirror failed", service_id=due.mirror)


def attend(engine: Engine, service_id: str, deadline: Deadline) -> None:
    """Raises Unavailable."""
    mirrors, now = Mirrors(engine.table), engine.clock()
    state = mirrors.state(service_id, deadline)
    if state is None or state.due_at is None:
        return
    if state.due_at + FIRST_WAKEUP <= now:
        engine.outbox.lanes.enqueue([(Lane.NOTICES, pass_on_wakeup(service_id, now))], now)
    told = state.to_tell(now)
    if told is None:
        return
    service = engine.table.service(service_id, deadline)
    if service is None or not service.in_shadow(now):
        # It pages itself, so nobody waits for the other system.
        mirrors.told(service_id, told, deadline)
        return
    waiting = mirrors.waiting(service_id, 1, deadline)
    first = waiting[0].body if waiting else ""
    text = _text(service.name, state, first)
    subject = "OpsKnight: the old system does not hear of events"
    # Should it fail, the next tick tries again.
    if engine.outbox.notify_fallback(subject, text, Urgency.HIGH):
        mirrors.told(service_id, told, deadline.at_least(RECORD_SECONDS))


def _text(name: str, state: MirrorState, first: str) -> str:
    lines = [f"{name} is in shadow: another system pages for it, and it does not hear of events."]
    if state.failing_since is not None:
        lines.append(f"Since {state.failing_since:%Y-%m-%d %H:%M} UTC: {state.why}.")
    if state.lost is not None:
        lines.append(f"Given up: {state.lost}.")
    if first:
        lines.append(f"The oldest event that waits: {first[:2000]}")
    lines.append("Look at the incidents of the service, or let it page: docs/switching.md.")
    return "\n\n".join(lines)
