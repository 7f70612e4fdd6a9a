"""`opsknight`: puts the commands together, and turns errors into sentences and exit codes.

0: done. 1: failed, and a sentence says why. 2: `plan` found changes, or `doctor` found warnings.
3: `doctor` found failures. 64: wrong usage. 130: interrupted.
"""

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from opsknight.runtime import clock
from opsknight_cli import known_names, outline
from opsknight_cli.session import CommandError, Exit, NotFound, Session, UsageError, Where
from opsknight_cli.terminal.invocation import Terminal
from opsknight_cli.terminal.screen import Screen

# Objects made before the first look for garbage.
GARBAGE: Final = 100_000
FAILED: Final = 1
USAGE: Final = 64
INTERRUPTED: Final = 130
# Failures of AWS, by module. They are imported when something fails, and no earlier.
_OF_AWS: Final = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "opsknight.runtime.queues": ("NotTaken",),
}


def new_screen(as_json: bool) -> Screen:
    return Screen(as_json=as_json)


def run(
    arguments: Sequence[str], session: Session, screens: Callable[[bool], Screen] = new_screen
) -> int:
    """Runs one command, and returns its exit code."""
    screen = screens("--json" in arguments)
    try:
        outline.command().main(
            list(arguments), prog_name="opsknight", obj=Terminal(session, screens)
        )
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
    except (CommandError, NotFound) as error:
        return _failed(str(error), screen)
    except _classes({"opsknight.store.calls": ("Unavailable",)}) as error:
        return _failed(str(error), screen)
    except _classes(_OF_AWS) as error:
        return _failed(f"AWS answered with an error: {error}", screen)
    raise AssertionError("the library ends every command with SystemExit")


def _failed(sentence: str, screen: Screen, code: int = FAILED) -> int:
    if screen.as_json:
        screen.line({"error": sentence})
    else:
        screen.complain(sentence)
    return code


def _classes(names: Mapping[str, Sequence[str]]) -> tuple[type[Exception], ...]:
    """The classes of modules that are imported by now. Others cannot have been raised."""
    return tuple(
        getattr(sys.modules[module], each)
        for module, classes in names.items()
        if module in sys.modules
        for each in classes
    )


def _find(where: Where) -> Any:
    return import_module("opsknight_cli.deployments").find(where)


def main() -> None:
    # What is imported stays until the end: looking for garbage among it finds none.
    gc.set_threshold(GARBAGE)
    session = Session(
        find=_find,
        remember=known_names.keep,
        now=clock.now,
        new_id=clock.new_id,
        read_stdin=sys.stdin.read,
        sleep=time.sleep,
    )
    sys.exit(run(sys.argv[1:], session))
