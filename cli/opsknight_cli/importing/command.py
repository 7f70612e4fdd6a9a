"""`import pagerduty`, `import opsgenie`: from their API or files of its JSON, to files of ours."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from opsknight.files import reading
from opsknight.files.checking import check
from opsknight.files.problems import Problem, counted, problems_data
from opsknight.runtime.addresses import Reach
from opsknight_cli.importing import folder, report
from opsknight_cli.importing.comparing import Compared, compared
from opsknight_cli.importing.exports import Objects, kept
from opsknight_cli.importing.fetching import Api, address
from opsknight_cli.importing.opsgenie import api as opsgenie_api
from opsknight_cli.importing.opsgenie import files as opsgenie_files
from opsknight_cli.importing.opsgenie.reading import imported as of_opsgenie
from opsknight_cli.importing.opsgenie.shapes import Export as OpsgenieExport
from opsknight_cli.importing.outcome import Harm, Imported, Loss
from opsknight_cli.importing.pagerduty import api as pagerduty_api
from opsknight_cli.importing.pagerduty import files as pagerduty_files
from opsknight_cli.importing.pagerduty.reading import imported as of_pagerduty
from opsknight_cli.importing.pagerduty.shapes import Export as PagerDutyExport
from opsknight_cli.importing.shadow import end_of_shadow, in_shadow
from opsknight_cli.session import CommandError, Exit, UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options

FAILED: Final = 1
MOST_SHOWN: Final = 10
_STYLES: Final = {
    Harm.NOT_PAGED: "bold red",
    Harm.PAGED_OTHERWISE: "red",
    Harm.PAGED_MORE: "yellow",
}

app = typer.Typer()

FromOption = Annotated[
    str | None,
    typer.Option("--from", help="A file or folder with JSON of its API."),
]
ApiOption = Annotated[
    str, typer.Option("--api", help="The address of the API; accounts in Europe have another one.")
]
SaveOption = Annotated[
    str | None,
    typer.Option("--save", help="A folder to keep what the API said in, for --from."),
]
IntoOption = Annotated[str, typer.Option("--into", help="The folder to write to.")]
ShadowOption = Annotated[
    str | None,
    typer.Option(
        "--shadow-until",
        help='Let the services page nobody until then: "2026-12-24", or "+30d"; at most 60 days.',
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier import wrote there.")
]


@app.command("pagerduty")
@common_options(deployment=False)
def pagerduty_command(
    invocation: Invocation,
    source: FromOption = None,
    api: ApiOption = pagerduty_api.URL,
    save: SaveOption = None,
    into: IntoOption = "imported",
    shadow: ShadowOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Import users, schedules, policies, services and rules of PagerDuty, and change nothing there.

    Without --from it asks PagerDuty's API, with the token in PAGERDUTY_TOKEN.
    """
    now = invocation.session.now()
    until = None if shadow is None else end_of_shadow(shadow, now)
    _is_one_source(source, save)
    if source is not None:
        made = of_pagerduty(pagerduty_files.read(source), now)
    else:
        reader = _api(invocation, api, pagerduty_api.VARIABLE, pagerduty_api.headers)
        found = pagerduty_api.fetched(reader, now)
        _keep(found, save, overwrite)
        made = _with_refused(of_pagerduty(PagerDutyExport.model_validate(found), now), reader)
    _write(invocation, made if until is None else in_shadow(made, until), into, now, overwrite)


@app.command("opsgenie")
@common_options(deployment=False)
def opsgenie_command(
    invocation: Invocation,
    source: FromOption = None,
    api: ApiOption = opsgenie_api.URL,
    save: SaveOption = None,
    into: IntoOption = "imported",
    shadow: ShadowOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Import users, schedules, escalations, teams and rules of Opsgenie, and change nothing there.

    Without --from it asks Opsgenie's API, with the key in OPSGENIE_API_KEY.
    """
    now = invocation.session.now()
    until = None if shadow is None else end_of_shadow(shadow, now)
    _is_one_source(source, save)
    if source is not None:
        made = of_opsgenie(opsgenie_files.read(source), now)
    else:
        reader = _api(invocation, api, opsgenie_api.VARIABLE, opsgenie_api.headers)
        found = opsgenie_api.fetched(reader, now)
        _keep(found, save, overwrite)
        made = _with_refused(of_opsgenie(OpsgenieExport.model_validate(found), now), reader)
    _write(invocation, made if until is None else in_shadow(made, until), into, now, overwrite)


def _is_one_source(source: str | None, save: str | None) -> None:
    """Raises UsageError."""
    if source is not None and save is not None:
        raise UsageError("--save keeps what the API says, and --from asks no API: leave one.")


def _api(
    invocation: Invocation, url: str, variable: str, headers: Callable[[str], dict[str, str]]
) -> Api:
    """Raises UsageError."""
    token = os.environ.get(variable, "").strip()
    if not token:
        raise UsageError(f"Set {variable} to a token of the API that may read, or give --from.")
    if not token.isascii() or not token.isprintable():
        raise UsageError(f"{variable} holds no token: it has other characters than a token has.")
    reader = Api(address(url), headers(token), variable, invocation.session.sleep)
    if not invocation.screen.as_json:
        invocation.screen.say(f"Reading {url}: with hundreds of people, this takes minutes.")
        invocation.screen.flush()
    return reader


def _keep(found: Objects, place: str | None, overwrite: bool) -> None:
    if place is not None:
        folder.save(place, kept(found), overwrite=overwrite)


def _with_refused(made: Imported, api: Api) -> Imported:
    losses = [
        Loss(
            Harm.NOT_PAGED,
            place,
            "The token may not read this, so nothing of it is in the file.",
        )
        for place in api.refused_places
    ]
    return replace(made, losses=[*made.losses, *losses])


def _write(
    invocation: Invocation, imported: Imported, into: str, now: datetime, overwrite: bool
) -> None:
    files = folder.configuration_files(imported)
    checked = check(reading.read(files), now, Reach.PRIVATE)
    found = compared(imported, now)
    files |= {
        folder.REPORT: report.page(imported, found, checked.problems, now),
        folder.AFTERWARDS: folder.json_text(folder.afterwards(imported)),
    }
    folder.save(into, files, overwrite=overwrite)
    losses = report.losses(imported, found)
    failed = checked.errors and (
        f"{into} is written, and cannot be applied yet: "
        f"{counted(len(checked.errors), 'error')}. See `opsknight validate {into}`."
    )
    if invocation.screen.as_json:
        data = _data(into, losses, found, checked.problems)
        invocation.screen.data(data | ({"error": failed} if failed else {}))
        if failed:
            raise Exit(FAILED)
        return
    _show(invocation, imported, into, losses, found, checked.problems)
    if failed:
        raise CommandError(failed)


def _show(
    invocation: Invocation,
    imported: Imported,
    into: str,
    losses: Sequence[Loss],
    found: Compared,
    problems: Sequence[Problem],
) -> None:
    screen = invocation.screen
    known = imported.configuration
    counts = (
        counted(len(known.users), "user"),
        counted(len(known.schedules), "schedule"),
        f"{len(known.policies)} polic{'y' if len(known.policies) == 1 else 'ies'}",
        counted(len(known.services), "service"),
    )
    screen.say(f"Imported from {imported.system} into {into}: {', '.join(counts)}.", "green")
    screen.say(report.verdict(found), "red" if found.differences else "")
    for harm in Harm:
        several = [each for each in losses if each.harm is harm]
        if not several:
            continue
        screen.say()
        screen.say(f"{report.HEADINGS[harm]} ({len(several)}):", _STYLES.get(harm, "bold"))
        for each in several[:MOST_SHOWN]:
            screen.hanging(Text(f"{each.where}: {each.sentence}"), 2, 4)
        if len(several) > MOST_SHOWN:
            screen.say(f"and {len(several) - MOST_SHOWN} more, in {folder.REPORT}", indent=2)
    if problems:
        screen.say()
        screen.problems(problems, failed=False)
    screen.say()
    screen.say("Next, read the report; then:")
    screen.command(f"opsknight validate --strict {into}")
    screen.command(f"opsknight apply {into}")
    if imported.overrides or imported.windows or imported.sources:
        screen.command(f"opsknight import finish {into}")


def _data(
    into: str, losses: Sequence[Loss], found: Compared, problems: Sequence[Problem]
) -> dict[str, Any]:
    return {
        "folder": into,
        "files": list(folder.FILES),
        "compared": found.schedules,
        "differences": len(found.differences),
        "losses": [
            {"harm": each.harm.value, "where": each.where, "sentence": each.sentence}
            for each in losses
        ],
        "problems": problems_data(problems),
    }
