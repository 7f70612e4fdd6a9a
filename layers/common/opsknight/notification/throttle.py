"""How many messages one receiver gets at once and how often, and when to leave a failing one alone.

Pure: `now` is an argument. Throttling never drops a message; whatever must not be sent now waits.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.model import Model
from opsknight.notification.continued import Continued

# Two at once: when one message hangs the other slot still works, and no receiver can take all
# senders.
SLOTS: Final = ("slot_0", "slot_1")
# Longer than any sending takes (and than the function's timeout): after that its sender is dead.
LEASE: Final = timedelta(seconds=60)

# The least time between two messages that page one person by one contact method. Pages in between
# are held, and go out as one message. All are well under the two minutes after which a page has
# failed.
MIN_INTERVAL: Final[Mapping[Channel, timedelta]] = MappingProxyType(
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
# A page about something HIGH waits no longer than this after a message that told of nothing HIGH.
URGENT_INTERVAL: Final = timedelta(seconds=15)
# A service that has been silent for this long is exempt from the interval, once: its first incident
# is news, and does not wait for those of other services.
EXEMPT_EVERY: Final = timedelta(minutes=10)

# The circuit opens when a receiver has failed for this long and this often. From then on a single
# message probes it now and then, and all others wait.
CIRCUIT_OPENS_AFTER: Final = timedelta(minutes=15)
CIRCUIT_OPENS_AT_FAILURES: Final = 5
PROBE_EVERY: Final = timedelta(minutes=5)
PAGE_PROBE_EVERY: Final = timedelta(minutes=1)


class Moved(Model):
    """Where a receiver is that its provider has moved."""

    was: str
    """Its address as the configuration has it: what is written there later counts again."""
    to: str


class ReceiverState(Model):
    """The slots, the pace and the health of one receiver."""

    slot_0: AwareDatetime | None = None
    """When the lease of the sender that has this slot ends."""
    slot_1: AwareDatetime | None = None
    page_token: str | None = None
    """Whose message that pages is under way: at most one is. Set while the page lease is held."""
    page_until: AwareDatetime | None = None
    """When the page lease ends; after that its holder is dead."""
    next_at: AwareDatetime | None = None
    """When the receiver may be paged again."""
    urgent_next_at: AwareDatetime | None = None
    """When it may be paged about something HIGH: sooner, if its last message told of nothing HIGH.
    None where a version before this set `next_at`.
    """
    pace_waived: bool = False
    """The next turn ignores the pace: an exempt page is held, or the last message was not taken."""
    due_at: AwareDatetime | None = None
    """When the receiver's next turn is; None while no delivery is held for it."""
    holds: int = 0
    """How many deliveries were ever held: who finds none can tell that none has come since."""
    urgent: bool = False
    """Whether anything HIGH may be held: then its next turn is sooner, and in the lane of HIGH."""
    urgent_holds: int = 0
    """How many HIGH ones were ever held: who has told those it found can tell whether one came."""
    continued: Continued | None = None
    """The last message, while what was held is more than it told, and it can be updated."""
    alone_since: AwareDatetime | None = None
    """Of a chat channel: since when `alone` counts the changes that it was told one by one."""
    alone: int = 0
    failing_since: AwareDatetime | None = None
    failures: int = 0
    """In a row."""
    refused: bool = False
    """Whether the last attempt showed that no further one of it could work."""
    confirmed_at: AwareDatetime | None = None
    """When the person last showed that what is sent there arrives; exact to a week."""
    confirmed_to: str = ""
    """The address or number that they showed it of."""
    moved: Moved | None = None
    circuit_open_until: AwareDatetime | None = None
    """Set while the circuit is open: nobody tries the receiver before this time."""

    @property
    def is_circuit_open(self) -> bool:
        return self.circuit_open_until is not None


def where_it_is(receiver: Receiver, moved: Moved | None) -> Receiver:
    if moved is None or moved.was != receiver.to:
        return receiver
    return receiver.model_copy(update={"to": moved.to})


def moved_on(written: Receiver, seen: Moved) -> Moved:
    """`written` as the configuration has it, by which it is known however often it moves. `seen`:
    the last of its moves, from where the message was sent.
    """
    return Moved(was=written.to, to=seen.to)


class WaitReason(StrEnum):
    BUSY = "busy"
    """Every slot is taken."""
    CIRCUIT_OPEN = "circuit open"
    UNDER_WAY = "under way"
    """Another message that pages is under way."""
    PACE = "pace"
    """The receiver was paged a moment ago."""


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    reason: WaitReason


def free_slot(state: ReceiverState, now: datetime, *, probing: bool = False) -> str | Wait:
    """The slot to acquire for one attempt, or until when to wait for one.

    `probing`: somebody wants to see whether the receiver works again, so try it even if its circuit
    is open.
    """
    if not probing and state.circuit_open_until is not None and state.circuit_open_until > now:
        return Wait(state.circuit_open_until, WaitReason.CIRCUIT_OPEN)
    leases: dict[str, datetime | None] = {slot: getattr(state, slot) for slot in SLOTS}
    for slot, until in leases.items():
        if until is None or until <= now:
            return slot
    return Wait(now, WaitReason.BUSY)


def pace_of(state: ReceiverState, *, urgent: bool) -> str:
    """Which attribute of the state says when the next message may page. `urgent`: a message that
    tells of something HIGH.
    """
    return "urgent_next_at" if urgent and state.urgent_next_at is not None else "next_at"


def paced_until(state: ReceiverState, *, urgent: bool) -> datetime | None:
    until: datetime | None = getattr(state, pace_of(state, urgent=urgent))
    return until


def paced_after(interval: timedelta, now: datetime, *, urgent: bool) -> dict[str, object]:
    """The attributes to set once a message was taken. `urgent`: it told of something HIGH."""
    soonest = interval if urgent else min(interval, URGENT_INTERVAL)
    return {"next_at": now + interval, "urgent_next_at": now + soonest}


def page_wait(
    state: ReceiverState, now: datetime, *, exempt: bool = False, urgent: bool = False
) -> Wait | None:
    """Until when a message that pages has to wait; None if it may go now, given a slot.

    `exempt`: from the pace, never from the lease. `urgent`: it tells of something HIGH.
    """
    if state.circuit_open_until is not None and state.circuit_open_until > now:
        return Wait(state.circuit_open_until, WaitReason.CIRCUIT_OPEN)
    if state.page_until is not None and state.page_until > now:
        return Wait(state.page_until, WaitReason.UNDER_WAY)
    until = paced_until(state, urgent=urgent)
    if not exempt and not state.pace_waived and until is not None and until > now:
        return Wait(until, WaitReason.PACE)
    return None


def goes_on(state: ReceiverState, wait: Wait | None) -> bool:
    """Whether the last message is updated meanwhile, as the pace forbids another one."""
    return state.continued is not None and wait is not None and wait.reason is WaitReason.PACE


def next_turn(state: ReceiverState, now: datetime, *, more: bool = False) -> datetime:
    """When what is held gets its turn. `more`: whatever the pace says."""
    paced = paced_until(state, urgent=state.urgent) or now
    soonest = now if more or state.pace_waived else max(paced, now)
    return max(state.circuit_open_until or now, soonest)


def takes_messages(state: ReceiverState, interval: timedelta, now: datetime) -> bool:
    """Whether the receiver took a message within its last two intervals, and its circuit is closed.
    What waits for it is late, but not lost.
    """
    if state.is_circuit_open or state.next_at is None:
        return False
    return now <= state.next_at + interval


def health_after(
    state: ReceiverState, worked: bool, now: datetime, *, pages: bool, refused: bool = False
) -> dict[str, object]:
    """The attributes to set after an attempt; empty if a healthy receiver stays so."""
    if worked:
        if state.failing_since is None and not state.is_circuit_open:
            return {}
        return {"failing_since": None, "failures": 0, "refused": False, "circuit_open_until": None}
    since = state.failing_since or now
    failures = state.failures + 1
    changes: dict[str, object] = {"failing_since": since, "failures": failures, "refused": refused}
    if failures >= CIRCUIT_OPENS_AT_FAILURES and now - since >= CIRCUIT_OPENS_AFTER:
        changes["circuit_open_until"] = now + (PAGE_PROBE_EVERY if pages else PROBE_EVERY)
    return changes
