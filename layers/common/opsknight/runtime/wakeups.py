"""The messages that wake a function through a queue, and their JSON form.

A message says where to look, never what to do: its reader reads the table and decides by what is
stored there. So a lost, late or doubled message does no harm. How messages are sent is in `queues`.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, assert_never

from opsknight.classes import dataclass
from opsknight.notification.delivery import Delivery, Report
from opsknight.runtime.telemetry import logger
from opsknight.store.due import Place


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer of an incident is due. Read by the escalation function."""

    incident_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """How many messages one sweep may put into each queue."""

    plans: int
    pages: int
    notices: int
    pages_high: int = 0
    busy: bool = False
    """Whether the queues hold so much that a thing may add a message only now and then."""
    high_busy: bool = False
    """The same of the lane of what is HIGH."""


# For a message without a budget, as an older version sends it.
SMALL_BUDGET: Final = Budget(25, 25, 25, 25)


@dataclass(frozen=True, slots=True)
class SweepShard:
    """Sweep one shard of the index of due times. Read by the escalation function."""

    shard: int
    tick_at: datetime | None = None
    """When the tick that began this sweep was due: its minute."""
    after: Place | None = None
    """Where to continue; None for the beginning of the shard."""
    budget: Budget = SMALL_BUDGET
    """What the batches before have left of it."""
    began_at: datetime | None = None
    """When that tick ran, which may be late. None from a version before this."""


@dataclass(frozen=True, slots=True)
class AuditIncidents:
    """Look at the next batch of active incidents. Read by the escalation function."""


@dataclass(frozen=True, slots=True)
class PlanNotices:
    """Plan the notices of an incident's new changes. Read by the notify function."""

    incident_id: str


@dataclass(frozen=True, slots=True)
class TrackPage:
    """Plan a page's deliveries, or record how the page ended. Read by the notify function."""

    incident_id: str
    page_no: int
    user_id: str


@dataclass(frozen=True, slots=True)
class SendDelivery:
    """Send one delivery if it is due. Read by the send functions."""

    incident_id: str
    delivery_id: str
    slot_attempts: int = 0
    """How often a sender has found every slot of the receiver taken, in a row."""
    due_at: datetime | None = None
    """For which time of the delivery this is: it is out of date when that has another. None in
    messages of older versions.
    """


@dataclass(frozen=True, slots=True)
class SendHeld:
    """A receiver's turn: send what is held for it, if that is due. Read by the send functions."""

    destination: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class PassOn:
    """Pass on what waits of a service to another system. Read by the send functions."""

    service_id: str


@dataclass(frozen=True, slots=True)
class MessageReported:
    """What became of a message that a provider took. Read by the send functions. It is the one
    message that brings a fact: nothing else of the deployment knows it.
    """

    provider_id: str
    report: Report
    why: str
    after: str = ""
    """Of a message about several, the incident after which to go on."""


type QueueMessage = (
    TimerDue
    | SweepShard
    | AuditIncidents
    | PlanNotices
    | TrackPage
    | SendDelivery
    | SendHeld
    | PassOn
    | MessageReported
)


@dataclass(frozen=True, slots=True)
class Wakeup:
    message: QueueMessage
    at: datetime
    """When the message should arrive. Beyond the longest delay of SQS it arrives early."""
    group: str = ""
    """A fairness group: a backlog in one group does not delay the others."""


def delivery_wakeup(delivery: Delivery, at: datetime, slot_attempts: int = 0) -> Wakeup:
    """`at`: when the delivery is due."""
    message = SendDelivery(delivery.incident_id, delivery.id, slot_attempts, at)
    return Wakeup(message, at, delivery.destination)


def page_wakeup(incident_id: str, page_no: int, user_id: str, at: datetime) -> Wakeup:
    """`at`: when the page is to be planned or judged."""
    return Wakeup(TrackPage(incident_id, page_no, user_id), at, incident_id)


def turn_wakeup(destination: str, at: datetime) -> Wakeup:
    return Wakeup(SendHeld(destination, at), at, destination)


def pass_on_wakeup(service_id: str, at: datetime) -> Wakeup:
    return Wakeup(PassOn(service_id), at, f"mirror#{service_id}")


def to_json(message: QueueMessage, at: datetime | None = None) -> str:
    """`at`: when it should arrive."""
    return json.dumps(_fields(message) | ({} if at is None else {"at": at.isoformat()}))


def _fields(message: QueueMessage) -> dict[str, Any]:
    match message:
        case TimerDue(incident_id, due_at):
            return {"kind": "timer", "incident": incident_id, "due_at": due_at.isoformat()}
        case SweepShard(shard, tick_at, after, budget, began_at):
            fields: dict[str, Any] = {"kind": "sweep", "shard": shard, "budget": asdict(budget)}
            if tick_at is not None:
                fields["tick_at"] = tick_at.isoformat()
            if began_at is not None:
                fields["began_at"] = began_at.isoformat()
            return fields if after is None else fields | {"after": after}
        case AuditIncidents():
            return {"kind": "audit"}
        case PlanNotices(incident_id):
            return {"kind": "notices", "incident": incident_id}
        case TrackPage(incident_id, page_no, user_id):
            return {"kind": "page", "incident": incident_id, "page_no": page_no, "user": user_id}
        case SendDelivery(incident_id, delivery_id, slot_attempts, due_at):
            fields = {"kind": "delivery", "incident": incident_id, "delivery": delivery_id}
            if due_at is not None:
                fields["due_at"] = due_at.isoformat()
            return fields | ({"slot_attempts": slot_attempts} if slot_attempts else {})
        case SendHeld(destination, due_at):
            return {"kind": "turn", "receiver": destination, "due_at": due_at.isoformat()}
        case PassOn(service_id):
            return {"kind": "pass_on", "service": service_id}
        case MessageReported(provider_id, report, why, after):
            fields = {"kind": "report", "provider_id": provider_id, "report": report, "why": why}
            return fields | ({"after": after} if after else {})
        case _:
            assert_never(message)


def parse(body: str) -> QueueMessage | None:
    """None, and one line in the log, for a message that this version does not know.

    Refusing it would only bring it back: the sweep finds whatever it was about.
    """
    try:
        fields = json.loads(body)
        found = _message(fields)
    except ValueError:
        fields = found = None
    if found is None:
        log_unknown(sorted(fields) if isinstance(fields, dict) else [])
    return found


def _message(fields: object) -> QueueMessage | None:
    """Raises ValueError for a time that cannot be read."""
    match fields:
        case {"kind": "timer", "incident": str(incident_id), "due_at": str(due_at)}:
            return TimerDue(incident_id, datetime.fromisoformat(due_at))
        case {"kind": "sweep", "shard": int(shard), **more}:
            after = more.get("after")
            place = after if isinstance(after, dict) else None
            budget = _budget(more.get("budget"))
            began_at = _time(more.get("began_at"))
            return SweepShard(shard, _time(more.get("tick_at")), place, budget, began_at)
        case {"kind": "audit"}:
            return AuditIncidents()
        case {"kind": "notices", "incident": str(incident_id)}:
            return PlanNotices(incident_id)
        case {
            "kind": "page",
            "incident": str(incident_id),
            "page_no": int(page_no),
            "user": str(user_id),
        }:
            return TrackPage(incident_id, page_no, user_id)
        case {
            "kind": "delivery",
            "incident": str(incident_id),
            "delivery": str(delivery_id),
            **more,
        }:
            attempts = more.get("slot_attempts")
            slot_attempts = attempts if isinstance(attempts, int) else 0
            return SendDelivery(incident_id, delivery_id, slot_attempts, _time(more.get("due_at")))
        case {"kind": "turn", "receiver": str(destination), "due_at": str(due_at)}:
            return SendHeld(destination, datetime.fromisoformat(due_at))
        case {"kind": "pass_on", "service": str(service_id)}:
            return PassOn(service_id)
        case {
            "kind": "report",
            "provider_id": str(provider_id),
            "report": str(report),
            "why": str(why),
            **more,
        }:
            after = more.get("after")
            last = after if isinstance(after, str) else ""
            return MessageReported(provider_id, Report(report), why, last)
        case _:
            return None


def _time(field: object) -> datetime | None:
    return datetime.fromisoformat(field) if isinstance(field, str) else None


def _budget(fields: object) -> Budget:
    match fields:
        case {
            "plans": int(plans),
            "pages": int(pages),
            "notices": int(notices),
            "busy": bool(busy),
            **more,
        }:
            high, high_busy = more.get("pages_high"), more.get("high_busy")
            return Budget(
                plans,
                pages,
                notices,
                high if isinstance(high, int) else SMALL_BUDGET.pages_high,
                busy,
                high_busy is True,
            )
        case _:
            return SMALL_BUDGET


def log_unknown(names: list[str]) -> None:
    """Names only: the values of a message do not belong into a log."""
    logger.error("unknown queue message", names=names)


def misrouted(message: QueueMessage) -> None:
    """A message of ours in the queue of another function."""
    log_unknown([type(message).__name__])
