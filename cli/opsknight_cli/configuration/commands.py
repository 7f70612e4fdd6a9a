"""`plan`, `apply` and `export`: configuration files and a deployment."""

from contextlib import suppress
from typing import Annotated, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from opsknight.config.configuration import Kind, kind_of, path_of
from opsknight.config.diff import Create
from opsknight.config.ownership import Applied, Side
from opsknight.directory.audit_log import PREFIX
from opsknight.files.checking import Checked
from opsknight.files.describing import described
from opsknight.files.plan_words import data
from opsknight.files.problems import counted, problems_data
from opsknight.files.writing import written
from opsknight.health import shadows as health
from opsknight.store.calls import Unavailable
from opsknight.store.changed_schedules import tell_changes
from opsknight.store.configuration_size import ConfigurationTooLarge
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Interrupted, Overtaken, Refused
from opsknight.store.plans import Plan, carry_out, plan
from opsknight.views import audited
from opsknight_cli.configuration import view
from opsknight_cli.configuration.lines import keep_lines
from opsknight_cli.configuration.loading import load, name_of
from opsknight_cli.configuration.offline import DEFAULT_FILE, FileArgument, StrictOption
from opsknight_cli.configuration.parameters import of_plan
from opsknight_cli.session import CommandError, Exit
from opsknight_cli.terminal.audited import author
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration, operator, remember
from opsknight_cli.terminal.screen import Screen

CHANGES: Final = 2
_FAILURES: Final = (Unavailable, BotoCoreError, ClientError)
MOST_HINTS: Final = 8
_AGAIN: Final = "Run the command again to see what is left."

app = typer.Typer()

PruneOption = Annotated[
    bool, typer.Option("--prune", help="Remove everything that the file does not name.")
]


@app.command("plan")
@common_options()
def plan_command(
    invocation: Invocation,
    file: FileArgument = DEFAULT_FILE,
    prune: PruneOption = False,
    strict: StrictOption = False,
) -> None:
    """Show what `apply` would change. The exit code is 2 if it would change anything."""
    screen = invocation.screen
    checked = load(invocation, file, strict=strict)
    made = _plan(invocation, checked, prune=prune)
    if screen.as_json:
        screen.data(_data(invocation, made, checked))
    else:
        view.show(made, screen, invocation.deployment.name, prune=prune)
        _show_secrets(invocation, made)
        _show_shadows(invocation, made)
    if not made.is_empty:
        raise Exit(CHANGES)


@app.command("apply")
@common_options()
def apply_command(
    invocation: Invocation,
    file: FileArgument = DEFAULT_FILE,
    prune: PruneOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Apply even if keys in use stop working, or much is removed."),
    ] = False,
    strict: StrictOption = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Let the file own what the console owned until now."),
    ] = False,
) -> None:
    """Show what a file changes in a deployment, and change it."""
    session, screen = invocation.session, invocation.screen
    checked = load(invocation, file, strict=strict)
    made = _plan(invocation, checked, prune=prune)
    name = invocation.deployment.name
    owner = made.seen.owner
    others = owner if owner is not None and owner.by != Side.FILE else None
    if not screen.as_json:
        view.show(made, screen, name, prune=prune)
        _show_secrets(invocation, made)
        _show_shadows(invocation, made)
    if made.is_empty and not (others and take_over):
        if not others:
            # Nothing changes but the lines on which it stands.
            keep_lines(invocation, checked, made.seen.revision)
        if screen.as_json:
            screen.data(_data(invocation, made, checked) | {"applied": False})
        return
    if others and not take_over:
        raise CommandError(view.owned_elsewhere(others, name))
    if not screen.as_json:
        screen.say()
    if made.needs_force and not force:
        raise CommandError(view.objection(made))
    if not yes:
        if screen.as_json or not screen.interactive:
            raise CommandError("There is no terminal to ask on: give --yes to apply this.")
        if not screen.ask(f"Apply this to {name}?"):
            raise CommandError("Nothing was changed.")
    by, now = operator(invocation), session.now()
    behind, entry_id = author(invocation), session.id(PREFIX)

    def tell(done: int | None = None) -> None:
        tell_changes(
            invocation.deployment.table,
            made,
            by.name,
            session.id("chg"),
            session.now(),
            session.deadline(),
            but=by.id,
            done=done,
        )

    try:
        revision = carry_out(
            Configurations(invocation.deployment.table),
            made,
            Applied(Side.FILE, by.name, name_of(file), takes_over=take_over),
            now,
            session.token(),
            session.deadline(),
            audit=lambda done, reached: behind.entry(
                audited.applied(made.steps, done, made.seen.revision, reached), entry_id, now
            ),
        )
    except (Interrupted, Overtaken, Refused) as stopped:
        # What stopped it may keep it from telling as well: why it stopped matters more.
        with suppress(*_FAILURES):
            tell(stopped.done)
        raise CommandError(_stopped(stopped, len(made.steps))) from None
    except ConfigurationTooLarge as error:
        raise CommandError(str(error)) from None
    # People first: who runs it again has the lines kept, and nobody told.
    try:
        tell()
    except _FAILURES as error:
        screen.complain(f"It is applied, and nobody could be told of changed shifts: {error}")
    keep_lines(invocation, checked, revision)
    if screen.as_json:
        screen.data(_data(invocation, made, checked) | {"applied": True, "revision": revision})
        return
    screen.say(f"Applied: {name} is at revision {revision}.", "bold green")
    _hint_at_keys(made, screen)


@app.command("export")
@common_options()
def export_command(invocation: Invocation) -> None:
    """Print the configuration of a deployment as a configuration file."""
    screen = invocation.screen
    document = described(configuration(invocation))
    if screen.as_json:
        screen.data(document)
    else:
        screen.raw(written(document))


def _show_secrets(invocation: Invocation, made: Plan) -> None:
    """Says which secrets are not there yet. They may be made after `apply`, so nothing stops."""
    screen, deployment = invocation.screen, invocation.deployment
    try:
        client = invocation.session.reach(invocation.where).client
        found = of_plan(made.desired.configuration, deployment.stack, deployment.parameters, client)
    except (BotoCoreError, ClientError) as error:
        screen.say()
        screen.say(f"Could not check whether the secrets exist: {error}", "yellow")
        return
    if found:
        screen.say()
        screen.say("Secrets to put right:", "bold yellow")
    for each in found:
        screen.hanging(Text(f"    {each.said}", "red" if each.stops else "yellow"), 0, 8)
        screen.say(each.mend, indent=8)


def _show_shadows(invocation: Invocation, made: Plan) -> None:
    """Says who pages nobody once the plan is applied."""
    services = made.desired.configuration.services.values()
    if found := health.in_shadow(services, invocation.session.now()):
        invocation.screen.say()
        invocation.screen.say(health.sentence(found), "bold yellow")


def _plan(invocation: Invocation, checked: Checked, *, prune: bool) -> Plan:
    made = plan(
        Configurations(invocation.deployment.table),
        checked.configuration,
        prune=prune,
        now=invocation.session.now(),
        deadline=invocation.session.deadline(),
    )
    remember(invocation, made.desired.configuration)
    return made


def _data(invocation: Invocation, made: Plan, checked: Checked) -> dict[str, object]:
    problems = problems_data(checked.problems)
    return data(made, invocation.deployment.name) | {"problems": problems}


def _stopped(stopped: Interrupted | Overtaken | Refused, steps: int) -> str:
    why = f"{str(stopped).rstrip('.')}."
    if isinstance(stopped, Overtaken):
        if not stopped.done:
            return (
                "Somebody else has changed the configuration since this plan was made. "
                "Nothing was written: run the command again to see the new plan."
            )
        why = "Somebody else has changed the configuration meanwhile."
    if stopped.unsure and not stopped.done:
        return f"{why} Whether anything was written is not known. {_AGAIN}"
    least = "At least " if stopped.unsure else ""
    return (
        f"{why} {least}{stopped.done} of {counted(steps, 'change')} were written, and everything "
        f"that they refer to exists. {_AGAIN}"
    )


def _hint_at_keys(made: Plan, screen: Screen) -> None:
    new = [
        step.entry
        for step in made.steps
        if isinstance(step, Create) and kind_of(step.entry) is Kind.INTEGRATION
    ]
    if not new:
        return
    screen.say("Each new integration needs a key to send events with:")
    for entry in new[:MOST_HINTS]:
        _, service, _, integration = path_of(entry)
        screen.command(f"opsknight keys create --service {service} --integration {integration}")
    if len(new) > MOST_HINTS:
        screen.say(f"    and {len(new) - MOST_HINTS} more")
