"""Calls off what a provider repeats by itself, once nobody has to be woken by it any more.

The delivery of such a message becomes due once more, though it is over: a sender that dies, or a
provider that is away, costs a moment. The rules are in `opsknight.notification.ringing`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from notify.channels.protocol import Outcome, Sender, Sent, Silencer, TemporaryFailure
from notify.composing import Composer
from notify.queues import Queues
from notify.throttling import Throttling
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel
from opsknight.incident.model import Incident
from opsknight.notification.delivery import Delivery
from opsknight.notification.ringing import (
    AGAIN_AFTER,
    LARGEST_CALLED_OFF,
    RINGS_FOR,
    is_quiet,
    may_ring,
    rings_of,
    rings_until,
    was_urgent,
)
from opsknight.runtime.telemetry import logger
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.deliveries import Deliveries


@dataclass(frozen=True, slots=True)
class Silencing:
    """Finds what is to be called off."""

    deliveries: Deliveries
    queues: Queues
    clock: Callable[[], datetime]

    def incident(self, incident: Incident, deadline: Deadline) -> None:
        """The incident has changed: nobody may have to be woken any more."""
        if not is_quiet(incident.status):
            return
        for each in self.deliveries.table.deliveries(incident.id, deadline):
            self._look(each, deadline)

    def ended(self, delivery: Delivery, deadline: Deadline) -> None:
        """The delivery is over. Somebody may have acted while it was sent."""
        if delivery.channel not in RINGS_FOR:
            return
        where = delivery.incident_id, delivery.id
        found = self.deliveries.table.delivery(*where, deadline)
        if found is not None:
            self._look(found, deadline)

    def quiet(self, delivery: Delivery, ring: str, deadline: Deadline) -> list[Incident] | None:
        """The incidents of a message that carried the delivery. None while it wakes somebody for
        one of them, or may do so, as that one cannot be read or there are too many to look at.
        """
        table = self.deliveries.table
        carried = table.carried(ring, LARGEST_CALLED_OFF + 1, deadline)
        if len(carried) > LARGEST_CALLED_OFF:
            return None
        ids = sorted({delivery.incident_id, *carried})
        stored = list(table.batch([items.incident_key(each) for each in ids], deadline))
        found = list(table.readable(Incident, stored))
        known = len(found) == len(stored)
        return found if known and all(is_quiet(each.status) for each in found) else None

    def _look(self, delivery: Delivery, deadline: Deadline) -> None:
        if not may_ring(delivery, self.clock()):
            return
        for ring in rings_of(delivery):
            incidents = self.quiet(delivery, ring, deadline)
            if incidents is None:
                continue
            leader = self._leader(delivery, ring, incidents, deadline)
            if leader is not None and was_urgent(leader, incidents):
                self._mark(leader, deadline)

    def _leader(
        self, delivery: Delivery, ring: str, incidents: Iterable[Incident], deadline: Deadline
    ) -> Delivery | None:
        """All deliveries of a message are called off by this one alone, as they ring once."""
        table = self.deliveries.table
        if delivery.id == ring:
            return delivery
        # A bundle has a row for each incident, which may name another delivery of the leader's.
        keys = [items.delivery_key(incident.id, ring) for incident in incidents]
        return next(iter(table.readable(Delivery, table.batch(keys, deadline))), None)

    def _mark(self, delivery: Delivery, deadline: Deadline) -> None:
        now = self.clock()
        if delivery.stops_ringing or not may_ring(delivery, now):
            # It is due already, was called off, or is not over: whoever ends it looks.
            return
        # A refusal: somebody else has marked it.
        if self.deliveries.change(delivery, {"stops_ringing": True, "due_at": now}, deadline):
            self.queues.send_later(delivery, now, now)


@dataclass(frozen=True, slots=True)
class Ringing:
    """Calls off one message."""

    silencing: Silencing
    throttling: Throttling
    composer: Composer
    senders: Mapping[Channel, Sender]

    def attend(self, delivery: Delivery, slot_attempts: int, deadline: Deadline) -> None:
        """Raises Unavailable after the deadline."""
        now, until = self.silencing.clock(), rings_until(delivery)
        if not delivery.stops_ringing or until is None or now >= until:
            # Also what is due by mistake: it must not stay so for ever.
            self._end(delivery, deadline)
            return
        # The message that it led, whichever has carried it since.
        if self.silencing.quiet(delivery, delivery.id, deadline) is None:
            # Whoever acts on the last of its incidents calls it off. Somebody who did so before
            # this write has found it marked.
            if self._change(delivery, {"stops_ringing": False, "due_at": None}, deadline):
                self.silencing.ended(delivery, deadline)
            return
        receiver = self.composer.context(delivery, deadline).receiver
        sender = self.senders.get(delivery.channel)
        if receiver is None or not isinstance(sender, Silencer):
            self._end(delivery, deadline)
            return
        turn = self.throttling.slot(delivery, slot_attempts, deadline)
        if turn is None:
            return
        outcome: Outcome | None = None
        try:
            outcome = sender.silence(delivery.id, receiver)
        finally:
            self.throttling.release(turn, outcome, deadline, pages=delivery.pages)
        self._settle(delivery, outcome, deadline)

    def _settle(self, delivery: Delivery, outcome: Outcome, deadline: Deadline) -> None:
        logger.info(
            "ringing called off",
            incident_id=delivery.incident_id,
            delivery_id=delivery.id,
            channel=delivery.channel,
            worked=isinstance(outcome, Sent),
            why=None if isinstance(outcome, Sent) else outcome.why,
        )
        if not isinstance(outcome, TemporaryFailure):
            self._end(delivery, deadline)
            return
        now = self.silencing.clock()
        again = now + max(outcome.after or timedelta(0), AGAIN_AFTER)
        if self._change(delivery, {"due_at": again}, deadline):
            self.silencing.queues.send_later(delivery, again, now)

    def _end(self, delivery: Delivery, deadline: Deadline) -> None:
        self._change(delivery, {"due_at": None}, deadline)

    def _change(
        self, delivery: Delivery, changes: Mapping[str, object], deadline: Deadline
    ) -> bool:
        return self.silencing.deliveries.change(delivery, changes, deadline)
