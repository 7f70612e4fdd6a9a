"""Messages that somebody asked for: a test, an answer to a text message, a link. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.entries import User
from opsknight.directory.receivers import (
    Channel,
    Owner,
    Receiver,
)
from opsknight.incident.model import Incident, Urgency
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.notification.recipients import methods

ASKED_ONCE_IN: Final = timedelta(minutes=5)


def deliveries_of_test(
    test_id: str, user: User, chosen: Iterable[Receiver], now: datetime
) -> tuple[Delivery, ...]:
    """One for each chosen contact method. `test_id` takes the place of an incident's id."""
    return tuple(
        Delivery(
            # The prefix of pages, and HIGH: it takes their queue, where no storm delays it.
            id=delivery_id("p", test_id, user.id, method.id),
            incident_id=test_id,
            service_id="",
            alert_id="",
            owner=Owner.user(user.id),
            receiver_id=method.id,
            channel=method.channel,
            about=PageReason.TEST,
            at=now,
            urgency=Urgency.HIGH,
            not_before=now,
            due_at=now,
        )
        for method in chosen
    )


def answer_deliveries(
    answer_id: str, user: User, texts: Mapping[str, str], now: datetime
) -> tuple[Delivery, ...]:
    """What became of a reply, to the user's methods: `texts` by the method's id. Like a test's,
    `answer_id` takes the place of an incident's id.
    """
    return tuple(
        Delivery(
            id=delivery_id("p", answer_id, user.id, method.id),
            incident_id=answer_id,
            service_id="",
            alert_id="",
            owner=Owner.user(user.id),
            receiver_id=method.id,
            channel=method.channel,
            about=PageReason.ANSWER,
            at=now,
            note=texts[method.id],
            not_before=now,
            due_at=now,
        )
        for method in methods(user)
        if method.id in texts
    )


def link_delivery(incident: Incident, user: User, now: datetime) -> Delivery | None:
    """Brings a user the link that they asked for, by the method that costs and disturbs least, as
    anybody may ask in their name; never by a call, in which nobody sees a link. Asked again within
    five minutes, it is the same delivery.
    """
    known = [each for each in methods(user) if each.channel is not Channel.VOICE]
    method = min(known, key=_loudness, default=None)
    if method is None:
        return None
    turn = int(now.timestamp() // ASKED_ONCE_IN.total_seconds())
    return Delivery(
        id=delivery_id("p", incident.id, "requested", user.id, turn),
        incident_id=incident.id,
        service_id=incident.service_id,
        alert_id=incident.first_alert_id,
        owner=Owner.user(user.id),
        receiver_id=method.id,
        channel=method.channel,
        about=PageReason.REQUESTED,
        at=now,
        epoch=incident.epoch,
        not_before=now,
        due_at=now,
    )


def _loudness(method: Receiver) -> int:
    match method.channel:
        case Channel.EMAIL:
            return 0
        case Channel.SMS:
            return 2
        case _:
            return 1
