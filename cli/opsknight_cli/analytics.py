"""`analytics`: how soon incidents were acknowledged and resolved, and whom they paged when."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Annotated, Final

import typer

from opsknight.analytics.figures import By, rows, total
from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.store.analytics import Analytics
from opsknight.views import analytics_answers as answers
from opsknight.views.analytics_models import FigureRow, Figures, TookAnswer
from opsknight.views.lengths import in_words
from opsknight.views.names import Named, Names
from opsknight.views.wire import to_json
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration

BY_DEFAULT: Final = 28
_NONE: Final = "-"

app = typer.Typer()


@app.command("analytics")
@common_options()
def analytics_command(
    invocation: Invocation,
    by: Annotated[By, typer.Option("--by", help="A row for each of these.")] = By.SERVICE,
    since: Annotated[
        str | None, typer.Option("--from", help="The first day, such as 2026-11-01.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The last day; yesterday by default.")
    ] = None,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Only this team's services.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As text for spreadsheets.")] = False,
) -> None:
    """Show how soon incidents were acknowledged and resolved, and whom they paged when."""
    screen, known = invocation.screen, configuration(invocation)
    deadline = invocation.session.deadline()
    yesterday = invocation.session.now().astimezone(UTC).date() - timedelta(days=1)
    last = _day(until, "--to") or yesterday
    first = _day(since, "--from") or last - timedelta(days=BY_DEFAULT - 1)
    if first > last:
        raise UsageError("--from must not be after --to.")
    wanted = _services(known, service, team)
    stored = Analytics(invocation.deployment.table)
    found = stored.days(first, last, deadline)
    days = [each for each in found if wanted is None or each.service_id in wanted]
    teams = {each.id: each.team_id for each in known.services.values()}
    made = rows(by, days, teams.get)
    names = _names(known, answers.of_rows(by, made))
    shown = [answers.row(by, each, names, first, last) for each in made]
    if as_csv:
        screen.raw(answers.table(shown).replace("\r\n", "\n"))
        return
    progress = stored.progress(deadline)
    made_until = progress.day - timedelta(days=1) if progress else None
    whole = answers.total(total(days), first, last)
    if screen.as_json:
        answer = Figures(
            first_day=first,
            last_day=last,
            made_until=made_until,
            by=by,
            total=whole,
            rows=shown,
        )
        screen.data(to_json(answer))
        return
    screen.say(f"{first} to {last}, days of UTC{_gap(made_until, last)}.")
    if not shown:
        screen.say("Nothing was resolved on these days.")
        return
    screen.table(_HEADERS[by], [_cells(by, each) for each in shown], split=1)
    if by is not By.PERSON:
        screen.say()
        screen.say(
            f"In all {whole.incidents} incidents; {_share(whole)} of those that paged somebody "
            f"acknowledged in time; {whole.pages} pages, {whole.night_pages} of them at night."
        )


_TIMES: Final = ("TO ACKNOWLEDGE", "P90")
_WHOLE: Final = ("INCIDENTS", *_TIMES, "TO RESOLVE", "P90", "IN TIME", "PAGES", "AT NIGHT")
_HEADERS: Final = {
    By.SERVICE: ("SERVICE", *_WHOLE),
    By.TEAM: ("TEAM", *_WHOLE),
    By.DAY: ("DAY", *_WHOLE),
    By.PERSON: ("PERSON", "ACKNOWLEDGED", *_TIMES, "PAGES", "AT NIGHT"),
    By.KEY: ("WHAT", "INCIDENTS", "ALERTS"),
}


def _cells(by: By, each: FigureRow) -> Sequence[str]:
    name, number = _called(by, each), str(each.incidents)
    times, pages = _took(each.time_to_acknowledge), (str(each.pages), str(each.night_pages))
    match by:
        case By.KEY:
            return name, number, str(each.alerts)
        case By.PERSON:
            return name, number, *times, *pages
        case _:
            return name, number, *times, *_took(each.time_to_resolve), _share(each), *pages


def _called(by: By, each: FigureRow) -> str:
    if by is By.KEY:
        return f"{each.name} ({slug_of(each.service_id or '')})"
    return each.name or each.id or "no team"


def _took(found: TookAnswer | None) -> tuple[str, str]:
    if found is None:
        return _NONE, _NONE
    return _length(found.median), _length(found.p90)


def _length(seconds: int) -> str:
    """To the minute from an hour on, and to the hour from two days on: that is all it is worth."""
    unit = 1 if seconds < 3600 else 60 if seconds < 2 * 86400 else 3600
    return in_words(timedelta(seconds=seconds // unit * unit))


def _share(each: FigureRow) -> str:
    return f"{round(100 * each.in_time / each.paging)}%" if each.paging else _NONE


def _gap(made_until: date | None, last: date) -> str:
    if made_until is None:
        return "; none are made yet: they are, half an hour after midnight UTC"
    return f"; made until {made_until}" if made_until < last else ""


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{option}: "{text}" is not a day such as 2026-11-23.') from None


def _services(known: Configuration, service: str | None, team: str | None) -> set[str] | None:
    """Raises CommandError."""
    if service is not None and id_of(Kind.SERVICE, service) not in known.services:
        hint = did_you_mean(service, map(slug_of, known.services))
        raise CommandError(f"There is no service {service}.{hint}")
    if team is not None and id_of(Kind.TEAM, team) not in known.teams:
        hint = did_you_mean(team, map(slug_of, known.teams))
        raise CommandError(f"There is no team {team}.{hint}")
    if service is None and team is None:
        return None
    return {
        each.id
        for each in known.services.values()
        if service in (None, slug_of(each.id)) and team in (None, slug_of(each.team_id))
    }


def _names(known: Configuration, wanted: Sequence[Named]) -> Names:
    names = {
        **{(Kind.SERVICE, each.id): each.name for each in known.services.values()},
        **{(Kind.TEAM, each.id): each.name for each in known.teams.values()},
        **{(Kind.USER, each.id): each.name for each in known.users.values()},
    }
    return Names({each: names[each] for each in wanted if each in names})
