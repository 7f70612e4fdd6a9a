"""What people hear of their time on call: before it begins, and when it changes; and what a
schedule's channel hears when it is handed over.

Pure: who has which turn is in `oncall.turns`. No incident stands behind these messages.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.directory.entries import Service, ShiftNotice, User
from opsknight.directory.receivers import Owner, Receiver
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.notification.recipients import methods, quiet_until, without_text_messages
from opsknight.oncall.schedules import Schedule
from opsknight.oncall.turns import Difference, Handover, Turn

# How long before a turn begins it is told.
BEFORE: Final[Mapping[ShiftNotice, timedelta]] = {
    ShiftNotice.DAY: timedelta(days=1),
    ShiftNotice.HOUR: timedelta(hours=1),
}
# News of yesterday helps nobody.
CHANGES_FOR: Final = timedelta(hours=24)
HANDED_OVER_FOR: Final = timedelta(hours=1)
NAMED: Final = 6

type Named = tuple[str, Handover]
"""A schedule's name, and what is handed over."""


def before_turns(
    user: User,
    notice: ShiftNotice,
    coming: Sequence[Named],
    names: Mapping[str, str],
    now: datetime,
    stopped: Set[str] = frozenset(),
) -> tuple[Delivery, ...]:
    """One message about all that begins for the user at the same instant. `stopped`: the numbers
    that replied STOP. Planned twice, it is the same one.
    """
    start = coming[0][1].turn.start
    if notice not in user.shift_notices or now >= start:
        return ()
    schedules = _list([name for name, _ in coming])
    lines = [f"On call from {_day(start, user.clock)}: {schedules}"]
    for name, handover in coming[:NAMED]:
        before = names.get(handover.before or "")
        after = f", after {before}" if before else ""
        lines.append(f"{name}: until {_time(handover.turn.end, user.clock)}{after}")
    what = ("shift", notice, user.id, start.isoformat())
    return _told(user, "\n".join(lines), what, now, start, stopped)


def changed(
    user: User,
    schedules: Sequence[tuple[str, Difference]],
    by: str,
    change_id: str,
    now: datetime,
    stopped: Set[str] = frozenset(),
) -> tuple[Delivery, ...]:
    """`schedules`: their names, with what changes for the user; `change_id` names the change."""
    if ShiftNotice.CHANGES not in user.shift_notices:
        return ()
    lines = [f"Your shifts changed: {_list([name for name, _ in schedules])}"]
    parts = []
    for name, difference in schedules:
        parts += [(turn, f"{name}, new") for turn in difference.new]
        parts += [(turn, f"{name}, no longer yours") for turn in difference.gone]
    parts.sort(key=lambda each: each[0].start)
    lines += [f"{what}: {_span(turn, user.clock)}" for turn, what in parts[:NAMED]]
    if len(parts) > NAMED:
        lines.append(f"And more: {len(parts) - NAMED} other times")
    lines.append(f"Changed by: {by}")
    what = ("shifts", change_id, user.id)
    return _told(user, "\n".join(lines), what, now, now + CHANGES_FOR, stopped)


def handed_over(
    schedule: Schedule, handover: Handover, names: Mapping[str, str], now: datetime
) -> tuple[Delivery, ...]:
    """To the schedule's channel, if it has one."""
    channel, turn = schedule.channel, handover.turn
    if channel is None or turn.user_id not in names:
        return ()
    zone = ZoneInfo(schedule.zone)
    lines = [f"{names[turn.user_id]} is on call: {schedule.name}"]
    lines.append(f"Until: {_time(turn.end, zone)}")
    if before := names.get(handover.before or ""):
        lines.append(f"Before: {before}")
    what = ("handover", schedule.id, turn.start.isoformat())
    owner = Owner.schedule(schedule.id)
    until = now + HANDED_OVER_FOR
    return (_delivery("n", owner, channel, "\n".join(lines), what, now, until),)


def shadow_ends(
    user: User, service: Service, now: datetime, stopped: Set[str] = frozenset()
) -> tuple[Delivery, ...]:
    """To a member of its team: from then on the service pages. Planned twice, it is the same."""
    until = service.shadow_until
    if until is None or until <= now:
        return ()
    days = -((now - until) // timedelta(days=1))
    lines = [
        f"{service.name} is about to page: its shadow ends",
        f"Ends: {_time(until, user.clock)}",
        "What is active then pages, as does whatever comes after. `until` in the configuration "
        "changes it.",
    ]
    what = ("shadow", service.id, user.id, until.isoformat(), str(days))
    return _told(user, "\n".join(lines), what, now, until, stopped)


def _told(
    user: User,
    note: str,
    what: tuple[str, ...],
    now: datetime,
    until: datetime,
    stopped: Set[str],
) -> tuple[Delivery, ...]:
    """By the methods that the user's rules name first for what is LOW, and not in quiet hours."""
    known = {each.id: each for each in methods(user)}
    rules = without_text_messages(user, Urgency.LOW, stopped)
    first = min((rule.delay for rule in rules), default=timedelta(0))
    chosen = dict.fromkeys(rule.method_id for rule in rules if rule.delay == first)
    quiet = quiet_until(user, Urgency.LOW, now)
    owner = Owner.user(user.id)
    return tuple(
        _delivery("p", owner, known[each], note, what, now, until, quiet) for each in chosen
    )


def _delivery(
    kind: str,
    owner: Owner,
    receiver: Receiver,
    note: str,
    what: tuple[str, ...],
    now: datetime,
    until: datetime,
    quiet: datetime | None = None,
) -> Delivery:
    """Like a test's, its own name takes the place of an incident's id."""
    return Delivery(
        id=delivery_id(kind, *what, receiver.id),
        incident_id=delivery_id("shift_", *what),
        service_id="",
        alert_id="",
        owner=owner,
        receiver_id=receiver.id,
        channel=receiver.channel,
        about=PageReason.ON_CALL,
        at=now,
        note=note,
        urgency=Urgency.LOW,
        wanted_until=until,
        not_before=quiet or now,
        due_at=quiet or now,
        quiet_until=quiet,
    )


def _list(names: Iterable[str]) -> str:
    *some, last = dict.fromkeys(names)
    return f"{', '.join(some)} and {last}" if some else last


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %H:%M}"


def _time(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()}"


def _span(turn: Turn, zone: ZoneInfo) -> str:
    start, end = turn.start.astimezone(zone), turn.end.astimezone(zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a %d %b %H:%M}"
    return f"{start:%a %d %b %H:%M} to {until} {end.tzname()}"
