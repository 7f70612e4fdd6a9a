"""Who hears of a change: the service's receivers and the status pages that subscribed to it.

Pure: the directory and the incident are arguments. How a delivery ends is in `delivery`.
"""

from collections.abc import Iterable
from typing import Final

from opsknight.directory.receivers import IncidentEvent, Owner, Receiver, ServiceReceiver
from opsknight.directory.status_pages import StatusPage, StatusPageEvent
from opsknight.incident.model import Incident
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, delivery_id

# Changes by the timeline's word, and the event that receivers get. Other changes cause none.
EVENTS: Final = {
    "acknowledged": IncidentEvent.ACKNOWLEDGED,
    "resolved": IncidentEvent.RESOLVED,
    "auto-resolved": IncidentEvent.RESOLVED,
    "reopened": IncidentEvent.REOPENED,
    "unsnoozed": IncidentEvent.REOPENED,
    "unsuppressed": IncidentEvent.REOPENED,
    "snoozed": IncidentEvent.SNOOZED,
    "exhausted": IncidentEvent.EXHAUSTED,
}
STATUS_PAGE_EVENTS: Final = {
    IncidentEvent.TRIGGERED: StatusPageEvent.CREATED,
    IncidentEvent.ACKNOWLEDGED: StatusPageEvent.ACKNOWLEDGED,
    IncidentEvent.RESOLVED: StatusPageEvent.RESOLVED,
    IncidentEvent.REOPENED: StatusPageEvent.UPDATED,
}
# Status pages get these as an update.
UPDATES: Final = frozenset({"raised", "lowered", "reassigned"})


def event_of(change: Change | None, incident: Incident) -> IncidentEvent | None:
    """The event that receivers get for a change (None: the opening); None for no event.

    An incident that opened in a maintenance window stays silent until the window's end or a person
    lets it out: that change is its trigger.
    """
    number = 1 if change is None else change.number
    if not incident.announced_from or number < incident.announced_from:
        return None
    if number == incident.announced_from:
        return IncidentEvent.TRIGGERED
    return None if change is None else EVENTS.get(change.what)


def change_deliveries(
    incident: Incident,
    change: Change | None,
    receivers: Iterable[ServiceReceiver],
    status_pages: Iterable[StatusPage],
) -> tuple[Delivery, ...]:
    """The notices of a change (None: the opening) to the service's receivers, and to the status
    pages that list the service.
    """
    about = event_of(change, incident)
    found = []
    if about is not None:
        found += [
            _notice(incident, change, Owner.service(incident.service_id), receiver, about)
            for receiver in receivers
            if about in receiver.events
        ]
    if incident.shadow:
        # Customers hear of it by the system that still pages.
        return tuple(found)
    event = None if about is None else STATUS_PAGE_EVENTS.get(about)
    if event is None and change is not None and _is_public(change, incident):
        event = StatusPageEvent.UPDATED
    if event is not None:
        found += [
            _notice(incident, change, Owner.status_page(status_page.id), webhook, event)
            for status_page in status_pages
            if incident.service_id in status_page.service_ids
            for webhook in status_page.webhooks
            if event in webhook.events
        ]
    return tuple(found)


def _is_public(change: Change, incident: Incident) -> bool:
    shown = 0 < incident.announced_from <= change.number
    return shown and (change.what in UPDATES or _public_note(change) is not None)


def _public_note(change: Change | None) -> str | None:
    public = change is not None and change.detail.get("public") == "yes"
    return change.detail["note"] if change is not None and public else None


def _notice(
    incident: Incident,
    change: Change | None,
    owner: Owner,
    receiver: Receiver,
    about: IncidentEvent | StatusPageEvent,
) -> Delivery:
    number = 1 if change is None else change.number
    at = incident.created_at if change is None else change.at
    return Delivery(
        id=delivery_id("n", incident.id, number, owner, receiver.id),
        incident_id=incident.id,
        service_id=incident.service_id,
        alert_id=incident.first_alert_id,
        owner=owner,
        receiver_id=receiver.id,
        channel=receiver.channel,
        about=about,
        at=at,
        sequence=number,
        by=None if change is None else change.actor.name,
        note=_public_note(change),
        urgency=incident.urgency,
        not_before=at,
        due_at=at,
    )


def notices_due(incident: Incident, changes: Iterable[Change]) -> list[Change | None]:
    """The changes whose notices are not planned yet; None stands for the opening."""
    opening: list[Change | None] = [None] if incident.announced < 1 else []
    return opening + [each for each in changes if each.number > incident.announced]
