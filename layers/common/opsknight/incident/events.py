"""What an event does: opens an incident, or adds to the active one of its dedup key.

Pure, and the first table of docs/events-api.md. What people and timers do is in `lifecycle`, which
also explains how a transition is made.
"""

from datetime import datetime, timedelta
from typing import Final, assert_never

from opsknight.classes import dataclass
from opsknight.incident.commands import Acknowledge, Resolve, window_check
from opsknight.incident.decisions import (
    Decision,
    Ignored,
    Merged,
    NotAllowed,
    Opened,
    Repeated,
)
from opsknight.incident.lifecycle import (
    end_of_paging,
    transition,
)
from opsknight.incident.model import (
    NEVER,
    URGENCY,
    Action,
    Alert,
    Escalation,
    Event,
    Incident,
    OutOfHours,
    Pointer,
    Status,
    Timeouts,
    Timer,
    TimerName,
    Urgency,
)
from opsknight.incident.occurrences import is_news, is_over, is_repeat
from opsknight.incident.quiet import Window
from opsknight.incident.urgency import raised_by_event
from opsknight.incident.watched import timeouts_of


@dataclass(frozen=True, slots=True)
class Opening:
    """How an incident opens that no maintenance window keeps quiet."""

    suppressed: bool = False
    """Nobody hears of it until somebody lets it out."""
    page_after: timedelta | None = None
    """Nobody hears of it before that: it may resolve itself."""
    high: bool = False
    """Whether that holds for HIGH urgency, too."""

    def waits(self, urgency: Urgency) -> timedelta | None:
        return self.page_after if self.high or urgency is not Urgency.HIGH else None


AT_ONCE: Final = Opening()


def decide(
    current: Pointer | None,
    event: Event,
    *,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None = None,
    raising: bool = False,
    timeouts: Timeouts = NEVER,
    hours: OutOfHours | None = None,
    opening: Opening = AT_ONCE,
) -> Decision:
    """What `event` does, given the active incident of its dedup key.

    `incident_id` and `alert_id` name what the event creates, if anything. `window` is the
    maintenance window in force for the service. With `raising`, a more urgent trigger raises the
    incident's urgency, and pages again if it is OPEN. `hours` is None within the support hours of
    the service.
    """
    match event.action:
        case Action.TRIGGER:
            if current is None:
                return _open(event, now, incident_id, alert_id, window, timeouts, hours, opening)
            if is_repeat(current, event.occurrence):
                news = is_news(current.seen_at, now, timeouts.auto_resolve)
                return Repeated(current, now if news else None)
            alert = Alert(
                id=alert_id, incident_id=current.id, at=now, actor=event.actor, body=event.body
            )
            raised = raised_by_event(current, event, now, hours) if raising else None
            return Merged(current, alert, raised)
        case Action.ACKNOWLEDGE | Action.RESOLVE:
            if current is None:
                return Ignored()
            if event.action is Action.RESOLVE and is_over(current, event.occurrence):
                return Ignored()
            command = Acknowledge() if event.action is Action.ACKNOWLEDGE else Resolve()
            decision = transition(
                current,
                command,
                command.past,
                event.actor,
                now,
                end_of_paging(current, command, now),
                {"summary": event.summary} | ({"why": event.why} if event.why else {}),
                timeouts,
            )
            if isinstance(decision, NotAllowed):
                raise AssertionError(f"{event.dedup_key!r} points at a resolved incident")
            return decision
        case _:
            assert_never(event.action)


def _open(
    event: Event,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None,
    timeouts: Timeouts,
    hours: OutOfHours | None,
    opening: Opening,
) -> Opened:
    timeouts = timeouts_of(event, timeouts)
    in_hours = URGENCY[event.severity]
    urgency = in_hours if hours is None else hours.lowered(in_hours)
    timers: dict[TimerName, datetime]
    wait = opening.waits(urgency)
    silent = window is not None and window.is_silent
    quiet = silent or opening.suppressed or (wait is not None and window is None)
    suppressed = window is not None or opening.suppressed
    if window is not None and not quiet:
        # In shadow its receivers hear of it; nobody is paged.
        timers = {Timer.ANNOUNCE: now, Timer.WINDOW: window_check(window.end, now)}
    elif window is not None:
        # Nobody hears of an incident that opens in a maintenance window: nothing to announce.
        timers = {Timer.WINDOW: window_check(window.end, now)}
    elif opening.suppressed:
        timers = {}
    elif wait is not None:
        # The same, but for the time: the step that is due then is what its receivers hear of.
        timers = {Timer.STEP: now + wait}
        if timeouts.auto_resolve is not None:
            timers[Timer.AUTO_RESOLVE] = now + timeouts.auto_resolve
    else:
        # A step is due at once, policy or not: if the stream is switched off, a tick begins it.
        timers = {Timer.ANNOUNCE: now, Timer.STEP: now}
        if timeouts.auto_resolve is not None:
            timers[Timer.AUTO_RESOLVE] = now + timeouts.auto_resolve
    if hours is not None and in_hours.exceeds(urgency):
        timers[Timer.SUPPORT_HOURS] = hours.look_at
    incident = Incident(
        id=incident_id,
        service_id=event.service_id,
        dedup_key=event.dedup_key,
        title=event.summary,
        urgency=urgency,
        urgency_in_hours=in_hours if in_hours.exceeds(urgency) else None,
        status=Status.SUPPRESSED if suppressed else Status.OPEN,
        created_at=now,
        escalation=Escalation.PAUSED if suppressed else Escalation.NONE,
        first_alert_id=alert_id,
        last_alert_at=now,
        window_id=window.id if window else None,
        shadow=True if window and window.shadow else None,
        announced=1 if quiet else 0,
        announced_from=0 if quiet else 1,
        timers=timers,
        due_at=min(timers.values(), default=None),
        internal=event.internal or None,
        seen_content=event.occurrence.content if event.occurrence else None,
        seen_started_at=event.occurrence.started_at if event.occurrence else None,
        seen_at=now if event.occurrence else None,
    )
    alert = Alert(id=alert_id, incident_id=incident_id, at=now, actor=event.actor, body=event.body)
    return Opened(incident, alert)
