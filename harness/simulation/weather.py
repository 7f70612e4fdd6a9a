"""How AWS, the network and the receivers are in one night: how long things take, and how often what
goes wrong.

Where a behaviour of AWS is an assumption, docs/reliability.md says from which source it is.
"""

from dataclasses import dataclass
from enum import StrEnum

type Span = tuple[float, float]
"""Seconds, from and to."""


class Mood(StrEnum):
    WORKS = "works"
    REFUSES = "refuses"
    """For good: the number is unknown, the address is gone."""
    HANGS = "hangs"
    FAILS = "answers 5xx"
    FLAKY = "answers 5xx every other time"
    SILENT = "takes it without saying so"


@dataclass(frozen=True)
class Outage:
    to: str
    mood: Mood
    since: float
    until: float


@dataclass(frozen=True)
class Weather:
    """Chances are from 0 to 1 and for each call, message or record."""

    # DynamoDB.
    latency: Span = (0.003, 0.010)
    slow: float = 0.0
    """Calls that take longer than any client waits."""
    long: float = 0.0
    """Calls that take half of the time that their client waits, or most of it, and are answered."""
    hold: Span = (0.001, 0.005)
    """How long a transaction holds its items."""
    refuses_plain_writes: bool = True
    """Whether a plain write of an item that a transaction holds is refused."""
    refuses_old_stamps: bool = True
    """Whether a transaction is refused that set out before the last write of one of its items."""
    index_lag: Span = (0.01, 0.1)
    long_index_lag: float = 0.0
    """Writes that an index shows up to 20 seconds late."""
    throttles: bool = True
    lost_request: float = 0.0
    lost_answer: float = 0.0

    # Streams and queues.
    stream_lag: Span = (0.05, 0.4)
    lost_record: float = 0.0
    doubled_record: float = 0.0
    queue_lag: Span = (0.0, 0.3)
    lost_message: float = 0.0
    doubled_message: float = 0.0
    late_message: float = 0.0
    """Messages that come up to a minute late, and so in another order."""
    lost_tick: float = 0.0
    doubled_tick: float = 0.0
    late_tick: float = 0.0
    """Ticks that come up to a minute and a half after the time that their event says."""

    # Lambda.
    death: float = 0.0
    """For each call of a process, before and after it."""
    cold_start: Span = (0.2, 0.6)
    account: int = 1000
    """Functions at once."""
    skew: float = 0.0
    """Seconds by which the clock of a process may be wrong."""

    # Receivers.
    provider: Span = (0.1, 0.5)
    silent: float = 0.0
    """Messages that are taken without an answer that says so."""


CALM = Weather()
ROUGH = Weather(
    slow=0.0005,
    long=0.005,
    long_index_lag=0.02,
    lost_request=0.001,
    lost_answer=0.002,
    lost_record=0.01,
    doubled_record=0.02,
    lost_message=0.01,
    doubled_message=0.02,
    late_message=0.01,
    lost_tick=0.02,
    doubled_tick=0.02,
    late_tick=0.02,
    death=0.002,
    skew=2.0,
    silent=0.01,
)
