"""One occurrence of a problem, for senders that say again and again what still is so, and when it
began. Tells a repeat from news, and a resolve that comes late from one that counts.

Pure. What an event does with it is in `events`.
"""

from datetime import datetime, timedelta
from typing import Final, Protocol

from opsknight.classes import dataclass

# How often it is written down that an unchanged problem was seen again.
SEEN_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Occurrence:
    content: str
    """A digest of what its sender says of it and of when it began: the same for a repeat."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Seen(Protocol):
    """What is remembered of the occurrence that is going on."""

    @property
    def seen_content(self) -> str | None: ...
    @property
    def seen_started_at(self) -> datetime | None: ...


def is_repeat(known: Seen, occurrence: Occurrence | None) -> bool:
    return occurrence is not None and occurrence.content == known.seen_content


def is_over(known: Seen, occurrence: Occurrence | None) -> bool:
    """Whether a resolve is about an occurrence that ended before the one going on began: it was on
    its way for too long.

    A resolve without a duration counts: that is how somebody ends an alert by hand.
    """
    if occurrence is None or known.seen_started_at is None:
        return False
    started, ended = occurrence.started_at, occurrence.ended_at
    return started is not None and ended is not None and started < ended <= known.seen_started_at


def is_news(seen_at: datetime | None, now: datetime, auto_resolve: timedelta | None) -> bool:
    """Whether to write down that a repeat came: now and then, and early enough for a service that
    resolves what is not heard of.
    """
    every = SEEN_EVERY if auto_resolve is None else min(SEEN_EVERY, auto_resolve / 2)
    return seen_at is None or now - seen_at >= every
