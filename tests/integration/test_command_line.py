"""Every sentence that an operator reads, as a terminal of 80 and of 120 columns shows it.

The expected output is in tests/golden/cli. With GOLDEN=write in the environment, this module writes
it again: look at the changes before you commit them.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.dynamodb import make_table
from harness.shell import Said, Shell
from harness.world import Clock, build
from opsknight_cli.deployments import find
from opsknight_cli.main import FAILED, USAGE, run
from opsknight_cli.outline import command
from opsknight_cli.session import Session
from tests.integration import (
    scenes_configuration,
    scenes_importing,
    scenes_incidents,
    scenes_integrations,
    scenes_people,
)
from tests.integration.play import Play, small

GOLDEN = Path(__file__).parent.parent / "golden" / "cli"

type Scene = Callable[[Play], None]

SCENES: tuple[Scene, ...] = (
    scenes_configuration.validate_says_all_that_is_wrong,
    scenes_configuration.validate_looks_ahead,
    scenes_configuration.apply_from_nothing_and_change,
    scenes_configuration.prune_and_what_keeps_it,
    scenes_configuration.keys,
    scenes_configuration.login,
    scenes_configuration.a_key_in_use,
    scenes_configuration.on_call,
    scenes_configuration.calendar,
    scenes_configuration.maintenance,
    scenes_configuration.hold,
    scenes_incidents.incidents,
    scenes_incidents.incidents_refused,
    scenes_incidents.contact,
    scenes_incidents.simulate,
    scenes_incidents.simulate_a_gap,
    scenes_incidents.doctor,
    scenes_integrations.integrations,
    scenes_integrations.heartbeats,
    scenes_integrations.analytics,
    scenes_integrations.audit,
    scenes_importing.importing,
    scenes_integrations.aws,
    scenes_people.me,
)


@pytest.fixture
def shell(dynamodb: str) -> Shell:
    world = build(dynamodb)
    # Nothing is there before the first command.
    client = world.table.client
    empty = replace(world.table, name=make_table(client, "Table"))
    return Shell(replace(world, table=empty))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_it_reads_as_it_was_looked_at(shell: Shell, scene: Scene) -> None:
    play = Play(shell)
    scene(play)
    for width, text in play.texts().items():
        is_as_kept(text, f"{scene.__name__}.{width}")
        assert not re.search(r"[ \t]$", text, re.MULTILINE), "nothing trails"
        # Text to copy stays in one piece, and so do long words.
        wide = [line for line in text.splitlines() if len(line) > width and line[0] != "$"]
        whole = r"^\s*(\S+|.*(curl|'Authorization|\"message\"|\"rule\").*)$"
        assert all(re.search(whole, line) for line in wide), wide
    for words, said in play.answers:
        says_failures_on_one_stream(words, said)


# What these show before they fail is a result: the plan, and what they did change or make.
SHOWS_BEFORE_IT_FAILS = {("apply", "-"), ("incidents", "ack"), ("import", "finish")}


def says_failures_on_one_stream(words: Sequence[str], said: Said) -> None:
    """All of a failure is on standard error, and nothing else is: `2>/dev/null` leaves results."""
    failed = said.code in (FAILED, USAGE)
    if "--json" in words or (words[:2] == ("contact", "test") and said.out):
        # A failure as JSON is one object. The results of tests are a table, in which some failed.
        assert said.err == "", words
    elif words[:2] in SHOWS_BEFORE_IT_FAILS:
        assert bool(said.err) is failed, words
    else:
        assert (said.out == "", said.err != "") == (failed, failed), words


@pytest.mark.parametrize("width", [80, 120])
def test_help_reads_as_it_was_looked_at(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    session = Session(find, Clock(), lambda prefix, _: prefix, str, lambda _: None)
    pages = []
    for words in commands(command()):
        assert run([*words, "--help"], session) == 0
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert all(len(line) <= width for line in lines)
        pages.append("\n".join([f"$ opsknight {' '.join([*words, '--help'])}", *lines, ""]))
    is_as_kept("\n".join(pages), f"help.{width}")


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, (*words, name))


def is_as_kept(text: str, name: str) -> None:
    kept = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        kept.write_text(text)
    assert text == kept.read_text()


def test_a_wrong_choice_is_answered_in_words_of_ours(shell: Shell) -> None:
    said = shell.opsknight("incidents", "list", "--status", "all")
    assert said.code == 64
    assert "'all' is not one of 'open', 'acknowledged'" in " ".join(said.err.split())
    assert "Value error" not in said.err


def test_usage_errors_are_not_taken_for_changes(shell: Shell) -> None:
    assert shell.opsknight("plan", "--prun").code == 64
    assert shell.opsknight("send", "--severity", "bad", "--key", "x").code == 64
    assert shell.opsknight("plan", "--help").code == 0
    for words in (("plan", "--prun"), ("nope",), ("keys",), ()):
        said = shell.opsknight(*words)
        assert (said.code, said.out, bool(said.err)) == (64, "", True), words


def test_what_is_to_be_copied_stays_in_one_piece(shell: Shell) -> None:
    shell.opsknight("apply", "-", "--yes", stdin=small())
    shell.url = f"https://{'a' * 10}.execute-api.eu-central-1.amazonaws.com/{'stage' * 8}"
    said = shell.opsknight("login", "--user", "ada").out
    assert re.search(rf"^    {shell.url}/auth/[\w-]{{43}}$", said, re.MULTILINE), said


def test_failures_are_json_too(shell: Shell) -> None:
    said = shell.opsknight("keys", "revoke", "key_x", "--json")
    assert (said.code, said.err) == (1, "")
    assert said.out == (
        '{"error": "There is no key \\"key_x\\". `opsknight keys list` shows all keys."}\n'
    )
