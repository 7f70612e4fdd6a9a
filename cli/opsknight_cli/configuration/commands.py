"""`validate`, `plan`, `apply`, `export` and `schema`: the configuration in files."""

import json
from typing import Annotated, Final

import typer

from opsknight.config.configuration import Configuration, Kind, kind_of, path_of, slug_of
from opsknight.config.diff import Create
from opsknight.store.configurations import Configurations, Overtaken
from opsknight_cli.configuration import view
from opsknight_cli.configuration.plan import Plan, carry_out, plan
from opsknight_cli.deployments import Deployment, Where
from opsknight_cli.files import reading
from opsknight_cli.files.checking import Checked, check
from opsknight_cli.files.describing import described
from opsknight_cli.files.problems import Problem, dotted
from opsknight_cli.files.schema import schema
from opsknight_cli.files.writing import written
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
from opsknight_cli.terminal.screen import Screen

CHANGES: Final = 2
INVALID: Final = 1
MOST_HINTS: Final = 8

app = typer.Typer()

FileArgument = Annotated[
    str, typer.Argument(help="A file, a folder of .yaml files, or - for standard input.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what the file does not name.")]
USUAL_FILE: Final = "opsknight.yaml"


@app.command("validate")
def validate_command(
    context: typer.Context,
    file: FileArgument = USUAL_FILE,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say all that is wrong with a configuration. Asks no deployment."""
    screen = Screen(as_json=as_json)
    checked = _checked(session_of(context), screen, file, strict=strict)
    if as_json:
        screen.data({"valid": True, "problems": _told(checked.problems)})
    else:
        things = sum(1 for _ in checked.configuration.entries())
        screen.say(f"{_named(file)} is valid: {_count(things, 'thing')}.", "green")


@app.command("plan")
def plan_command(
    context: typer.Context,
    file: FileArgument = USUAL_FILE,
    prune: PruneOption = False,
    strict: StrictOption = False,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `apply` would change. Exit code 2 when there is something."""
    session, screen = session_of(context), Screen(as_json=as_json)
    checked = _checked(session, screen, file, strict=strict)
    deployment = session.find(Where(stack, region, profile))
    made = _plan(session, deployment, checked, prune=prune)
    if as_json:
        screen.data(view.told(made, deployment.name) | _problems(checked))
    else:
        view.show(made, screen, deployment.name, prune=prune)
    if not made.is_empty:
        raise Ended(CHANGES)


@app.command("apply")
def apply_command(
    context: typer.Context,
    file: FileArgument = USUAL_FILE,
    prune: PruneOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even if it silences API keys that are in use.")
    ] = False,
    strict: StrictOption = False,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a deployment as the file says, after showing what that changes."""
    session, screen = session_of(context), Screen(as_json=as_json)
    checked = _checked(session, screen, file, strict=strict)
    deployment = session.find(Where(stack, region, profile))
    made = _plan(session, deployment, checked, prune=prune)
    if not as_json:
        view.show(made, screen, deployment.name, prune=prune)
    told = view.told(made, deployment.name) | _problems(checked)
    if made.is_empty:
        if as_json:
            screen.data(told | {"applied": False})
        return
    if not as_json:
        screen.say()
    if made.silenced and not force:
        raise Refused(_silenced(made))
    if not yes:
        if as_json or not screen.interactive:
            raise Refused("Nobody is there to be asked: give --yes to apply this.")
        if not screen.ask(f"Apply this to {deployment.name}?"):
            raise Refused("Nothing was changed.")
    try:
        revision = carry_out(
            Configurations(deployment.table),
            made,
            session.now(),
            session.id("apply"),
            session.deadline(),
        )
    except Overtaken as overtaken:
        raise Refused(_overtaken(overtaken.done, len(made.steps))) from None
    if as_json:
        screen.data(told | {"applied": True, "revision": revision})
        return
    screen.say(f"Applied: {deployment.name} is at revision {revision}.", "bold green")
    _hint_at_keys(made, screen)


@app.command("export")
def export_command(
    context: typer.Context,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the configuration of a deployment as the file that says it."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    seen = Configurations(deployment.table).read(session.deadline())
    document = described(seen.configuration)
    if as_json:
        screen.data(document)
    else:
        screen.raw(written(document))


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of configuration files, which editors complete by."""
    Screen().raw(json.dumps(schema(), indent=2) + "\n")


def _checked(session: Session, screen: Screen, file: str, *, strict: bool) -> Checked:
    stdin = session.read_stdin() if file == reading.STDIN else None
    document = reading.read(reading.load(file, stdin))
    checked = check(document, session.now())
    errors = checked.problems if strict else checked.errors
    if errors and screen.as_json:
        screen.data({"valid": False, "problems": _told(checked.problems)})
        raise Ended(INVALID)
    if not screen.as_json:
        screen.problems(checked.problems)
        if checked.problems:
            screen.say()
    if errors:
        warnings = len(checked.problems) - len(checked.errors)
        counts = [_count(len(checked.errors), "error")] if checked.errors else []
        counts += [_count(warnings, "warning")] if warnings else []
        hint = "" if checked.errors else " (--strict takes warnings for errors)"
        raise Refused(f"{_named(file)} cannot be applied: {' and '.join(counts)}{hint}.")
    return checked


def read_valid(session: Session, screen: Screen, file: str) -> Configuration:
    """Of a file that could be applied: its errors are said, its warnings are not asked for."""
    stdin = session.read_stdin() if file == reading.STDIN else None
    checked = check(reading.read(reading.load(file, stdin)), session.now())
    if checked.errors:
        if not screen.as_json:
            screen.problems(checked.errors)
            screen.say()
        counted = _count(len(checked.errors), "error")
        raise Refused(f"{_named(file)} cannot be applied: {counted}. See `opsknight validate`.")
    return checked.configuration


def _named(file: str) -> str:
    return "Standard input" if file == reading.STDIN else file


def _plan(session: Session, deployment: Deployment, checked: Checked, *, prune: bool) -> Plan:
    return plan(
        Configurations(deployment.table),
        checked.configuration,
        prune=prune,
        now=session.now(),
        deadline=session.deadline(),
    )


def _problems(checked: Checked) -> dict[str, object]:
    return {"problems": _told(checked.problems)}


def _told(problems: tuple[Problem, ...]) -> list[dict[str, object]]:
    return [
        {
            "severity": each.severity.value,
            "file": each.place.file,
            "line": each.place.line,
            "column": each.place.column,
            "path": dotted(each.path),
            "message": each.sentence,
        }
        for each in problems
    ]


def _silenced(made: Plan) -> str:
    named = [
        f"{each.key.name!r} of user {slug_of(each.user.id)}, used on {each.key.used_on}"
        for each in made.silenced
    ]
    return (
        f"This would silence {_count(len(named), 'API key')} in use: {'; '.join(named)}. "
        "Whatever sends with it would be refused from then on. Give it another key first "
        "(`opsknight keys create --user ...`), or give --force."
    )


def _overtaken(done: int, steps: int) -> str:
    if not done:
        return (
            "Somebody else has changed the configuration since this plan was made. "
            "Nothing was written: run the command again to see what is different now."
        )
    return (
        "Somebody else has changed the configuration meanwhile. "
        f"{done} of {_count(steps, 'change')} were written, and nothing refers to what is not "
        "there: run the command again to see what is left."
    )


def _hint_at_keys(made: Plan, screen: Screen) -> None:
    new = [
        step.entry
        for step in made.steps
        if isinstance(step, Create) and kind_of(step.entry) is Kind.INTEGRATION
    ]
    if not new:
        return
    screen.say("New integrations need a key each to send with:")
    for entry in new[:MOST_HINTS]:
        _, service, _, integration = path_of(entry)
        screen.say(f"    opsknight keys create --service {service} --integration {integration}")
    if len(new) > MOST_HINTS:
        screen.say(f"    and {len(new) - MOST_HINTS} more")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
