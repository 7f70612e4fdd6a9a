"""Fills the answer about figures, and writes the same as a table for spreadsheets. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

from opsknight.analytics.days import OTHERS, bounds
from opsknight.analytics.figures import HOURS, By, Row, Took
from opsknight.config.configuration import Kind
from opsknight.views import analytics_models as models
from opsknight.views.names import Named, Names
from opsknight.views.wire import time

_KINDS: Final = {By.SERVICE: Kind.SERVICE, By.TEAM: Kind.TEAM, By.PERSON: Kind.USER}
# A spreadsheet takes a cell that begins so for a formula, and senders choose keys and titles.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
HEADER: Final = (
    *("id", "name", "service", "incidents", "alerts", "acknowledged"),
    *("median_seconds_to_acknowledge", "p90_seconds_to_acknowledge"),
    *("median_seconds_to_resolve", "p90_seconds_to_resolve"),
    *("paging", "in_time", "pages", "night_pages"),
    *(f"pages_{hour:02}" for hour in range(HOURS)),
)


def of_rows(by: By, found: Iterable[Row]) -> list[Named]:
    """Whom the rows name."""
    if by is By.KEY:
        return [(Kind.SERVICE, each.service_id) for each in found]
    kind = _KINDS.get(by)
    return [] if kind is None else [(kind, each.id) for each in found if each.id]


def row(by: By, each: Row, names: Names, first: date, last: date) -> models.FigureRow:
    return _shown(
        each,
        each.id,
        _query(by, each, first, last),
        name=_name(by, each, names),
        service_id=each.service_id or None,
        service_name=names.service(each.service_id) if each.service_id else None,
    )


def total(each: Row, first: date, last: date, **filters: str) -> models.FigureRow:
    """`filters`: those of the list of incidents, such as `service`."""
    return _shown(each, "total", _listing(first, last, **filters))


def _shown(
    each: Row,
    row_id: str,
    query: str | None,
    name: str | None = None,
    service_id: str | None = None,
    service_name: str | None = None,
) -> models.FigureRow:
    return models.FigureRow(
        id=row_id,
        name=name,
        service_id=service_id,
        service_name=service_name,
        incidents=each.incidents,
        alerts=each.alerts,
        acknowledged=each.acknowledged,
        time_to_acknowledge=_took(each.to_acknowledge),
        time_to_resolve=_took(each.to_resolve),
        paging=each.paging,
        in_time=each.in_time,
        pages=each.pages,
        night_pages=each.night_pages,
        hours=each.hours,
        query=query,
    )


def table(rows: Sequence[models.FigureRow]) -> str:
    """CSV (RFC 4180), with times in seconds."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for each in rows:
        acknowledged, resolved = each.time_to_acknowledge, each.time_to_resolve
        cells = [each.id, each.name or "", each.service_name or each.service_id or ""]
        writer.writerow(
            [
                *(_harmless(cell) for cell in cells),
                *(each.incidents, each.alerts, each.acknowledged),
                *((acknowledged.median, acknowledged.p90) if acknowledged else ("", "")),
                *((resolved.median, resolved.p90) if resolved else ("", "")),
                *(each.paging, each.in_time, each.pages, each.night_pages),
                *each.hours,
            ]
        )
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _name(by: By, each: Row, names: Names) -> str | None:
    match by:
        case By.KEY:
            return each.title
        case By.DAY:
            return None
        case _:
            if each.id == OTHERS:
                return "Others"
            return names.found.get((_KINDS[by], each.id))


def _query(by: By, each: Row, first: date, last: date) -> str | None:
    match by:
        case By.SERVICE:
            return _listing(first, last, service=each.id)
        case By.TEAM:
            return _listing(first, last, team=each.id) if each.id else None
        case By.PERSON:
            return _listing(first, last, assignee=each.id) if each.id != OTHERS else None
        case By.KEY:
            # The words narrow down what has to be read to know the keys.
            key = each.id.removeprefix(f"{each.service_id}/")
            return _listing(first, last, service=each.service_id, q=each.title, dedupKey=key)
        case By.DAY:
            day = date.fromisoformat(each.id)
            return _listing(day, day)


def _listing(first: date, last: date, **filters: str) -> str:
    times = {"resolvedSince": time(bounds(first)[0]), "resolvedUntil": time(bounds(last)[1])}
    return urlencode({"status": "RESOLVED", **times, **filters})


def _took(found: Took | None) -> models.TookAnswer | None:
    return None if found is None else models.TookAnswer(median=found.median, p90=found.p90)
