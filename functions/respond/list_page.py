"""The list behind a link that stands for several incidents, as HTML."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.escalation.hold import Spell
from opsknight.http.gateway import Answer
from opsknight.incident.model import Incident, Status
from opsknight.incident.taking import taken_on_by
from opsknight.views.sentences import Names, ago, still_firing
from respond.markup import Html, joined, tag
from respond.pages import footer, hold_banner, html_page

NOT_ALL: Final = "Not all open incidents were looked at: others may page you, beside this message."


@dataclass(frozen=True, slots=True)
class Row:
    incident: Incident
    service: str
    token: str
    """The token of the link to the incident's own page."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the form sent last."""

    done: int
    left: int
    """Somebody was faster, it has changed, or the store did not answer."""


@dataclass(frozen=True, slots=True)
class ListView:
    reader: str
    reader_id: str
    rows: Sequence[Row]
    """Those that the message told: open ones first, then the most urgent, then the oldest."""
    beside: Sequence[Row] | None
    """Open ones that page the reader, too, and that the message did not tell; None where the store
    did not answer.
    """
    more: bool
    """Whether there may be others beside those."""
    result: Result | None
    names: Names
    zone: ZoneInfo
    ends_at: datetime
    hold: Spell | None = None
    """The hold that is on."""


def list_page(view: ListView, now: datetime) -> Answer:
    waiting = [row for row in view.rows if row.incident.status is Status.OPEN]
    others = [row for row in view.rows if row.incident.status is not Status.OPEN]
    heading = _heading(view, waiting, others)
    body = joined(
        hold_banner(view.hold, view.zone),
        tag("h1", heading),
        _result(view.result),
        _all(waiting, f"Acknowledge all {len(waiting)}"),
        _list(waiting, view, now),
        # Before what is over: whoever has acknowledged all of a message must see what is left.
        _beside(view, waiting, now),
        joined(tag("h2", f"{len(others)} not open any more"), _list(others, view, now))
        if others and (waiting or view.beside or _is_unsure(view))
        else _list(others, view, now),
        footer(view.reader, view.ends_at, view.zone),
    )
    return html_page(200, heading, body)


def _heading(view: ListView, waiting: Sequence[Row], others: Sequence[Row]) -> str:
    if waiting:
        return f"{_incidents(len(waiting))} {'waits' if len(waiting) == 1 else 'wait'} for you"
    if view.beside:
        one = len(view.beside) == 1
        return f"{_more(view)} {'incident waits' if one else 'incidents wait'} for you"
    if _is_unsure(view):
        # `None of them open` would be read as: go back to sleep.
        return "Other incidents may wait for you"
    return f"{_incidents(len(others))}, none of them open"


def _is_unsure(view: ListView) -> bool:
    """Whether others may page the reader though none is shown."""
    return view.beside is None or (view.more and not view.beside)


def _beside(view: ListView, waiting: Sequence[Row], now: datetime) -> Html | None:
    if view.beside is None:
        return tag("p", "What else pages you could not be read just now. Reload to see it.")
    if not view.beside:
        return tag("p", NOT_ALL) if view.more else None
    number = len(view.beside)
    more = f"{_more(view)} {'pages' if number == 1 else 'page'} you, beside this message"
    return joined(
        tag("h2", more if waiting else "Beside this message", id="beside"),
        _all(view.beside, f"Acknowledge these {number}"),
        _list(view.beside, view, now),
    )


def _more(view: ListView) -> str:
    number = len(view.beside or ())
    return f"At least {number} more" if view.more else f"{number} more"


def _incidents(number: int) -> str:
    return "1 incident" if number == 1 else f"{number} incidents"


def _result(result: Result | None) -> Html | None:
    if result is None:
        return None
    done = (
        f"{_incidents(result.done)} acknowledged." if result.done else "Nothing was acknowledged."
    )
    left = (
        f" {result.left} had changed meanwhile, or could not be reached: look below."
        if result.left
        else ""
    )
    return tag("p", done + left, class_="result", role="status")


def _all(waiting: Sequence[Row], label: str) -> Html | None:
    if len(waiting) < 2:
        return None
    seen = (tag("input", type="hidden", name="seen", value=_seen(row)) for row in waiting)
    button = tag(
        "button",
        label,
        name="action",
        value="acknowledge",
        class_="first wide",
        type="submit",
    )
    return tag("div", tag("form", *seen, button, method="post"), class_="act all")


def _seen(row: Row) -> str:
    return f"{row.incident.id}.{row.incident.epoch}"


def _list(rows: Sequence[Row], view: ListView, now: datetime) -> Html | None:
    if not rows:
        return None
    return tag("ul", *(_item(row, view, now) for row in rows), class_="list")


def _item(row: Row, view: ListView, now: datetime) -> Html:
    incident = row.incident
    link = tag(
        "a",
        tag("b", incident.title, dir="auto"),
        tag(
            "small",
            tag("span", incident.urgency.capitalize(), class_=f"urgency {incident.urgency}"),
            f" {_state(row, view)}{row.service}, {ago(incident.created_at, now)}{_firing(row)}",
        ),
        href=row.token,
    )
    if incident.status is not Status.OPEN:
        return tag("li", link)
    button = tag("button", "Acknowledge", name="only", value=_seen(row), type="submit")
    return tag("li", link, tag("form", button, method="post"), class_="row")


def _firing(row: Row) -> str:
    found = still_firing(row.incident.firing, row.incident.members)
    return f", {found}" if found else ""


def _state(row: Row, view: ListView) -> str:
    incident = row.incident
    if incident.status is Status.OPEN:
        return ""
    who = taken_on_by(incident)
    if incident.status is Status.ACKNOWLEDGED and who:
        name = "You have" if who == view.reader_id else f"{view.names(who)} has"
        return f"{name} it, "
    return f"{incident.status.capitalize()}, "
