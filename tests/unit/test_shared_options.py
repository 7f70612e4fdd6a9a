"""The options that commands share arrive as one object, and only where they are wanted."""

from typing import Annotated, Any

import pytest
import typer

from harness.world import Clock
from opsknight_cli.deployments import Deployment
from opsknight_cli.session import Session, Where
from opsknight_cli.terminal.invocation import Invocation, Terminal, common_options
from opsknight_cli.terminal.screen import Screen


def no_deployment(where: Where) -> Deployment:
    raise AssertionError(f"nobody asked for {where}")


def run(*words: str, **shared: bool) -> tuple[Invocation, str, int]:
    """What a command gets that has an argument and an option of its own."""
    app = typer.Typer()
    got: list[tuple[Invocation, str, int]] = []

    @app.command()
    @common_options(**shared)
    def act(
        invocation: Invocation,
        word: Annotated[str, typer.Argument()],
        times: Annotated[int, typer.Option("--times")] = 1,
    ) -> None:
        """Do something."""
        got.append((invocation, word, times))

    session = Session(no_deployment, Clock(), lambda prefix, _: prefix, str, lambda _: None)
    terminal = Terminal(session, lambda as_json: Screen(as_json=as_json))
    command: Any = typer.main.get_command(app)
    command.main(list(words), obj=terminal, standalone_mode=False)
    [only] = got
    return only


def test_without_options_there_are_defaults_and_nothing_is_looked_up() -> None:
    invocation, word, times = run("hello")
    assert (word, times) == ("hello", 1)
    assert (invocation.where, invocation.acting_as) == (Where(), None)
    assert not invocation.screen.as_json


def test_options_arrive_in_any_order() -> None:
    invocation, word, times = run(
        *["--json", "--times", "3", "--stack", "s", "hello", "--region", "r", "--profile", "p"]
    )
    assert (word, times) == ("hello", 3)
    assert invocation.where == Where("s", "r", "p")
    assert invocation.screen.as_json


def test_who_acts_is_an_option_of_commands_that_act(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("hello", "--as", "ada", acting=True)[0].acting_as == "ada"
    monkeypatch.setenv("OPSKNIGHT_USER", "ben")
    assert run("hello", acting=True)[0].acting_as == "ben"
    assert run("hello")[0].acting_as is None


@pytest.mark.parametrize("words", [["--as", "ada"], ["--stack", "s"]])
def test_a_command_without_an_option_rejects_it(words: list[str]) -> None:
    with pytest.raises(Exception, match="No such option"):
        run("hello", *words, deployment=False)
