"""A receiver's turn: one message tells all that is held for it. It passes these stages:

    due         its time has come, and something is held
    throttle    the page lease: no other message that pages is under way to the receiver
    held        what an earlier message has told is finished; what nobody wants any more is over
    claim       each delivery is claimed for this bundle before the message is composed
    attempt     the channel sends the message
    settle      one write says that the bundle was sent: each delivery's state follows from it
    release     the lease, with the time of the next turn
    finish      deliveries, pages and rows catch up; whoever comes next goes on if we die here

Only the holder of the lease tells, claims or moves what is held.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from notify.attempts import attempt, recording
from notify.bundle_attempt import BundleAttempt
from notify.channels.protocol import Sender, Sent, TemporaryFailure
from notify.composing import Composer, DeliveryContext
from notify.continuing import Continuing, NotUpdated, silent
from notify.endings import Endings
from notify.finishing import Finishing
from notify.members import Members
from notify.page_tracker import PageTracker
from notify.throttling import Throttling, Turn
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel
from opsknight.incident.model import Urgency
from opsknight.notification.bundle import choose
from opsknight.notification.delivery import Delivery, attempted
from opsknight.notification.digest import LARGEST_DIGEST, interval_of
from opsknight.notification.throttle import LEASE, ReceiverState
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lanes import is_of_person
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import SendHeld
from opsknight.store.bundles import Bundles, Held
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries

# Clocks differ a little, and SQS rounds delays down: a wakeup that is early by no more than this
# waits here; an earlier one is put back.
EARLY_SECONDS: Final = 2.0
UNREADABLE_AGAIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Turns:
    deliveries: Deliveries
    bundles: Bundles
    throttling: Throttling
    endings: Endings
    composer: Composer
    page_tracker: PageTracker
    hold: HoldMemory
    members: Members
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]

    @property
    def continuing(self) -> Continuing:
        return Continuing(self.composer)

    @property
    def finishing(self) -> Finishing:
        return Finishing(
            self.deliveries,
            self.bundles,
            self.throttling.receivers,
            self.members,
            self.endings,
            self.page_tracker,
        )

    def attend(self, wakeup: SendHeld, deadline: Deadline) -> None:
        """Takes the receiver's turn if it is due. Raises Unavailable after the deadline."""
        destination = wakeup.destination
        state, now = self.throttling.receivers.state(destination, deadline), self.clock()
        if state.due_at is None or state.due_at != wakeup.due_at:
            # It was moved since: another wakeup is on its way.
            return
        early = (state.due_at - now).total_seconds()
        if early > EARLY_SECONDS:
            self.throttling.queues.turn(destination, state.due_at, now, urgent=state.urgent)
            return
        if early > 0:
            self.sleep(early)
        if self._waits_for_high(destination, state, deadline):
            return
        self.take(destination, deadline)

    def _waits_for_high(self, destination: str, state: ReceiverState, deadline: Deadline) -> bool:
        """Whether a hold is just over, and nothing that waits for the receiver is HIGH: something
        HIGH may be about to come, and must not wait for the pace after this message.
        """
        now = self.clock()
        until = self.hold().others_wait_until(now)
        if until is None or self.bundles.holds_any(destination, deadline, Urgency.HIGH):
            return False
        # A refusal: somebody was faster, and has set the next turn.
        with suppress(Conflict):
            self.throttling.receivers.move(destination, state, until, deadline)
            self.throttling.queues.turn(destination, until, now, urgent=False)
        return True

    def take(self, destination: str, deadline: Deadline) -> None:
        turn = self.throttling.receiver_turn(destination, deadline)
        if turn is None:
            return
        pages = is_of_person(destination)
        told: BundleAttempt | NotUpdated | None = None
        failed = True
        try:
            told = self._tell(turn, deadline)
            failed = False
        finally:
            late = recording(deadline)
            if failed:
                # Whatever it was, it must not go round at once.
                later = self.clock() + LEASE
                self.throttling.release(turn, None, late, pages=pages, not_before=later)
        if told is None:
            # Nothing goes into the message any more, or nothing is held: the pace counts again.
            self.throttling.release(turn, None, late, pages=pages, more=not turn.continues)
            return
        if isinstance(told, NotUpdated):
            goes_on, again = told.continued, told.not_before
            self.throttling.release(
                turn, None, late, pages=pages, continued=goes_on, not_before=again
            )
            return
        self.throttling.release(
            turn,
            told.outcome,
            late,
            pages=pages,
            # An update makes no sound.
            interval=None if turn.continues else interval_of(told.receiver, pages=pages),
            # A digest waits for the whole interval, whatever the last one told.
            urgent=told.urgent or not pages,
            not_before=told.not_before,
            more=told.more,
            urgent_left=told.urgent_left,
            continued=told.continued,
        )
        if isinstance(told.outcome, Sent):
            self.finishing.finish(told, told.outcome, turn, self.clock(), late)

    def _tell(self, turn: Turn, deadline: Deadline) -> BundleAttempt | NotUpdated | None:
        """None when there was nothing to tell, or what there was has to be looked at again."""
        pages = is_of_person(turn.destination)
        held = self.bundles.held(turn.destination, deadline, None if pages else LARGEST_DIGEST)
        wanted = waiting = self._wanted(turn, held, deadline)
        earlier = turn.state.continued if turn.continues else None
        if turn.continues:
            wanted = silent(earlier, waiting, held) if earlier else []
        if not wanted:
            return None
        leader, group = choose([each.delivery for each in wanted])
        claimed = self.members.claimed(leader, group, turn.token, deadline)
        carried = self._still_wanted(turn, claimed, held, deadline)
        mine = [each for each in carried if each.delivery.id == leader.id]
        if not mine or mine[0].receiver is None:
            return None
        if earlier and silent(earlier, carried, held) != carried:
            # One was raised before the claim.
            return None
        receiver, now = mine[0].receiver, self.clock()
        carried = sorted(carried, key=lambda each: each.rank)
        deliveries = [each.delivery for each in carried]
        several, sender = len(carried) > 1, self.senders.get(receiver.channel)
        if earlier or several:
            listed = earlier.bundle if earlier else leader.id
            self.bundles.keep(listed, deliveries, now, deadline)
        if earlier:
            message = self.continuing.message(earlier, leader, carried, now, deadline)
            sender = self.continuing.sender(sender, earlier)
        else:
            message = self.composer.message(leader, carried, now, deadline)
        # From here on nothing may keep us from recording what became of it.
        deadline.check()
        outcome, made = attempt(
            sender, message, receiver, turn.state.moved, self.clock(), self.stopwatch
        )
        if earlier and not isinstance(outcome, Sent):
            return self.continuing.failed(earlier, outcome, turn.state, self.clock())
        late = recording(deadline)
        after = outcome.after if isinstance(outcome, TemporaryFailure) else None
        changes = attempted(mine[0].delivery, made, after, self.chance(), self.hold())
        not_before = changes["due_at"] if isinstance(changes["due_at"], datetime) else None
        self.finishing.settle(mine[0].delivery, turn.token, several, made, changes, late)
        if not isinstance(outcome, Sent):
            # Before the release: the next turn would claim them meanwhile.
            again = not_before is not None
            leads = mine[0].delivery
            self.finishing.not_taken(turn, deliveries, leads, held.rows, made, again, late)
        elif pages:
            # Before the release: the next sender looks whether they are spent.
            self.finishing.spend_exemptions(deliveries, self.clock(), late)
        is_sent = isinstance(outcome, Sent)
        told = {each.delivery.id for each in carried} if is_sent else set[str]()
        continued = None
        left = held.more or not told.issuperset(each.delivery.id for each in wanted)
        if isinstance(outcome, Sent) and pages and left:
            holds = turn.state.holds
            continued = self.continuing.after(earlier, sender, leader, carried, outcome, holds)
        return BundleAttempt(
            mine[0].delivery,
            deliveries,
            receiver,
            outcome,
            made,
            held.rows,
            not_before,
            # What one message could not tell goes on in it, or goes out at the receiver's pace.
            more=not is_sent,
            urgent=any(each.is_high for each in carried),
            urgent_left=held.more_urgent
            or any(each.is_high and each.delivery.id not in told for each in waiting),
            continued=continued,
        )

    def _wanted(self, turn: Turn, held: Held, deadline: Deadline) -> list[DeliveryContext]:
        """The held deliveries that are still wanted, in order. Releases all others."""
        now, rows = self.clock(), held.rows
        for row in held.unreadable:
            signal("Unreadable")
            logger.error("a held delivery cannot be read", delivery_id=row.delivery_id)
            self.bundles.set_aside(turn.destination, row, now + UNREADABLE_AGAIN, deadline)
        sent = self.bundles.sent(held.deliveries, deadline)
        over = [each for each in held.deliveries if each.id in sent]
        for bundle in {each.bundle: sent[each.id] for each in over}.values():
            mine = [each for each in over if sent[each.id] == bundle]
            self.finishing.catch_up(turn.destination, rows, mine, bundle, deadline)
        over = []
        waiting = [each for each in held.deliveries if each.id not in sent]
        contexts = {each.delivery.id: each for each in self.composer.contexts(waiting, deadline)}
        wanted = []
        for each in waiting:
            context = contexts.get(each.id)
            if context is None:
                for row in rows[each.id]:
                    self.bundles.set_aside(turn.destination, row, now + UNREADABLE_AGAIN, deadline)
                continue
            end = self.endings.unsent(context, deadline)
            if end is None:
                wanted.append(context)
                continue
            if self.deliveries.change(each, end, deadline):
                self.endings.over(each, end, deadline)
            over.append(each)
        self.finishing.release(turn.destination, rows, over, deadline)
        self.bundles.release(turn.destination, held.void, deadline)
        return wanted

    def _still_wanted(
        self, turn: Turn, claimed: Sequence[Delivery], held: Held, deadline: Deadline
    ) -> list[DeliveryContext]:
        """Once more, as people may have acted before the claim. Empty if one cannot be read: as it
        is claimed, the message would settle it untold.
        """
        found = self.composer.contexts(claimed, deadline)
        if len(found) < len(claimed):
            return []
        wanted = []
        for context in found:
            end = self.endings.unsent(context, deadline)
            if end is None:
                wanted.append(context)
            elif self.deliveries.record(context.delivery, turn.token, end, deadline):
                self.endings.over(context.delivery, end, deadline)
                self.finishing.release(turn.destination, held.rows, [context.delivery], deadline)
        return wanted
