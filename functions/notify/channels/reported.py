"""The words of a daily report: whether anything needs a look, then what, then the last day."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from notify.channels.said import Words, named
from notify.channels.text import clean, counted, cut, isolated, span
from notify.channels.tones import Tone
from opsknight.health.report import Concern, LastDay, Report
from opsknight.incident.model import Status, Urgency
from opsknight.notification.message import Message

LISTED: Final = 8
LONGEST_LINE: Final = 420


def of_report(message: Message) -> Words:
    said = report_in(message)
    if said is None:
        # Only a newer version knows how to read it.
        return Words(Tone.NEUTRAL, "", "Daily report", "`opsknight doctor` says what is wrong")
    concerns, day = len(said.concerns) + said.more, said.last_day
    shown = said.concerns[:LISTED]
    more = concerns - len(shown)
    return Words(
        tone=Tone.MEDIUM if concerns else Tone.OVER,
        label="",
        title=f"{_judged(concerns)}; {_short(day)}",
        happened=f"{named(said.name)}, {said.day:%a %-d %b}: the last 24 hours",
        facts=tuple(_facts(day)),
        listed=tuple(map(_line, shown)),
        more=f"and {more} more: `opsknight doctor` has them all" if more else "",
        todo="Alarms, queues and what else only AWS knows: `opsknight doctor`.",
        zone=message.zone,
        link=message.link,
        link_label="Open the console",
    )


def report_in(message: Message) -> Report | None:
    try:
        return Report.model_validate_json(message.note or "")
    except ValidationError:
        return None


def payload(message: Message) -> dict[str, Any] | None:
    """For webhooks, which read numbers rather than sentences."""
    said = report_in(message)
    if said is None:
        return None
    day = said.last_day
    return {
        "name": said.name,
        "day": said.day.isoformat(),
        "concerns": [
            {"check": each.check, "text": each.text, "mend": each.mend} for each in said.concerns
        ],
        "moreConcerns": said.more,
        "lastDay": {
            "opened": {each.value: day.opened.get(each, 0) for each in Urgency},
            "resolved": day.resolved,
            "resolvedUnpaged": day.unpaged,
            "pages": day.pages,
            "acknowledged": day.acknowledged,
            "medianSecondsToAcknowledge": None
            if day.to_acknowledge is None
            else int(day.to_acknowledge.total_seconds()),
            "complete": day.is_whole,
        },
        "active": {each.value: number for each, number in day.active.items()},
    }


def _judged(concerns: int) -> str:
    if not concerns:
        return "All is well"
    return f"{counted(concerns, 'thing')} {'needs' if concerns == 1 else 'need'} a look"


def _short(day: LastDay) -> str:
    opened = sum(day.opened.values())
    if not opened:
        return "no incident in the last day"
    return f"{counted(opened, 'incident')}, {counted(day.pages, 'page')}"


def _facts(day: LastDay) -> Iterable[tuple[str, str]]:
    least = "" if day.is_whole else "at least "
    opened = sum(day.opened.values())
    parts = f" ({_each(day.opened, Urgency)})" if opened else ""
    yield "Opened", f"{least}{opened}{parts}" if opened else "none"
    yield "Resolved", f"{least}{day.resolved}" if day.resolved else "none"
    if day.unpaged:
        yield "Over before a page", f"{least}{day.unpaged}"
    yield "Pages", f"{least}{day.pages}" if day.pages else "none"
    if day.to_acknowledge is not None:
        several = f", the median of {day.acknowledged}" if day.acknowledged > 1 else ""
        yield "Until acknowledged", f"{span(day.to_acknowledge)}{several}"
    active = sum(day.active.values())
    yield "Active now", f"{active} ({_each(day.active, Status)})" if active else "none"


def _each(counts: Mapping[Any, int], names: Iterable[Any]) -> str:
    shown = (
        f"{counts[each]} {each if isinstance(each, Urgency) else each.lower()}"
        for each in names
        if counts.get(each)
    )
    return ", ".join(shown)


def _line(concern: Concern) -> str:
    check = concern.check[:1].upper() + concern.check[1:]
    mend = f" {concern.mend}" if concern.mend else ""
    return isolated(cut(clean(f"{check}: {concern.text}{mend}"), LONGEST_LINE))
