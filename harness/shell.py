"""The command line in process: on a world's tables, by a world's clock, at two widths at once."""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import TextIO

from rich.text import Text

from harness.account import Scripted
from harness.world import World
from opsknight.directory.audit_log import PREFIX
from opsknight.runtime.queues import Queue
from opsknight_cli.deployments import Deployment
from opsknight_cli.main import run
from opsknight_cli.session import WRITE, Session
from opsknight_cli.terminal.screen import Cell, Screen


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str
    wide: str
    """All output, on a screen of the shell's second width."""

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Shell:
    world: World
    width: int = 80
    wider: int = 120
    url: str = "https://api.example.com"
    pages: Queue | None = None
    arn: str = "arn:aws:sts::123456789012:assumed-role/Operators/grace"
    sleep: Callable[[float], None] | None = None
    """Replaces waiting; without it, the clock moves on."""
    patience: float = 60
    account: Scripted | None = None
    """The account that `doctor` checks."""
    checked_within: float = 15
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def opsknight(self, *words: str | Path, stdin: str = "") -> Said:
        """Runs a command; ids count up from 1."""
        out, err, wide, printed = io.StringIO(), io.StringIO(), io.StringIO(), sys.stdout
        session = Session(
            find=lambda _: Deployment(
                "stack opsknight", self.url, self.world.table, self.pages, lambda: self.arn
            ),
            now=self.world.clock,
            new_id=self._new_id,
            read_stdin=lambda: stdin,
            sleep=lambda seconds: self._pass(seconds, printed),
            reach=lambda _: (self.account or Scripted(self.world)).account(),
            checked_within=self.checked_within,
            patience=self.patience,
        )
        with _columns(self.width), redirect_stdout(out), redirect_stderr(err):
            code = run(
                [str(word) for word in words],
                session,
                lambda as_json: TwoScreens(
                    Screen(as_json=as_json),
                    Screen(as_json=as_json, out=wide, err=wide, width=self.wider),
                ),
            )
        return Said(code, out.getvalue(), err.getvalue(), wide.getvalue())

    def _new_id(self, prefix: str, _: datetime) -> str:
        # A server remembers tokens of all its tables, so they must not repeat between worlds.
        is_a_token = prefix in (WRITE, PREFIX)
        return f"{prefix}_{token_hex(14) if is_a_token else f'{next(self._numbers):06}'}"

    def _pass(self, seconds: float, printed: TextIO) -> None:
        if self.sleep is None:
            self.world.clock.advance(seconds=seconds)
            return
        # Anything that the deployment prints meanwhile is not output of the command.
        with redirect_stdout(printed):
            self.sleep(seconds)


class TwoScreens(Screen):
    """Prints everything on both screens; only the first one answers questions and is painted."""

    def __init__(self, first: Screen, second: Screen) -> None:
        super().__init__(as_json=first.as_json)
        self._screens = (first, second)

    def raw(self, text: str) -> None:
        for each in self._screens:
            each.raw(text)

    def say(self, text: Cell = "", style: str = "", indent: int = 0) -> None:
        for each in self._screens:
            each.say(text, style, indent)

    def hanging(self, text: Text, indent: int, hang: int, *, failed: bool = False) -> None:
        for each in self._screens:
            each.hanging(text, indent, hang, failed=failed)

    def complain(self, sentence: str) -> None:
        for each in self._screens:
            each.complain(sentence)

    def columns(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], indent: int = 0
    ) -> None:
        for each in self._screens:
            each.columns(header, rows, indent)

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], split: int, indent: int = 0
    ) -> None:
        for each in self._screens:
            each.table(header, rows, split, indent)

    def rows(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], drop: Sequence[int]
    ) -> None:
        for each in self._screens:
            each.rows(header, rows, drop)


@contextmanager
def _columns(width: int) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
