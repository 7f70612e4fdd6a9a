"""`export`: the configuration of a deployment as a file."""

import typer

from opsknight.files.describing import described
from opsknight.files.writing import written
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration

app = typer.Typer()


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
