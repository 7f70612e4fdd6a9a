"""Heartbeats: what shows that it lives by a request now and then, and pages when it falls silent.

Pure: how often one beats, what is known of it, and when to look at it again. The events function
notes beats; the sweep opens and resolves its incident.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import AwareDatetime

from opsknight.incident.model import Model, Severity

DEFAULT_GRACE: Final = timedelta(minutes=1)
# Nobody is sure that the deployment hears anything: how soon to look again, and how long at most.
LOOK_AGAIN: Final = timedelta(minutes=1)
LONGEST_DOUBT: Final = timedelta(hours=1)
# Longer than between two canaries, by default: a silence of this length was the deployment's own.
GAP: Final = timedelta(minutes=6)


class Heartbeat(Model):
    """What an integration expects of its sender."""

    every: timedelta
    grace: timedelta = DEFAULT_GRACE
    runs_at_most: timedelta | None = None
    """How long a run may take, from `/start` to its end; None watches no runs."""
    severity: Severity = Severity.CRITICAL

    def due_after(self, beat: datetime) -> datetime:
        return beat + self.every + self.grace

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
    """Whether it got its time after a gap already."""
    due_at: AwareDatetime | None = None
    """When the sweep is to look at it; None while its incident is open."""


class Heard(Model):
    """When any heartbeat was last heard, to half a minute."""

    at: AwareDatetime | None = None
    gap_told: AwareDatetime | None = None
    """What `at` was when the fallback address was told of a gap."""
