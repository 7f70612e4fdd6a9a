"""Gets one delivery to its receiver: claimed, still wanted, sent, recorded.

Whatever wakes it, and however often: it reads what is stored, and only who has the claim sends. Any
failure of a receiver is data; it never reaches the queue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from notify.channels.protocol import Outcome, Refused, Retry, Sender, Sent
from notify.composing import Composer, Facts
from notify.queues import Queues
from opsknight import pacing
from opsknight.contacts import Channel, Receiver
from opsknight.deliveries import (
    Attempt,
    Delivery,
    State,
    attempted,
    ended,
    is_superseded,
    is_wanted,
)
from opsknight.incidents import Urgency
from opsknight.messages import Message, PageReason
from opsknight.runtime import count, logger
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.outgoing import Outgoing

# Clocks differ a little, and SQS rounds delays down: up to here it is waited for on the spot.
EARLY_SECONDS: Final = 2.0
# Whoever finds a receiver busy knocks again, each time a little later.
LONGEST_KNOCK: Final = 20.0
_RANK: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class Sending:
    outgoing: Outgoing
    queues: Queues
    composer: Composer
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    timer: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    new_token: Callable[[], str]

    def attend(
        self, incident_id: str, delivery_id: str, deadline: Deadline, knocks: int = 0
    ) -> None:
        """Sends it if it is due. Raises Unavailable after the deadline."""
        delivery = self.outgoing.table.delivery(incident_id, delivery_id, deadline)
        if delivery is None or delivery.state is not State.PENDING or delivery.due_at is None:
            return
        early = (delivery.due_at - self.clock()).total_seconds()
        if early > EARLY_SECONDS:
            # Woken for a time that has passed; or it waits, or somebody has the claim.
            return
        if early > 0:
            self.sleep(early)
        facts = self.composer.facts(delivery, deadline)
        over = self._over(delivery, facts, deadline)
        if over is not None:
            if self.outgoing.change(delivery, over, deadline):
                self._note(delivery, str(over["state"]), str(over["why"]))
            return
        assert facts.receiver is not None
        self._in_turn(delivery, facts, facts.receiver, knocks, deadline)

    def _over(
        self, delivery: Delivery, facts: Facts, deadline: Deadline
    ) -> dict[str, object] | None:
        """How it ends without being sent, if it does."""
        if facts.incident is None:
            return ended(State.CANCELLED, "the incident is gone")
        if not is_wanted(delivery, facts.incident):
            return ended(State.CANCELLED, f"the incident is {facts.incident.status}")
        if facts.receiver is None:
            return ended(State.REFUSED, "the receiver is no longer configured")
        if not delivery.pages:
            others = self.outgoing.table.deliveries(delivery.incident_id, deadline)
            if is_superseded(delivery, others):
                return ended(State.COLLAPSED, "a newer notice tells more")
        return None

    def _in_turn(
        self,
        delivery: Delivery,
        facts: Facts,
        receiver: Receiver,
        knocks: int,
        deadline: Deadline,
    ) -> None:
        """Waits for a place at the receiver, and for its pace."""
        destination, now = delivery.destination, self.clock()
        traffic = self.outgoing.traffic(destination, deadline)
        place = pacing.place(traffic, now)
        if isinstance(place, pacing.Wait):
            self._put_back(delivery, place, knocks, deadline)
            return
        interval = pacing.INTERVALS.get(receiver.channel)
        paced = interval is not None and delivery.about is PageReason.PAGED
        exempt = paced and self.outgoing.is_first_of_service(
            destination, delivery.service_id, now, deadline
        )
        if paced and not exempt and traffic.next_at is not None and traffic.next_at > now:
            if self.outgoing.wait(delivery, traffic.next_at, deadline):
                self.queues.send_later(delivery, traffic.next_at, now)
            return
        try:
            self.outgoing.take_place(
                destination, place, now, deadline, paced=paced, exempt=exempt
            )
        except Conflict:
            # Somebody was faster: what to wait for is another matter now.
            again = pacing.Wait(now + timedelta(seconds=1), "busy")
            self._put_back(delivery, again, knocks, deadline)
            return
        learned: dict[str, object] = {}
        sent = False
        try:
            token = self.new_token()
            self.outgoing.claim(delivery, token, now, deadline)
            outcome = self._deliver(delivery, token, receiver, paced and not exempt, deadline)
            if outcome is not None:
                sent = isinstance(outcome, Sent)
                learned = pacing.after(traffic, sent, self.clock(), pages=delivery.pages)
        except Conflict:
            # Another sender has it.
            pass
        finally:
            if paced:
                learned = learned | {"next_at": self.clock() + interval if sent else None}
            self.outgoing.leave(destination, place, learned, deadline)
        if learned.get("probe_at") is not None and not traffic.is_unhealthy:
            count("ReceiverUnhealthy")
            logger.error("a receiver is unhealthy", receiver=destination)

    def _put_back(
        self, delivery: Delivery, wait: pacing.Wait, knocks: int, deadline: Deadline
    ) -> None:
        now = self.clock()
        until = wait.until
        if wait.why == "busy":
            seconds = min(LONGEST_KNOCK, 2.0**knocks) * (0.5 + self.chance() / 2)
            until = now + timedelta(seconds=seconds)
        moved = self.outgoing.change(delivery, {"due_at": until}, deadline)
        if moved:
            self.queues.send_later(delivery, until, now, knocks=knocks + 1)

    def _deliver(
        self,
        delivery: Delivery,
        token: str,
        receiver: Receiver,
        bundling: bool,
        deadline: Deadline,
    ) -> Outcome | None:
        """Sends the claimed delivery and records it; None when nobody wants it any more."""
        # Looked at again, for what happened between reading and claiming.
        facts = self.composer.facts(delivery, deadline)
        over = self._over(delivery, facts, deadline)
        if over is not None:
            self.outgoing.record(delivery, token, over, deadline)
            self._note(delivery, str(over["state"]), str(over["why"]))
            return None
        told, unwanted = [facts], list[Delivery]()
        if bundling:
            others = self.outgoing.waiting(delivery.destination, deadline)
            more = self.composer.facts_of_many(
                [each for each in others if each.id != delivery.id], deadline
            )
            for each in more:
                wanted = each.incident is not None and is_wanted(each.delivery, each.incident)
                (told if wanted else unwanted).append(each if wanted else each.delivery)
            told.sort(key=_most_urgent_first)
        bundled = [each.delivery for each in told if each.delivery.id != delivery.id]
        now = self.clock()
        if bundled:
            self.outgoing.keep_bundle(delivery, [delivery, *bundled], now, deadline)
        message = self.composer.message(delivery, told, now, deadline)
        outcome, attempt = self._attempt(message, receiver)
        after = outcome.after if isinstance(outcome, Retry) else None
        sets = attempted(delivery, attempt, after, self.chance())
        if not self.outgoing.record(delivery, token, sets, deadline):
            logger.error("a delivery outlived its claim", delivery_id=delivery.id)
        if isinstance(outcome, Sent):
            self._took(delivery, bundled, attempt, outcome, deadline)
        elif sets["due_at"] is not None:
            self.queues.send_later(delivery, sets["due_at"], self.clock())
        self._give_up_waiting([delivery, *unwanted], bundled, outcome, deadline)
        ...
        return outcome
