"""`incidents ack`, `resolve` and the rest: the commands that change incidents.

What is allowed in which status is decided by `opsknight.incident`, as it is for the HTTP API and
Slack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import slug_of
from opsknight.incident.commands import (
    LONGEST_NOTE,
    LONGEST_SNOOZE,
    Acknowledge,
    AlsoPage,
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
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import NEVER, Actor, ActorKind, Pointer
from opsknight.incident.text import without_lone_surrogates
from opsknight.store.execute import perform
from opsknight.views import sentences
from opsknight.views.summary import summary
from opsknight.views.wire import to_json
from opsknight_cli.incidents.view import short
from opsknight_cli.incidents.whom import whom
from opsknight_cli.session import CommandError, Exit, UsageError
from opsknight_cli.terminal.clocks import readers_clock
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import (
    IncidentArgument,
    incident_id,
    operator,
    user,
)
from opsknight_cli.terminal.screen import printable
from opsknight_cli.terminal.times import moment, shown, span

MOST_STEPS: Final = 50

app = typer.Typer()

IncidentArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="incident",
        help="Incident ids. For active incidents, the first characters are enough.",
    ),
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one incident: for programs, and as a sentence."""

    data: dict[str, Any]
    sentence: str

    @property
    def failed(self) -> bool:
        return "error" in self.data

    @property
    def changed(self) -> bool:
        return bool(self.data.get("changed"))


@app.command("ack")
@common_options(acting=True)
def ack_command(invocation: Invocation, incidents: IncidentArguments) -> None:
    """Acknowledge incidents, so that nobody else is paged. With --as, that user is assigned."""
    actor = operator(invocation)
    by = actor.id if actor.kind is ActorKind.USER else None
    outcomes = _act(invocation, incidents, Acknowledge(by=by), actor)
    if any(each.changed for each in outcomes) and by is None and not invocation.screen.as_json:
        invocation.screen.say("Use `--as USER` to become the assignee.", "dim")


@app.command("resolve")
@common_options(acting=True)
def resolve_command(invocation: Invocation, incidents: IncidentArguments) -> None:
    """Resolve incidents. The next trigger opens a new one."""
    _act(invocation, incidents, Resolve(), operator(invocation))


@app.command("snooze")
@common_options(acting=True)
def snooze_command(
    invocation: Invocation,
    incident: IncidentArgument,
    lasts: Annotated[str | None, typer.Option("--for", help='For how long: "2h".')] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help='Until when: "2026-11-25 18:00" by your clock, or "+2h".'),
    ] = None,
) -> None:
    """Snooze an incident for at most 7 days. Then it opens again and pages."""
    now = invocation.session.now()
    if (until is None) is (lasts is None):
        raise UsageError("Give exactly one of --for and --until.")
    end = (
        now + span(lasts)
        if lasts is not None
        else moment(until or "", now, readers_clock(invocation))
    )
    if not now < end <= now + LONGEST_SNOOZE:
        raise CommandError(
            f"A snooze must end in the future, within {LONGEST_SNOOZE.days} days: "
            f"{shown(end, readers_clock(invocation))} does not."
        )
    _act(invocation, [incident], Snooze(end), operator(invocation))


@app.command("unsnooze")
@common_options(acting=True)
def unsnooze_command(invocation: Invocation, incident: IncidentArgument) -> None:
    """End a snooze early. The incident opens again and pages."""
    _act(invocation, [incident], Unsnooze(), operator(invocation))


@app.command("suppress")
@common_options(acting=True)
def suppress_command(invocation: Invocation, incident: IncidentArgument) -> None:
    """Keep an incident quiet until somebody unsuppresses it."""
    _act(invocation, [incident], Suppress(), operator(invocation))


@app.command("unsuppress")
@common_options(acting=True)
def unsuppress_command(invocation: Invocation, incident: IncidentArgument) -> None:
    """Open a suppressed incident. Paging starts, or continues where it stopped."""
    _act(invocation, [incident], Unsuppress(), operator(invocation))


@app.command("reassign")
@common_options(acting=True)
def reassign_command(
    invocation: Invocation,
    incident: IncidentArgument,
    to: Annotated[str, typer.Argument(metavar="user", help="The new assignee.")],
) -> None:
    """Assign an incident to a user. An open one pages that user at once and leaves its policy."""
    command = Reassign(user(invocation, to).id)
    _act(invocation, [incident], command, operator(invocation))


@app.command("also-page")
@common_options(acting=True)
def also_page_command(
    invocation: Invocation,
    incident: IncidentArgument,
    by_user: Annotated[str | None, typer.Option("--user", help="This user.")] = None,
    by_team: Annotated[
        str | None, typer.Option("--team", help="Everybody of this team who takes pages.")
    ] = None,
    by_schedule: Annotated[
        str | None, typer.Option("--schedule", help="Whoever is on call by this schedule now.")
    ] = None,
) -> None:
    """Page somebody else beside whoever has an incident. The escalation goes on."""
    found = whom(invocation, by_user, by_team, by_schedule)
    _act(invocation, [incident], AlsoPage(found.name, found.user_ids), operator(invocation))


@app.command("note")
@common_options(acting=True)
def note_command(
    invocation: Invocation,
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="The text of the note.")],
    public: Annotated[
        bool, typer.Option("--public", help="Send the note to status pages, too.")
    ] = False,
) -> None:
    """Add a note to the timeline of an incident."""
    # Python keeps bytes that it cannot decode in an argument as lone surrogates, which UTF-8 lacks.
    note = without_lone_surrogates(text.strip())
    if not 1 <= len(note) <= LONGEST_NOTE:
        raise CommandError(
            f"A note must have 1 to {LONGEST_NOTE:,} characters; this one has {len(note):,}."
        )
    _act(invocation, [incident], Note(note, public), operator(invocation))


@app.command("escalate")
@common_options(acting=True)
def escalate_command(
    invocation: Invocation,
    incident: IncidentArgument,
    step: Annotated[
        int | None,
        typer.Option(
            "--step",
            min=1,
            max=MOST_STEPS,
            help="The step, counted from 1; by default the next one.",
        ),
    ] = None,
) -> None:
    """Take the next step of the policy now, or the given one. An acknowledged incident reopens."""
    command = Escalate(None if step is None else step - 1)
    _act(invocation, [incident], command, operator(invocation))


def _act(
    invocation: Invocation, incidents: Sequence[str], command: Command, actor: Actor
) -> Sequence[Outcome]:
    """Executes the command on each incident, even when it fails on another, and prints the
    outcomes. Raises Exit when it failed on any.
    """
    screen, zone = invocation.screen, readers_clock(invocation)
    outcomes = [
        _execute(invocation, each, command, actor, zone) for each in dict.fromkeys(incidents)
    ]
    if screen.as_json:
        screen.data({"results": [each.data for each in outcomes]})
    else:
        for each in outcomes:
            if each.failed:
                screen.complain(each.sentence)
            else:
                screen.say(each.sentence, "green" if each.changed else "")
    if any(each.failed for each in outcomes):
        raise Exit(1)
    return outcomes


def _execute(
    invocation: Invocation, given: str, command: Command, actor: Actor, zone: ZoneInfo
) -> Outcome:
    try:
        found_id = incident_id(invocation, given)
    except CommandError as error:
        return _failed({"id": given}, str(error))
    session, table = invocation.session, invocation.deployment.table
    deadline = session.deadline()
    found = table.incident(found_id, deadline)
    if found is None:
        return _failed({"id": found_id}, f"There is no incident {found_id}.")
    service = table.service(found.service_id, deadline)
    decision = perform(
        table,
        found_id,
        command,
        actor=actor,
        now=session.now(),
        token=session.token(),
        deadline=deadline,
        timeouts=service.timeouts if service else NEVER,
    )
    match decision:
        case None:
            return _failed({"id": found_id}, f"There is no incident {found_id}.")
        case NotAllowed():
            why = f": {decision.why}" if decision.why else ""
            sentence = f"Not possible: incident {found_id} is {decision.status}{why}."
            return _failed({"id": found_id, "status": decision.status}, sentence)
        case Transitioned(after=after, change=change):
            done = printable(sentences.said(change, slug_of, lambda at: shown(at, zone)))
            if isinstance(command, Note):
                # The author knows the text; do not repeat it.
                done = f"Noted by {printable(actor.name)}"
            action, changed = str(change.what), True
            sentence = f"{done}. {_name(after)} is {after.status}."
        case Unchanged(before=after):
            action, changed = command.past, False
            sentence = f"{_name(after)} is already {after.status}. Nothing has changed."
    data = {"id": found_id, "action": action, "changed": changed}
    return Outcome(data | {"incident": to_json(summary(after))}, sentence)


def _failed(data: dict[str, Any], sentence: str) -> Outcome:
    return Outcome(data | {"error": sentence}, sentence)


def _name(incident: Pointer) -> str:
    return f"{short(incident.id, incident.status)} ({printable(incident.title)})"
