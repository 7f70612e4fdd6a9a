"""`validate` and `schema`, which need no deployment: they import nothing of AWS."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from opsknight.config.configuration import Configuration, Kind
from opsknight.files.problems import problems_data
from opsknight_cli.configuration.loading import load, name_of
from opsknight_cli.files.schema import schema
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen

DEFAULT_FILE: Final = "opsknight.yaml"

app = typer.Typer()

FileArgument = Annotated[
    str, typer.Argument(help="A file, a folder of .yaml files, or - for standard input.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")]


@app.command("validate")
@common_options(deployment=False)
def validate_command(
    invocation: Invocation, file: FileArgument = DEFAULT_FILE, strict: StrictOption = False
) -> None:
    """Show everything that is wrong with a configuration. Needs no deployment."""
    screen = invocation.screen
    checked = load(invocation, file, strict=strict)
    if screen.as_json:
        screen.data({"valid": True, "problems": problems_data(checked.problems)})
    else:
        counts = ", ".join(_counts(checked.configuration))
        screen.say(f"{name_of(file)} is valid: {counts}.", "green")


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of configuration files, for editors."""
    Screen().raw(json.dumps(schema(), indent=2) + "\n")


def _counts(configuration: Configuration) -> Iterator[str]:
    for kind in Kind:
        if number := len(configuration.by_kind(kind)):
            several = "policies" if kind is Kind.POLICY else f"{kind}s"
            yield f"{number} {kind if number == 1 else several}"
