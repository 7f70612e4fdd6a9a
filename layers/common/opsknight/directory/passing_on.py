"""What waits to be passed on to another system, what is known of the other side, and when to try
again. Pure. How it is written to the wire is for the notify functions to say (`notify.mirrored`).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, Field

from opsknight.incident.model import Action, Model

# What waited for longer is news of yesterday: to page for it now would be wrong.
LONGEST_WAIT: Final = timedelta(hours=24)
FAILING_FOR: Final = timedelta(minutes=5)
"""After this the fallback address hears of it, if the service is in shadow."""
PAUSES: Final = tuple(timedelta(seconds=each) for each in (5, 15, 30, 60))
LONGEST_PAUSE: Final = timedelta(minutes=5)
ASIDE_FOR: Final = timedelta(minutes=1)
MOST_ASIDE: Final = 20
"""With more keys than this that fail, the other side gets a pause as a whole."""


class Passed(Model):
    """An event that waits to be passed on."""

    service_id: str
    number: int = 0
    """Its place among all that wait; given when it is noted."""
    at: AwareDatetime
    action: Action
    key: str
    """The sender's dedup key, or the one that was made for it."""
    opens: bool = False
    """Whether the other side knows nothing of its key yet."""
    body: str
    incident_id: str | None = None
    """What somebody did it to, if it is an act; None for events, and for acts that an older version
    noted.
    """
    dedup_key: str | None = None
    """That incident's own, by which its pointer is found: `key` may be an alert of its group."""


class HeardKind(StrEnum):
    """What the other system says of an incident of its own."""

    PAGED = "paged"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Heard(Model):
    """What its webhook told us."""

    id: str
    at: AwareDatetime
    what: HeardKind
    key: str
    """The dedup key."""
    who: tuple[str, ...] = ()
    """Whom it paged, by the names that it has."""
    by: str = ""
    """Who acted there."""


class MirrorState(Model):
    noted: int = 0
    """How many events have come. Grows."""
    due_at: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    """The other side gets a pause until then."""
    aside: dict[str, AwareDatetime] = Field(default_factory=dict)
    """Dedup keys whose events failed while others were taken, and when each is tried again."""
    lease_until: AwareDatetime | None = None
    sent_at: AwareDatetime | None = None
    failures: int = 0
    """Tries in a row in which something failed."""
    failing_since: AwareDatetime | None = None
    why: str | None = None
    lost_at: AwareDatetime | None = None
    """When an event was last given up, and which."""
    lost: str | None = None
    told: AwareDatetime | None = None
    """The `failing_since` or `lost_at` of which the fallback address has heard last."""

    def again_after(self, asked: timedelta | None) -> timedelta:
        """The pause after one more failed try; `asked` is what the other side wants."""
        pause = PAUSES[min(self.failures, len(PAUSES) - 1)]
        return pause if asked is None else min(max(pause, asked), LONGEST_PAUSE)

    def is_busy(self, now: datetime) -> bool:
        """Whether somebody passes on, or the other side gets a pause."""
        times = (self.lease_until, self.paused_until)
        return any(each is not None and each > now for each in times)

    @property
    def lost_untold(self) -> bool:
        return self.lost_at is not None and (self.told is None or self.told < self.lost_at)

    def to_tell(self, now: datetime) -> datetime | None:
        """Names what the fallback address has to hear of; None for nothing."""
        if self.lost_untold:
            return self.lost_at
        since = self.failing_since
        if since is None or now - since < FAILING_FOR:
            return None
        return since if self.told is None or self.told < since else None
