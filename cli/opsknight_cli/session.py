"""The outside world as commands see it: how to reach a deployment, the clock, new ids, standard
input. And the two ways in which a command ends early.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opsknight.store.calls import Deadline
    from opsknight_cli.deployments import Account, Deployment

PATIENCE_SECONDS: Final = 60
WRITE: Final = "act"
"""The prefix of the ids of writes."""


@dataclass(frozen=True, slots=True)
class Where:
    """The deployment that the options name."""

    stack: str | None = None
    region: str | None = None
    profile: str | None = None


class NotFound(Exception):
    """No deployment was found; the text is a sentence for the operator."""


class CommandError(Exception):
    """The command failed, or was called off; the text is a sentence for the operator."""


class UsageError(CommandError):
    """The command was called in a wrong way: options that contradict each other, a time that is no
    time.
    """


class Exit(Exception):
    """The command has printed everything, and ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _reach(where: Where) -> "Account":
    account: Account = import_module("opsknight_cli.deployments").reach(where)
    return account


@dataclass(frozen=True, slots=True)
class Session:
    find: Callable[[Where], "Deployment"]
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    read_stdin: Callable[[], str]
    sleep: Callable[[float], None]
    """Seconds."""
    reach: Callable[[Where], "Account"] = _reach
    remember: Callable[[str | None, Mapping[str, Iterable[str]]], None] = lambda *_: None
    """Takes the names in the deployment of a stack, by kind, for completion."""
    patience: float = PATIENCE_SECONDS
    checked_within: float = 15
    """Seconds that each check of the doctor has."""

    def deadline(self, most: float = PATIENCE_SECONDS) -> "Deadline":
        # Who needs a deadline is about to call AWS, and has imported what that takes.
        deadline: type[Deadline] = import_module("opsknight.store.calls").Deadline
        return deadline.after(min(most, self.patience))

    def id(self, prefix: str) -> str:
        return self.new_id(prefix, self.now())

    def token(self) -> str:
        """Names one write, so that DynamoDB ignores its repetition; at most 32 characters."""
        return self.id(WRITE)
