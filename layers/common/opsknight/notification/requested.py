"""Messages that somebody asked for: a test, an answer to a text message, a link. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.entries import User
from opsknight.directory.receivers import (
    Channel,
    Owner,
    Receiver,
    Unconfirmed,
)
from opsknight.incident.model import Incident, Urgency
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.notification.recipients import methods

TOLD_FOR: Final = timedelta(hours=1)
ASKED_ONCE_IN: Final = timedelta(minutes=5)


def deliveries_of_test(
    test_id: str, user: User, chosen: Iterable[Receiver], now: datetime
) -> tuple[Delivery, ...]:
    """One for each chosen contact method. `test_id` takes the place of an incident's id."""
    return tuple(
        _delivery(test_id, (user.id, method.id), user, method, PageReason.TEST, now).model_copy(
            # No storm delays it.
            update={"urgency": Urgency.HIGH}
        )
        for method in chosen
    )


def code_delivery(code_id: str, user: User, method: Receiver, now: datetime) -> Delivery:
    """Brings a code (`codes`) to one contact method, or to the user's own address. Like a test's,
    `code_id` takes the place of an incident's id.
    """
    asked = _delivery(code_id, (user.id, method.id), user, method, PageReason.CODE, now)
    # No storm delays it.
    return asked.model_copy(update={"urgency": Urgency.HIGH})


def deliveries_of_code(
    code_id: str, user: User, method: Receiver, shown: str, now: datetime
) -> tuple[Delivery, ...]:
    """Those of a code to a contact method, or to an address that waits; then the address that it
    is to replace is told first. `shown`: as in `change_delivery`.
    """
    told = [
        change_delivery(user, before, method, shown, now)
        for before in methods(user)
        if isinstance(method, Unconfirmed) and before.id == method.replaces
    ]
    return (*told, code_delivery(code_id, user, method, now))


def change_id(waiting: Unconfirmed) -> str:
    """Takes the place of an incident's id in `change_delivery`."""
    return f"change_{waiting.id}"


def change_delivery(
    user: User, before: Receiver, waiting: Unconfirmed, shown: str, now: datetime
) -> Delivery:
    """Tells a contact method that its owner, or somebody in their name, wants another address in
    its place. `shown`: as much of the new one as may be told. Asked again, it is the same delivery.
    """
    lines = (
        f"Your contact method {before.name} is about to be replaced",
        f"New: {shown or waiting.name} ({waiting.channel})",
        "Until it is confirmed: you are paged here",
        "If it was not you: log out everywhere, and tell an administrator",
    )
    told = _delivery(
        change_id(waiting), (user.id, before.id), user, before, PageReason.CHANGED, now
    )
    update = {
        "note": "\n".join(lines),
        "urgency": Urgency.HIGH,
        "wanted_until": now + TOLD_FOR,
    }
    return told.model_copy(update=update)


def answer_deliveries(
    answer_id: str, user: User, texts: Mapping[str, str], now: datetime
) -> tuple[Delivery, ...]:
    """What became of a reply, to the user's methods: `texts` by the method's id. Like a test's,
    `answer_id` takes the place of an incident's id.
    """
    return tuple(
        _delivery(
            answer_id, (user.id, method.id), user, method, PageReason.ANSWER, now, texts[method.id]
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
    asked = _delivery(
        incident.id, ("requested", user.id, turn), user, method, PageReason.REQUESTED, now
    )
    of_incident = {
        "service_id": incident.service_id,
        "alert_id": incident.first_alert_id,
        "epoch": incident.epoch,
    }
    return asked.model_copy(update=of_incident)


def _delivery(
    subject: str,
    name: tuple[str | int, ...],
    user: User,
    method: Receiver,
    about: PageReason,
    now: datetime,
    note: str | None = None,
) -> Delivery:
    """Due now. `subject` is an incident's id, or takes its place; `name` is what else makes the
    delivery itself, and asked for again the same.
    """
    return Delivery(
        # The prefix of pages, so that it takes their queue.
        id=delivery_id("p", subject, *name),
        incident_id=subject,
        service_id="",
        alert_id="",
        owner=Owner.user(user.id),
        user_since=user.since,
        receiver_id=method.id,
        channel=method.channel,
        about=about,
        at=now,
        note=note,
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
