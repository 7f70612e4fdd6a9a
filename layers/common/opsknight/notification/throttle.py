"""How much one receiver gets at once, and how often: places, paces, and the health of each.

Pure: `now` is an argument. Nothing is dropped here; whatever must not be sent now waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import AwareDatetime

from opsknight.directory.receivers import Channel
from opsknight.incident.model import Model

# Two at once: one that hangs leaves a way for another, and none can take all senders.
PLACES: Final = ("place_0", "place_1")
# Longer than any sending takes (and the function's timeout): after that its sender is dead.
LEASE: Final = timedelta(seconds=60)

# The least time between two messages that page the same person by the same contact method. What
# comes in between waits, and goes as one message. All well under the two minutes after which a page
# has failed.
INTERVALS: Final[Mapping[Channel, timedelta]] = MappingProxyType(
    {
        Channel.SMS: timedelta(seconds=60),
        Channel.VOICE: timedelta(seconds=60),
        Channel.EMAIL: timedelta(seconds=30),
        Channel.SLACK: timedelta(seconds=15),
        Channel.SLACK_WEBHOOK: timedelta(seconds=15),
        Channel.TEAMS: timedelta(seconds=15),
        Channel.DISCORD: timedelta(seconds=15),
        Channel.GOOGLE_CHAT: timedelta(seconds=15),
        Channel.TELEGRAM: timedelta(seconds=15),
        Channel.NTFY: timedelta(seconds=15),
        Channel.PUSHOVER: timedelta(seconds=15),
    }
)
# The first incident of a service within this time does not wait for those of other services.
QUIET_FOR: Final = timedelta(minutes=10)

# Failing for so long, and so often, a receiver is unhealthy: it is probed, not hammered.
UNHEALTHY_AFTER: Final = timedelta(minutes=15)
UNHEALTHY_FAILURES: Final = 5
PROBE_EVERY: Final = timedelta(minutes=5)
PAGE_PROBE_EVERY: Final = timedelta(minutes=1)


class Traffic(Model):
    """What is going on with one receiver."""

    place_0: AwareDatetime | None = None
    """Until when somebody who sends to it has this place."""
    place_1: AwareDatetime | None = None
    next_at: AwareDatetime | None = None
    """Not before then is it paged again."""
    failing_since: AwareDatetime | None = None
    failures: int = 0
    """Since it worked last."""
    probe_at: AwareDatetime | None = None
    """It is unhealthy, and until then nobody tries it."""

    @property
    def is_unhealthy(self) -> bool:
        return self.probe_at is not None


BUSY: Final = "busy"
UNHEALTHY: Final = "unhealthy"


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    why: str
    """BUSY or UNHEALTHY."""


def place(traffic: Traffic, now: datetime, *, probing: bool = False) -> str | Wait:
    """The place to take for one attempt, or until when to wait for one.

    `probing`: somebody wants to see whether it works again, healthy or not.
    """
    if not probing and traffic.probe_at is not None and traffic.probe_at > now:
        return Wait(traffic.probe_at, UNHEALTHY)
    taken: dict[str, datetime | None] = {name: getattr(traffic, name) for name in PLACES}
    for name, until in taken.items():
        if until is None or until <= now:
            return name
    return Wait(now, BUSY)


def after(traffic: Traffic, worked: bool, now: datetime, *, pages: bool) -> dict[str, object]:
    """What an attempt says of the receiver's health."""
    if worked:
        if traffic.failing_since is None and traffic.probe_at is None:
            return {}
        return {"failing_since": None, "failures": 0, "probe_at": None}
    since = traffic.failing_since or now
    failures = traffic.failures + 1
    sets: dict[str, object] = {"failing_since": since, "failures": failures}
    if failures >= UNHEALTHY_FAILURES and now - since >= UNHEALTHY_AFTER:
        sets["probe_at"] = now + (PAGE_PROBE_EVERY if pages else PROBE_EVERY)
    return sets
