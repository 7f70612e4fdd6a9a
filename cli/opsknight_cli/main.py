"""`opsknight`: puts the commands together, and turns errors into sentences and exit codes.

0: done. 1: failed, and a sentence says why. 2: `plan` found changes, or `doctor` found warnings.
3: `doctor` found failures. 64: wrong usage. 130: interrupted.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError

from opsknight.runtime import clock
from opsknight.runtime.queues import NotTaken
from opsknight.store.calls import Unavailable
from opsknight_cli import contact, hold, keys, maintenance, oncall, send
from opsknight_cli.configuration import commands as configure
from opsknight_cli.deployments import NotFound, find
from opsknight_cli.doctor import command as doctor
from opsknight_cli.files.reading import Unreadable
from opsknight_cli.incidents import actions, listing, watching
from opsknight_cli.session import CommandError, Exit, Session, UsageError
from opsknight_cli.simulate import command as simulate
from opsknight_cli.terminal.invocation import Terminal
from opsknight_cli.terminal.screen import Screen

FAILED: Final = 1
USAGE: Final = 64
INTERRUPTED: Final = 130

app = typer.Typer(
    help="Operate an OpsKnight Serverless deployment.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
for single in (configure.app, oncall.app, send.app, simulate.app, doctor.app):
    app.registered_commands += single.registered_commands
incidents = typer.Typer(help="See what is open, and act on it.", no_args_is_help=True)
for part in (listing.app, watching.app, actions.app):
    incidents.registered_commands += part.registered_commands
app.add_typer(keys.app, name="keys")
app.add_typer(incidents, name="incidents")
app.add_typer(contact.app, name="contact")
app.add_typer(oncall.overrides, name="override")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(hold.app, name="hold")


@cache
def command() -> Any:
    """The whole tree of commands. Typer takes a while to make it."""
    return typer.main.get_command(app)


def new_screen(as_json: bool) -> Screen:
    return Screen(as_json=as_json)


def run(
    arguments: Sequence[str], session: Session, screens: Callable[[bool], Screen] = new_screen
) -> int:
    """Runs one command, and returns its exit code."""
    screen = screens("--json" in arguments)
    try:
        command().main(list(arguments), prog_name="opsknight", obj=Terminal(session, screens))
    except Exit as end:
        return end.code
    except SystemExit as end:
        match end.code:
            case 2:
                # The library's 2 would mean "there are changes".
                return USAGE
            case int(code) if code == INTERRUPTED:
                sentence = "Interrupted. Nothing is half-written: run the command again."
                return _failed(sentence, screen, INTERRUPTED)
            case code:
                return code if isinstance(code, int) else 0
    except UsageError as error:
        return _failed(str(error), screen, USAGE)
    except (CommandError, NotFound, Unreadable, Unavailable) as error:
        return _failed(str(error), screen)
    except (BotoCoreError, ClientError, NotTaken) as error:
        return _failed(f"AWS answered with an error: {error}", screen)
    raise AssertionError("the library ends every command with SystemExit")


def _failed(sentence: str, screen: Screen, code: int = FAILED) -> int:
    if screen.as_json:
        screen.line({"error": sentence})
    else:
        screen.complain(sentence)
    return code


def main() -> None:
    session = Session(find, clock.now, clock.new_id, sys.stdin.read, time.sleep)
    sys.exit(run(sys.argv[1:], session))
