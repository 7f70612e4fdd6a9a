"""Opens the incident of a heartbeat that is overdue or says that it failed, and resolves it after
the next beat. Every tick brings those that are due; nothing else decides about them.

An overdue heartbeat pages only if the deployment has heard anything since it fell due: another
heartbeat, or its own canary. After a silence of its own, senders get time to be heard again.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from escalation.engine import Engine
from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.heartbeats import LOOK_AGAIN, Heard, Heartbeat, Pulse, dedup_key
from opsknight.directory.integrations import Integration
from opsknight.incident import canary
from opsknight.incident.model import OPSKNIGHT, Action, Event, Urgency
from opsknight.runtime import clock
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.due import Due
from opsknight.store.execute import Settling
from opsknight.store.heartbeats import Heartbeats

# For one heartbeat in one turn.
PATIENCE_SECONDS: Final = 1


def attend_all(engine: Engine, found: Iterable[Due], deadline: Deadline) -> None:
    """Raises nothing: one that fails is due again later, and keeps no other waiting."""
    for due in found:
        try:
            attend(engine, due, deadline.within(PATIENCE_SECONDS))
        except Unavailable:
            signal("StoreUnavailable")
            logger.error("left to the next tick", heartbeat=due.heartbeat)
        except Conflict:
            # It beat meanwhile; the next tick sees what is left to do.
            continue
        except Exception:
            signal("Failures")
            logger.exception("heartbeat failed", heartbeat=due.heartbeat)
            _postpone(engine, due, deadline)


def _postpone(engine: Engine, due: Due, deadline: Deadline) -> None:
    try:
        engine.waiting.postpone(due, engine.clock(), deadline)
    except Exception:
        logger.exception("left as it is", heartbeat=due.heartbeat)


def attend(engine: Engine, due: Due, deadline: Deadline) -> None:
    """Raises Conflict when it beat meanwhile, and Unavailable."""
    rows, now = Heartbeats(engine.table), engine.clock()
    pulse = rows.pulse(due.key, deadline)
    if pulse is None or pulse.due_at is None or pulse.due_at > now:
        # The index may be a moment behind.
        return
    service = engine.table.service(pulse.service_id, deadline)
    integration = engine.table.integration(pulse.service_id, pulse.integration_id, deadline)
    if integration is not None and "heartbeat" in integration.unread:
        # After a rollback: a newer version knows what it is.
        _postpone(engine, due, deadline)
        return
    beats = integration.heartbeat if integration else None
    if service is None or integration is None or beats is None or service.disabled:
        # The file has none any more. Should it come again, it waits for its first beat.
        if service and pulse.down_at:
            _Case(engine, pulse, service, integration, now, deadline).resolve()
        rows.remove(pulse, deadline)
        return
    case = _Case(engine, pulse, service, integration, now, deadline)
    if pulse.back_at is not None:
        case.resolve()
        following = beats.due_after(pulse.last_at or now)
        rows.change(pulse, {"down_at": None, "back_at": None, "due_at": following}, deadline)
    elif pulse.down_at is not None:
        case.trigger(_failed(integration, pulse))
        rows.change(pulse, {"due_at": None}, deadline)
    elif later := case.later(beats):
        rows.change(pulse, later, deadline)
    else:
        # First this: whatever beats from now on leaves the rest to the sweep.
        rows.change(pulse, {"down_at": now, "due_at": now}, deadline)
        case.trigger(_overdue(integration, beats, pulse))
        rows.change(pulse.model_copy(update={"due_at": now}), {"due_at": None}, deadline)


@dataclass(frozen=True, slots=True)
class _Case:
    engine: Engine
    pulse: Pulse
    service: Service
    integration: Integration | None
    now: datetime
    deadline: Deadline

    def later(self, beats: Heartbeat) -> dict[str, object] | None:
        """What to note instead of paging; None to page."""
        pulse, now = self.pulse, self.now
        if pulse.started_at is None and pulse.last_at is not None:
            # The file may say more than it did at the last beat.
            following = beats.due_after(pulse.last_at)
            if pulse.doubted_at is None and not pulse.excused and following > now:
                return {"due_at": following}
        if (window := self.service.maintenance_at(now)) is not None:
            # As if it had beaten at the end of the window.
            return {"due_at": beats.due_after(window.end), "doubted_at": None}
        heard = Heartbeats(self.engine.table).heard(self.deadline)
        if (again := self._after_gap(beats, heard)) is not None:
            return {"due_at": again, "doubted_at": None, "excused": True}
        since = pulse.doubted_at or pulse.due_at or now
        if self._heard_since(since, heard):
            return None
        if now - since >= beats.longest_doubt:
            self._tell_gap(since)
            return None
        return {"due_at": now + LOOK_AGAIN, "doubted_at": since}

    def _after_gap(self, beats: Heartbeat, heard: Heard) -> datetime | None:
        """Until when it has time, as nothing was heard for a while since its last beat: its next
        one may have been lost with all others. None where there was no such gap, or it is over.
        """
        last, until = self.pulse.last_at, heard.gap_until
        if self.pulse.excused or until is None or (last is not None and until <= last):
            return None
        again = until + beats.after_gap
        return again if again > self.now else None

    def _heard_since(self, since: datetime, heard: Heard) -> bool:
        if heard.at is not None and heard.at > since:
            return True
        where = canary.SERVICE_ID, canary.DEDUP_KEY
        flight = self.engine.table.pointer(*where, self.deadline)
        return flight is not None and flight.created_at > since

    def _tell_gap(self, since: datetime) -> None:
        rows = Heartbeats(self.engine.table)
        if not rows.tell_gap(rows.heard(self.deadline), self.deadline):
            return
        text = (
            f"OpsKnight has heard no heartbeat and no canary since {since:%Y-%m-%d %H:%M} UTC. What"
            " was to beat since then is reported as overdue; it may be that nothing reaches"
            " OpsKnight."
        )
        subject = "OpsKnight hears no heartbeats"
        self.engine.outbox.notify_fallback(subject, text, Urgency.HIGH)

    def trigger(self, summary: str) -> None:
        count("HeartbeatDown")
        self._settle(Action.TRIGGER, summary)

    def resolve(self) -> None:
        self._settle(Action.RESOLVE, "The heartbeat is back.")

    def _settle(self, action: Action, summary: str) -> None:
        """At least once: a repeat finds what is there."""
        table, now = self.engine.table, self.now
        beats = self.integration.heartbeat if self.integration else None
        severity = (beats or Heartbeat(every=timedelta(days=1))).severity
        name = dedup_key(self.pulse.integration_id)
        payload = {"summary": summary, "source": "opsknight", "severity": severity}
        body = {"event_action": action, "dedup_key": name, "payload": payload}
        event = Event(
            action=action,
            service_id=self.service.id,
            dedup_key=name,
            summary=summary,
            severity=severity,
            body=json.dumps(body, ensure_ascii=False),
            actor=OPSKNIGHT,
            internal=True,
        )
        current = table.pointer(self.service.id, name, self.deadline, internal=True)
        Settling(table, clock.new_id).settle(event, self.service, current, now, self.deadline)
        logger.info("heartbeat", action=action, heartbeat=self.pulse.integration_id)


def _failed(integration: Integration, pulse: Pulse) -> str:
    why = pulse.failure
    return f"{integration.name} failed: {why}" if why else f"No heartbeat from {integration.name}"


def _overdue(integration: Integration, beats: Heartbeat, pulse: Pulse) -> str:
    if pulse.started_at is not None:
        since = f"{pulse.started_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"{integration.name} began at {since} and has not ended in {_words(beats.runs_at_most)}"
        )
    last = f" since {pulse.last_at:%Y-%m-%d %H:%M} UTC" if pulse.last_at else ""
    if beats.cron is not None:
        when = f"by {beats.cron} ({beats.zone or 'UTC'})"
        return f"No heartbeat from {integration.name}{last}: expected {when}"
    return f"No heartbeat from {integration.name}{last}: expected every {_words(beats.every)}"


def _words(length: timedelta | None) -> str:
    """`90m`, `1d`: the largest unit that says it exactly."""
    seconds = int((length or timedelta(0)).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
