"""`opsknight`: the commands, put together, and how they end (docs/command-line.md).

0: done. 1: not done, and a sentence says why. 2: `plan` found changes, `doctor` warnings. 3:
`doctor` found what has failed. 64: wrong usage. 130: interrupted.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Final

import typer
from botocore.exceptions import BotoCoreError, ClientError

from opsknight.runtime import clock
from opsknight.runtime.queues import NotTaken
from opsknight.store.calls import Unavailable
from opsknight_cli import contact, keys, maintenance, oncall, send
from opsknight_cli.configuration import commands as configure
from opsknight_cli.deployments import NotFound, find
from opsknight_cli.doctor import command as doctor
from opsknight_cli.files.reading import Unreadable
from opsknight_cli.incidents import actions, listing
from opsknight_cli.session import Ended, Refused, Session
from opsknight_cli.simulate import command as simulate
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
for group in (configure.app, oncall.app, send.app, simulate.app, doctor.app):
    app.registered_commands += group.registered_commands
app.add_typer(keys.app, name="keys")
listing.app.registered_commands += actions.app.registered_commands
app.add_typer(listing.app, name="incidents")
app.add_typer(contact.app, name="contact")
app.add_typer(oncall.overrides, name="override")
app.add_typer(maintenance.app, name="maintenance")


def run(arguments: Sequence[str], session: Session) -> int:
    """The exit code."""
    command = typer.main.get_command(app)
    as_json = "--json" in arguments
    try:
        command.main(list(arguments), prog_name="opsknight", obj=session)
    except Ended as ended:
        return ended.code
    except SystemExit as end:
        match end.code:
            case 2:
                # 2 is taken: it says that there are changes.
                return USAGE
            case int(code) if code == INTERRUPTED:
                said = "Interrupted. What was written is whole: run the command again."
                return _failed(said, as_json, INTERRUPTED)
            case code:
                return code if isinstance(code, int) else 0
    except (Refused, NotFound, Unreadable, Unavailable) as error:
        return _failed(str(error), as_json)
    except (BotoCoreError, ClientError, NotTaken) as error:
        return _failed(f"AWS refused: {error}", as_json)
    raise AssertionError("the library ends every command by SystemExit")


def _failed(sentence: str, as_json: bool, code: int = FAILED) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": sentence}) + "\n")
    else:
        Screen().complain(sentence)
    return code


def main() -> None:
    session = Session(find, clock.now, clock.new_id, sys.stdin.read, time.sleep)
    sys.exit(run(sys.argv[1:], session))
