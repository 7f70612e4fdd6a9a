"""A message that could not tell all that was held goes on in further turns at once, in the same
message, where its channel can update one.

Only the holder of the page lease updates, and only while the pace forbids a message of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from notify.channels.protocol import Outcome, Sender, Sent, TemporaryFailure, Updater
from notify.composing import Composer, DeliveryContext
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.incident.model import Incident
from opsknight.notification.continued import (
    MOST_SERVICES,
    SHOWN,
    Continued,
    Shown,
    added,
    without,
)
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Earlier, Message
from opsknight.notification.signed_link import whole
from opsknight.notification.throttle import ReceiverState, paced_until
from opsknight.runtime.telemetry import logger
from opsknight.store import items
from opsknight.store.bundles import Held
from opsknight.store.calls import Deadline

AGAIN_AFTER: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class NotUpdated:
    """The message was not updated. What it was to tell stays held."""

    continued: Continued | None
    """None: it never will be, and the rest goes out in a message of its own."""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Update:
    """A channel that updates one message."""

    updater: Updater
    place: dict[str, str]

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        return self.updater.update(message, receiver, self.place)


@dataclass(frozen=True, slots=True)
class Continuing:
    composer: Composer

    def sender(self, sender: Sender | None, continued: Continued) -> Sender | None:
        """None for a channel that updates nothing."""
        return _Update(sender, continued.place) if isinstance(sender, Updater) else None

    def message(
        self,
        continued: Continued,
        leader: Delivery,
        carried: Sequence[DeliveryContext],
        now: datetime,
        deadline: Deadline,
    ) -> Message:
        """All that the message has told, and `carried`."""
        keys = [items.delivery_key(it.incident_id, it.delivery_id) for it in continued.shown]
        table = self.composer.table
        found = list(table.readable(Delivery, table.batch(keys, deadline)))
        order = {each.delivery_id: number for number, each in enumerate(continued.shown)}
        found.sort(key=lambda each: order[each.id])
        shown = self.composer.contexts(found, deadline)
        message = self.composer.message(leader, [*shown, *carried], now, deadline)
        urgencies = [each.urgency for each in _incidents(shown)]
        return replace(
            message,
            link=self.composer.link(continued.incident_id, whole(continued.bundle), now),
            earlier=Earlier(told=without(continued.told, urgencies), services=continued.services),
        )

    def after(
        self,
        earlier: Continued | None,
        sender: Sender | None,
        leader: Delivery,
        carried: Sequence[DeliveryContext],
        sent: Sent,
        holds: int,
    ) -> Continued | None:
        """After a message, or an update of the `earlier` one, that left something held. `holds`: of
        the receiver, as the turn began. None where it goes out in a message of its own.
        """
        if earlier is not None:
            return self.grown(earlier, carried)
        return self.begun(leader, carried, sent, holds) if isinstance(sender, Updater) else None

    def begun(
        self, leader: Delivery, carried: Sequence[DeliveryContext], sent: Sent, holds: int
    ) -> Continued | None:
        """None where the channel does not say where the message is."""
        if not sent.remember:
            return None
        shown = {each.delivery.incident_id: each.delivery.id for each in carried if each.incident}
        first = Continued(
            bundle=leader.id,
            incident_id=leader.incident_id,
            place=dict(sent.remember),
            holds=holds,
            told={},
            services=(),
            shown=tuple(
                Shown(incident_id=incident_id, delivery_id=delivery_id)
                for incident_id, delivery_id in list(shown.items())[:SHOWN]
            ),
        )
        return self.grown(first, carried)

    def grown(self, continued: Continued, carried: Sequence[DeliveryContext]) -> Continued:
        incidents = _incidents(carried)
        services = sorted({*continued.services, *(each.service_id for each in incidents)})
        return continued.model_copy(
            update={
                "told": added(continued.told, [each.urgency for each in incidents]),
                "services": tuple(services[: MOST_SERVICES + 1]),
            }
        )

    def failed(
        self, continued: Continued, outcome: Outcome, state: ReceiverState, now: datetime
    ) -> NotUpdated:
        """Whatever the provider asks for updates puts off no message of its own: at the pace of
        what is HIGH, as that may have come.
        """
        logger.info("a message was not updated", bundle=continued.bundle, outcome=str(outcome))
        if not isinstance(outcome, TemporaryFailure):
            return NotUpdated(None)
        paced = None if state.pace_waived else paced_until(state, urgent=True)
        again = min(now + (outcome.after or AGAIN_AFTER), paced or now)
        return NotUpdated(continued, max(again, now + AGAIN_AFTER))


def silent(
    continued: Continued, contexts: Sequence[DeliveryContext], held: Held
) -> list[DeliveryContext]:
    """Those that may be added to the message without a sound."""
    return [
        each
        for each in contexts
        if continued.covers(held.rows[each.delivery.id]) and continued.may_tell(each.urgency)
    ]


def _incidents(contexts: Sequence[DeliveryContext]) -> list[Incident]:
    """Each once."""
    return list({each.incident.id: each.incident for each in contexts if each.incident}.values())
