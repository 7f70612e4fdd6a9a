"""What a person is sent: a page goes out by its user's rules. Notices to a service's receivers are
in `notices`.

Pure: the directory and the incident are arguments. How a delivery ends is in `delivery`.
"""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from typing import Final, assert_never

from opsknight.directory.entries import User
from opsknight.directory.profile import address
from opsknight.directory.receivers import (
    Channel,
    NotificationRule,
    Owner,
    Receiver,
)
from opsknight.escalation.pages import Page
from opsknight.incident.model import Incident, Status, Urgency
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason

# Somebody asleep misses the first message.
AGAIN_AFTER: Final = timedelta(minutes=3)
SMS_AFTER: Final = timedelta(minutes=5)
OWN_ADDRESS: Final = "own-address"
_LOUD: Final = frozenset({Channel.SMS, Channel.VOICE})


def methods(user: User) -> tuple[Receiver, ...]:
    """A user's contact methods; for a user without any, their e-mail address."""
    if user.contact_methods:
        return user.contact_methods
    return (address(user),)


def own_address(user: User) -> Receiver:
    """Where a code to log in goes: the address that says who they are."""
    return Receiver(id=OWN_ADDRESS, name="E-mail", channel=Channel.EMAIL, to=user.email)


def rules(user: User, urgency: Urgency) -> list[NotificationRule]:
    """The user's own rules for this urgency, or the defaults.

    A rule for a contact method that no longer exists does not count.
    """
    known = methods(user)
    ids = {method.id for method in known}
    own = [rule for rule in user.rules if rule.urgency is urgency and rule.method_id in ids]
    return own or _defaults(known, urgency)


def _defaults(known: tuple[Receiver, ...], urgency: Urgency) -> list[NotificationRule]:
    def by(chosen: Iterable[Receiver], after: timedelta = timedelta(0)) -> list[NotificationRule]:
        return [
            NotificationRule(urgency=urgency, method_id=method.id, delay=after) for method in chosen
        ]

    loud = [method for method in known if method.channel in _LOUD]
    quiet = [method for method in known if method.channel not in _LOUD]
    match urgency:
        case Urgency.HIGH:
            return by(known) + by(known, AGAIN_AFTER)
        case Urgency.MEDIUM:
            return by(quiet) + by(loud, SMS_AFTER if quiet else timedelta(0))
        case Urgency.LOW:
            # For a user without an address, another method is better than none.
            email = [method for method in known if method.channel is Channel.EMAIL]
            return by(email or quiet or known)
        case _:
            assert_never(urgency)


def without_text_messages(
    user: User, urgency: Urgency, opted_out: Set[str]
) -> list[NotificationRule]:
    """The user's rules without those methods whose number replied STOP. What is left begins at
    once if they would have; with no rule left, all other methods do.
    """
    known = methods(user)
    stopped = {each.id for each in known if each.channel is Channel.SMS and each.to in opted_out}
    wanted = rules(user, urgency)
    left = [rule for rule in wanted if rule.method_id not in stopped]
    if len(left) == len(wanted):
        return wanted
    if not left:
        others = [each for each in known if each.id not in stopped]
        return [NotificationRule(urgency=urgency, method_id=each.id) for each in others]
    late = min(rule.delay for rule in left) - min(rule.delay for rule in wanted)
    return [rule.model_copy(update={"delay": rule.delay - late}) for rule in left]


def quiet_until(user: User, urgency: Urgency, at: datetime) -> datetime | None:
    """Until when a message that is due then waits for the end of the user's quiet hours; None for
    not at all.
    """
    hours = user.quiet_hours
    if urgency is not Urgency.LOW or hours is None or not hours.covers(at):
        return None
    return hours.end_after(at)


def page_deliveries(
    page: Page, incident: Incident, user: User, opted_out: Set[str] = frozenset()
) -> tuple[Delivery, ...]:
    """One delivery for each of the user's rules. `opted_out`: the numbers that replied STOP."""
    channels = {method.id: method.channel for method in methods(user)}
    found = []
    for position, rule in enumerate(without_text_messages(user, incident.urgency, opted_out)):
        at = page.at + rule.delay
        quiet = quiet_until(user, incident.urgency, at)
        each = Delivery(
            id=delivery_id("p", page.incident_id, page.page_no, user.id, rule.method_id, position),
            incident_id=incident.id,
            service_id=incident.service_id,
            alert_id=incident.first_alert_id,
            owner=Owner.user(user.id),
            user_since=user.since,
            receiver_id=rule.method_id,
            channel=channels[rule.method_id],
            about=PageReason.PAGED,
            at=page.at,
            epoch=page.epoch,
            urgency=page.urgency or incident.urgency,
            page_no=page.page_no,
            step=page.step,
            not_before=quiet or at,
            due_at=quiet or at,
            quiet_until=quiet,
        )
        found.append(each)
    return tuple(found)


def assignment_deliveries(
    incident: Incident,
    change: Change,
    user: User,
    about: PageReason = PageReason.ASSIGNED,
    opted_out: Set[str] = frozenset(),
) -> tuple[Delivery, ...]:
    """Notifies a user, once, that an acknowledged incident was assigned to them, that one more
    alert has joined it, or that they are asked to help: by those of their rules that have no delay.
    `opted_out` as in `page_deliveries`.
    """
    channels = {method.id: method.channel for method in methods(user)}
    left = without_text_messages(user, incident.urgency, opted_out)
    now = [rule for rule in left if not rule.delay]
    # Whoever is asked to help is asked now.
    quiet = None
    if about in (PageReason.ASSIGNED, PageReason.JOINED):
        quiet = quiet_until(user, incident.urgency, change.at)
    return tuple(
        Delivery(
            id=delivery_id("p", incident.id, str(about), change.number, user.id, method_id),
            incident_id=incident.id,
            service_id=incident.service_id,
            alert_id=incident.first_alert_id,
            owner=Owner.user(user.id),
            user_since=user.since,
            receiver_id=method_id,
            channel=channels[method_id],
            about=about,
            at=change.at,
            epoch=change.epoch,
            sequence=change.number,
            by=change.actor.name,
            note=joined_by(change),
            urgency=incident.urgency,
            not_before=quiet or change.at,
            due_at=quiet or change.at,
            quiet_until=quiet,
        )
        for method_id in dict.fromkeys(rule.method_id for rule in now)
    )


def assigned_to(change: Change | None) -> str | None:
    """The user to notify of an assignment; None for an OPEN incident, which pages them instead."""
    if change is None or change.what != "reassigned" or change.status is not Status.ACKNOWLEDGED:
        return None
    return change.detail["assignee"]


def joined_by(change: Change | None) -> str | None:
    """What has joined an incident that somebody has."""
    if change is None or change.what != "joined":
        return None
    return change.detail.get("alert", "")


def asked_to_help(change: Change | None) -> tuple[str, ...]:
    """The users whom somebody also pages."""
    if change is None or change.what != "also-paged":
        return ()
    return tuple(change.detail.get("users", "").split())
