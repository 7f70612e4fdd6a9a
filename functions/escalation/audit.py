"""The safety net under the index of due times: looks at every active incident now and then, and
repairs one that would wait for ever.
"""

from datetime import timedelta
from functools import partial
from typing import Final

from pydantic import ValidationError

from escalation.directory import Directory
from escalation.engine import Engine
from opsknight.escalation.repair import repaired
from opsknight.escalation.timers import remind_every
from opsknight.incident.model import Incident
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.due import readable

# How many incidents one tick looks at; the next tick continues after them.
BATCH: Final = 300


def audit(engine: Engine, deadline: Deadline) -> None:
    waiting = engine.waiting
    after = waiting.audited(deadline)
    found, place = waiting.active(after, BATCH, deadline)
    directory = Directory(engine.table, deadline)
    for item in found:
        try:
            incident = readable(item)
        except ValidationError:
            # Somebody changed it by hand. Perhaps it never falls due: nobody else says so then.
            logger.exception("incident cannot be read", incident=item["pk"]["S"])
            signal("Unreadable")
            continue
        every = partial(_remind_every, incident, directory)
        repair = repaired(incident, engine.clock(), every)
        try:
            if "timers" not in item:
                # No write that sets one could be carried out, nor the repair.
                waiting.restore_timers(incident.id, deadline)
            if repair is None:
                continue
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
        signal("Failures")
    if place != after:
        waiting.keep_audited(place, deadline)


def _remind_every(incident: Incident, directory: Directory) -> timedelta | None:
    return remind_every(incident, directory.service(incident.service_id))
