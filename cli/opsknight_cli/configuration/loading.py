"""Reading configuration files for commands, and showing what is wrong with them.

How files are read and checked is up to `files`.
"""

from pathlib import Path
from typing import Final

from opsknight.config.configuration import Configuration
from opsknight.files.checking import Checked, check
from opsknight.files.problems import counted, problems_data
from opsknight.files.reading import read
from opsknight.runtime.addresses import Reach
from opsknight_cli.files.texts import STDIN
from opsknight_cli.files.texts import load as texts
from opsknight_cli.session import CommandError, Exit
from opsknight_cli.terminal.invocation import Invocation

INVALID: Final = 1
# As in `deployments`, which imports more than `validate` needs.
SETTINGS: Final = Path(".local") / "opsknight.env"


def load(invocation: Invocation, file: str, *, strict: bool) -> Checked:
    """A file that can be applied; shows all its problems. Raises CommandError or Exit when it has
    errors, or when it has warnings and `strict` is set.
    """
    screen = invocation.screen
    checked = _check(invocation, file)
    blocking = checked.problems if strict else checked.errors
    if blocking and screen.as_json:
        screen.data({"valid": False, "problems": problems_data(checked.problems)})
        raise Exit(INVALID)
    if not screen.as_json:
        screen.problems(checked.problems, failed=bool(blocking))
    if blocking:
        warnings = len(checked.problems) - len(checked.errors)
        counts = [counted(len(checked.errors), "error")] if checked.errors else []
        counts += [counted(warnings, "warning")] if warnings else []
        hint = "" if checked.errors else " (--strict treats warnings as errors)"
        raise CommandError(f"{name_of(file)} cannot be applied: {' and '.join(counts)}{hint}.")
    return checked


def load_valid(invocation: Invocation, file: str) -> Configuration:
    """The same for commands that do not apply the file: warnings do not matter to them."""
    screen = invocation.screen
    checked = _check(invocation, file)
    if checked.errors:
        if not screen.as_json:
            screen.problems(checked.errors, failed=True)
        errors = counted(len(checked.errors), "error")
        raise CommandError(
            f"{name_of(file)} cannot be applied: {errors}. See `opsknight validate`."
        )
    return checked.configuration


def _check(invocation: Invocation, file: str) -> Checked:
    session = invocation.session
    stdin = session.read_stdin() if file == STDIN else None
    return check(read(texts(file, stdin)), session.now(), _reach())


def _reach() -> Reach:
    """Where `make run` runs, messages may go to programs of the same machine."""
    here = Path.cwd()
    running = any((each / SETTINGS).is_file() for each in (here, *here.parents))
    return Reach.LOCAL if running else Reach.PRIVATE


def name_of(file: str) -> str:
    return "Standard input" if file == STDIN else file
