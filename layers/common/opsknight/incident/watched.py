"""Incidents about what OpsKnight watches itself: a heartbeat says once that it is silent, and is so
until it beats.

Pure: what tells them apart, and what does not end them.
"""

from dataclasses import replace
from typing import Final, Protocol

from opsknight.incident.model import Timeouts

HEARTBEAT: Final = "heartbeat:"
"""What the dedup keys of heartbeats begin with, where no event of a sender reaches."""


class Known(Protocol):
    """An event or an incident."""

    @property
    def dedup_key(self) -> str: ...
    @property
    def internal(self) -> bool | None: ...


def timeouts_of(it: Known, timeouts: Timeouts) -> Timeouts:
    """`timeouts` of its service, as far as they are meant for it. That no alert comes resolves what
    senders tell of; of a heartbeat it is what the incident is about.
    """
    is_heartbeat = it.internal and it.dedup_key.startswith(HEARTBEAT)
    return replace(timeouts, auto_resolve=None) if is_heartbeat else timeouts
