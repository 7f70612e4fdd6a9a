"""What people change of themselves: their contact methods and notification rules.

For each person, the configuration file has all of the one or of the other, or nothing: what it does
not name is the person's. An address counts only once its owner has typed the code that was sent to
it; until then the one before stays. Pure: the time and new ids are arguments.
"""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel, NotificationRule, Own, Receiver, Unconfirmed
from opsknight.incident.model import Urgency

METHOD: Final = "cm"
ADDRESS: Final = "email"
"""The contact method of somebody who has none: their e-mail address."""
MOST_METHODS: Final = 10
MOST_RULES: Final = 20
LATEST_RULE: Final = timedelta(days=1)
"""After the page."""
WAITS: Final = timedelta(days=1)
"""How long an address waits for its code."""
# Those that need no secret of the deployment, which only an operator may name.
CHANNELS: Final = (Channel.EMAIL, Channel.SMS, Channel.VOICE, Channel.NTFY)


class Refusal(StrEnum):
    FILE = "file"
    """The configuration file has them."""
    UNKNOWN = "unknown"
    """There is no such contact method, or it does not wait for its code any more."""
    KNOWN = "known"
    """It is one of theirs already."""
    TOO_MANY = "too many"
    LAST = "last"
    """Somebody pages them, and no contact method would be left that is known to reach them."""
    UNCONFIRMED = "unconfirmed"
    """The code that was sent to the address has not been typed."""
    UNTOLD = "untold"
    """The address that it is to replace has not been told yet."""


def has_own_methods(user: User) -> bool:
    """Whether the person changes them: the file has those that are there, and not the person's."""
    return not user.contact_methods or (user.own is not None and user.own.contact_methods)


def has_own_rules(user: User) -> bool:
    return not user.rules or (user.own is not None and user.own.rules)


def waiting(user: User, now: datetime) -> tuple[Unconfirmed, ...]:
    return tuple(each for each in _own(user).unconfirmed if now < each.until)


def asked(user: User, new: Unconfirmed, now: datetime) -> User | Refusal:
    """With an address that waits for its code, in place of one that waited for the same."""
    if not has_own_methods(user):
        return Refusal.FILE
    known = {each.id: each for each in user.contact_methods}
    if new.replaces is not None and new.replaces not in known:
        return Refusal.UNKNOWN
    place = new.channel, new.to
    if any((each.channel, each.to) == place for each in known.values()):
        return Refusal.KNOWN
    others = [
        each
        for each in waiting(user, now)
        if (each.channel, each.to) != place
        and (each.replaces is None or each.replaces != new.replaces)
    ]
    if len(others) + (len(known) if new.replaces is None else 0) >= MOST_METHODS:
        return Refusal.TOO_MANY
    return _changed(user, unconfirmed=(*others, new))


def confirmed(user: User, waiting_id: str, now: datetime) -> User | Refusal:
    """The address counts from now on, under the id of the one that it replaces or one of its own.

    Somebody without any contact method was reached at their e-mail address, and still is.
    """
    if not has_own_methods(user):
        return Refusal.FILE
    new = next((each for each in waiting(user, now) if each.id == waiting_id), None)
    known = user.contact_methods or (address(user),)
    if new is None or new.replaces not in (None, *(each.id for each in known)):
        return Refusal.UNKNOWN
    method_id = new.replaces or _free(f"{METHOD}_{new.channel}", [each.id for each in known])
    method = Receiver(id=method_id, name=new.name, channel=new.channel, to=new.to)
    kept = [each for each in known if (each.channel, each.to) != (new.channel, new.to)]
    if new.replaces is None:
        found = (*kept, method)
    else:
        found = tuple(method if each.id == method_id else each for each in kept)
    left = tuple(each for each in waiting(user, now) if each.id != waiting_id)
    return _changed(user, contact_methods=found, unconfirmed=left)


def removed(
    user: User, method_id: str, *, is_paged: bool, shown: Set[str], now: datetime
) -> User | Refusal:
    """Without a contact method, or without an address that waits. `shown`: the ids of those that
    are known to reach them.
    """
    left = tuple(each for each in waiting(user, now) if each.id != method_id)
    if len(left) < len(waiting(user, now)):
        return _changed(user, unconfirmed=left)
    if not any(each.id == method_id for each in user.contact_methods):
        return Refusal.UNKNOWN
    if not has_own_methods(user):
        return Refusal.FILE
    kept = tuple(each for each in user.contact_methods if each.id != method_id)
    if is_paged and not any(each.id in shown for each in kept):
        return Refusal.LAST
    left = tuple(each for each in left if each.replaces != method_id)
    rules = user.rules
    if has_own_rules(user):
        rules = tuple(each for each in rules if each.method_id != method_id)
    return _changed(user, contact_methods=kept, rules=rules, unconfirmed=left)


def renamed(user: User, method_id: str, name: str) -> User | Refusal:
    if not any(each.id == method_id for each in user.contact_methods):
        return Refusal.UNKNOWN
    if not has_own_methods(user):
        return Refusal.FILE
    found = tuple(
        each.model_copy(update={"name": name}) if each.id == method_id else each
        for each in user.contact_methods
    )
    return _changed(user, contact_methods=found)


def ruled(
    user: User, rules: Iterable[NotificationRule], *, is_paged: bool, shown: Set[str]
) -> User | Refusal:
    """With these rules; with none, by the defaults. `shown` as in `removed`."""
    if not has_own_rules(user):
        return Refusal.FILE
    # Always in this order: only the order of rules within one urgency matters.
    given = tuple(rules)
    wanted = tuple(each for urgency in Urgency for each in given if each.urgency is urgency)
    known = {each.id for each in user.contact_methods}
    if any(each.method_id not in known for each in wanted):
        return Refusal.UNKNOWN
    for urgency in Urgency:
        ids = {each.method_id for each in wanted if each.urgency is urgency}
        if len([each for each in wanted if each.urgency is urgency]) > MOST_RULES:
            return Refusal.TOO_MANY
        if is_paged and ids and not ids & shown:
            return Refusal.LAST
    return _changed(user, rules=wanted)


def completed(file: User, live: User) -> User:
    """The person as the file has them, with what it leaves to them.

    What the file names no more is not taken away: somebody would be unreachable at once. From then
    on it is theirs.
    """
    methods, rules = file.contact_methods, file.rules
    own = Own()
    if not methods:
        methods = live.contact_methods
        own = Own(contact_methods=bool(methods), unconfirmed=_own(live).unconfirmed)
    if not rules:
        known = {each.id for each in methods}
        rules = tuple(each for each in live.rules if each.method_id in known)
        own = own.model_copy(update={"rules": bool(rules)})
    update = {"contact_methods": methods, "rules": rules, "own": own if own != Own() else None}
    return file.model_copy(update=update | {"since": live.since})


def _own(user: User) -> Own:
    return user.own or Own()


def _changed(
    user: User,
    *,
    contact_methods: tuple[Receiver, ...] | None = None,
    rules: tuple[NotificationRule, ...] | None = None,
    unconfirmed: tuple[Unconfirmed, ...] | None = None,
) -> User:
    """What is there belongs to the person where the file does not have it."""
    methods = user.contact_methods if contact_methods is None else contact_methods
    ruled_by = user.rules if rules is None else rules
    own = Own(
        contact_methods=bool(methods) and has_own_methods(user),
        rules=bool(ruled_by) and has_own_rules(user),
        unconfirmed=_own(user).unconfirmed if unconfirmed is None else unconfirmed,
    )
    update = {
        "contact_methods": methods,
        "rules": ruled_by,
        "own": own if own != Own() else None,
    }
    return user.model_copy(update=update)


def address(user: User) -> Receiver:
    return Receiver(id=ADDRESS, name="E-mail", channel=Channel.EMAIL, to=user.email)


def _free(wanted: str, taken: Iterable[str]) -> str:
    known, number = set(taken), 1
    while (found := wanted if number == 1 else f"{wanted}-{number}") in known:
        number += 1
    return found
