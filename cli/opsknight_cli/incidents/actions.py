"""`incidents ack`, `resolve` and the rest: what people do to incidents, by the table that the HTTP
API and Slack go by.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from opsknight.config.configuration import slug_of
from opsknight.incident.commands import (
    LONGEST_NOTE,
    LONGEST_SNOOZE,
    Acknowledge,
    Command,
    Escalate,
    Note,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.model import NEVER, Actor, ActorKind
from opsknight.incident.text import without_lone_surrogates
from opsknight.store.execute import perform
from opsknight.views import sentences
from opsknight.views.summary import summary
from opsknight.views.wire import to_json
from opsknight_cli.deployments import Deployment, Where
from opsknight_cli.incidents.view import UTC_ZONE, short
from opsknight_cli.session import (
    Ended,
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.naming import AsOption, IncidentArgument, incident_id, operator, user
from opsknight_cli.terminal.screen import Screen, printable
from opsknight_cli.terminal.times import moment, shown, span

MOST_STEPS: Final = 50

app = typer.Typer()

IncidentArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="INCIDENT...", help="Their ids; of active ones the beginning is enough."
    ),
]


@app.command("ack")
def ack_command(
    context: typer.Context,
    incidents: IncidentArguments,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge: somebody has it, and nobody else is paged. As a user, you are its assignee."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    actor = operator(deployment, session, who)
    by = actor.id if actor.kind is ActorKind.USER else None
    changed = _act(deployment, session, screen, incidents, Acknowledge(by=by), actor)
    if changed and by is None and not as_json:
        screen.say("`--as USER` would make that user the assignee.", "dim")


@app.command("resolve")
def resolve_command(
    context: typer.Context,
    incidents: IncidentArguments,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Resolve: it is over. The next trigger opens a new one."""
    _simply(context, incidents, Resolve(), who, Where(stack, region, profile), as_json)


@app.command("snooze")
def snooze_command(
    context: typer.Context,
    incident: IncidentArgument,
    lasts: Annotated[str | None, typer.Option("--for", help='How long: "2h".')] = None,
    until: Annotated[
        str | None, typer.Option("--until", help='"2026-11-25 18:00" in UTC, or "+2h".')
    ] = None,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let it sleep for at most 7 days: then it is open again, and pages on."""
    now = session_of(context).now()
    if (until is None) is (lasts is None):
        raise Refused("Until when? Give --for or --until, one of them.")
    end = now + span(lasts) if lasts is not None else moment(until or "", now, UTC_ZONE)
    if not now < end <= now + LONGEST_SNOOZE:
        days = LONGEST_SNOOZE.days
        raise Refused(f"A snooze ends after now, and within {days} days: {_clock(end)} does not.")
    _simply(context, [incident], Snooze(end), who, Where(stack, region, profile), as_json)


@app.command("unsnooze")
def unsnooze_command(
    context: typer.Context,
    incident: IncidentArgument,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wake it before its time: it is open again, and pages on."""
    _simply(context, [incident], Unsnooze(), who, Where(stack, region, profile), as_json)


@app.command("suppress")
def suppress_command(
    context: typer.Context,
    incident: IncidentArgument,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep it quiet until somebody unsuppresses it."""
    _simply(context, [incident], Suppress(), who, Where(stack, region, profile), as_json)


@app.command("unsuppress")
def unsuppress_command(
    context: typer.Context,
    incident: IncidentArgument,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open it again: it pages on, or begins to."""
    _simply(context, [incident], Unsuppress(), who, Where(stack, region, profile), as_json)


@app.command("reassign")
def reassign_command(
    context: typer.Context,
    incident: IncidentArgument,
    to: Annotated[str, typer.Argument(metavar="USER", help="Who gets it.")],
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give it to a user: of an open one, that user is paged at once, and the policy ends."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    command = Reassign(user(deployment, session, to).id)
    actor = operator(deployment, session, who)
    _act(deployment, session, screen, [incident], command, actor)


@app.command("note")
def note_command(
    context: typer.Context,
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="What the timeline is to say.")],
    public: Annotated[bool, typer.Option("--public", help="Tell status pages, too.")] = False,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write something on its timeline."""
    # What a shell could not decode becomes half of a pair, which UTF-8 has not.
    note = without_lone_surrogates(text.strip())
    if not 1 <= len(note) <= LONGEST_NOTE:
        raise Refused(f"A note has 1 to {LONGEST_NOTE:,} characters; this one has {len(note):,}.")
    _simply(context, [incident], Note(note, public), who, Where(stack, region, profile), as_json)


@app.command("escalate")
def escalate_command(
    context: typer.Context,
    incident: IncidentArgument,
    step: Annotated[
        int | None,
        typer.Option("--step", min=1, max=MOST_STEPS, help="From 1; else the next one."),
    ] = None,
    who: AsOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the next step of its policy now, or a given one; an acknowledged one opens again."""
    command = Escalate(None if step is None else step - 1)
    _simply(context, [incident], command, who, Where(stack, region, profile), as_json)


def _simply(
    context: typer.Context,
    incidents: Sequence[str],
    command: Command,
    who: str | None,
    where: Where,
    as_json: bool,
) -> None:
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(where)
    actor = operator(deployment, session, who)
    _act(deployment, session, screen, incidents, command, actor)


def _act(
    deployment: Deployment,
    session: Session,
    screen: Screen,
    incidents: Sequence[str],
    command: Command,
    actor: Actor,
) -> bool:
    """Does it to each of them, whatever becomes of the others, and says whether it changed
    anything. Raises Ended when one was refused.
    """
    said = [_one(deployment, session, each, command, actor) for each in dict.fromkeys(incidents)]
    refused = [told["error"] for told, _ in said if "error" in told]
    if screen.as_json:
        screen.data({"results": [told for told, _ in said]})
    else:
        for _, say in said:
            say(screen)
    if refused:
        raise Ended(1)
    return any(told["changed"] for told, _ in said)


type _Said = tuple[dict[str, Any], Callable[[Screen], None]]
"""For programs and for people."""


def _one(
    deployment: Deployment, session: Session, given: str, command: Command, actor: Actor
) -> _Said:
    try:
        found_id = incident_id(deployment, session, given)
    except Refused as error:
        return _refused({"id": given}, str(error))
    table, deadline = deployment.table, session.deadline()
    found = table.incident(found_id, deadline)
    if found is None:
        return _refused({"id": found_id}, f"There is no incident {found_id}.")
    service = table.service(found.service_id, deadline)
    decision = perform(
        table,
        found_id,
        command,
        actor=actor,
        now=session.now(),
        token=session.id("act"),
        deadline=deadline,
        timeouts=service.timeouts if service else NEVER,
    )
    if decision is None:
        return _refused({"id": found_id}, f"There is no incident {found_id}.")
    if isinstance(decision, NotAllowed):
        why = f": {decision.why}" if decision.why else ""
        sentence = f"Not possible: incident {found_id} is {decision.status}{why}."
        return _refused({"id": found_id, "status": decision.status}, sentence)
    moved = isinstance(decision, Transitioned)
    after = decision.after if isinstance(decision, Transitioned) else decision.before
    name = f"{short(after.id, after.status)} ({printable(after.title)})"
    if isinstance(decision, Transitioned):
        done = printable(sentences.said(decision.change, slug_of, _clock))
        if isinstance(command, Note):
            # Whoever wrote it knows what it says.
            done = f"Noted by {printable(actor.name)}"
        sentence = f"{done}. {name} is {after.status}."
    else:
        sentence = f"{name} is {after.status} already: nothing has changed."
    what = decision.change.what if isinstance(decision, Transitioned) else command.past
    told = {"id": found_id, "action": what, "changed": moved, "incident": to_json(summary(after))}
    return told, lambda screen: screen.say(sentence, "green" if moved else "")


def _refused(told: dict[str, Any], sentence: str) -> _Said:
    return told | {"error": sentence}, lambda screen: screen.complain(sentence)


def _clock(at: datetime) -> str:
    return shown(at, UTC_ZONE)
