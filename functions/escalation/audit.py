"""The safety net under the index of due times: looks at every active incident now and then, and
puts right what would wait for ever.
"""

from typing import Final

from pydantic import ValidationError

from escalation.engine import Engine
from opsknight.escalation.steps import repaired
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.due import readable

# One tick looks at so many, the next one goes on behind them.
BATCH: Final = 300


def audit(engine: Engine, deadline: Deadline) -> None:
    waiting = engine.waiting
    after = waiting.audited(deadline)
    found, place = waiting.active(after, BATCH, deadline)
    for item in found:
        try:
            repair = repaired(readable(item), engine.clock())
        except ValidationError:
            # Somebody changed it by hand. The timers of such an incident fail too, with an alarm.
            logger.exception("incident cannot be read", incident=item["pk"]["S"])
            continue
        if repair is None:
            continue
        try:
            engine.table.apply(repair, engine.new_token(), deadline)
        except Conflict:
            # It moves: it does not wait for ever.
            continue
        logger.error("incident repaired", incident_id=repair.seen.id, sets=sorted(repair.sets))
        count("Repaired")
    if place != after:
        waiting.keep_audited(place, deadline)
