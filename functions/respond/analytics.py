"""The handler of the HTTP API for figures: those of whole days, which are there since the night."""

from datetime import UTC, date, timedelta
from typing import Final

from opsknight.analytics.days import Day
from opsknight.analytics.figures import By, rows, total
from opsknight.http.gateway import Answer
from opsknight.store.analytics import Analytics
from opsknight.views import analytics_answers as answers
from opsknight.views.analytics_models import Figures
from respond.incidents import services_of
from respond.request import ApiCall, Query

BY_DEFAULT: Final = 28
LONGEST: Final = 400
"""Days in an answer."""
FORMATS: Final = ("json", "csv")


def show_analytics(call: ApiCall) -> Answer:
    query = Query(call.request.query)
    service_id, team_id, text = query.text("service"), query.text("team"), query.text("by")
    shown_as = query.text("format") or "json"
    if shown_as not in FORMATS:
        query.wrong("format", f"must be {' or '.join(FORMATS)}")
    by = By.SERVICE
    if text is not None:
        try:
            by = By(text)
        except ValueError:
            query.wrong("by", f"must be one of {', '.join(By)}")
    first, last = _period(query, call)
    query.check()
    days = _days(first, last, services_of(service_id, team_id, call), call)
    teams = {each.id: each.team_id for each in call.directory.services(call.now, call.deadline)}
    found = rows(by, days, teams.get)
    names = call.names(answers.of_rows(by, found))
    shown = [answers.row(by, each, names, first, last) for each in found]
    if shown_as == "csv":
        name = f"opsknight-{by}-{first}-{last}.csv"
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return Answer(200, answers.table(shown), headers)
    filters = {"service": service_id, "team": team_id}
    progress = Analytics(call.table).progress(call.deadline)
    return Answer(
        200,
        Figures(
            first_day=first,
            last_day=last,
            made_until=progress.day - timedelta(days=1) if progress else None,
            by=by,
            total=answers.total(
                total(days), first, last, **{name: it for name, it in filters.items() if it}
            ),
            rows=shown,
        ),
    )


def _period(query: Query, call: ApiCall) -> tuple[date, date]:
    """By default the last four whole weeks."""
    yesterday = call.now.astimezone(UTC).date() - timedelta(days=1)
    last = _day(query, "to") or yesterday
    first = _day(query, "from") or last - timedelta(days=BY_DEFAULT - 1)
    if first > last:
        query.wrong("from", "must not be after `to`")
    elif (last - first).days >= LONGEST:
        query.wrong("from", f"must be less than {LONGEST} days before `to`")
    return first, last


def _day(query: Query, name: str) -> date | None:
    text = query.text(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-23"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    query.wrong(name, "must be a day such as 2026-11-23")
    return None


def _days(first: date, last: date, service_ids: frozenset[str] | None, call: ApiCall) -> list[Day]:
    if service_ids is not None and not service_ids:
        return []
    found = Analytics(call.table).days(first, last, call.deadline)
    return [each for each in found if service_ids is None or each.service_id in service_ids]
