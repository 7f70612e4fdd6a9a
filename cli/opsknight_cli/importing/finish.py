"""`import finish`: what an import leaves to be made on the deployment."""

from typing import Annotated, Final

import typer

from opsknight.files.problems import counted
from opsknight_cli.importing import finishing
from opsknight_cli.session import CommandError, Exit
from opsknight_cli.terminal.invocation import Invocation, common_options

FAILED: Final = 1

app = typer.Typer()


@app.command("finish")
@common_options()
def finish_command(
    invocation: Invocation,
    where: Annotated[str, typer.Argument(help="The folder that an import has written.")],
) -> None:
    """Make overrides, maintenance windows and keys, once the folder has been applied."""
    screen = invocation.screen
    done = finishing.finish(invocation, finishing.read(where), where)
    if screen.as_json:
        screen.data(
            {
                "overrides": done.overrides,
                "windows": done.windows,
                "keys": [f"{each.service}/{each.integration}" for each in done.keys],
                "missing": list(done.missing),
            }
        )
        if done.missing:
            raise Exit(FAILED)
        return
    for said in done.missing:
        screen.say(f"Not made: {said}.", "yellow")
    counts = (
        counted(done.overrides, "override"),
        counted(done.windows, "maintenance window"),
        counted(len(done.keys), "key"),
    )
    screen.say(f"Made {', '.join(counts)}.", "green")
    if done.keys:
        screen.say(f"{where}/{finishing.KEYS} says where to put each key. Then delete it.")
    if done.missing:
        raise CommandError(
            f"What these belong to is not in the deployment: `opsknight apply {where}` first, then "
            "run this again."
        )
