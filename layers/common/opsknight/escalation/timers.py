"""What a timer that has come does to its incident.

Pure but for what it asks of the directory it is given, and it asks no more than it needs: the
engine gives it that of the table, a rehearsal one of its own. Two timers are the engine's own, as
they do more than change the incident: "pages" and "fallback".
"""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Final, Protocol, assert_never

from opsknight.directory.entries import Service, Team, User
from opsknight.escalation.policy import Policy, Rota, Target, TargetKind, implicit, named, reach
from opsknight.escalation.steps import Advanced, Turn, proceed, settled, take
from opsknight.incident.commands import (
    AcknowledgementTimeout,
    AutoResolve,
    Command,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.lifecycle import NotAllowed, Transitioned, Unchanged, act, look_at
from opsknight.incident.model import NEVER, Actor, ActorKind, Incident

TIMER: Final = Actor(kind=ActorKind.TIMER, id="timer", name="OpsKnight")


class Directory(Protocol):
    """Who and what exists now. What cannot be read is as if it were not there."""

    def service(self, service_id: str) -> Service | None: ...

    def policy(self, policy_id: str, version: int | None) -> Policy | None:
        """The version, or (None) the one that begins new escalations."""

    def teams(self, team_ids: Set[str]) -> Mapping[str, Team]: ...

    def rotas(self, schedule_ids: Set[str]) -> Mapping[str, Rota]: ...

    def users(self, user_ids: Set[str]) -> Mapping[str, User]: ...


def decided(
    timer: str, incident: Incident, now: datetime, directory: Directory
) -> Advanced | Transitioned:
    """What comes of a timer that is due."""
    match timer:
        case "step":
            return _escalated(incident, now, directory)
        case "snooze":
            return _done(incident, Unsnooze(), now, directory.service(incident.service_id))
        case "window":
            return _window_ended(incident, now, directory)
        case "acknowledgement":
            service = directory.service(incident.service_id)
            if service is not None and service.acknowledgement_timeout is None:
                # Switched off meanwhile. Of a service that is gone nobody knows: page.
                return cleared(timer, incident)
            return _done(incident, AcknowledgementTimeout(), now, service)
        case "auto_resolve":
            return _resolved_or_waiting(incident, now, directory)
        case _:
            raise AssertionError(f"nobody handles {timer}")


def cleared(timer: str, incident: Incident) -> Advanced:
    return settled(incident, {f"timers.{timer}": None}, f"{timer} cleared")


def policy_of(incident: Incident, directory: Directory) -> Policy:
    """The version that it began by, as long as that is there; else what its service has now."""
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
    """Who is asked at the time of the step: edits of teams and schedules count at once."""
    ids = {kind: {each.id for each in targets if each.kind is kind} for kind in TargetKind}
    teams = directory.teams(ids[TargetKind.TEAM] | ids[TargetKind.TEAM_LEADS])
    rotas = directory.rotas(ids[TargetKind.SCHEDULE])
    users = directory.users(named(targets, teams, rotas))
    return reach(targets, users, teams, rotas, now)


def _escalated(incident: Incident, now: datetime, directory: Directory) -> Advanced:
    decision = proceed(incident, policy_of(incident, directory), now)
    match decision:
        case Advanced():
            return decision
        case Turn():
            return take(decision, reached(decision.targets, now, directory), now)
        case _:
            assert_never(decision)


def _window_ended(
    incident: Incident, now: datetime, directory: Directory
) -> Advanced | Transitioned:
    service = directory.service(incident.service_id)
    windows = {window.id: window for window in service.windows} if service else {}
    window = windows.get(incident.window_id or "")
    if window is not None and window.start <= now < window.end:
        sets = {"timers.window": look_at(window.end, now)}
        return settled(incident, sets, "window in force")
    if window is not None and window.keep_suppressed:
        return cleared("window", incident)
    # Over, shortened, moved or removed.
    return _done(incident, Unsuppress(), now, service)


def _resolved_or_waiting(
    incident: Incident, now: datetime, directory: Directory
) -> Advanced | Transitioned:
    service = directory.service(incident.service_id)
    if service is None or service.auto_resolve is None:
        return cleared("auto_resolve", incident)
    silent_until = incident.last_alert_at + service.auto_resolve
    if silent_until > now:
        return settled(incident, {"timers.auto_resolve": silent_until}, "still alerted")
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
