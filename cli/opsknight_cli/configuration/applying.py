"""`apply`: a configuration file becomes that of a deployment."""

from contextlib import suppress
from typing import Annotated, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError

from opsknight.config.configuration import Kind, kind_of, path_of
from opsknight.config.diff import Create
from opsknight.config.ownership import Applied, Side
from opsknight.directory.audit_log import PREFIX
from opsknight.files.problems import counted
from opsknight.store.calls import Unavailable
from opsknight.store.changed_schedules import tell_changes
from opsknight.store.configuration_size import ConfigurationTooLarge
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Interrupted, Overtaken, Refused
from opsknight.store.plans import Plan, carry_out
from opsknight.views import audited
from opsknight_cli.configuration import view
from opsknight_cli.configuration.lines import keep_lines
from opsknight_cli.configuration.loading import load, name_of
from opsknight_cli.configuration.offline import DEFAULT_FILE, FileArgument, StrictOption
from opsknight_cli.configuration.planning import PruneOption, plan_data, planned, show_plan
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.audited import author
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import operator
from opsknight_cli.terminal.screen import Screen

_FAILURES: Final = (Unavailable, BotoCoreError, ClientError)
MOST_HINTS: Final = 8
_AGAIN: Final = "Run the command again to see what is left."

app = typer.Typer()


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
    made = planned(invocation, checked, prune=prune)
    name = invocation.deployment.name
    owner = made.seen.owner
    others = owner if owner is not None and owner.by != Side.FILE else None
    if not screen.as_json:
        show_plan(invocation, made, prune=prune)
    if made.is_empty and not (others and take_over):
        if not others:
            # Nothing changes but the lines on which it stands.
            keep_lines(invocation, checked, made.seen.revision)
        if screen.as_json:
            screen.data(plan_data(invocation, made, checked) | {"applied": False})
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
        screen.data(plan_data(invocation, made, checked) | {"applied": True, "revision": revision})
        return
    screen.say(f"Applied: {name} is at revision {revision}.", "bold green")
    _hint_at_keys(made, screen)


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
