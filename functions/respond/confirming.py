"""Whoever acts by a message has got it: its contact method is confirmed to work."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.notification.recipients import methods
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table


def confirm_method(
    table: Table, user: User, method_id: str, now: datetime, deadline: Deadline
) -> None:
    _confirm(table, user, lambda each: each.id == method_id, now, deadline)


def confirm_address(
    table: Table, user: User, at: tuple[Channel, str], now: datetime, deadline: Deadline
) -> None:
    """`at`: the number, or the account in a chat."""
    _confirm(table, user, lambda each: (each.channel, each.to) == at, now, deadline)


def _confirm(
    table: Table,
    user: User,
    acted_by: Callable[[Receiver], bool],
    now: datetime,
    deadline: Deadline,
) -> None:
    """The act is done by now, and does not fail with this."""
    with suppress(Unavailable):
        for each in methods(user):
            if acted_by(each):
                destination = Owner.user(user.id).destination(each.id)
                Receivers(table).confirm(destination, each.to, now, deadline.within(1))
