"""What every command is given: how to reach a deployment, the clock, and ids. And how it fails."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import typer

from opsknight.store.calls import Deadline
from opsknight_cli.deployments import Account, Deployment, Where, reach

PATIENCE_SECONDS: Final = 60

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="OPSKNIGHT_STACK",
        help="The CloudFormation stack; else that of `make run`, or opsknight.",
        show_default=False,
    ),
]
RegionOption = Annotated[
    str | None, typer.Option("--region", help="Its region; else that of your AWS setup.")
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="The AWS profile to use.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Refused(Exception):
    """It could not be done, or was not wanted; the text is a sentence for the operator."""


class Ended(Exception):
    """All is said, and this is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Session:
    find: Callable[[Where], Deployment]
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    read_stdin: Callable[[], str]
    sleep: Callable[[float], None]
    """Seconds."""
    reach: Callable[[Where], Account] = reach
    patience: float = PATIENCE_SECONDS
    checked_within: float = 15
    """Seconds that each check of the doctor has."""

    def deadline(self, most: float = PATIENCE_SECONDS) -> Deadline:
        return Deadline.after(min(most, self.patience))

    def id(self, prefix: str) -> str:
        return self.new_id(prefix, self.now())


def session_of(context: typer.Context) -> Session:
    session: Session = context.obj
    return session
