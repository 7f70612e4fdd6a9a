"""The throttle stage of sending: a delivery, or what is held for a receiver, gets a turn there, or
waits.

A delivery waits when every slot is taken, or when the circuit is open. One that pages also waits
when its receiver was paged a moment ago, or is just being paged: then it is held, and its receiver
is due in its place. The rules are in `opsknight.notification.throttle`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from notify.channels.protocol import Outcome, PermanentFailure, Sent
from notify.queues import Queues
from opsknight.classes import dataclass
from opsknight.incident.model import Urgency
from opsknight.notification.continued import Continued
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import PageReason
from opsknight.notification.throttle import (
    ReceiverState,
    Wait,
    WaitReason,
    free_slot,
    goes_on,
    health_after,
    next_turn,
    pace_of,
    paced_after,
    page_wait,
)
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Conflict, Deadline, decide_again
from opsknight.store.deliveries import Deliveries
from opsknight.store.receivers import Receivers

# A sender that finds every slot taken tries again, each time a little later; a page not much later.
LONGEST_BUSY_WAIT: Final = 20.0
LONGEST_BUSY_WAIT_OF_A_PAGE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot at a receiver, and for messages that page the page lease, until `release`."""

    destination: str
    at: datetime
    """When both were acquired: their lease and the claims' end together."""
    slot: str
    token: str
    """Names this sender on the slot, on the lease, and as the claim of what it sends."""
    state: ReceiverState
    leased: bool
    """Whether it holds the page lease."""
    of_receiver: bool = False
    """Whether it is for what is held, not for one delivery."""
    continues: bool = False
    """Whether only the last message may be updated, as the pace forbids another one."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The delivery has joined those that are held for its receiver, whose turn is now."""


@dataclass(frozen=True, slots=True)
class Throttling:
    deliveries: Deliveries
    receivers: Receivers
    bundles: Bundles
    queues: Queues
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    """From 0 to 1."""
    new_token: Callable[[], str]

    def slot(self, delivery: Delivery, slot_attempts: int, deadline: Deadline) -> Turn | None:
        """For a delivery that pages nobody. None when it has to wait; then its next wakeup is on
        its way.
        """
        destination, now, token = delivery.destination, self.clock(), self.new_token()
        state = self.receivers.state(destination, deadline)
        slot = free_slot(state, now, probing=delivery.about is PageReason.TEST)
        if isinstance(slot, Wait):
            self.put_off(delivery, slot, slot_attempts, deadline)
            return None
        try:
            self.receivers.acquire_slot(destination, slot, token, now, deadline)
        except Conflict:
            # Another sender was faster, so what there is to wait for has changed.
            self.put_off(delivery, Wait(now, WaitReason.BUSY), slot_attempts, deadline)
            return None
        return Turn(destination, now, slot, token, state, leased=False)

    def page_turn(
        self, delivery: Delivery, urgency: Urgency, slot_attempts: int, deadline: Deadline
    ) -> Turn | Joined | None:
        """For a delivery that pages. None when it has to wait; then something is due for it."""
        destination, token = delivery.destination, self.new_token()
        urgent = urgency is Urgency.HIGH

        def attempt(number: int) -> Turn | Joined | None:
            if number and not self.is_as_read(delivery, deadline):
                # Another sender has it, or has held it.
                return None
            state, now = self.receivers.state(destination, deadline), self.clock()
            wait, exempt = page_wait(state, now, urgent=urgent), False
            if wait is not None and wait.reason is not WaitReason.CIRCUIT_OPEN:
                service_id = delivery.service_id
                exempt = self.receivers.is_exempt(destination, service_id, now, deadline)
                wait = page_wait(state, now, exempt=exempt, urgent=urgent)
            if wait is None and state.due_at is None:
                slot = free_slot(state, now)
                if isinstance(slot, Wait):
                    self.put_off(delivery, slot, slot_attempts, deadline)
                    return None
                pace = None if exempt else pace_of(state, urgent=urgent)
                leased = self.receivers.acquire_page_lease(
                    destination, slot, token, now, deadline, pace=pace, turn=False
                )
                return Turn(destination, now, slot, token, leased, leased=True)
            turn_at = now if wait is None else wait.until
            wake_at = self.bundles.hold(
                delivery,
                urgency,
                state,
                turn_at,
                f"{token}-{number}",
                deadline,
                waives_pace=exempt,
            )
            if wait is None:
                return Joined()
            if wake_at is not None:
                self.queues.turn(destination, wake_at, now, urgent=urgent or state.urgent)
            return None

        # A conflict: another sender has come or gone meanwhile.
        return decide_again(deadline, attempt)

    def receiver_turn(self, destination: str, deadline: Deadline) -> Turn | None:
        """For what is held for the receiver. None when there is nothing, or it has to wait."""
        token = self.new_token()

        def attempt(number: int) -> Turn | None:
            state, now = self.receivers.state(destination, deadline), self.clock()
            if state.due_at is None or (number and state.due_at > now):
                return None
            if not self.bundles.holds_any(destination, deadline):
                self.receivers.move(destination, state, None, deadline)
                return None
            wait = page_wait(state, now, urgent=state.urgent)
            if continues := goes_on(state, wait):
                wait = None
            slot = free_slot(state, now)
            if wait is None and isinstance(slot, Wait):
                seconds = LONGEST_BUSY_WAIT_OF_A_PAGE * (0.5 + self.chance() / 2)
                wait = Wait(now + timedelta(seconds=seconds), WaitReason.BUSY)
            if isinstance(slot, Wait) or wait is not None:
                until = now if wait is None else wait.until
                self.receivers.move(destination, state, until, deadline)
                self.queues.turn(destination, until, now, urgent=state.urgent)
                return None
            free = state.pace_waived or continues
            pace = None if free else pace_of(state, urgent=state.urgent)
            leased = self.receivers.acquire_page_lease(
                destination, slot, token, now, deadline, pace=pace, turn=True, continues=continues
            )
            return Turn(
                destination,
                now,
                slot,
                token,
                leased,
                leased=True,
                of_receiver=True,
                continues=continues,
            )

        return decide_again(deadline, attempt)

    def release(
        self,
        turn: Turn,
        outcome: Outcome | None,
        deadline: Deadline,
        *,
        pages: bool,
        interval: timedelta | None = None,
        urgent: bool = False,
        not_before: datetime | None = None,
        more: bool = False,
        urgent_left: bool = True,
        continued: Continued | None = None,
    ) -> None:
        """Gives slot and lease back, with what the attempt showed. None: there was no attempt.

        `urgent`: the message told of something HIGH. `not_before`: the next turn is not sooner.
        `more`: it is at once, as not all was told. `urgent_left`: some of what it found and did not
        tell may be HIGH. `continued`: the message goes on at once.
        """
        now, changes = self.clock(), dict[str, object]()
        if outcome is not None:
            worked, refused = isinstance(outcome, Sent), isinstance(outcome, PermanentFailure)
            changes = health_after(turn.state, worked, now, pages=pages, refused=refused)
        if isinstance(outcome, Sent) and outcome.moved is not None:
            changes["moved"] = outcome.moved
            logger.warning("a receiver has moved", receiver=turn.destination)
        if interval is not None and isinstance(outcome, Sent):
            # Only the holder of the lease moves it, only after a message was taken, and forward.
            changes |= paced_after(interval, now, urgent=urgent)
            changes["next_at"] = max(turn.state.next_at or now, now + interval)
        if turn.leased and (continued or turn.state.continued):
            changes["continued"] = continued
        if turn.leased:
            self._release_lease(turn, changes, not_before, more, urgent_left, deadline)
        else:
            try:
                self.receivers.release_slot(
                    turn.destination, turn.slot, turn.token, changes, deadline
                )
            except Conflict:
                _log_outlived(turn)
        if changes.get("circuit_open_until") is not None:
            signal("ReceiverUnhealthy")
            logger.error("a receiver is unhealthy", receiver=turn.destination)

    def _release_lease(
        self,
        turn: Turn,
        changes: dict[str, object],
        not_before: datetime | None,
        more: bool,
        urgent_left: bool,
        deadline: Deadline,
    ) -> None:
        """If deliveries are held, the receiver's next turn is set, and woken once it is written."""
        wanted: datetime | None = None
        urgent = False

        def attempt(number: int) -> datetime | None:
            nonlocal wanted, urgent
            state = turn.state
            if number or turn.of_receiver:
                state = self.receivers.state(turn.destination, deadline)
            if state.page_token != turn.token:
                if wanted is not None and state.due_at == wanted:
                    # It was released by a request whose answer was lost.
                    return wanted
                _log_outlived(turn)
                return None
            given = changes
            if state.due_at is not None:
                now = self.clock()
                # One that came meanwhile was perhaps told, too: then its lane is the wrong one.
                came = state.urgent_holds > turn.state.urgent_holds
                urgent = came or (urgent_left and state.urgent)
                after = state.model_copy(update=changes | {"urgent": urgent})
                at_once = more or after.continued is not None
                wanted = max(next_turn(after, now, more=at_once), not_before or now)
                given = changes | self.receivers.due(turn.destination, wanted)
                given["urgent"] = urgent or None
                if more:
                    given["pace_waived"] = True
            self.receivers.release_page_lease(
                turn.destination, turn.slot, turn.token, given, state, deadline
            )
            return wanted

        # A conflict: somebody has held a delivery meanwhile.
        due_at = decide_again(deadline, attempt)
        if due_at is not None:
            self.queues.turn(turn.destination, due_at, self.clock(), urgent=urgent)

    def is_as_read(self, delivery: Delivery, deadline: Deadline) -> bool:
        where = delivery.incident_id, delivery.id
        now = self.deliveries.table.delivery(*where, deadline)
        if now is None:
            return False
        return (now.state, now.due_at) == (delivery.state, delivery.due_at)

    def put_off(
        self, delivery: Delivery, wait: Wait, slot_attempts: int, deadline: Deadline
    ) -> None:
        now, until = self.clock(), wait.until
        if wait.reason is WaitReason.BUSY:
            longest = LONGEST_BUSY_WAIT_OF_A_PAGE if delivery.pages else LONGEST_BUSY_WAIT
            seconds = min(longest, 2.0 ** min(slot_attempts, 10)) * (0.5 + self.chance() / 2)
            until = now + timedelta(seconds=seconds)
        # A refusal: somebody else has it, and has set its next time. This wakeup takes the place of
        # the one that brought us, which is for another time.
        if self.deliveries.change(delivery, {"due_at": until}, deadline):
            self.queues.send_later(delivery, until, now, slot_attempts=slot_attempts + 1)


def _log_outlived(turn: Turn) -> None:
    logger.error("a sender outlived its lease", receiver=turn.destination)
