"""The receiver of a delivery as the directory has it now."""

from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from typing import assert_never

from opsknight.directory.entries import User
from opsknight.directory.receivers import OwnerKind, Receiver, ServiceReceiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.status_pages import StatusPage
from opsknight.incident.model import Model
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import PageReason
from opsknight.notification.recipients import methods, own_address
from opsknight.oncall.schedules import Schedule
from opsknight.runtime.lenient import readable, readable_items
from opsknight.store import items
from opsknight.store.wire import Item


def owner_key(delivery: Delivery) -> Item:
    owner = delivery.owner
    match owner.kind:
        case OwnerKind.USER:
            return items.user_key(owner.id)
        case OwnerKind.SERVICE:
            return items.receiver_key(owner.id, delivery.receiver_id)
        case OwnerKind.STATUS_PAGE:
            return items.status_page_key(owner.id)
        case OwnerKind.SCHEDULE:
            return items.schedule_key(owner.id)
        case OwnerKind.REPORT if _is_user(delivery.receiver_id):
            return items.user_key(delivery.receiver_id)
        case OwnerKind.REPORT:
            return items.report_key(owner.id)
        case unknown:
            assert_never(unknown)


def receiver_of(
    delivery: Delivery, item: Item | None, user_in: Callable[[Item], User]
) -> tuple[Receiver | None, bool, tzinfo]:
    """The receiver as it is configured now, whether its messages show the details of alerts, and
    the zone of its clock.
    """
    match delivery.owner.kind:
        case OwnerKind.USER:
            user = readable(lambda: user_in(item)) if item else None
            known = () if user is None or user.disabled else methods(user)
            if user is not None and not user.disabled and delivery.about is PageReason.CODE:
                waiting = user.own.unconfirmed if user.own else ()
                known = (*known, own_address(user), *waiting)
            zone = UTC if user is None else user.clock
            return _named(known, delivery.receiver_id), True, zone
        case OwnerKind.SERVICE:
            return read(ServiceReceiver, item), True, UTC
        case OwnerKind.STATUS_PAGE:
            status_page = read(StatusPage, item)
            if status_page is None or delivery.service_id not in status_page.service_ids:
                return None, False, UTC
            webhook = _named(status_page.webhooks, delivery.receiver_id)
            return webhook, status_page.shows_details, UTC
        case OwnerKind.SCHEDULE:
            schedule = read(Schedule, item)
            channel = None if schedule is None else schedule.channel
            return _named([channel] if channel else [], delivery.receiver_id), True, UTC
        case OwnerKind.REPORT if _is_user(delivery.receiver_id):
            user = readable(lambda: user_in(item)) if item else None
            reached = None if user is None or user.disabled else own_address(user)
            return reached, False, UTC if user is None else user.clock
        case OwnerKind.REPORT:
            report = read(DailyReport, item)
            known = () if report is None else report.receivers
            return _named(known, delivery.receiver_id), False, UTC
        case unknown:
            assert_never(unknown)


def _is_user(receiver_id: str) -> bool:
    """A report goes to users by their ids, and to receivers of its own by theirs."""
    return receiver_id.startswith("user_")


def _named(known: Iterable[Receiver], receiver_id: str) -> Receiver | None:
    return next((each for each in known if each.id == receiver_id), None)


def read[M: Model](model: type[M], item: Item | None) -> M | None:
    """None, too, for an entry that fails validation: the message says less, or goes nowhere."""
    return next(iter(readable_items(model, [item] if item else [])), None)
