"""The context of a delivery, read just before it is sent, and the message made from it.

How a message looks is up to `channels`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import batched
from typing import Any, Final

from notify.addressees import owner_key, read, receiver_of
from notify.reply_codes import ReplyCodes
from notify.suspects import suspects
from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.receivers import Channel, IncidentEvent, Receiver
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.canary import is_canary
from opsknight.incident.event_request import describe
from opsknight.incident.model import Alert, Incident, Urgency
from opsknight.incident.references import details, references
from opsknight.incident.taking import taken_on_by, was_taken_on
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Brief, Message, PageReason
from opsknight.notification.signed_link import whole
from opsknight.runtime.lenient import readable
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.rows import LARGEST_BATCH
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain

# Where the first alert is among the keys of a delivery.
_ALERT: Final = 1
_RANK: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """A delivery with what the table holds about it at this moment."""

    delivery: Delivery
    incident: Incident | None
    """None for a test, too."""
    service: Service | None
    alert: Item | None
    """The incident's first, as it is stored; None once it has expired. Its body may be large and
    lie elsewhere: it is read only if it is shown.
    """
    receiver: Receiver | None
    """None when it is not configured any more."""
    shows_details: bool = True
    zone: tzinfo = UTC
    """The time zone of the reader's clock, if the reader is a user."""

    @property
    def urgency(self) -> Urgency:
        """As it is now."""
        return self.incident.urgency if self.incident else Urgency.LOW

    @property
    def is_high(self) -> bool:
        return self.urgency is Urgency.HIGH

    @property
    def rank(self) -> tuple[int, datetime]:
        """The most urgent first, then the oldest."""
        return _RANK[self.urgency], self.delivery.at


@dataclass(frozen=True, slots=True)
class Composer:
    table: Table
    link: Callable[[str, str, datetime], str | None]
    """The address to act at, from an incident's id, a delivery's id and now; None without a key."""
    address: Callable[[str], str]
    """The address of an incident, the same for everybody."""
    health: str
    """The address of the console's page that says what is wrong."""
    reply_codes: ReplyCodes | None = None
    """None where nobody can answer a text message."""
    coded: Callable[[Message, Delivery, str, datetime], Message] = lambda message, *_: message
    """Puts the code into a message that brings one, to the address that it goes to."""

    def context(self, delivery: Delivery, deadline: Deadline) -> DeliveryContext:
        found = self.contexts([delivery], deadline)
        if not found:
            raise RuntimeError("the incident of the delivery cannot be read")
        return found[0]

    def contexts(self, deliveries: Sequence[Delivery], deadline: Deadline) -> list[DeliveryContext]:
        """In the same order, without those whose incident cannot be read, and without alerts if
        they are many: a message about several shows no details.

        Reads are strongly consistent: an acknowledgement of a moment ago counts.
        """
        found: list[DeliveryContext] = []
        few = len(deliveries) <= LARGEST_BATCH // 4
        # Each needs an item of its own, and up to three that it may share.
        for chunk in batched(deliveries, LARGEST_BATCH // (4 if few else 2), strict=False):
            wanted = {
                _name(key): key
                for each in chunk
                for number, key in enumerate(_keys(each))
                if few or number != _ALERT
            }
            stored = {_name(item): item for item in self.table.batch(wanted.values(), deadline)}
            read = (readable(partial(self._context, each, stored, deadline)) for each in chunk)
            found += [each for each in read if each is not None]
        return found

    def _context(
        self, delivery: Delivery, stored: Mapping[tuple[str, str], Item], deadline: Deadline
    ) -> DeliveryContext:
        incident, alert, service, owner = (stored.get(_name(key)) for key in _keys(delivery))
        receiver, shows_details, zone = receiver_of(delivery, owner, self.table.user_in)
        return DeliveryContext(
            delivery=delivery,
            # Strict, unlike the others: an incident that cannot be read may well be open.
            incident=Incident.model_validate(plain(incident)) if incident else None,
            service=read(Service, service),
            alert=alert,
            receiver=receiver,
            shows_details=shows_details,
            zone=zone,
        )

    def message(
        self,
        delivery: Delivery,
        carried: Sequence[DeliveryContext],
        now: datetime,
        deadline: Deadline,
    ) -> Message:
        """`carried`: what the message is about, the most urgent first, the delivery's own context
        among them. It names each incident once, however many deliveries of it there are.
        """
        named: dict[str, DeliveryContext] = {}
        for each in carried:
            named.setdefault(each.delivery.incident_id, each)
        carried = list(named.values())
        assignees = self._names(carried, deadline)
        several = len(carried) > 1
        # Only a webhook shows the details of several incidents.
        webhook = any(
            each.receiver and each.receiver.channel is Channel.WEBHOOK for each in carried
        )
        alerts = {} if several and not webhook else self._alerts(carried, deadline)
        changed = suspects(carried, self.table, deadline)
        message = Message(
            delivery_id=delivery.id,
            zone=next((each.zone for each in carried), UTC),
            about=delivery.about,
            at=delivery.at,
            incidents=tuple(
                self._brief(
                    each, each.incident, alerts.get(each.incident.id), assignees, changed, now
                )
                for each in carried
                if each.incident
            ),
            sequence=delivery.sequence,
            step=delivery.step,
            note=delivery.note,
            link=self._link(delivery, several, now),
        )
        receiver = next((each.receiver for each in carried if each.receiver), None)
        if delivery.about is PageReason.CODE:
            return self.coded(message, delivery, receiver.to if receiver else "", now)
        if self.reply_codes is None or receiver is None or receiver.channel is not Channel.SMS:
            return message
        if delivery.about not in (PageReason.PAGED, PageReason.ASSIGNED):
            return message
        told = [each.delivery for each in carried if each.incident]
        return self.reply_codes.shown(message, told, receiver.to, now, deadline)

    def _link(self, delivery: Delivery, several: bool, now: datetime) -> str | None:
        if delivery.about is PageReason.REPORT:
            return self.health
        # The list of all of them: the most urgent one may well be of another delivery.
        # A channel's readers are many: none of them may act in another's name.
        if several and delivery.pages:
            return self.link(delivery.incident_id, whole(delivery.id), now)
        return None

    def _names(self, carried: Iterable[DeliveryContext], deadline: Deadline) -> dict[str, str]:
        ids = {
            each.incident.assignee_id
            for each in carried
            if each.incident and each.incident.assignee_id
        }
        found = readable(lambda: self.table.users(ids, deadline)) or {}
        return {user.id: user.name for user in found.values()}

    def _alerts(self, carried: Iterable[DeliveryContext], deadline: Deadline) -> dict[str, Alert]:
        """The first alerts of the incidents, by the incidents' ids, without those that cannot be
        read: the message says less.
        """
        stored = [each.alert for each in carried if each.alert]
        return {alert.incident_id: alert for alert in self.table.whole(stored, deadline)}

    def _brief(
        self,
        context: DeliveryContext,
        incident: Incident,
        alert: Alert | None,
        names: Mapping[str, str],
        changed: str,
        now: datetime,
    ) -> Brief:
        delivery = context.delivery
        public = isinstance(delivery.about, StatusPageEvent)
        service, body = context.service, alert.body if alert else "{}"
        shown = alert is not None and context.shows_details
        address = None if public else self.address(incident.id)
        # Nobody reads the canary's.
        personal = delivery.pages and not is_canary(incident.id)
        return Brief(
            id=incident.id,
            number_of_alerts=incident.alert_count,
            title=incident.title,
            service_id=incident.service_id,
            service_name=_service_name(service, incident),
            urgency=incident.urgency,
            status=incident.status,
            created_at=incident.created_at,
            dedup_key=incident.dedup_key,
            source=alert.actor.name if alert and not public else None,
            description=describe(body) if shown else None,
            details=details(body) if shown else None,
            references=()
            if public
            else references(
                body, service.runbook if service else None, service.dashboard if service else None
            ),
            # Anybody may read a status page, so it shows no names of people.
            assignee=None if public else names.get(incident.assignee_id or ""),
            taken_on=taken_on_by(incident) is not None,
            paged_first=not was_taken_on(incident),
            acknowledged_at=incident.acknowledged_at,
            resolved_at=incident.resolved_at,
            by=None if public else delivery.by,
            rolled_out=changed,
            event=delivery.about if isinstance(delivery.about, IncidentEvent) else None,
            # A channel's readers are many: none of them may act in another's name.
            link=self.link(incident.id, delivery.id, now) if personal else address,
        )


def _keys(delivery: Delivery) -> tuple[Item, ...]:
    """The incident, its first alert, its service, and the entry that holds the receiver."""
    return (
        items.incident_key(delivery.incident_id),
        items.alert_key(delivery.incident_id, delivery.alert_id),
        items.service_key(delivery.service_id),
        owner_key(delivery),
    )


def _service_name(service: Service | None, incident: Incident) -> str:
    name = service.name if service else incident.service_id
    # In every channel the first thing to see of a message that pages nobody.
    return f"{name} (shadow)" if incident.shadow else name


def _name(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
