"""The safety net under the index of due times: looks at every active incident now and then, and
repairs one that would wait for ever.
"""

from typing import Final

from pydantic import ValidationError

from escalation.engine import Engine
from opsknight.escalation.repair import repaired
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.due import readable

# How many incidents one tick looks at; the next tick continues after them.
BATCH: Final = 300


def audit(engine: Engine, deadline: Deadline) -> None:
    waiting = engine.waiting
    after = waiting.audited(deadline)
    found, place = waiting.active(after, BATCH, deadline)
    for item in found:
        try:
            repair = repaired(readable(item), engine.clock())
        except ValidationError:
            # Somebody changed it by hand. Its timers fail too, and that raises an alarm.
            logger.exception("incident cannot be read", incident=item["pk"]["S"])
            continue
        if repair is None:
            continue
        try:
            engine.table.apply(repair, engine.new_token(), deadline)
        except Conflict:
            # Somebody has just changed it: it does not wait for ever.
            continue
        logger.error(
            "incident repaired",
            incident_id=repair.before.id,
            timers=sorted(repair.changes.timers),
            due_at=repair.changes.due_at,
        )
        count("Repaired")
    if place != after:
        waiting.keep_audited(place, deadline)
