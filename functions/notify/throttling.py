"""The throttle stage of sending: a delivery gets a turn at its receiver, or waits.

It waits when every slot is taken, when the circuit is open, or, a page, when its receiver was paged
a moment ago. The rules are in `opsknight.notification.throttle`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notify.channels.protocol import Outcome, Sent
from notify.queues import Queues
from opsknight.directory.receivers import Receiver
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import PageReason
from opsknight.notification.throttle import (
    MIN_INTERVAL,
    ReceiverState,
    Wait,
    WaitReason,
    free_slot,
    health_after,
)
from opsknight.runtime.telemetry import count, logger
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries
from opsknight.store.receivers import Receivers

# A sender that finds every slot taken tries again, each time a little later; a page not much later.
LONGEST_BUSY_WAIT: Final = 20.0
LONGEST_BUSY_WAIT_OF_A_PAGE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A delivery that has a slot at its receiver."""

    delivery: Delivery
    receiver: Receiver
    at: datetime
    """When the slot was acquired: its lease and the claim's end together."""
    slot: str
    claim: str
    state: ReceiverState
    """The receiver's, as it was read before the slot was acquired."""
    interval: timedelta | None
    """The least time between two pages to the receiver; None for a delivery that is not paced."""
    exempt: bool
    """The delivery ignores the pace, and takes no others along."""

    @property
    def bundles(self) -> bool:
        """Whether deliveries that are held for the receiver go with this one."""
        return self.interval is not None and not self.exempt


@dataclass(frozen=True, slots=True)
class Throttling:
    deliveries: Deliveries
    receivers: Receivers
    bundles: Bundles
    queues: Queues
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    """From 0 to 1."""
    new_claim: Callable[[], str]

    def turn(
        self, delivery: Delivery, receiver: Receiver, slot_attempts: int, deadline: Deadline
    ) -> Turn | None:
        """None when the delivery has to wait; then its next waking is on its way."""
        destination, now = delivery.destination, self.clock()
        state = self.receivers.state(destination, deadline)
        slot = free_slot(state, now, probing=delivery.about is PageReason.TEST)
        if isinstance(slot, Wait):
            self._put_off(delivery, slot, slot_attempts, deadline)
            return None
        paced = delivery.about is PageReason.PAGED
        interval = MIN_INTERVAL.get(receiver.channel) if paced else None
        exempt = interval is not None and self.receivers.take_pace_exemption(
            destination, delivery.service_id, now, deadline
        )
        held_until = None if interval is None or exempt else state.next_at
        if held_until is not None and held_until > now:
            if self.bundles.hold_for_bundle(delivery, held_until, deadline):
                self.queues.send_later(delivery, held_until, now)
            return None
        try:
            self.receivers.acquire_slot(
                destination, slot, now, deadline, paced=interval is not None, exempt=exempt
            )
        except Conflict:
            # Another sender was faster, so what there is to wait for has changed.
            self._put_off(delivery, Wait(now, WaitReason.BUSY), slot_attempts, deadline)
            return None
        return Turn(delivery, receiver, now, slot, self.new_claim(), state, interval, exempt)

    def release(self, turn: Turn, outcome: Outcome | None, deadline: Deadline) -> None:
        """Gives the slot back, with what the attempt showed. None: there was no attempt."""
        destination, sent = turn.delivery.destination, isinstance(outcome, Sent)
        changes: dict[str, object] = {}
        if outcome is not None:
            changes = health_after(turn.state, sent, self.clock(), pages=turn.delivery.pages)
        if turn.interval is not None:
            changes["next_at"] = self.clock() + turn.interval if sent else None
        self.receivers.release_slot(destination, turn.slot, changes, deadline)
        if changes.get("circuit_open_until") is not None:
            count("ReceiverUnhealthy")
            logger.error("a receiver is unhealthy", receiver=destination)

    def _put_off(
        self, delivery: Delivery, wait: Wait, slot_attempts: int, deadline: Deadline
    ) -> None:
        now, until = self.clock(), wait.until
        if wait.reason is WaitReason.BUSY:
            longest = LONGEST_BUSY_WAIT_OF_A_PAGE if delivery.pages else LONGEST_BUSY_WAIT
            seconds = min(longest, 2.0 ** min(slot_attempts, 10)) * (0.5 + self.chance() / 2)
            until = now + timedelta(seconds=seconds)
        if self.deliveries.change(delivery, {"due_at": until}, deadline):
            self.queues.send_later(delivery, until, now, slot_attempts=slot_attempts + 1)
