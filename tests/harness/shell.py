"""The command line, in process: on a world's tables, by a world's clock, at a chosen width."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from opsknight_cli.deployments import Deployment
from opsknight_cli.main import run
from opsknight_cli.session import Session
from tests.harness.account import Scripted
from tests.harness.world import World


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Shell:
    world: World
    width: int = 80
    url: str = "https://api.example.com"
    account: Scripted | None = None
    """What `doctor` looks at."""
    patience: float = 15
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def opsknight(self, *words: str | Path, stdin: str = "") -> Said:
        """Runs a command; ids count up from 1."""
        out, err = io.StringIO(), io.StringIO()
        session = Session(
            find=lambda _: Deployment("stack opsknight", self.url, self.world.table),
            now=self.world.clock,
            new_id=lambda prefix, _: f"{prefix}_{next(self._numbers):06}",
            read_stdin=lambda: stdin,
            reach=lambda _: (self.account or Scripted(self.world)).account(),
            patience=self.patience,
        )
        with _columns(self.width), redirect_stdout(out), redirect_stderr(err):
            code = run([str(word) for word in words], session)
        return Said(code, out.getvalue(), err.getvalue())


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
