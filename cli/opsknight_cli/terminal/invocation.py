"""The options that commands share, and what they stand for: a session, a screen, a deployment.

An option that only one command takes belongs to that command.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final

import typer

from opsknight_cli.session import Session, Where
from opsknight_cli.terminal.screen import Screen

if TYPE_CHECKING:
    from opsknight_cli.deployments import Deployment

_DEPLOYMENT: Final[dict[str, Any]] = {
    "stack": Annotated[
        str | None,
        typer.Option(
            "--stack",
            envvar="OPSKNIGHT_STACK",
            help="The CloudFormation stack; defaults to that of `make run`, or to opsknight.",
            show_default=False,
        ),
    ],
    "region": Annotated[
        str | None,
        typer.Option("--region", help="The AWS region; defaults to that of your AWS setup."),
    ],
    "profile": Annotated[str | None, typer.Option("--profile", help="The AWS profile to use.")],
}
_ACTING_AS: Final[dict[str, Any]] = {
    "acting_as": Annotated[
        str | None,
        typer.Option(
            "--as",
            envvar="OPSKNIGHT_USER",
            help="The user you act as; by default the timeline names your AWS identity.",
            show_default=False,
        ),
    ],
}
_JSON: Final = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True, slots=True)
class Terminal:
    """What `main` hands to every command."""

    session: Session
    new_screen: Callable[[bool], Screen]
    """Its argument says whether to print JSON."""


@dataclass(frozen=True)
class Invocation:
    """One run of a command."""

    session: Session
    screen: Screen
    where: Where
    acting_as: str | None
    """The user named with `--as`."""

    @cached_property
    def deployment(self) -> "Deployment":
        """Looked up when a command first needs it. Raises NotFound."""
        return self.session.find(self.where)


def common_options[**P](
    *, deployment: bool = True, acting: bool = False
) -> Callable[[Callable[Concatenate[Invocation, P], None]], Callable[..., None]]:
    """Makes a Typer command of a function whose first argument is an Invocation.

    The command takes the function's own options, then `--as` (if `acting`), those that name a
    deployment (unless `deployment` is False), and `--json`.
    """
    shared = (_ACTING_AS if acting else {}) | (_DEPLOYMENT if deployment else {})

    def decorate(command: Callable[Concatenate[Invocation, P], None]) -> Callable[..., None]:
        call: Callable[..., None] = command

        def run(context: typer.Context, **options: Any) -> None:
            terminal: Terminal = context.obj
            given = {name: options.pop(name) for name in shared}
            invocation = Invocation(
                session=terminal.session,
                screen=terminal.new_screen(options.pop("as_json")),
                acting_as=given.pop("acting_as", None),
                where=Where(**given),
            )
            call(invocation, **options)

        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        parameters = [
            _option("context", typer.Context),
            *(each.replace(kind=Parameter.KEYWORD_ONLY) for each in own),
            *(_option(name, annotation, None) for name, annotation in shared.items()),
            _option("as_json", _JSON, False),
        ]
        # Typer makes its options from the signature, so the signature has to list all of them.
        vars(run)["__signature__"] = inspect.Signature(parameters)
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        # Where the command is, for the outline.
        run.__module__ = command.__module__
        return run

    return decorate


def _option(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
