"""Heartbeats: what shows that it lives by a request now and then, and pages when it falls silent.

Pure: how often one beats, what is known of it, and when to look at it again. The events function
notes beats; the sweep opens and resolves its incident.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime

from opsknight.incident.model import Model, Severity
from opsknight.incident.watched import HEARTBEAT
from opsknight.oncall.cron import cron
from opsknight.oncall.hours import zone_or_utc

DEFAULT_GRACE: Final = timedelta(minutes=1)
# Nobody is sure that the deployment hears anything: how soon to look again, and how long at most.
# At the next tick, which comes a minute after the one before or a moment sooner.
LOOK_AGAIN: Final = timedelta(seconds=55)
LONGEST_DOUBT: Final = timedelta(hours=1)
# Longer than between two canaries, by default: a silence of this length was the deployment's own.
GAP: Final = timedelta(minutes=7)


# By a sender's clock that is ahead: a beat this long before its time is that of its time.
EARLY: Final = timedelta(minutes=1)


def _is_cron(text: str) -> str:
    cron(text)
    return text


type CronText = Annotated[str, AfterValidator(_is_cron)]


class Heartbeat(Model):
    """What an integration expects of its sender."""

    every: timedelta
    """With `cron`, the longest time from one beat to the next, for versions that do not know it."""
    cron: CronText | None = None
    """When it beats, instead of how often."""
    zone: str | None = None
    """That of `cron`: an IANA name. None for UTC, and so is one that the tz database lacks."""
    grace: timedelta = DEFAULT_GRACE
    runs_at_most: timedelta | None = None
    """How long a run may take, from `/start` to its end; None watches no runs."""
    severity: Severity = Severity.CRITICAL

    @property
    def clock(self) -> ZoneInfo:
        return zone_or_utc(self.zone or "UTC")

    def due_after(self, beat: datetime) -> datetime:
        if self.cron is None:
            return beat + self.every + self.grace
        following = cron(self.cron).following(self.clock, beat + EARLY)
        return (following or beat + self.every) + self.grace

    @property
    def longest_doubt(self) -> timedelta:
        return min(self.every, LONGEST_DOUBT)

    @property
    def after_gap(self) -> timedelta:
        """What a sender gets to be heard once the deployment hears again."""
        return min(self.every + self.grace, LONGEST_DOUBT)


class Pulse(Model):
    """What is known of one heartbeat. There is none before its first beat."""

    service_id: str
    integration_id: str
    last_at: AwareDatetime | None = None
    """When it last beat; a failure is no beat."""
    started_at: AwareDatetime | None = None
    """The run under way, if runs are watched."""
    failure: str | None = None
    """What its sender said of the last failure."""
    down_at: AwareDatetime | None = None
    """Since when it has an incident, or is about to get one."""
    back_at: AwareDatetime | None = None
    """It beat since: the incident is to be resolved."""
    doubted_at: AwareDatetime | None = None
    """When it fell due, as nothing else was heard since then either."""
    excused: bool | None = None
    """Whether it got its time after a gap already; it gets none for another."""
    due_at: AwareDatetime | None = None
    """When the sweep is to look at it; None while its incident is open."""


def dedup_key(integration_id: str) -> str:
    """That of the incident about its heartbeat, which no event reaches."""
    return f"{HEARTBEAT}{integration_id}"


class PulseState(StrEnum):
    WAITING = "waiting for the first beat"
    BEATING = "beating"
    RUNNING = "running"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused by maintenance"


def state(pulse: Pulse | None, paused: bool, now: datetime) -> PulseState:
    """`paused`: whether its service has a maintenance window now."""
    if pulse is None or (pulse.last_at is None and pulse.started_at is None and not pulse.down_at):
        return PulseState.WAITING
    if pulse.down_at is not None and pulse.back_at is None:
        return PulseState.DOWN
    if paused:
        return PulseState.PAUSED
    if pulse.doubted_at is not None or (pulse.due_at is not None and pulse.due_at <= now):
        # The sweep is about to see it, or in doubt whose fault it is.
        return PulseState.BEATING if pulse.back_at else PulseState.LATE
    return PulseState.RUNNING if pulse.started_at else PulseState.BEATING


class Heard(Model):
    """When any heartbeat or the canary was last heard, to half a minute."""

    at: AwareDatetime | None = None
    gap_since: AwareDatetime | None = None
    gap_until: AwareDatetime | None = None
    """With `gap_since`: the last time that nothing was heard for longer than `GAP`."""
    gap_told: AwareDatetime | None = None
    """What `at` was when the fallback address was told of a gap."""
