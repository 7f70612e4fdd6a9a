"""Runs the project's programs (sam, opsknight, ministack) in its own environment, with a log file
for each. What they are run for belongs to the callers.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from local.children import Child

ROOT = Path(__file__).resolve().parent.parent

_NEEDED = ("make", "python3.13", "sam", "uv", "ministack", "opsknight")

_PATIENCE = 300.0
"""Seconds for a build or a deploy; both take about ten."""


def discard(folder: Path) -> None:
    """Takes a folder away at once, and removes what is in it in its own time: an hour of functions
    leaves twenty thousand files, and nobody should wait for them after a Ctrl-C.
    """
    with suppress(FileNotFoundError):
        folder.rename(folder.with_name(f"{folder.name}.{token_hex(4)}"))
    # Also those of a run that was killed, and of one whose machine was switched off.
    gone = map(str, folder.parent.glob(f"{folder.name}.*"))
    subprocess.run(
        ["sh", "-c", 'rm -rf -- "$@" &', "sh", *gone],
        check=True,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Failure(Exception):
    """A problem that a person has to solve, described in one or two sentences."""


def last_word(output: str) -> str:
    """The error that a program ended with. The SAM CLI begins its last one with `Error: `."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error: ")]
    return (errors or lines or ["it printed nothing"])[-1].removeprefix("Error: ")


class Programs:
    """Logs go to `state`, temporary files to `scratch`, and calls of AWS to `endpoint`.

    Programs run in `root`, which is another folder than ours only for an older version.
    """

    def __init__(self, state: Path, endpoint: str, scratch: Path, root: Path = ROOT) -> None:
        self._state = state
        self.root = root
        self.endpoint = endpoint
        self.scratch = scratch
        self.ministack: Child | None = None
        """Set once it runs: without it, every other program would wait in vain."""
        self.environment = os.environ | {
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
            ),
            "TMPDIR": str(scratch),
            "AWS_ENDPOINT_URL": endpoint,
        }
        path = self.environment["PATH"]
        missing = [name for name in _NEEDED if shutil.which(name, path=path) is None]
        if missing:
            raise Failure(f"Not installed: {', '.join(missing)}. Run `make setup`.")

    def log_path(self, name: str) -> Path:
        """The file that a program's output goes to."""
        return self._state / f"{name}.log"

    def log_name(self, name: str) -> Path:
        """The same file for a message: relative to the project where it lies in there."""
        path = self.log_path(name)
        return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Child:
        return Child(command, env=env, cwd=self.root, log=self.log_path(name))

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        explain: Callable[[str], str] = last_word,
    ) -> str:
        """Runs the program to its end and returns its output.

        Raises `Failure` with what `explain` makes of the output when the program fails. An
        exception during the wait stops the program before it goes on.
        """
        shown = f"`{' '.join(command[:2])}`"
        child = self.start(name, command, {**self.environment, **(env or {})})
        deadline = time.monotonic() + _PATIENCE
        try:
            while child.running:
                self.check_ministack()
                if time.monotonic() > deadline:
                    raise Failure(f"{shown} took too long. Its log: {self.log_name(name)}")
                time.sleep(0.05)
        finally:
            child.stop()
        output = self.log_path(name).read_text(errors="replace")
        if child.wait():
            reason = explain(output).removesuffix(".")
            raise Failure(f"{shown} failed: {reason}. Its log: {self.log_name(name)}")
        return output

    def check_ministack(self) -> None:
        """Raises `Failure` when MiniStack has ended."""
        if self.ministack is not None and not self.ministack.running:
            raise Failure(f"MiniStack ended unexpectedly. Its log: {self.log_name('ministack')}")
