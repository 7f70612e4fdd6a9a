"""`audit`: who changed what, when, and from where."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from opsknight.config.configuration import Kind, id_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.audit_log import AuditEntry, AuditKind, Fact, Thing, Via
from opsknight.store.audit_log import AuditLog, LogPlace, Sought
from opsknight.views.audit_answers import answer, title
from opsknight.views.wire import to_json
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.clocks import reading_clock
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen, printable
from opsknight_cli.terminal.times import earlier, shown

BY_DEFAULT: Final = 50
MOST: Final = 1000
_VIA: Final = {Via.CONSOLE: "console", Via.API: "API", Via.COMMAND_LINE: "command line"}

app = typer.Typer()


@app.command("audit")
@common_options(acting=True)
def audit_command(
    invocation: Invocation,
    since: Annotated[
        str | None,
        typer.Option("--from", help='Since when: "7d" ago, or "2026-11-25 18:00" by your clock.'),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this time.")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help='Only acts of this kind, such as "key_made"; or several.'),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option("--actor", help="A user's name, or the id of a key or of AWS credentials."),
    ] = None,
    entity: Annotated[
        str | None, typer.Option("--entity", help='What it is about, by id, such as "sch_web".')
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, help="Show at most this many.")
    ] = BY_DEFAULT,
) -> None:
    """List who changed what, when, and from where, newest first."""
    session, screen = invocation.session, invocation.screen
    now, zone = session.now(), reading_clock(invocation)
    sought = Sought(
        since=None if since is None else earlier(since, now, zone),
        until=None if until is None else earlier(until, now, zone),
        kinds=frozenset(_kinds(kind or [])),
        actor_id=None if actor is None else _actor(invocation, actor),
        thing_id=entity,
    )
    if sought.since and sought.until and sought.since >= sought.until:
        raise UsageError("--from must be before --until.")
    found: list[AuditEntry] = []
    place: LogPlace | None = None
    log, deadline = AuditLog(invocation.deployment.table), session.deadline()
    while len(found) < limit:
        some, place = log.newest(sought, place, limit - len(found), now, deadline)
        found += some
        if place is None:
            break
    if screen.as_json:
        more = place is not None
        screen.data({"entries": [to_json(answer(each)) for each in found], "more": more})
        return
    if not found:
        screen.say("There is nothing of it in the audit log.")
    for each in found:
        _show(each, screen, zone)
    if place is not None:
        screen.say()
        screen.say("There is more: see --limit, or --until with the time of the last one.")


def _show(each: AuditEntry, screen: Screen, zone: ZoneInfo) -> None:
    about = ", ".join(map(_thing, each.things))
    line = Text(f"{shown(each.at, zone)}  ")
    line.append(title(each.kind), "bold").append(f": {about}")
    screen.hanging(line, 0, 4)
    via = _VIA[Via(each.via)] if each.via in tuple(Via) else each.via
    place = f" from {each.source}" if each.source else ""
    behind = f" for {each.user_id}" if each.user_id and each.via == Via.COMMAND_LINE else ""
    by = f"by {printable(each.actor.name)}{behind}, {via}{place}"
    screen.hanging(Text(by, "dim"), 4, 6)
    if each.facts:
        screen.hanging(Text("; ".join(map(_fact, each.facts))), 4, 6)


def _thing(each: Thing) -> str:
    name = printable(each.name)
    return f"{name} ({each.id})" if name else each.id


def _fact(each: Fact) -> str:
    name, before, after = (
        printable(text or "") for text in (each.name.replace("_", " "), each.before, each.after)
    )
    if each.before is None:
        return f"{name}: {after}"
    return f"{name}: {before} -> {after or 'gone'}"


def _kinds(given: list[str]) -> list[str]:
    for each in given:
        if each not in tuple(AuditKind):
            raise CommandError(
                f'There is no kind "{each}".{did_you_mean(each, list(AuditKind))} The kinds are '
                f"{', '.join(AuditKind)}."
            )
    return given


def _actor(invocation: Invocation, given: str) -> str:
    """A user by name, or else the id as it is: somebody may be gone."""
    user_id = id_of(Kind.USER, given)
    known = invocation.deployment.table.user(user_id, invocation.session.deadline())
    return given if known is None else user_id
