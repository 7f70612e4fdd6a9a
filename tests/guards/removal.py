"""One guard: reads its patch, applies it to a copy of the project, and runs its test there.

Imported by a process that then becomes the copy's: it must import nothing of the project.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = (
    "functions",
    "layers",
    "cli",
    "local",
    "inbox",
    "openapi",
    "harness",
    "tests",
    "docs",
    "examples",
)
FILES: Final = ("pyproject.toml", "template.yaml", "samconfig.toml")
# Where modules are looked for, as pyproject.toml has it for pytest.
SOURCES: Final = ("functions", "layers/common", "cli", ".")
# The plugins that tests need.
PLUGINS: Final = ("_hypothesis_pytestplugin", "anyio.pytest_plugin", "pytest_timeout")
# pytest's own codes: 0 all passed, 1 some failed; others mean that it could not run.
PASSED: Final = 0
FAILED: Final = 1
_OUTPUT: Final = "output"


@dataclass(frozen=True)
class Guard:
    patch: Path
    what: str
    test: str

    @classmethod
    def read(cls, patch: Path) -> "Guard":
        """Raises KeyError for a patch that does not say what it is."""
        lines = patch.read_text(encoding="utf-8").splitlines()
        head = dict(line.split(": ", 1) for line in lines[:2])
        return cls(patch, head["Guard"], head["Test"])


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the project, with its bytecode: compiling it would take longer than a test."""
    with tempfile.TemporaryDirectory(prefix="opsknight-guards-") as folder:
        copy = Path(folder)
        for name in COPIED:
            if (ROOT / name).exists():
                ignored = shutil.ignore_patterns("node_modules")
                shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        for name in FILES:
            shutil.copy2(ROOT / name, copy / name)
        yield copy


@contextmanager
def patched(copy: Path, patch: Path) -> Iterator[None]:
    """The copy without the guard, and as it was afterwards, to the times of its files: by these and
    the sizes Python knows whether its bytecode is that of the source.
    """
    files = [copy / name for name in changed(patch)]
    whole = [(file, file.read_bytes(), file.stat()) for file in files]
    subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
    try:
        yield
    finally:
        for file, content, known in whole:
            file.write_bytes(content)
            os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
        for left in copy.iterdir():
            if left.name not in (*COPIED, *FILES):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def changed(patch: Path) -> list[str]:
    lines = patch.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]


def run(tests: list[str], copy: Path) -> NoReturn:
    """Runs tests of the copy of the project that this process has entered, and ends it with
    pytest's exit code; `output_of` has what it printed.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with (copy / _OUTPUT).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    import pytest  # noqa: PLC0415 - the process that waits for us does without it

    # Without its guard a test may hang; with it none takes half as long. A thread ends the process:
    # what a signal raises in a loop may be caught there.
    options = ["-q", "-x", "--timeout=60", "--timeout-method=thread"]
    # It is hardly ever read, and this kind is made in no time.
    options += ["--tb=native"]
    # It collects all garbage at the end: a quarter of the time, when the verdict is known.
    options += ["-p", "no:unraisableexception"]
    # Libraries that are here already hold no assertions of ours.
    options += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    # Without a look through the metadata of every library for others.
    plugins: list[str | object] = [import_module(name) for name in PLUGINS]
    sys.exit(int(pytest.main([*options, *tests], plugins)))


def output_of(copy: Path) -> str:
    """The end of what pytest printed in the copy."""
    return (copy / _OUTPUT).read_text(encoding="utf-8", errors="replace")[-3000:]


def enter(copy: Path) -> None:
    """From now on the project is the copy, for this process and those that it starts."""
    os.chdir(copy)
    # What a patch changed is written back, perhaps within the second that bytecode would note.
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = ":".join(SOURCES)
    sys.path[:] = [path for path in sys.path if not _is_ours(path)]
    sys.path[:0] = [str(copy / source) for source in SOURCES]
    for name, module in list(sys.modules.items()):
        # A package without a file of its own has only a path.
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(_is_ours(place) for place in places if place):
            del sys.modules[name]


def _is_ours(path: str) -> bool:
    """Whether the path is in the project, except for its environment."""
    return _is_our_folder(os.path.dirname(path) or path)  # noqa: PTH120 - there are thousands


@cache
def _is_our_folder(path: str) -> bool:
    place = Path(path).resolve()
    return place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / ".venv")
