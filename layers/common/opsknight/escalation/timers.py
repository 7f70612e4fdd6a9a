"""Which timer of an incident is due, and what it does.

Pure, but for what it asks of the directory that it is given: the engine gives it the directory in
the table, a rehearsal one in memory. The engine handles the timers PAGES, FALLBACK and REMINDER
itself, as they do more than change the incident.
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, assert_never

from opsknight.directory.entries import DEFAULT_REMIND, Service, Team, User
from opsknight.escalation.pages import Taken
from opsknight.escalation.policy import Policy, Rota, Target, TargetKind, implicit, named, reach
from opsknight.escalation.steps import Advanced, Progress, Turn, proceed, settled, take
from opsknight.incident.changes import Changes
from opsknight.incident.commands import (
    AcknowledgementTimeout,
    AutoResolve,
    Command,
    Suppress,
    Unsnooze,
    Unsuppress,
    window_check,
)
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.lifecycle import act, begin_paging
from opsknight.incident.model import NEVER, Actor, ActorKind, Incident, Timer
from opsknight.incident.quiet import Window
from opsknight.incident.urgency import raised_in_hours
from opsknight.incident.watched import timeouts_of

# The stream has missed an announcement that waits for longer.
ANNOUNCED_WITHIN: Final = timedelta(minutes=1)
TIMER: Final = Actor(kind=ActorKind.TIMER, id="timer", name="OpsKnight")


class Directory(Protocol):
    """Who and what exists now. Skips entries that fail validation: a typo in one of them must not
    block an escalation.
    """

    def service(self, service_id: str) -> Service | None: ...

    def policy(self, policy_id: str, version: int | None) -> Policy | None:
        """The version, or (None) the one that begins new escalations."""

    def teams(self, team_ids: Set[str]) -> Mapping[str, Team]: ...

    def rotas(self, schedule_ids: Set[str]) -> Mapping[str, Rota]: ...

    def users(self, user_ids: Set[str]) -> Mapping[str, User]: ...

    def taken_at(self, incident: Incident, since: int, now: datetime) -> Taken | None:
        """When a provider first took one of the incident's pages from the page number `since` on,
        or will once somebody's quiet hours end, if it is still LOW; now, if one still waits at a
        receiver that works; None for none of these.
        """


# What the engine leaves to `decided`, and all that it handles.
type DecidedTimer = Literal[
    Timer.STEP,
    Timer.SNOOZE,
    Timer.SUPPORT_HOURS,
    Timer.WINDOW,
    Timer.ACKNOWLEDGEMENT,
    Timer.AUTO_RESOLVE,
]
type EngineTimer = DecidedTimer | Literal[Timer.PAGES, Timer.FALLBACK, Timer.REMINDER]


def due(incident: Incident, now: datetime) -> EngineTimer | None:
    """The timer to handle first. Announcing is not the engine's task, and timers that this version
    does not know belong to the newer one that set them.
    """
    if Timer.PAGES in incident.timers:
        # Before the next step, whatever the clocks of two processes say: that has its own number.
        return Timer.PAGES
    waiting = {timer: at for timer, at in _of_engine(incident).items() if at <= now}
    # Of two at the same time, a raise before whom it pages.
    return min(
        waiting,
        key=lambda timer: (waiting[timer], timer is not Timer.SUPPORT_HOURS),
        default=None,
    )


def next_due(incident: Incident) -> datetime | None:
    """The next time that the engine has to meet to the second."""
    return min(_of_engine(incident).values(), default=None)


def unannounced(incident: Incident, now: datetime) -> bool:
    """Whether the stream seems to have lost the record of a change."""
    at = incident.timers.get(Timer.ANNOUNCE)
    return at is not None and at + ANNOUNCED_WITHIN <= now


def _of_engine(incident: Incident) -> dict[EngineTimer, datetime]:
    return {
        timer: at
        for timer, at in incident.timers.items()
        if isinstance(timer, Timer) and timer is not Timer.ANNOUNCE
    }


def decided(
    timer: DecidedTimer, incident: Incident, now: datetime, directory: Directory
) -> Advanced | Transitioned:
    """Handles a timer that is due."""
    match timer:
        case Timer.STEP if incident.shadow:
            return _step_in_shadow(incident, now, directory.service(incident.service_id))
        case Timer.STEP if not incident.announced_from:
            return begin_paging(incident, TIMER, now, None)
        case Timer.STEP:
            return _escalated(incident, now, directory)
        case Timer.SNOOZE:
            return _done(incident, Unsnooze(), now, directory.service(incident.service_id))
        case Timer.SUPPORT_HOURS:
            return _hours_begun(incident, now, directory.service(incident.service_id))
        case Timer.WINDOW:
            return window_ended(incident, now, directory.service(incident.service_id))
        case Timer.ACKNOWLEDGEMENT:
            service = directory.service(incident.service_id)
            if service is not None and service.acknowledgement_timeout is None:
                # Switched off meanwhile. If the service itself is gone nobody knows: page.
                return cleared(timer, incident, Progress.ACKNOWLEDGEMENT_CLEARED)
            return _done(incident, AcknowledgementTimeout(), now, service)
        case Timer.AUTO_RESOLVE:
            return _resolved_or_waiting(incident, now, directory)
        case _:
            assert_never(timer)


def cleared(timer: Timer, incident: Incident, what: Progress) -> Advanced:
    return settled(incident, Changes(timers={timer: None}), what)


def remind_every(incident: Incident, service: Service | None) -> timedelta | None:
    """How often its service wants the fallback address to be reminded of it; None for never."""
    return (service.remind if service else DEFAULT_REMIND).every(incident.urgency)


def asked(incident: Incident, service: Service | None, now: datetime) -> Advanced:
    """The fallback address hears of the incident with the next message, and again later."""
    every = remind_every(incident, service)
    again = None if every is None else now + every
    changes = Changes(timers={Timer.FALLBACK: None, Timer.REMINDER: again})
    return settled(incident, changes, Progress.FALLBACK_ASKED)


def policy_of(incident: Incident, directory: Directory) -> Policy:
    """The version by which it began, as long as that exists; otherwise what its service has now."""
    begun, version = incident.policy_id, incident.policy_version
    if version == 0:
        return implicit(begun or None)
    if begun is not None and version is not None:
        own = directory.policy(begun, version)
        if own is not None:
            return own
    service = directory.service(incident.service_id)
    if service is None:
        return implicit(None)
    if service.policy_id is not None:
        current = directory.policy(service.policy_id, None)
        if current is not None:
            return current
    return implicit(service.team_id)


def reached(targets: tuple[Target, ...], now: datetime, directory: Directory) -> tuple[str, ...]:
    """Whom the targets reach now: edits of teams and schedules count at once."""
    ids = {kind: {each.id for each in targets if each.kind is kind} for kind in TargetKind}
    teams = directory.teams(ids[TargetKind.TEAM] | ids[TargetKind.TEAM_LEADS])
    rotas = directory.rotas(ids[TargetKind.SCHEDULE])
    users = directory.users(named(targets, teams, rotas))
    return reach(targets, users, teams, rotas, now)


def _escalated(incident: Incident, now: datetime, directory: Directory) -> Advanced:
    policy = policy_of(incident, directory)
    decision = proceed(
        incident, policy, now, lambda since: directory.taken_at(incident, since, now)
    )
    match decision:
        case Advanced():
            return decision
        case Turn():
            return take(decision, reached(decision.targets, now, directory), now)
        case _:
            assert_never(decision)


def window_ended(
    incident: Incident, now: datetime, service: Service | None
) -> Advanced | Transitioned:
    """What becomes of a SUPPRESSED incident when it is time to look at its window."""
    # Windows may touch or overlap: it is quiet until none of them is in force.
    in_force = service.window_at(now) if service else None
    if service is not None and in_force is not None:
        if incident.shadow and _is_silent(incident, service, now):
            # Another system may have resolved it long ago, and told nobody.
            return _done(incident, AutoResolve(), now, service)
        changes = Changes(timers={Timer.WINDOW: window_check(in_force.end, now)})
        return settled(incident, changes, Progress.WINDOW_IN_FORCE)
    windows = {window.id: window for window in service.windows} if service else {}
    window = windows.get(incident.window_id or "")
    if window is not None and window.keep_suppressed:
        return cleared(Timer.WINDOW, incident, Progress.WINDOW_CLEARED)
    # Over, shortened, moved or removed.
    out = _done(incident, Unsuppress(), now, service)
    if not incident.shadow:
        return out
    # Status pages have not heard of it, and its receivers that it pages from here on.
    heard = Changes(announced_from=out.change.number, shadow=None)
    return replace(out, changes=out.changes | heard)


def _is_silent(incident: Incident, service: Service, now: datetime) -> bool:
    """Whether no alert has come for as long as its service waits for one."""
    every = _auto_resolve(incident, service)
    return every is not None and incident.last_alert_at + every <= now


def _auto_resolve(incident: Incident, service: Service | None) -> timedelta | None:
    return None if service is None else timeouts_of(incident, service.timeouts).auto_resolve


def _step_in_shadow(incident: Incident, now: datetime, service: Service | None) -> Transitioned:
    """Somebody or a timer has opened it again. While its service is in shadow it goes back; from
    then on it pages like any other.
    """
    window = service.window_at(now) if service else None
    if window is None or not window.shadow:
        out = begin_paging(incident, TIMER, now, None)
        return replace(out, changes=out.changes | Changes(shadow=None))
    back = _done(incident, Suppress(), now, service)
    return replace(back, changes=back.changes | _kept_quiet(window, now))


def _kept_quiet(window: Window, now: datetime) -> Changes:
    timers: dict[Timer, datetime | None] = {Timer.WINDOW: window_check(window.end, now)}
    return Changes(window_id=window.id, timers=timers)


def _hours_begun(
    incident: Incident, now: datetime, service: Service | None
) -> Advanced | Transitioned:
    """Raises its urgency when support hours have begun, or its service lowers it no more. If the
    service itself is gone nobody knows: raise.
    """
    full = incident.urgency_in_hours or incident.urgency
    outside = service.out_of_hours(now) if service else None
    urgency = full if outside is None else outside.lowered(full)
    over = Changes(urgency_in_hours=None, timers={Timer.SUPPORT_HOURS: None})
    waits = outside is not None and full.exceeds(urgency) and full.exceeds(incident.urgency)
    left = Changes(timers={Timer.SUPPORT_HOURS: outside.look_at}) if outside and waits else over
    if urgency.exceeds(incident.urgency):
        return raised_in_hours(incident, urgency, TIMER, now, left)
    what = Progress.OUT_OF_HOURS if waits else Progress.SUPPORT_HOURS_CLEARED
    return settled(incident, left, what)


def _resolved_or_waiting(
    incident: Incident, now: datetime, directory: Directory
) -> Advanced | Transitioned:
    service = directory.service(incident.service_id)
    every = _auto_resolve(incident, service)
    if every is None:
        # Switched off meanwhile, or set by an older version for what is still silent.
        return cleared(Timer.AUTO_RESOLVE, incident, Progress.AUTO_RESOLVE_CLEARED)
    silent_until = incident.last_alert_at + every
    if silent_until > now:
        changes = Changes(timers={Timer.AUTO_RESOLVE: silent_until})
        return settled(incident, changes, Progress.STILL_ALERTED)
    return _done(incident, AutoResolve(), now, service)


def _done(
    incident: Incident, command: Command, now: datetime, service: Service | None
) -> Transitioned:
    timeouts = service.timeouts if service else NEVER
    decision = act(incident, command, actor=TIMER, now=now, timeouts=timeouts)
    match decision:
        case Transitioned():
            return decision
        case Unchanged() | NotAllowed():
            raise AssertionError(f"a timer outlived its status {incident.status}")
        case _:
            assert_never(decision)
