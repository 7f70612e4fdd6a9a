"""The pages, deliveries and receivers' turns that a sweep finds: which of them get a message, and
in which lane.

How many is decided in `budget`; what happens to incidents is in `sweep`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from escalation.budget import Thing, after, chosen, is_candidate
from escalation.engine import Engine
from opsknight.directory.receivers import OwnerKind
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery
from opsknight.runtime.lanes import Lane, lane_of, lane_of_page, lane_of_turn
from opsknight.runtime.lenient import readable_items
from opsknight.runtime.queues import LONGEST_DELAY
from opsknight.runtime.telemetry import logger
from opsknight.runtime.wakeups import Budget
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.due import Due, Place
from opsknight.store.wire import Item

# Keys of the index in one request.
SCANNED_AT_ONCE: Final = 500
# How long a sweep looks for the most urgent; most of its minute is left to incidents.
SCAN_SECONDS: Final = 3.0
READ_SECONDS: Final = 2.0
_RANKS: Final = {urgency.value: rank for rank, urgency in enumerate(Urgency)}
# Written by a version that did not say.
_UNKNOWN: Final = _RANKS[Urgency.MEDIUM]

type Key = tuple[str, str]


def pass_on(
    engine: Engine,
    found: list[Due],
    rest: Iterator[list[Due]],
    tick_at: datetime,
    budget: Budget,
    deadline: Deadline,
) -> Budget:
    """Sends messages for those of a shard that need one, and returns what is left of the budget.
    `rest`: what comes after `found`, read as far as the time allows, as the most urgent may be the
    last.
    """
    until = deadline.monotonic() + SCAN_SECONDS
    things = _things(engine, found, tick_at, deadline)
    for more in rest:
        things += _things(engine, more, tick_at, deadline)
        if deadline.monotonic() >= until:
            logger.warning("not all that is due was looked at", number=len(things))
            break
    picked = chosen(things, tick_at, budget)
    engine.outbox.pass_on(picked, engine.clock())
    return after(picked, budget)


def scanned(
    engine: Engine, shard: int, until: datetime, place: Place | None, deadline: Deadline
) -> Iterator[list[Due]]:
    while place is not None:
        try:
            found, place = engine.waiting.due(shard, until, place, SCANNED_AT_ONCE, deadline)
        except Unavailable:
            # What was found so far is better than nothing.
            return
        yield found


def _things(engine: Engine, found: list[Due], tick_at: datetime, deadline: Deadline) -> list[Thing]:
    candidates = [each for each in found if _is_passed_on(each) and is_candidate(each, tick_at)]
    if not candidates:
        return []
    keys = [each.key for each in candidates]
    try:
        stored = {_key(it): it for it in engine.table.batch(keys, deadline.within(READ_SECONDS))}
    except Unavailable:
        # Better in no order than late.
        return [_unread(each) for each in candidates if each.at <= tick_at]
    deliveries = [it for it in stored.values() if it["kind"]["S"] == "delivery"]
    readable = {each.id: each for each in readable_items(Delivery, deliveries)}
    things = (_thing(each, stored, readable) for each in candidates)
    return [each for each in things if each is not None]


def _is_passed_on(due: Due) -> bool:
    """Incidents, heartbeats and mirrors are for this function."""
    return not due.is_incident and due.heartbeat is None and due.mirror is None


def _thing(
    due: Due, stored: Mapping[Key, Item], deliveries: Mapping[str, Delivery]
) -> Thing | None:
    """None for what is not due any more: the index may be a moment behind."""
    item = stored.get(_key(due.key))
    if item is None or "due_at" not in item:
        return None
    urgency = item.get("urgency", {}).get("S", "")
    rank = _RANKS.get(urgency, _UNKNOWN)
    match due:
        case Due(delivery_id=str(delivery_id)):
            delivery = deliveries.get(delivery_id)
            if delivery is None or delivery.due_at is None:
                return None
            lane, group = lane_of(delivery), delivery.destination
            return Thing(due, lane, rank, group, is_put_off=_is_put_off(delivery, delivery.due_at))
        case Due(destination=str(destination)):
            urgent = item.get("urgent", {}).get("BOOL", False)
            lane = lane_of_turn(destination, urgent=urgent)
            return Thing(due, lane, 0 if urgent else _UNKNOWN, destination)
        case _:
            lane = lane_of_page(Urgency(urgency) if urgency in _RANKS else None)
            return Thing(due, lane, rank, due.incident_id)


def _unread(due: Due) -> Thing:
    """The first letter of a delivery's id says whether it goes to a person."""
    match due:
        case Due(delivery_id=str(delivery_id)):
            lane = Lane.PAGES if delivery_id.startswith("p") else Lane.NOTICES
        case Due(destination=str(destination)):
            is_person = destination.startswith(f"{OwnerKind.USER}#")
            lane = Lane.PAGES if is_person else Lane.NOTICES
        case _:
            lane = Lane.PLANS
    return Thing(due, lane, _UNKNOWN, due.destination or due.incident_id)


def _is_put_off(delivery: Delivery, due_at: datetime) -> bool:
    since = delivery.attempts[-1].at if delivery.attempts else delivery.at
    return (due_at - since).total_seconds() > LONGEST_DELAY


def _key(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]
